"""The processes beside the web: `python -m worker relay`, `worker` or `scheduler`.

Each reads the variables, runs until SIGTERM or SIGINT, and waits for a database or a queue that is away.
"""

import argparse
import logging
import signal
import sys
import time
from datetime import datetime
from threading import Event
from typing import TYPE_CHECKING, Final

from config.settings import REFERENCE_DIR, Settings, SettingsError
from iew.db import make_engine, make_session_factory
from iew.domain.limits import Limits
from iew.uow import UnitOfWork

if TYPE_CHECKING:
    from worker.equipment import Equipment

STATEMENT_SECONDS: Final = 60


def main(arguments: list[str] | None = None) -> int:
    """Run one part; the exit status."""
    chosen = _chosen(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    logging.Formatter.converter = time.gmtime
    logging.getLogger("opensearch").setLevel(logging.WARNING)  # it would tell of every request
    try:
        settings = Settings.from_environ()
        limits = Limits.of(settings.limits)
    except (SettingsError, ValueError) as fault:
        print(f"iew: {fault}", file=sys.stderr)
        return 1
    if chosen.part == "scheduler":
        _scheduler(settings, limits)
        return 0
    from worker.queueing import Unfit

    try:
        if chosen.part == "relay":
            _relay(settings)
        else:
            _worker(settings, limits, chosen.processes)
    except Unfit as fault:
        print(f"iew: {fault}", file=sys.stderr)
        return 1
    return 0


def _chosen(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("relay", help="bring what the outbox owes to the queue")
    worker = parts.add_parser("worker", help="do the jobs of the queue")
    worker.add_argument("--processes", type=_at_least_one, default=1, help="how many jobs at a time (default: 1)")
    parts.add_parser("scheduler", help="do each minute what is due")
    return parser.parse_args(arguments)


def _at_least_one(word: str) -> int:
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError("must be a number from 1 on")
    return int(word)


def _stop_event() -> Event:
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _relay(settings: Settings) -> None:
    from worker.queueing import connect, queue, wait_for
    from worker.relay import Relay

    stop, connection = _stop_event(), connect(settings.redis_url)
    wait_for(connection, stop)
    engine = make_engine(settings.database_url, pool_size=1)
    Relay(make_session_factory(engine), queue(connection)).run(stop)


def _scheduler(settings: Settings, limits: Limits) -> None:
    from search_index.cluster import Cluster
    from worker import scheduler

    engine = make_engine(settings.database_url, statement_seconds=STATEMENT_SECONDS, pool_size=1)
    sessions = make_session_factory(engine)

    def open_unit_of_work(now: datetime) -> UnitOfWork:
        return UnitOfWork(sessions, now=now, limits=limits, zone=settings.timezone)

    documents = Cluster(",".join(settings.opensearch_urls), prefix=settings.index_prefix)
    scheduler.run(open_unit_of_work, _stop_event(), [documents, documents.holding("searches")])


def _worker(settings: Settings, limits: Limits, processes: int) -> None:
    from sqlalchemy.orm import configure_mappers

    from iew.mail import letter
    from worker import runner  # noqa: F401 - what the queue names
    from worker.equipment import install
    from worker.queueing import connect, wait_for
    from worker.workers import Crew, OutboxWorker

    def work() -> None:
        connection = connect(settings.redis_url)
        wait_for(connection, Event())
        OutboxWorker(connection).work(logging_level="WARNING")

    # All of this is done once, before the processes fork; nothing of it connects to anything yet.
    configure_mappers()
    letter.load()
    install(_equipment(settings, limits))
    Crew(processes, work).run()


def _equipment(settings: Settings, limits: Limits) -> "Equipment":
    from iew.mail.envelope import domain_of
    from iew.mail.smtp import MailServer, SmtpMailer
    from iew.mail.stationery import Stationery
    from search_index import wordlists
    from search_index.cluster import Cluster
    from search_index.searches import SearchWriter
    from search_index.writer import Writer
    from worker.equipment import Equipment

    engine = make_engine(settings.database_url, statement_seconds=STATEMENT_SECONDS, pool_size=2)
    sessions = make_session_factory(engine)
    cluster = Cluster(",".join(settings.opensearch_urls), prefix=settings.index_prefix)
    writer = Writer(cluster, wordlists.load(REFERENCE_DIR / "lexicon"))
    return Equipment(
        open=lambda: UnitOfWork(sessions, limits=limits, zone=settings.timezone),
        leave_connections=lambda: engine.dispose(close=False),
        index=writer,
        searches=SearchWriter(cluster, writer.lexicon),
        mailer=SmtpMailer(MailServer.at(settings.smtp_url), own_name=domain_of(settings.mail_from)),
        stationery=Stationery(settings.base_url, settings.secret_key, settings.mail_from),
    )


if __name__ == "__main__":
    sys.exit(main())
