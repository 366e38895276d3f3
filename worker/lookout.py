"""Sees that the search index is there, and owes its making where it is not.

An index can be thrown away at any moment, by a hand or with the disk it lay on. No change of a post need follow for
long, and a reader's search writes nothing; so somebody has to look.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import select

from iew.models import OutboxRow
from iew.outbox import REBUILD_INDEX
from iew.uow import UnitOfWork
from search_index.cluster import Cluster
from search_index.errors import SearchUnavailable

_log = logging.getLogger("iew.scheduler")


def look_for_indices(
    open_unit_of_work: Callable[[datetime], UnitOfWork], clusters: Sequence[Cluster], now: datetime
) -> bool:
    """Owe the making of the indices where the engine answers and has not all of them; True if it was owed.

    clusters: each names one index by its alias. While one making is owed, no second one is.
    """
    try:
        missing = [cluster.names.alias for cluster in clusters if cluster.index_behind_alias() is None]
    except SearchUnavailable:
        return False  # an engine that is away may still have them all
    if not missing:
        return False
    with open_unit_of_work(now) as uow:
        waiting = select(OutboxRow.id).where(
            OutboxRow.job == REBUILD_INDEX, OutboxRow.done_at.is_(None), OutboxRow.parked_at.is_(None)
        )
        if uow.session.scalar(waiting.limit(1)) is not None:
            return False
        uow.owe(REBUILD_INDEX, subject_type="index", subject_id="all")
    _log.warning("there is no index %s; it is made anew", ", ".join(missing))
    return True
