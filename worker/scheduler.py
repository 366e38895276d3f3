"""Calls, each minute on the minute, what is due.

It decides nothing and remembers nothing: what was done is written in the database beside its effect. So any number of
schedulers may run, and one that was down is made up for by its next call.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from threading import Event
from typing import Final

from sqlalchemy.exc import DBAPIError

from iew.duties import DutiesFailed, run_due
from iew.uow import UnitOfWork
from search_index.cluster import Cluster
from worker.lookout import look_for_indices
from worker.masking import masked

MINUTE: Final = 60.0
_log = logging.getLogger("iew.scheduler")


def run(open_unit_of_work: Callable[[datetime], UnitOfWork], stop: Event, clusters: Sequence[Cluster] = ()) -> None:
    """Do what is due now and at every minute from then on, until `stop`; see each time that the indices are there."""
    while not stop.is_set():
        tick(open_unit_of_work, datetime.now(UTC))
        look(open_unit_of_work, clusters, datetime.now(UTC))
        stop.wait(seconds_to_next_minute(datetime.now(UTC)))


def tick(open_unit_of_work: Callable[[datetime], UnitOfWork], now: datetime) -> None:
    """Do what is due; what failed is said, and comes again with the next call."""
    try:
        run_due(open_unit_of_work, now)
    except DutiesFailed as faults:
        for fault in faults.exceptions:
            _log.error(
                "a duty failed: %s", masked(fault), exc_info=fault if not isinstance(fault, DBAPIError) else None
            )
    except DBAPIError as absence:
        _log.error("the database does not answer: %s", type(absence).__name__)


def look(open_unit_of_work: Callable[[datetime], UnitOfWork], clusters: Sequence[Cluster], now: datetime) -> None:
    """See that the indices are there; the absence of the database is said, and the next minute looks again."""
    try:
        look_for_indices(open_unit_of_work, clusters, now)
    except DBAPIError as absence:
        _log.error("the database does not answer: %s", type(absence).__name__)


def seconds_to_next_minute(now: datetime) -> float:
    return MINUTE - (now.second + now.microsecond / 1e6)
