"""One relay or one worker in a process of its own that dies at a chosen point.

    python -m tests.worker.doomed POINT DATABASE_URL REDIS_URL

POINT `none` lives: it works the queue off and ends. So do `standing`, `worn`, `idle` and `slow`, which say on stderr
which process did each job: one that stands by, one that is replaced after two jobs, one that is killed between two
jobs, one whose first job takes too long.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from redis import Redis
from rq import Queue
from rq.job import Job

from iew.db import make_engine, make_session_factory
from tests.worker import probe
from tests.workshop import Workshop
from worker import relay as relays
from worker import runner, workers
from worker.equipment import install
from worker.queueing import connect, queue, wait_for
from worker.relay import Relay
from worker.workers import OutboxWorker


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_with_the_worker() -> None:
    """In the child of a job: both go, as when a machine is switched off."""
    os.kill(os.getppid(), signal.SIGKILL)
    die()


class DiesAfterPop(OutboxWorker):
    def execute_job(self, job: Job, queue: Queue) -> None:
        die()


class DiesAfterRegistration(OutboxWorker):
    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        die()


class LosesItsIdleChild(OutboxWorker):
    def prepare_execution(self, job: Job) -> Any:
        if self._standby is not None:
            os.kill(self._standby.pid, signal.SIGKILL)
            os.waitid(os.P_PID, self._standby.pid, os.WEXITED | os.WNOWAIT)  # until it is dead; it is not gathered
        return super().prepare_execution(job)


def name_the_process(*, slow_first: bool = False) -> None:
    began = time.monotonic()

    def step() -> None:
        print("process", os.getpid(), file=sys.stderr, flush=True)
        if slow_first and time.monotonic() - began < 1:
            time.sleep(30)

    probe.during(step)


def after_commit(step: Callable[[], None]) -> None:
    perform = runner.perform

    def performed(*arguments: Any) -> None:
        perform(*arguments)
        step()

    runner.perform = performed  # type: ignore[assignment]


def around_push(before: Callable[[], None], after: Callable[[], None]) -> None:
    push = relays.push

    def pushed(*arguments: Any) -> None:
        before()
        push(*arguments)
        after()

    relays.push = pushed  # type: ignore[assignment]


def nothing() -> None:
    return


def work(point: str, redis: Redis) -> None:
    kinds: dict[str, type[OutboxWorker]] = {
        "after_pop": DiesAfterPop, "after_registration": DiesAfterRegistration, "idle": LosesItsIdleChild,
    }  # fmt: skip
    if point == "child_before_commit":
        probe.during(die)
    elif point == "both_before_commit":
        probe.during(die_with_the_worker)
    elif point == "child_after_commit":
        after_commit(die)
    elif point == "both_after_commit":
        after_commit(die_with_the_worker)
    elif point in ("standing", "worn", "idle", "slow"):
        name_the_process(slow_first=point == "slow")
        if point == "worn":
            workers.JOBS_A_CHILD = 2  # type: ignore[misc]
    kinds.get(point, OutboxWorker)(redis).work(burst=True, logging_level="WARNING")


def main(point: str, database_url: str, redis_url: str) -> None:
    engine = make_engine(database_url, statement_seconds=20)
    workshop, redis = Workshop(make_session_factory(engine)), connect(redis_url)
    if point.startswith("relay"):
        around_push(die if point == "relay_before_push" else nothing, die)
        Relay(workshop.session_factory, queue(redis)).relay_once()
        return
    tools = workshop.tools
    object.__setattr__(tools, "leave_connections", lambda: engine.dispose(close=False))
    install(tools)
    from threading import Event

    wait_for(redis, Event())
    work(point, redis)


if __name__ == "__main__":
    main(*sys.argv[1:])
