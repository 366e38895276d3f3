"""How many owed jobs a second the house does, against what bare RQ does with jobs that do nothing.

An owed job is a row that a relay claims and pushes, and that a worker takes, does and marks as done in the database; a
bare job is a number in Redis. Both are run by the same crew, one after the other, with jobs that have no effect.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from rq import Queue
from sqlalchemy import func, insert, select
from sqlalchemy.orm import sessionmaker

from iew.cli.db import upgrade
from iew.db import SessionFactory, make_engine
from iew.embedded.valkey import Valkey
from iew.models import OutboxRow
from tests.bench.crew import BARE_QUEUE, NOTHING, empty
from tests.databases import created_database
from tests.parts import OF_THE_PROGRAM, parts_for_tests
from worker.queueing import SERIALIZER, connect

JOBS = 1000
PROCESSES = 2
WARM_UP = 50
GOAL = 0.4
GIVEN_UP_SECONDS = 600
POLL_SECONDS = 0.02
ROOT = Path(__file__).parents[2]


def run() -> None:
    """Time the same number of jobs with and without the outbox."""
    parts = parts_for_tests()
    with created_database(parts) as url, _own_valkey() as redis_url:
        engine = make_engine(url, statement_seconds=60)
        upgrade(engine)
        sessions = sessionmaker(engine, expire_on_commit=False)
        own = {"IEW_DATABASE_URL": url, "IEW_REDIS_URL": redis_url}
        environment = os.environ | OF_THE_PROGRAM | parts.variables | own
        redis = connect(redis_url)
        bare = {mode: _bare(mode, redis, environment) for mode in ("stock", "bare")}
        owed = _owed(sessions, environment, redis)
        engine.dispose()
    print(f"{JOBS} jobs that do nothing, {PROCESSES} workers:")
    print(f"  RQ's own worker, no outbox: {bare['stock']:.0f} jobs/s")
    print(f"  the house's worker, no outbox: {bare['bare']:.0f} jobs/s")
    print(f"  the house's worker and outbox: {owed:.0f} jobs/s")
    print(
        f"  outbox / bare: {owed / bare['stock']:.2f} of RQ's own worker, {owed / bare['bare']:.2f} of the same worker"
        f" (goal: {GOAL})"
    )


def _bare(mode: str, redis: Redis, environment: dict[str, str]) -> float:
    """Jobs a second from RQ's queue alone."""
    queue = Queue(BARE_QUEUE, connection=redis, serializer=SERIALIZER)

    def push(count: int) -> None:
        for number in range(count):
            queue.enqueue_call(empty, args=(number,), result_ttl=0, failure_ttl=60)

    def left() -> int:
        return queue.count + queue.started_job_registry.get_job_count(cleanup=False)

    with _process(environment, "tests.bench.crew", mode, str(PROCESSES)):
        return _rate(redis, push, left)


def _owed(sessions: SessionFactory, environment: dict[str, str], redis: Redis) -> float:
    """Jobs a second from the outbox."""

    def owe(count: int) -> None:
        now = func.now()
        row = {"job": NOTHING, "subject_type": "bench", "subject_id": "1", "created_at": now, "available_at": now}
        with sessions.begin() as session:
            session.execute(insert(OutboxRow).values([row] * count))

    def left() -> int:
        waiting = select(func.count()).where(OutboxRow.done_at.is_(None))
        with sessions() as session:
            return session.scalar(waiting) or 0

    with (
        _process(environment, "worker", "relay"),
        _process(environment, "tests.bench.crew", "owed", str(PROCESSES)),
    ):
        return _rate(redis, owe, left)


def _rate(redis: Redis, add: Callable[[int], None], left: Callable[[], int]) -> float:
    """Add the jobs once the crew is at work, and time them from the first to the last."""
    _wait(lambda: redis.scard("rq:workers") != PROCESSES, "the workers did not start")
    add(WARM_UP)
    _wait(lambda: left() > 0, "the first jobs were not done")
    began = time.monotonic()
    add(JOBS)
    _wait(lambda: left() > 0, "the jobs were not done")
    return JOBS / (time.monotonic() - began)


def _wait(goes_on: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + GIVEN_UP_SECONDS
    while goes_on():
        if time.monotonic() > end:
            raise RuntimeError(otherwise)
        time.sleep(POLL_SECONDS)


@contextmanager
def _process(environment: dict[str, str], module: str, *words: str) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", module, *words], cwd=ROOT, env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def _own_valkey() -> Iterator[str]:
    """A queue that nobody else uses; its address."""
    with tempfile.TemporaryDirectory() as home:
        server = Valkey(Path(home), os.environ, password="bench")
        server.choose_ports({})
        server.start()
        server.wait_until_ready()
        try:
            yield server.url
        finally:
            server.stop()
