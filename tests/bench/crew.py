"""A crew of the house's workers for a measurement.

    python -m tests.bench.crew owed|bare|stock PROCESSES

`owed` does rows of the outbox, as in production, and knows one job more, which does nothing. `bare` runs the same
worker class on a queue that calls an empty function directly, `stock` the worker that RQ itself ships; neither has a
database, and they are the yardsticks.
"""

import os
import sys
from threading import Event
from typing import Final

from rq import Worker
from rq.job import Job

from config.settings import Settings
from iew.domain.limits import Limits
from iew.mail import letter
from worker.__main__ import _equipment
from worker.equipment import install
from worker.handlers import HANDLERS, Work, job
from worker.queueing import SERIALIZER, connect, wait_for
from worker.workers import Crew, OutboxWorker

NOTHING: Final = "nothing"
BARE_QUEUE: Final = "bare"

if NOTHING not in HANDLERS:

    @job(NOTHING)
    def nothing(work: Work) -> None:
        """Done before it begins."""


def empty(number: int) -> None:
    """What a bare job calls."""


class BareWorker(OutboxWorker):
    """The house's worker on a plain queue."""

    queue_name = BARE_QUEUE
    job_class = Job


def main(mode: str, processes: int) -> None:
    from sqlalchemy.orm import configure_mappers

    settings = Settings.from_environ(os.environ)

    def work() -> None:
        connection = connect(settings.redis_url)
        wait_for(connection, Event())
        if mode == "stock":
            Worker([BARE_QUEUE], connection=connection, serializer=SERIALIZER).work(logging_level="WARNING")
        else:
            (OutboxWorker if mode == "owed" else BareWorker)(connection).work(logging_level="WARNING")

    configure_mappers()
    letter.load()
    install(_equipment(settings, Limits()))
    Crew(processes, work).run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
