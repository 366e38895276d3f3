"""Brings the search index to the present state of the database.

A burst of changes, such as an import, owes one row a post; one job takes the rows that wait beside its own along and
writes them together, so that a burst passes as fast as the engine takes it. Every row is still marked by itself.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select

from iew.models import OutboxRow
from iew.outbox import INDEX_POST, REBUILD_INDEX, RECONCILE_INDEX
from iew.services import catalog
from search_index.errors import WriteRefused
from worker.handlers import Work, job

MOST_AT_ONCE: Final = 200


@job(INDEX_POST)
def index_invitation(work: Work) -> None:
    """Write the post of this row, and those of the rows that wait as well, as they stand now."""
    companions = _waiting_beside(work)
    try:
        _write(work, {work.subject_id, *(row.subject_id for row in companions)})
    except WriteRefused:
        if not companions:
            raise
        _write(work, {work.subject_id})  # one of the others is at fault; it will meet its own job
        return
    for row in companions:
        row.done_at = work.uow.now


@job("index_school")
def index_school(work: Work) -> None:
    """Let every post of a school that changed be written anew, and its possible partners be looked for again."""
    catalog.index_school(work.uow, work.subject_id)


@job(RECONCILE_INDEX)
def reconcile_index(work: Work) -> None:
    """Compare database and index, of posts and of stored searches, and owe a writing for every difference."""
    catalog.reconcile(work.uow, work.tools.index, repair=True)
    catalog.reconcile_searches(work.tools.open, work.uow, work.tools.searches, repair=True)


@job(REBUILD_INDEX)
def rebuild_index(work: Work) -> None:
    """Make what is missing of the indices from the database; an index that is there stays as it is."""
    work.uow.allow_idle(hours=catalog.LONGEST_REBUILD_HOURS)
    catalog.ensure(work.tools.open, work.tools.index)
    catalog.ensure_searches(work.tools.open, work.tools.searches)


def _write(work: Work, ids: set[str]) -> None:
    catalog.index_invitations(work.uow, work.tools.index, sorted(ids))


def _waiting_beside(work: Work) -> Sequence[OutboxRow]:
    """Rows of the same kind that are due and were never tried; locked, so that nobody else does them meanwhile."""
    return work.uow.session.scalars(
        select(OutboxRow)
        .where(
            OutboxRow.job == work.row.job,
            OutboxRow.id != work.row.id,
            OutboxRow.attempts == 0,
            OutboxRow.done_at.is_(None),
            OutboxRow.parked_at.is_(None),
            OutboxRow.available_at <= work.uow.now,
        )
        .order_by(OutboxRow.available_at, OutboxRow.id)
        .limit(MOST_AT_ONCE - 1)
        .with_for_update(skip_locked=True)
    ).all()
