"""The outbox and the mails as an operator sees them: what waits, what was given up, and trying again.

An operator learns kinds, ids and faults; never an address, a name or a text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from sqlalchemy import Select, func, select, update

from iew.db import Page, keyset_page
from iew.domain.actors import Actor
from iew.errors import N_, InvalidTransition, NotFound
from iew.models import EmailDelivery, OutboxRow
from iew.outbox import SEND_MAIL
from iew.uow import UnitOfWork

STATES: Final = ("waiting", "parked", "done")
_ADDRESS: Final = re.compile(r"[^\s<>\"'(]+@[^\s<>\"')]+")


@dataclass(frozen=True)
class Job:
    """One row of the outbox. state: `waiting`, `parked` or `done`. mail: kind and fate of the mail it sends."""

    id: int
    job: str
    subject_type: str
    subject_id: str
    state: str
    attempts: int
    created_at: datetime
    available_at: datetime
    dispatched_at: datetime | None
    parked_at: datetime | None
    done_at: datetime | None
    last_error: str | None
    mail: str | None


@dataclass(frozen=True)
class _Subject:
    """A row of the outbox as history names it."""

    id: str
    subject_type: ClassVar[str] = "job"


def jobs(uow: UnitOfWork, *, state: str | None = None, cursor: str | None = None, limit: int = 50) -> Page[Job]:
    """What is owed and not done, the oldest first. state: only rows in it. Raises BadRequest (`bad_cursor`)."""
    page = keyset_page(
        uow.session,
        _rows(state),
        [OutboxRow.id],
        key=lambda row: (row.id,),
        cursor=cursor,
        limit=limit,
    )
    return Page(_seen(uow, page.items), page.next_cursor, page.total)


def job(uow: UnitOfWork, row_id: int) -> Job:
    """One row. Raises NotFound."""
    return _seen(uow, [_row(uow, row_id)])[0]


def counts(uow: UnitOfWork) -> dict[str, int]:
    """How many rows wait and how many are parked."""
    return {state: uow.session.scalar(select(func.count()).select_from(_rows(state).subquery())) or 0
            for state in ("waiting", "parked")}  # fmt: skip


def retry(uow: UnitOfWork, row_id: int, actor: Actor) -> Job:
    """Try a job again now, with all its tries before it. Raises NotFound, InvalidTransition (done already)."""
    row = _held(uow, row_id)
    row.parked_at, row.dispatched_at, row.attempts, row.deaths = None, None, 0, 0
    row.available_at = func.now()
    uow.record(None, _Subject(str(row_id)), actor, action="retry_job", job=row.job)
    uow.session.flush()
    uow.session.refresh(row)
    return _seen(uow, [row])[0]


def drop(uow: UnitOfWork, row_id: int, actor: Actor) -> Job:
    """Give a job up for good; a mail that it would have sent is not sent. Raises NotFound, InvalidTransition."""
    row = _held(uow, row_id)
    row.done_at, row.last_error = uow.now, f"dropped by an operator; {row.last_error or 'no error'}"
    delivery = _delivery_of(uow, row)
    if delivery is not None and delivery.status == "queued":
        delivery.status, delivery.last_error = "suppressed", "dropped by an operator"
    uow.record(None, _Subject(str(row_id)), actor, action="drop_job", job=row.job)
    uow.session.flush()
    return _seen(uow, [row])[0]


def settle_unsent(uow: UnitOfWork) -> int:
    """Mark every mail that waits as of unknown fate and its job as done; how many."""
    unsent = select(EmailDelivery.id).where(EmailDelivery.status.in_(("queued", "sending")))
    uow.session.execute(
        update(OutboxRow)
        .where(OutboxRow.job == SEND_MAIL, OutboxRow.subject_id.in_(unsent), OutboxRow.done_at.is_(None))
        .values(done_at=uow.now, last_error="perhaps sent before the database was restored"),
        execution_options={"synchronize_session": False},
    )
    settled = uow.session.scalars(
        update(EmailDelivery)
        .where(EmailDelivery.status.in_(("queued", "sending")))
        .values(status="unknown", last_error="perhaps sent before the database was restored")
        .returning(EmailDelivery.id),
        execution_options={"synchronize_session": False},
    )
    return len(settled.all())


def _rows(state: str | None) -> Select[OutboxRow]:
    rows = select(OutboxRow)
    match state:
        case "waiting":
            return rows.where(OutboxRow.done_at.is_(None), OutboxRow.parked_at.is_(None))
        case "parked":
            return rows.where(OutboxRow.done_at.is_(None), OutboxRow.parked_at.is_not(None))
        case "done":
            return rows.where(OutboxRow.done_at.is_not(None))
    return rows.where(OutboxRow.done_at.is_(None))


def _row(uow: UnitOfWork, row_id: int, *, lock: bool = False) -> OutboxRow:
    row = uow.session.get(OutboxRow, row_id, with_for_update=lock)
    if row is None:
        raise NotFound(N_("There is no job with this number."))
    return row


def _held(uow: UnitOfWork, row_id: int) -> OutboxRow:
    row = _row(uow, row_id, lock=True)
    if row.done_at is not None:
        raise InvalidTransition(N_("This job is done already."))
    return row


def _delivery_of(uow: UnitOfWork, row: OutboxRow) -> EmailDelivery | None:
    if row.subject_type != EmailDelivery.subject_type:
        return None
    return uow.session.get(EmailDelivery, row.subject_id, with_for_update=True)


def _seen(uow: UnitOfWork, rows: Sequence[OutboxRow]) -> list[Job]:
    ids = [row.subject_id for row in rows if row.subject_type == EmailDelivery.subject_type]
    mails = {
        delivery_id: f"{kind}, {status}"
        for delivery_id, kind, status in uow.session.execute(
            select(EmailDelivery.id, EmailDelivery.kind, EmailDelivery.status).where(EmailDelivery.id.in_(ids))
        )
    }
    return [
        Job(
            id=row.id,
            job=row.job,
            subject_type=row.subject_type,
            subject_id=row.subject_id,
            state="done" if row.done_at else "parked" if row.parked_at else "waiting",
            attempts=row.attempts,
            created_at=row.created_at,
            available_at=row.available_at,
            dispatched_at=row.dispatched_at,
            parked_at=row.parked_at,
            done_at=row.done_at,
            last_error=_ADDRESS.sub("…", row.last_error) if row.last_error else None,
            mail=mails.get(row.subject_id),
        )
        for row in rows
    ]
