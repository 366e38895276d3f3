"""Brings what the outbox owes to the queue.

It looks at the state of the rows, never at a position: rows are committed out of order, and a reader that remembers
"the last one seen" skips some for ever. Any number of relays may run.

A row is marked as sent before it is pushed, not after: the worker would otherwise meet the relay's own lock on it and
take it for a second worker's. A relay that dies in between, or a push whose outcome nobody knows, costs the lease of
that row and nothing else.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import timedelta
from threading import Event
from typing import Final

from redis.exceptions import RedisError
from rq import Queue
from sqlalchemy import ColumnElement, case, func, or_, select, update
from sqlalchemy.exc import DBAPIError

from iew.db import SessionFactory
from iew.models import OutboxRow
from worker.queueing import JOB_SECONDS, LEISURELY, URGENT, push

LEASE_SECONDS: Final = JOB_SECONDS + 15
BATCH: Final = 50
MOST_QUEUED: Final = 50
"""More would only be sent twice when their lease ends; what is left waits in the outbox, where nothing is lost."""
POLL_SECONDS: Final = 0.1
WAIT_SECONDS: Final = 1.0

_log = logging.getLogger("iew.relay")
Claimed = tuple[int, int, str]


class Relay:
    """One relay over a database and a queue."""

    def __init__(self, sessions: SessionFactory, queue: Queue, *, lease_seconds: float = LEASE_SECONDS) -> None:
        """lease_seconds: how long a row that was sent may stay undone before it is sent again."""
        self._sessions, self._queue, self._lease = sessions, queue, timedelta(seconds=lease_seconds)
        self._away: str | None = None

    def run(self, stop: Event) -> None:
        """Go on until `stop`, waiting out the absence of database and queue."""
        while not stop.is_set():
            try:
                sent = self.relay_once()
            except (DBAPIError, RedisError) as absence:
                self._tell(type(absence).__name__)
                stop.wait(WAIT_SECONDS)
                continue
            self._tell(None)
            if sent < BATCH:
                stop.wait(POLL_SECONDS)

    def relay_once(self) -> int:
        """Send the rows that are due, at most a batch; how many. Raises DBAPIError, RedisError."""
        room = min(BATCH, MOST_QUEUED - self._queue.count)  # asks Redis: while it is away no row is claimed
        if room <= 0:
            return 0
        claimed = self._claim(room)
        for position, (row_id, attempts, job) in enumerate(claimed):
            try:
                push(self._queue, row_id, attempts, job)
            except RedisError:
                self._release(claimed[position + 1 :])  # this one may have arrived, those after it have not
                raise
        return len(claimed)

    def _claim(self, most: int) -> Sequence[Claimed]:
        now = func.now()
        due = (
            select(OutboxRow.id)
            .where(
                OutboxRow.done_at.is_(None),
                OutboxRow.parked_at.is_(None),
                OutboxRow.available_at <= now,
                or_(OutboxRow.dispatched_at.is_(None), OutboxRow.dispatched_at < now - self._lease),
            )
            .order_by(_place(), OutboxRow.available_at, OutboxRow.id)
            .limit(most)
            .with_for_update(skip_locked=True)
            .cte("due")
        )
        claim = (
            update(OutboxRow)
            .where(OutboxRow.id.in_(select(due.c.id)))
            .values(dispatched_at=now)
            .returning(OutboxRow.id, OutboxRow.attempts, OutboxRow.job)
        )
        with self._sessions.begin() as session:
            claimed = sorted((row.id, row.attempts, row.job) for row in session.execute(claim))
        return sorted(claimed, key=lambda row: row[2] in LEISURELY)

    def _release(self, rows: Iterable[Claimed]) -> None:
        ids = [row_id for row_id, _, _ in rows]
        if ids:
            with self._sessions.begin() as session:
                session.execute(update(OutboxRow).where(OutboxRow.id.in_(ids)).values(dispatched_at=None))

    def _tell(self, absence: str | None) -> None:
        """Say once that a part is away, and once that it is back."""
        if absence != self._away:
            _log.warning("waiting: %s", absence) if absence else _log.warning("going on")
            self._away = absence


def _place() -> ColumnElement[int]:
    """Where a row stands among those that are due: what is urgent first, what may wait last."""
    return case((OutboxRow.job.in_(URGENT), 0), (OutboxRow.job.in_(LEISURELY), 2), else_=1)
