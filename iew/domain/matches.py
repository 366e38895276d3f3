"""The life of a match, as a table.

A match is one school's wish to exchange with another, from first contact to reported result. Each change of its status
is a row here and passes through `UnitOfWork.transition`; read the rows and you have read the rules.
"""

from enum import StrEnum
from typing import Final

from iew.domain.lifecycle import Lifecycle, Row


class Status(StrEnum):
    REQUESTED = "requested"  # asked; nobody has taken it up
    ROUTED = "routed"  # lies with a centre or an office that has not accepted it yet
    IN_PROGRESS = "in_progress"  # the unit looks for a partner
    AGREED = "agreed"  # both schools said yes; contacts are released
    COMPLETED = "completed"  # a result was reported
    DECLINED = "declined"  # the invited school said no
    NOT_FOUND = "not_found"  # the unit found no partner
    NO_REPLY = "no_reply"  # the invited school let the deadline pass
    CANCELLED = "cancelled"  # called off


class Via(StrEnum):
    DIRECT = "direct"  # school to school
    ASSISTED = "assisted"  # a centre, an office or the administrator helps


class Direction(StrEnum):
    INBOUND = "inbound"  # an overseas school asks; the other school is in Taiwan
    OUTBOUND = "outbound"  # a school in Taiwan asks


class Party(StrEnum):
    """What the actor is to this match; a user may be several."""

    ASKING = "asking"
    INVITED = "invited"  # the posting school of a direct match
    PROPOSED = "proposed"  # has an unanswered proposal in an assisted match
    PARTNER = "partner"  # the other school, once agreed
    HANDLER = "handler"  # the unit the case lies with
    KEEPER = "keeper"  # the administrator while the case lies with the administrator
    ADMIN = "admin"
    SYSTEM = "system"


class Insight(StrEnum):
    """How much of a match somebody sees who may see it at all."""

    WHOLE = "whole"  # the unit it lies with, the administrator
    ASKING = "asking"  # the asking school: progress, not the notes of the unit
    OTHER = "other"  # the invited school, or the partner
    CANDIDATE = "candidate"  # a proposed school that has not answered: the request and its own part
    FORMER = "former"  # a proposed school that declined or came too late; a unit that gave the case away


class HandlerKind(StrEnum):
    IERC = "ierc"
    OFFICE = "office"
    ADMIN = "admin"


class ProposalStatus(StrEnum):
    OPEN = "open"  # asked; has not answered
    ACCEPTED = "accepted"
    DECLINED = "declined"
    SUPERSEDED = "superseded"  # another school was first, or the case ended


S, P = Status, Party
D, A = Via.DIRECT, Via.ASSISTED
BEFORE_AGREED: Final = frozenset({S.REQUESTED, S.ROUTED, S.IN_PROGRESS})
OPEN: Final = BEFORE_AGREED | {S.AGREED}
WITH_CONTACTS: Final = frozenset({S.AGREED, S.COMPLETED})
SEEKS_ANOTHER: Final = frozenset({S.DECLINED, S.NO_REPLY, S.NOT_FOUND})
"""Ends after which the asking school still has no partner."""

MATCH: Final = Lifecycle(
    #   action       kind  from                                     to             who                    needs            fact
    Row("route",     A,    {S.REQUESTED},                           S.ROUTED,      {P.SYSTEM},            {"handler"},     "MatchRouted"),
    Row("route",     A,    {S.REQUESTED, S.ROUTED, S.IN_PROGRESS},  S.ROUTED,      {P.ADMIN},             {"handler"},     "MatchRouted"),
    Row("accept",    A,    {S.ROUTED},                              S.IN_PROGRESS, {P.HANDLER},           set(),           "MatchTakenUp"),
    Row("accept",    D,    {S.REQUESTED},                           S.AGREED,      {P.INVITED},           set(),           "MatchAgreed"),
    Row("accept",    A,    {S.IN_PROGRESS},                         S.AGREED,      {P.PROPOSED},          set(),           "MatchAgreed"),
    Row("hand_back", A,    {S.ROUTED, S.IN_PROGRESS},               S.REQUESTED,   {P.HANDLER},           {"reason"},      "MatchHandedBack"),
    Row("propose",   A,    {S.IN_PROGRESS},                         None,          {P.HANDLER},           {"school_id"},   "SchoolProposed"),
    Row("agree",     A,    {S.IN_PROGRESS},                         S.AGREED,      {P.HANDLER},           {"school_id"},   "MatchAgreed"),
    Row("decline",   D,    {S.REQUESTED},                           S.DECLINED,    {P.INVITED},           {"reason_code"}, "MatchDeclined"),
    Row("decline",   A,    {S.IN_PROGRESS},                         None,          {P.PROPOSED},          {"reason_code"}, "ProposalDeclined"),
    Row("not_found", A,    {S.IN_PROGRESS},                         S.NOT_FOUND,   {P.HANDLER},           {"reason"},      "MatchNotFound"),
    Row("not_found", A,    {S.REQUESTED},                           S.NOT_FOUND,   {P.KEEPER},            {"reason"},      "MatchNotFound"),
    Row("no_reply",  D,    {S.REQUESTED},                           S.NO_REPLY,    {P.SYSTEM},            set(),           "MatchNoReply"),
    Row("cancel",    None, BEFORE_AGREED,                           S.CANCELLED,   {P.ASKING},            set(),           "MatchCancelled"),
    Row("cancel",    None, {S.AGREED},                              S.CANCELLED,   {P.ASKING, P.PARTNER}, {"reason"},      "MatchCancelled"),
    Row("report",    None, {S.AGREED},                              S.COMPLETED,   {P.ASKING, P.PARTNER}, {"summary", "held_on"}, "MatchReported"),
    Row("report",    None, {S.COMPLETED},                           None,          {P.ASKING, P.PARTNER}, {"summary", "held_on"}, "ReportAdded"),
)  # fmt: skip
