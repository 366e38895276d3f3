"""The queue between relay and workers: one list of row numbers, and nothing that Redis could make us run besides.

Whoever can write to Redis could otherwise name any function of the Python library as a job.
"""

from threading import Event
from typing import Any, Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, ConnectionError, TimeoutError
from redis.retry import Retry
from rq import Queue
from rq.job import Job

from iew.outbox import ANNOUNCE, INDEX_POST, REBUILD_INDEX, RECONCILE_INDEX, SUGGEST

QUEUE: Final = "iew"
RUN: Final = "worker.runner.run"
SERIALIZER: Final = "json"
JOB_SECONDS: Final = 60
URGENT: Final = (INDEX_POST, REBUILD_INDEX)
"""Jobs that go before all others: somebody looks at the search while a mail can wait a minute."""
LEISURELY: Final = (ANNOUNCE, SUGGEST)
"""Jobs that let all others go first: an import owes thousands of them, and nobody's letter shall wait behind those."""
SECONDS_OF: Final = {RECONCILE_INDEX: 900, REBUILD_INDEX: 3600}
"""Jobs that take their time. Their lease ends before they do; who gets the row again finds it locked and leaves."""
KEEP_FAILED_SECONDS: Final = 86_400
REDIS_SECONDS: Final = 2.0
WAIT_SECONDS: Final = 1.0


class Unfit(Exception):
    """This Redis must not be used as the queue."""


class Refused(Exception):
    """A job in the queue that the relay cannot have written."""


class OwedJob(Job):
    """A job that can only be `worker.runner.run` with one row number; callbacks and web hooks are dropped unread."""

    def restore(self, raw_data: Any) -> Any:
        """Read the job as Redis holds it, less what would be imported or called by name."""
        written_by_us = {name: raw_data[name] for name in raw_data if _text(name) not in _CALLED_BY_NAME}
        return super().restore(written_by_us)

    def perform(self) -> Any:
        """Run it, or raise Refused."""
        arguments = self.args
        if (
            self.func_name != RUN
            or self.instance
            or self.kwargs
            or len(arguments) != 1
            or type(arguments[0]) is not int
        ):
            raise Refused(f"the queue holds a job that is not ours: {self.id}")
        return super().perform()


_CALLED_BY_NAME: Final = frozenset({
    "success_callback_name", "failure_callback_name", "stopped_callback_name", "webhooks", "dependency_ids",
    "dependency_id", "repeats_left", "retries_left", "group_id",
})  # fmt: skip


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name


def connect(redis_url: str) -> Redis:
    """A connection that gives up soon and never repeats a command by itself: a repeated push would queue twice."""
    return Redis.from_url(
        redis_url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS, retry=Retry(NoBackoff(), 0)
    )


def wait_for(connection: Redis, stop: Event) -> None:
    """Block until Redis answers or `stop`; raise Unfit where it may drop jobs when its memory is full."""
    while not stop.is_set():
        try:
            policy = str(connection.info("memory").get("maxmemory_policy", ""))
        except (ConnectionError, TimeoutError, BusyLoadingError):
            stop.wait(WAIT_SECONDS)
            continue
        if policy.startswith("allkeys"):
            raise Unfit(f"Redis has maxmemory-policy {policy} and would drop jobs; set it to noeviction")
        return


def queue(connection: Redis) -> Queue:
    return Queue(QUEUE, connection=connection, serializer=SERIALIZER, job_class=OwedJob)


def push(to: Queue, row_id: int, attempt: int, job: str) -> None:
    """Queue one row. Any error may come after the push has happened."""
    to.enqueue_call(
        RUN,
        args=(row_id,),
        job_id=f"outbox-{row_id}-{attempt}",
        timeout=SECONDS_OF.get(job, JOB_SECONDS),
        result_ttl=0,
        failure_ttl=KEEP_FAILED_SECONDS,
        description=f"row {row_id}",
        at_front=job in URGENT,
    )
