"""The life of a school's account, as a table: signed up by itself, approved by the unit of its place."""

from enum import StrEnum
from typing import Final

from iew.domain.lifecycle import Lifecycle, Row


class Status(StrEnum):
    PENDING = "pending"  # may draft; waits for the unit of its place
    ASKED = "asked"  # the unit has a question; the school answers by correcting its entry
    APPROVED = "approved"
    REJECTED = "rejected"


class Party(StrEnum):
    """What the actor is to this school."""

    OWNER = "owner"
    APPROVER = "approver"  # the unit of its place
    ADMIN = "admin"
    SYSTEM = "system"


class Side(StrEnum):
    DOMESTIC = "domestic"  # in Taiwan
    OVERSEAS = "overseas"


def side_of(country: str) -> Side:
    return Side.DOMESTIC if country == "TW" else Side.OVERSEAS


S, P = Status, Party
SCHOOL: Final = Lifecycle(
    #   action      kind  from           to            who                     needs       fact
    Row("approve",  None, {S.PENDING},   S.APPROVED,   {P.APPROVER, P.ADMIN},  set(),      "SchoolApproved"),
    Row("ask",      None, {S.PENDING},   S.ASKED,      {P.APPROVER, P.ADMIN},  {"reason"}, "SchoolAsked"),
    Row("reject",   None, {S.PENDING},   S.REJECTED,   {P.APPROVER, P.ADMIN},  {"reason"}, "SchoolRejected"),
    Row("answer",   None, {S.ASKED},     S.PENDING,    {P.OWNER},              set(),      "SchoolAnswered"),
)  # fmt: skip

SENIOR_HIGH_LEVELS: Final = frozenset({"senior_high_general", "senior_high_technical", "senior_high_comprehensive"})
