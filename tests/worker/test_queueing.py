"""The queue runs one function, whatever somebody else writes into it."""

import json
import zlib
from typing import Any

import pytest
from redis import Redis
from rq.exceptions import DeserializationError
from rq.job import Job

from worker import queueing
from worker.queueing import OwedJob, Refused, Unfit, connect, push, queue


def written(redis: Redis, data: Any, **fields: Any) -> OwedJob:
    """A job as somebody wrote it into Redis by hand."""
    redis.hset(
        "rq:job:evil",
        mapping={"data": zlib.compress(json.dumps(data).encode()), "origin": "iew", "status": "queued", **fields},
    )
    return OwedJob.fetch("evil", connection=redis, serializer="json")


@pytest.mark.parametrize(
    "data",
    [
        ["os.system", None, ["true"], {}],
        ["worker.runner.run", None, ["1"], {}],
        ["worker.runner.run", None, [True], {}],
        ["worker.runner.run", None, [1, 2], {}],
        ["worker.runner.run", None, [1], {"row_id": 2}],
        ["worker.runner.run", {"a": 1}, [1], {}],
        ["worker.runner.perform", None, [1], {}],
    ],
)
def test_anything_but_the_one_function_with_a_number_is_refused(redis: Redis, data: Any) -> None:
    with pytest.raises(Refused):
        written(redis, data).perform()


def test_a_pickle_is_not_even_read(redis: Redis) -> None:
    redis.hset("rq:job:evil", mapping={"data": zlib.compress(b"\x80\x05."), "origin": "iew"})
    with pytest.raises(DeserializationError):
        OwedJob.fetch("evil", connection=redis, serializer="json").perform()


def test_callbacks_and_web_hooks_are_dropped(redis: Redis) -> None:
    job = written(
        redis, ["worker.runner.run", None, [1], {}],
        success_callback_name="os.getpid", failure_callback_name="os.getpid", stopped_callback_name="os.getpid",
        webhooks=json.dumps([{"url": "http://127.0.0.1:9/", "events": ["finished"]}]),
        retries_left="9", repeats_left="9",
    )  # fmt: skip
    assert (job.success_callback, job.failure_callback, job.stopped_callback) == (None, None, None)
    assert (job.webhooks, job.retries_left, job.repeats_left) == ([], None, None)


def test_our_own_jobs_run(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    monkeypatch.setattr("worker.runner.run", done.append)
    push(queue(redis), 17, 0, "send_mail")
    OwedJob.fetch("outbox-17-0", connection=redis, serializer="json").perform()
    assert done == [17]


def test_a_lost_reply_is_not_repeated_by_the_client(redis: Redis) -> None:
    options = redis.connection_pool.connection_kwargs
    assert (options["socket_timeout"], options["socket_connect_timeout"]) == (2.0, 2.0)
    assert options["retry"].get_retries() == 0


def test_a_redis_that_may_drop_jobs_is_refused(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    from threading import Event

    redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(Unfit, match="noeviction"):
            queueing.wait_for(redis, Event())
    finally:
        redis.config_set("maxmemory-policy", "noeviction")
    queueing.wait_for(redis, Event())


def test_the_class_of_jobs_is_known_by_queue_and_worker(redis: Redis) -> None:
    from worker.workers import OutboxWorker

    worker = OutboxWorker(connect(f"redis://:test@127.0.0.1:{redis.connection_pool.connection_kwargs['port']}/0"))
    assert worker.job_class is OwedJob and queue(redis).job_class is OwedJob
    assert (worker.worker_ttl, worker.job_monitoring_interval, worker.maintenance_interval) == (45, 10, 30)
    assert [each.name for each in worker.queues] == ["iew"]
    assert issubclass(OwedJob, Job)
