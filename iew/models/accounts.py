"""Schools, the people who sign in, and what lets them in."""

from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from iew.db import Base
from iew.domain.actors import Actor, Role
from iew.domain.lifecycle import Lifecycle
from iew.domain.schools import SCHOOL, SENIOR_HIGH_LEVELS, Party, Side, Status, side_of
from iew.models.columns import Identified, Living


class School(Living, Base):
    """A school in Taiwan or abroad, and its place."""

    __tablename__ = "schools"
    lifecycle: ClassVar[Lifecycle] = SCHOOL
    subject_type: ClassVar[str] = "school"

    ref: Mapped[str | None] = mapped_column(unique=True)
    """A key from outside, set by import alone."""
    name: Mapped[str]
    name_en: Mapped[str | None]
    country: Mapped[str] = mapped_column(index=True)
    subdivision: Mapped[str | None]
    region: Mapped[str | None]
    county: Mapped[str | None] = mapped_column(index=True)
    level: Mapped[str]
    ownership: Mapped[str | None]
    composition: Mapped[str | None]
    affiliations: Mapped[list[str]]
    address: Mapped[str | None]
    website: Mapped[str | None]
    about: Mapped[str | None]
    approver_code: Mapped[str | None] = mapped_column(ForeignKey("units.code"), index=True)
    """The unit that approves the sign-up; None: the administrator."""
    verified_by: Mapped[str | None]
    """The unit or administrator that approved it, as shown to the public."""
    verified_on: Mapped[date | None]
    reason: Mapped[str | None]
    """What the approver asked, or why it said no."""

    users: Mapped[list["User"]] = relationship(back_populates="school")

    @property
    def side(self) -> Side:
        return side_of(self.country)

    @property
    def is_national_senior_high(self) -> bool:
        return self.ownership == "national" and self.level in SENIOR_HIGH_LEVELS

    @property
    def approved(self) -> bool:
        return self.status == Status.APPROVED

    def display_name(self, language: str) -> str:
        return self.name if language != "en" or not self.name_en else self.name_en

    def parties_of(self, actor: Actor) -> frozenset[Party]:
        held = {
            Party.OWNER: actor.school_id == self.id,
            Party.APPROVER: actor.is_unit and actor.unit_code is not None and actor.unit_code == self.approver_code,
            Party.ADMIN: actor.is_admin,
            Party.SYSTEM: actor.is_system,
        }
        return frozenset(party for party, holds in held.items() if holds)


class User(Identified, Base):
    """A person with an account. `email` is kept in lower case."""

    __tablename__ = "users"
    __table_args__ = (Index("ix_users_unit_code_role", "unit_code", "role"),)
    subject_type: ClassVar[str] = "user"

    email: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str | None]
    name: Mapped[str]
    role: Mapped[str]
    school_id: Mapped[str | None] = mapped_column(ForeignKey("schools.id"), index=True)
    unit_code: Mapped[str | None] = mapped_column(ForeignKey("units.code"))
    language: Mapped[str]
    timezone: Mapped[str]
    email_confirmed_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    sign_in_failures: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    locked_until: Mapped[datetime | None]
    last_sign_in_at: Mapped[datetime | None]
    mail_refused_at: Mapped[datetime | None]
    """A mail server refused the address for good; shown at the administrator."""
    digest_stopped_at: Mapped[datetime | None]
    """The person wants no digests of the unit any more; the others of the unit go on getting theirs."""
    news_hour: Mapped[int] = mapped_column(default=8, server_default=text("8"))
    """The hour, 0 to 23 where the person is, of the one mail a day that collects alerts and suggestions."""
    suggestions_wanted: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    """Whether that mail tells of schools that could fit."""

    school: Mapped[School | None] = relationship(back_populates="users")

    @property
    def active(self) -> bool:
        return self.disabled_at is None

    def as_actor(self) -> Actor:
        return Actor(
            user_id=self.id,
            role=Role(self.role),
            school_id=self.school_id,
            unit_code=self.unit_code,
            language=self.language,
            timezone=self.timezone,
            email_confirmed=self.email_confirmed_at is not None,
            school_approved=self.school is not None and self.school.approved,
        )


class SignInSession(Base):
    """A browser that is signed in. Only a hash of its key is kept, so a copy of the table lets nobody in."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(primary_key=True)
    key_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    user_agent: Mapped[str | None]
    address: Mapped[str | None]

    user: Mapped[User] = relationship()


class ApiToken(Base):
    """A key for programs; shown once, kept as a hash."""

    __tablename__ = "api_tokens"

    id: Mapped[str] = mapped_column(primary_key=True)
    key_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()


class MailLink(Base):
    """A link in a mail: for one recipient, one purpose, one subject, once, until its day.

    The link itself is a signature over `id`; opening it shows a form, and only the form uses the link up.
    """

    __tablename__ = "mail_links"

    id: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    """`confirm_address`, `change_address`, `reset_password`, `act`, `pass_on` or `read_question`."""
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"), index=True)
    address: Mapped[str]
    subject_type: Mapped[str | None]
    subject_id: Mapped[str | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
