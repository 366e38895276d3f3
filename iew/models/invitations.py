"""Invitations, the revision of a published one, and the contact behind them.

Contact data has a table of its own, so that no list, export or index can carry it by accident.
"""

from datetime import date, datetime
from typing import Any, ClassVar, Final

from sqlalchemy import ForeignKey, Identity, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from iew.db import Base, new_id
from iew.domain.actors import Actor
from iew.domain.invitations import (
    INVITATION,
    REVISION,
    REVISION_OPEN,
    Party,
    RevisionStatus,
    Status,
)
from iew.domain.lifecycle import Lifecycle
from iew.domain.posts import DEFAULTS, Body, as_json
from iew.domain.schools import Side
from iew.models.accounts import School, User
from iew.models.columns import Living

CONTENT: Final = tuple(DEFAULTS)
"""The columns a school fills in; the body of contract section 5 without the contact."""


class Invitation(Living, Base):
    """A school's offer or wish to exchange."""

    __tablename__ = "invitations"
    __table_args__ = (
        Index("ix_invitations_status_published_at", "status", "published_at"),
        Index("ix_invitations_status_expires_on", "status", "expires_on"),
    )
    lifecycle: ClassVar[Lifecycle] = INVITATION
    subject_type: ClassVar[str] = "invitation"

    ref: Mapped[str | None] = mapped_column(unique=True)
    serial: Mapped[int] = mapped_column(Identity(start=1001), unique=True)
    school_id: Mapped[str] = mapped_column(ForeignKey("schools.id"), index=True)
    author_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))

    channel: Mapped[str] = mapped_column(default="general")
    title: Mapped[str]
    description: Mapped[str | None]
    content_language: Mapped[str]
    translations: Mapped[list[dict[str, Any]]]
    exchange_types: Mapped[list[str]]
    languages: Mapped[list[str]]
    levels: Mapped[list[str]]
    grades: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    target_countries: Mapped[list[str]]
    target_counties: Mapped[list[str]]
    topics: Mapped[list[str]]
    periods: Mapped[list[dict[str, Any]]]
    """`[{"start": "2027-04-01", "end": "2027-07-31"}]`"""
    group: Mapped[dict[str, Any] | None]
    homestay: Mapped[str] = mapped_column(default="none")
    expires_on: Mapped[date | None]
    contact_visibility: Mapped[str] = mapped_column(default="after_agreement")
    travel: Mapped[dict[str, Any] | None]
    """Educational travel; the agent's contact stands in the contact table."""

    submitted_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    """The last time the administrator published, returned or rejected."""
    reason: Mapped[str | None]
    remarks: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    """Of the last return: `[{"field": "title", "text": "…"}]`."""
    reviewed_body: Mapped[dict[str, Any] | None]
    """What the administrator read last, to show what changed since."""
    opened_by: Mapped[str | None]
    """The administrator who opened it in the review queue last, to warn a second one."""
    opened_at: Mapped[datetime | None]
    index_version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    """Grows with every change of the post, its school or its visibility; the index takes no older one."""

    school: Mapped[School] = relationship()
    contact: Mapped["Contact | None"] = relationship(
        primaryjoin="and_(Contact.invitation_id == Invitation.id, Contact.of_revision.is_(False))",
        uselist=False,
        viewonly=True,
    )
    revised_contact: Mapped["Contact | None"] = relationship(
        primaryjoin="and_(Contact.invitation_id == Invitation.id, Contact.of_revision.is_(True))",
        uselist=False,
        viewonly=True,
    )
    revisions: Mapped[list["Revision"]] = relationship(back_populates="invitation", order_by="Revision.created_at")

    @property
    def number(self) -> str:
        """The readable case number."""
        return f"IEW-{self.created_at.year}-{self.serial:06d}"

    @property
    def side(self) -> Side:
        return self.school.side

    @property
    def planned_periods(self) -> list[dict[str, Any]]:
        """The days named anywhere in the post: its periods, and the dates of educational travel."""
        return [*self.periods, *((self.travel or {}).get("dates") or ())]

    @property
    def public(self) -> bool:
        return self.status == Status.PUBLISHED and self.school.approved

    @property
    def revision(self) -> "Revision | None":
        """The revision that is not finished, if there is one."""
        return next((r for r in reversed(self.revisions) if r.status in REVISION_OPEN), None)

    @property
    def pending_revision(self) -> bool:
        revision = self.revision
        return revision is not None and revision.status == RevisionStatus.SUBMITTED

    @property
    def body(self) -> Body:
        """The content columns as JSON values."""
        return {name: as_json(getattr(self, name)) for name in CONTENT}

    def take_body(self, body: Body) -> None:
        """Set the content columns that `body` names."""
        for name in CONTENT:
            if name in body:
                value = body[name]
                setattr(self, name, date.fromisoformat(value) if name == "expires_on" and value else value)

    def is_open_to_all(self, today: date) -> bool:
        """Whether everybody may read it today; a post ends with its last day, whenever the tick comes by."""
        return self.public and self.expires_on is not None and self.expires_on >= today

    def available_actions(self, actor: Actor) -> list[str]:
        """What `actor` can do now with the post or with its open revision, in the order of the table."""
        possible = set(super().available_actions(actor))
        if self.status == Status.PUBLISHED and self.revision is not None:
            possible |= set(self.revision.available_actions(actor)) & set(self.lifecycle.actions)
        if not (actor.school_approved and actor.email_confirmed):
            possible.discard("submit")
        return [action for action in self.lifecycle.actions if action in possible]

    def parties_of(self, actor: Actor) -> frozenset[Party]:
        held = {
            Party.OWNER: actor.school_id is not None and actor.school_id == self.school_id,
            Party.ADMIN: actor.is_admin and actor.user_id != self.author_id and actor.school_id != self.school_id,
            Party.SYSTEM: actor.is_system,
        }
        return frozenset(party for party, holds in held.items() if holds)


class Revision(Living, Base):
    """A change to a published post; the post's own text stays public until this one was read."""

    __tablename__ = "revisions"
    __table_args__ = (
        Index(
            "uq_revisions_one_open",
            "invitation_id",
            unique=True,
            postgresql_where=text("status in ('draft', 'submitted', 'returned')"),
        ),
    )
    lifecycle: ClassVar[Lifecycle] = REVISION
    subject_type: ClassVar[str] = "revision"

    invitation_id: Mapped[str] = mapped_column(ForeignKey("invitations.id"), index=True)
    body: Mapped[dict[str, Any]]
    """The content columns, as JSON."""
    submitted_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    remarks: Mapped[list[dict[str, Any]]] = mapped_column(default=list)

    invitation: Mapped[Invitation] = relationship(back_populates="revisions")

    def parties_of(self, actor: Actor) -> frozenset[Party]:
        return self.invitation.parties_of(actor)


class Contact(Base):
    """Whom to write to about a post; of the public text, or of its revision."""

    __tablename__ = "contacts"
    __table_args__ = (UniqueConstraint("invitation_id", "of_revision"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    invitation_id: Mapped[str] = mapped_column(ForeignKey("invitations.id", ondelete="CASCADE"), index=True)
    of_revision: Mapped[bool] = mapped_column(default=False)
    name: Mapped[str | None]
    role: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    agent_contact: Mapped[str | None]
    """Of the travel agent, where educational travel names one."""

    @property
    def complete(self) -> bool:
        """Whether somebody could write to it; a draft may hold less."""
        return bool(self.name and self.email)

    @property
    def empty(self) -> bool:
        return not any((self.name, self.role, self.email, self.phone, self.agent_contact))


class Forward(Base):
    """A unit passed a post on to a school; each school once for each unit."""

    __tablename__ = "forwards"
    __table_args__ = (UniqueConstraint("unit_code", "invitation_id", "school_id"),)
    subject_type: ClassVar[str] = "forward"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    unit_code: Mapped[str] = mapped_column(ForeignKey("units.code"))
    invitation_id: Mapped[str] = mapped_column(ForeignKey("invitations.id"), index=True)
    school_id: Mapped[str] = mapped_column(ForeignKey("schools.id"), index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    note: Mapped[str | None]
    created_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    """When somebody of the school, signed in, first opened the page of the post."""

    invitation: Mapped[Invitation] = relationship()
    school: Mapped[School] = relationship()
    user: Mapped[User] = relationship()


class PostReading(Base):
    """A unit has opened the page of a post, or said that it has seen it; known from its visits to the site alone."""

    __tablename__ = "post_readings"

    invitation_id: Mapped[str] = mapped_column(ForeignKey("invitations.id", ondelete="CASCADE"), primary_key=True)
    unit_code: Mapped[str] = mapped_column(ForeignKey("units.code"), primary_key=True)
    at: Mapped[datetime]
