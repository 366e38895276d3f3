"""Runs one owed job: its effect and the mark that it is done are one transaction.

Whatever happens to the queue, to this process or to the machine, the row either carries the mark or is sent again. The
row is also the lock: while one process works on it, another that gets the same row leaves. And it is the one record of
failures, so that RQ never has to try anything again.
"""

import logging
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Select, select, update
from sqlalchemy.exc import DBAPIError

from iew.errors import Unavailable
from iew.models import OutboxRow
from iew.uow import UnitOfWork
from search_index.errors import SearchUnavailable, WriteRefused
from worker import jobs  # noqa: F401 - importing them registers them
from worker.equipment import Equipment, installed
from worker.handlers import HANDLERS, Work
from worker.masking import masked

BACK_OFF_SECONDS: Final = (30, 60, 120, 300, 600, 1800, 3600, 3600, 7200)
"""Before the second try, the third and so on; a row that fails once more is parked."""
WAIT_FOR_PART_SECONDS: Final = (5, 10, 20, 30, 60)
"""Before each new try while a part is away; the last one for ever, since nothing is wrong with the job itself."""

_log = logging.getLogger("iew.worker")


class NotRecorded(RuntimeError):
    """The failure of a job could not be written down; the lease of its row will run out."""


def run(row_id: int) -> None:
    """What the queue calls."""
    perform(row_id, installed())


def perform(row_id: int, tools: Equipment) -> None:
    """Do the job of a row, unless it is done, parked, or in the hands of another process."""
    try:
        with tools.open() as uow:
            if not _begin(uow, row_id):
                return
            uow.commit()
            row = _take(uow, row_id)
            if row is not None:
                _do(Work(uow, row, tools))
    except Exception as fault:  # every fault of a job ends in its row, where somebody sees it
        _record(row_id, fault, tools)


def _begin(uow: UnitOfWork, row_id: int) -> bool:
    """Count a death in advance, taken back when the job ends in any way; False where there is nothing to do.

    A job that kills its worker leaves no word of its failure; without this count it would be sent for ever.
    """
    free = _waiting(select(OutboxRow.id), row_id).scalar_subquery()
    count = update(OutboxRow).where(OutboxRow.id == free).values(deaths=OutboxRow.deaths + 1)
    deaths = uow.session.scalar(
        count.returning(OutboxRow.deaths), execution_options={"synchronize_session": False}
    )  # one statement, since each job pays for it
    if deaths is None:
        return False
    if deaths > len(BACK_OFF_SECONDS) + 1:
        _park(uow, uow.get(OutboxRow, row_id), "its worker died each time")
        return False
    return True


def _take(uow: UnitOfWork, row_id: int) -> OutboxRow | None:
    """The row, locked until the end of the transaction; None where there is nothing to do for us."""
    row: OutboxRow | None = uow.session.scalar(_waiting(select(OutboxRow), row_id))
    return row


def _waiting(selection: Select[Any], row_id: int) -> Select[Any]:
    """The row where it waits and nobody has it, locked."""
    waits = (OutboxRow.id == row_id, OutboxRow.done_at.is_(None), OutboxRow.parked_at.is_(None))
    return selection.where(*waits).with_for_update(skip_locked=True)


def _do(work: Work) -> None:
    handler = HANDLERS.get(work.row.job)
    if handler is None:
        _park(work.uow, work.row, "no job of this release has this name")
        return
    row_id = work.row.id
    handler(work)
    # By statement and not through the object: a job may have cleared the session of all it had read.
    done = update(OutboxRow).where(OutboxRow.id == row_id).values(done_at=work.uow.now, last_error=None)
    work.uow.session.execute(done, execution_options={"synchronize_session": False})


def _record(row_id: int, fault: Exception, tools: Equipment) -> None:
    """Write the failure into the row, and when to try again."""
    try:
        with tools.open() as uow:
            row = _take(uow, row_id)
            if row is not None:
                _put_off(uow, row, fault)
    except DBAPIError:
        # Without its cause: what SQLAlchemy prints holds the values, and RQ would keep it.
        raise NotRecorded(f"row {row_id}: {masked(fault)}") from None


def _put_off(uow: UnitOfWork, row: OutboxRow, fault: Exception) -> None:
    row.attempts += 1
    row.deaths = 0
    row.last_error = masked(fault)
    waits = isinstance(fault, SearchUnavailable | Unavailable)
    delays = WAIT_FOR_PART_SECONDS if waits else BACK_OFF_SECONDS
    if isinstance(fault, WriteRefused) or (not waits and row.attempts > len(delays)):
        _park(uow, row, row.last_error)
        return
    delay = delays[min(row.attempts, len(delays)) - 1]
    row.available_at = uow.now + timedelta(seconds=delay)
    row.dispatched_at = None
    _log.warning("row %d %s failed, next try in %d s: %s", row.id, row.job, delay, row.last_error)


def _park(uow: UnitOfWork, row: OutboxRow, reason: str) -> None:
    row.parked_at = uow.now
    row.last_error = reason
    _log.error("row %d %s is parked: %s", row.id, row.job, reason)
