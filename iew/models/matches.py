"""Matches, the schools proposed for them, their messages and their results."""

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Identity,
    Index,
    UniqueConstraint,
    and_,
    false,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from iew.db import Base, new_id
from iew.domain.actors import Actor, Role
from iew.domain.contacts import Case
from iew.domain.lifecycle import Lifecycle
from iew.domain.matches import MATCH, HandlerKind, Insight, Party, ProposalStatus, Status, Via
from iew.domain.plans import Plan, periods_of
from iew.models.accounts import School
from iew.models.columns import Living
from iew.models.invitations import Invitation


class Match(Living, Base):
    """One school's wish to exchange with another, from first contact to reported result."""

    __tablename__ = "matches"
    __table_args__ = (
        Index(
            "uq_matches_one_open",
            "asking_school_id",
            "invitation_id",
            unique=True,
            postgresql_where=text(
                "invitation_id is not null and status in ('requested', 'routed', 'in_progress', 'agreed')"
            ),
        ),
        Index("ix_matches_handler", "handler_kind", "handler_code", "status"),
        Index("ix_matches_status_due_at", "status", "due_at"),
    )
    lifecycle: ClassVar[Lifecycle] = MATCH
    subject_type: ClassVar[str] = "match"

    serial: Mapped[int] = mapped_column(Identity(start=1001), unique=True)
    via: Mapped[str]
    direction: Mapped[str]
    asking_school_id: Mapped[str] = mapped_column(ForeignKey("schools.id"), index=True)
    asked_by_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    invitation_id: Mapped[str | None] = mapped_column(ForeignKey("invitations.id"), index=True)
    from_invitation_id: Mapped[str | None] = mapped_column(ForeignKey("invitations.id"))
    posting_school_id: Mapped[str | None] = mapped_column(ForeignKey("schools.id"), index=True)
    """The school of the post asked about; None for a wish."""
    wish: Mapped[dict[str, Any] | None]
    message: Mapped[str]

    handler_kind: Mapped[str | None]
    """None for a direct match."""
    handler_code: Mapped[str | None] = mapped_column(ForeignKey("units.code"))
    suggested_code: Mapped[str | None] = mapped_column(ForeignKey("units.code"))
    handed_back_reason: Mapped[str | None]
    """Set while a unit's hand-back waits for the administrator."""
    since: Mapped[datetime]
    """When the case came to whoever has it now."""
    due_at: Mapped[datetime | None]
    overdue: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    reminded_at: Mapped[datetime | None]

    partner_school_id: Mapped[str | None] = mapped_column(ForeignKey("schools.id"), index=True)
    agreed_by_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    agreed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    reason_code: Mapped[str | None]
    reason: Mapped[str | None]

    asking_school: Mapped[School] = relationship(foreign_keys=[asking_school_id])
    posting_school: Mapped[School | None] = relationship(foreign_keys=[posting_school_id])
    partner_school: Mapped[School | None] = relationship(foreign_keys=[partner_school_id])
    invitation: Mapped[Invitation | None] = relationship(foreign_keys=[invitation_id])
    from_invitation: Mapped[Invitation | None] = relationship(foreign_keys=[from_invitation_id])
    proposals: Mapped[list["Proposal"]] = relationship(back_populates="match", order_by="Proposal.proposed_at")
    reports: Mapped[list["Report"]] = relationship(back_populates="match", order_by="Report.created_at")

    @property
    def number(self) -> str:
        """The readable case number."""
        return f"M-{self.created_at.year}-{self.serial:06d}"

    @property
    def kind(self) -> str | None:
        return self.via

    @property
    def other_school_id(self) -> str | None:
        """The school that the asking one talks with: the partner, or the one that a direct request was put to."""
        return self.partner_school_id or (self.posting_school_id if self.via == Via.DIRECT else None)

    @property
    def other_school(self) -> School | None:
        return self.partner_school or (self.posting_school if self.via == Via.DIRECT else None)

    @property
    def plan(self) -> Plan:
        """What is planned: by the post asked about, else by the wish, else by the asking school's own post."""
        posts = [post for post in (self.invitation, self.from_invitation) if post is not None]
        wished = (self.wish or {}).get("exchange_types") or []
        types = (wished if self.invitation is None else []) or next((post.exchange_types for post in posts), [])
        periods = next(filter(None, (periods_of(post.planned_periods) for post in posts)), ())
        return Plan(frozenset(types), periods)

    @property
    def case(self) -> Case:
        """What the rule about contact data asks of this match."""
        return Case(
            status=self.status,
            asking_school_id=self.asking_school_id,
            partner_school_id=self.partner_school_id,
            handler_kind=self.handler_kind,
            handler_code=self.handler_code,
            ended_at=self.ended_at,
        )

    def proposal_of(self, school_id: str | None) -> "Proposal | None":
        return next((p for p in self.proposals if p.school_id == school_id), None)

    def parties_of(self, actor: Actor) -> frozenset[Party]:
        school = actor.school_id
        proposal = self.proposal_of(school) if school else None
        held = {
            Party.ASKING: school is not None and school == self.asking_school_id,
            Party.INVITED: self.via == Via.DIRECT and school is not None and school == self.posting_school_id,
            Party.PROPOSED: proposal is not None and proposal.status == ProposalStatus.OPEN,
            Party.PARTNER: school is not None and school == self.partner_school_id,
            Party.HANDLER: self._handled_by(actor),
            Party.KEEPER: actor.is_admin and self.handler_kind == HandlerKind.ADMIN,
            Party.ADMIN: actor.is_admin,
            Party.SYSTEM: actor.is_system,
        }
        return frozenset(party for party, holds in held.items() if holds)

    def insight_of(self, actor: Actor) -> Insight:
        """How much of it `actor` sees, given that it may know of it."""
        parties = self.parties_of(actor)
        if parties & {Party.HANDLER, Party.ADMIN, Party.SYSTEM}:
            return Insight.WHOLE
        if Party.ASKING in parties:
            return Insight.ASKING
        if parties & {Party.INVITED, Party.PARTNER}:
            return Insight.OTHER
        return Insight.CANDIDATE if Party.PROPOSED in parties else Insight.FORMER

    def _handled_by(self, actor: Actor) -> bool:
        kinds = {Role.IERC: HandlerKind.IERC, Role.OFFICE: HandlerKind.OFFICE}
        return (
            self.handler_code is not None
            and actor.unit_code == self.handler_code
            and actor.role is not None
            and kinds.get(actor.role) == self.handler_kind
        )

    @property
    def ended(self) -> bool:
        return self.status not in (
            Status.REQUESTED,
            Status.ROUTED,
            Status.IN_PROGRESS,
            Status.AGREED,
        )


class Proposal(Base):
    """A candidate school that the handling unit asked; it answers for itself."""

    __tablename__ = "proposals"
    __table_args__ = (UniqueConstraint("match_id", "school_id"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    match_id: Mapped[str] = mapped_column(ForeignKey("matches.id"), index=True)
    school_id: Mapped[str] = mapped_column(ForeignKey("schools.id"), index=True)
    note: Mapped[str | None]
    status: Mapped[str]
    reason_code: Mapped[str | None]
    answer_note: Mapped[str | None]
    proposed_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]

    match: Mapped[Match] = relationship(back_populates="proposals")
    school: Mapped[School] = relationship()


class Message(Base):
    """What the schools and the handling unit write to each other inside a match."""

    __tablename__ = "messages"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    match_id: Mapped[str] = mapped_column(ForeignKey("matches.id"), index=True)
    author_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    school_id: Mapped[str | None] = mapped_column(ForeignKey("schools.id"))
    unit_code: Mapped[str | None] = mapped_column(ForeignKey("units.code"))
    text: Mapped[str]
    created_at: Mapped[datetime]


class MessageReading(Base):
    """How far a person has read the messages of a match."""

    __tablename__ = "message_readings"

    match_id: Mapped[str] = mapped_column(ForeignKey("matches.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    read_at: Mapped[datetime]


class Report(Base):
    """What came of a match, told by one of its schools."""

    __tablename__ = "reports"
    __table_args__ = (UniqueConstraint("match_id", "school_id"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    match_id: Mapped[str] = mapped_column(ForeignKey("matches.id"), index=True)
    school_id: Mapped[str] = mapped_column(ForeignKey("schools.id"))
    summary: Mapped[str]
    held_on: Mapped[date]
    students: Mapped[int]
    teachers: Mapped[int]
    created_at: Mapped[datetime]

    match: Mapped[Match] = relationship(back_populates="reports")


def matches_of(actor: Actor) -> ColumnElement[bool]:
    """The matches that `actor` may know of: its school's own, those put to its school, those that lie with its unit.

    A post that a unit was asked about is no secret, but that somebody asked is; so the posting school of an assisted
    match is a party only from its proposal or its agreement on. The administrator sees all, the system does too.
    """
    if actor.is_admin or actor.is_system:
        return true()
    if actor.is_unit and actor.unit_code is not None:
        return and_(Match.handler_kind == str(actor.role), Match.handler_code == actor.unit_code)
    if actor.role is Role.SCHOOL and actor.school_id is not None:
        own = actor.school_id
        return or_(
            Match.asking_school_id == own,
            and_(Match.via == Via.DIRECT.value, Match.posting_school_id == own),
            Match.partner_school_id == own,
            Match.id.in_(select(Proposal.match_id).where(Proposal.school_id == own)),
        )
    return false()


def matches_on(invitation_id: str) -> ColumnElement[bool]:
    """The matches that a post has part in: asked about, or standing behind the asking school."""
    return or_(Match.invitation_id == invitation_id, Match.from_invitation_id == invitation_id)


def messages_of(match: Match, actor: Actor) -> ColumnElement[bool]:
    """The messages of a match that `actor` may read.

    The two schools of a direct match, the asking school, the unit and the administrator read all. A proposed school
    reads what the asking school, the unit or itself wrote since it was asked, until it is out of the case; nobody but
    the asking school and the unit reads what another candidate wrote.
    """
    here = Message.match_id == match.id
    insight = match.insight_of(actor)
    if insight in (Insight.WHOLE, Insight.ASKING) or match.via == Via.DIRECT:
        return here
    proposal = match.proposal_of(actor.school_id) if actor.school_id else None
    starts = [proposal.proposed_at] if proposal else []
    if insight is Insight.OTHER and match.agreed_at is not None:
        starts.append(match.agreed_at)
    if not starts:
        return false()
    ours = or_(Message.school_id.is_(None), Message.school_id.in_([match.asking_school_id, actor.school_id]))
    readable = and_(here, ours, Message.created_at >= min(starts))
    if insight is Insight.FORMER and proposal is not None and proposal.answered_at is not None:
        return and_(readable, Message.created_at <= proposal.answered_at)
    return readable
