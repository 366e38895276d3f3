"""What the house remembers of itself: history, owed jobs, mails, keys of repeated requests, periods done."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from iew.db import Base, new_id


class Event(Base):
    """Who did what to what, when; append-only, the database itself refuses changes.

    It is the history of a noun, the audit log, and the fact that a job is about, in one row.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_subject", "subject_type", "subject_id", "id"),
        Index("ix_events_actor", "actor_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    fact: Mapped[str | None]
    """The fact recorded, where jobs may be owed; None for a mere access."""
    action: Mapped[str]
    subject_type: Mapped[str]
    subject_id: Mapped[str]
    actor_id: Mapped[str | None]
    actor_role: Mapped[str]
    """A role, `system` or `visitor`."""
    actor_body: Mapped[str | None]
    """School id or unit code of the actor at that moment."""
    before: Mapped[str | None]
    after: Mapped[str | None]
    details: Mapped[dict[str, Any]]
    """Reasons, codes and ids; never contact data or passwords."""


class AuditSeal(Base):
    """A seal over a range of events; each holds the hash of the one before it, so that none can be changed unseen.

    Append-only like the events, and the database refuses changes here too.
    """

    __tablename__ = "audit_seals"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """1, 2, 3, … without a gap."""
    after_id: Mapped[int] = mapped_column(BigInteger)
    """The last event under the seal before it; 0 for the first."""
    up_to_id: Mapped[int] = mapped_column(BigInteger)
    """The last event under this one."""
    count: Mapped[int]
    """How many events that are; numbers that no event bears are gaps of transactions that were rolled back."""
    previous_hash: Mapped[str]
    hash: Mapped[str]
    sealed_at: Mapped[datetime]


class OutboxRow(Base):
    """A job that is owed: written in the transaction of the change, done in the transaction of the job."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_waiting",
            "available_at",
            postgresql_where=text("done_at is null and parked_at is null"),
        ),
        Index(
            "ix_outbox_parked",
            "parked_at",
            postgresql_where=text("parked_at is not null"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    job: Mapped[str]
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"))
    subject_type: Mapped[str]
    subject_id: Mapped[str]
    dedup_key: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    available_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    deaths: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """How often a worker began it and did not live to say what became of it."""
    dispatched_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    parked_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class EmailDelivery(Base):
    """One mail to one recipient; `dedup_key` lets no event reach a person twice."""

    __tablename__ = "email_deliveries"
    __table_args__ = (Index("ix_email_deliveries_status", "status"),)
    subject_type: ClassVar[str] = "delivery"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    dedup_key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"))
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"), index=True)
    unit_code: Mapped[str | None] = mapped_column(ForeignKey("units.code"))
    address: Mapped[str]
    language: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str | None]
    """Emptied some time after sending."""
    html: Mapped[str | None]
    calendar: Mapped[str | None]
    """A calendar file that goes with it; emptied with the text."""
    unsubscribe_url: Mapped[str | None]
    once_only: Mapped[bool] = mapped_column(default=False)
    """A digest: never sent again after an ambiguous end."""
    status: Mapped[str] = mapped_column(default="queued")
    """`queued`, `sending`, `sent`, `unknown`, `failed` or `suppressed`."""
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class IdempotencyKey(Base):
    """The first reply to a request that carried a key, to give again when it is repeated."""

    __tablename__ = "idempotency_keys"

    owner: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str]
    status: Mapped[int]
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(index=True)


class Duty(Base):
    """A periodic effect that was done for a period; its key makes a second one impossible."""

    __tablename__ = "duties"

    name: Mapped[str] = mapped_column(primary_key=True)
    period_key: Mapped[str] = mapped_column(primary_key=True)
    done_at: Mapped[datetime]


class Fingerprint(Base):
    """Facts about this installation that must not change by accident, such as a hash of the secret key."""

    __tablename__ = "fingerprints"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
