"""Whatever is killed at whatever moment: every owed job takes effect once, and nothing is left in limbo."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis
from rq.registry import StartedJobRegistry

from iew.embedded.valkey import Valkey
from tests.worker.probe import effects, owe
from tests.workshop import Workshop
from worker.queueing import OwedJob, queue
from worker.relay import Relay

ROOT = Path(__file__).parents[2]
Start = Callable[[str], "subprocess.Popen[bytes]"]


@pytest.fixture
def start(worker_database_url: str, valkey: Valkey) -> Start:
    """Start a process that dies at a point."""

    def start(point: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "tests.worker.doomed", point, worker_database_url, valkey.url]
        return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)

    return start


def run(start: Start, point: str) -> int:
    process = start(point)
    _, said = process.communicate(timeout=60)
    if process.returncode not in (0, -signal.SIGKILL):
        raise AssertionError(said.decode())
    return process.returncode


def sweep(committed: Workshop, redis: Redis) -> int:
    """What the relay does once the lease of a lost row is over."""
    return Relay(committed.session_factory, queue(redis), lease_seconds=0).relay_once()


def pretend_that_hours_passed(redis: Redis) -> None:
    """Let RQ clean up what it holds for abandoned, as it would after a while."""
    registry = StartedJobRegistry("iew", connection=redis, job_class=OwedJob, serializer="json")
    registry.cleanup(timestamp=int(time.time()) + 86_400)


@pytest.mark.parametrize(
    "point",
    [
        "after_pop",
        "after_registration",
        "child_before_commit",
        "both_before_commit",
        "child_after_commit",
        "both_after_commit",
    ],
)
def test_a_killed_worker_loses_and_doubles_nothing(committed: Workshop, redis: Redis, start: Start, point: str) -> None:
    name = f"{point} {datetime.now(UTC)}"
    row_id = owe(committed, name)
    sweep(committed, redis)

    run(start, point)
    assert effects(committed, name) == (1 if point.endswith("after_commit") else 0)

    sweep(committed, redis)
    run(start, "none")
    pretend_that_hours_passed(redis)
    if sweep(committed, redis) or queue(redis).count:
        run(start, "none")

    row = committed.row(row_id)
    assert (effects(committed, name), row.done_at is not None, row.attempts) == (1, True, 0)
    assert sweep(committed, redis) == 0


@pytest.mark.parametrize("point", ["relay_before_push", "relay_after_push"])
def test_a_killed_relay_loses_and_doubles_nothing(committed: Workshop, redis: Redis, start: Start, point: str) -> None:
    names = [f"{point} {number} {datetime.now(UTC)}" for number in range(3)]
    for name in names:
        owe(committed, name)

    assert run(start, point) == -signal.SIGKILL
    assert queue(redis).count == (1 if point == "relay_after_push" else 0)

    sweep(committed, redis)
    run(start, "none")
    assert [effects(committed, name) for name in names] == [1, 1, 1]
    assert sweep(committed, redis) == 0


def processes_that_did(start: Start, point: str) -> list[str]:
    """Which process did each job, in turn."""
    process = start(point)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said.decode()
    return [line.split()[1] for line in said.decode().splitlines() if line.startswith("process ")]


@pytest.mark.parametrize(("point", "children"), [("standing", 1), ("worn", 3), ("idle", 5)])
def test_a_child_does_many_jobs_and_is_replaced_when_it_is_worn_or_dead(
    committed: Workshop, redis: Redis, start: Start, point: str, children: int
) -> None:
    names = [f"{point} {number} {datetime.now(UTC)}" for number in range(5)]
    for name in names:
        owe(committed, name)
    sweep(committed, redis)

    did = processes_that_did(start, point)

    assert (len(did), len(set(did))) == (5, children)
    assert [effects(committed, name) for name in names] == [1] * 5
    assert committed.rows() == []


def test_a_child_that_was_interrupted_over_a_job_does_no_other(
    committed: Workshop, redis: Redis, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.queueing.JOB_SECONDS", 2)
    names = [f"slow {number} {datetime.now(UTC)}" for number in range(3)]
    for name in names:
        owe(committed, name)
    sweep(committed, redis)

    first, *others = processes_that_did(start, "slow")

    assert len(others) == 2 and set(others) == {others[0]} and first not in others
    assert [effects(committed, name) for name in names] == [0, 1, 1]
    (row,) = committed.rows()
    assert row.attempts == 1 and "JobTimeoutException" in (row.last_error or "")


def test_an_emptied_queue_is_filled_again(committed: Workshop, redis: Redis, start: Start) -> None:
    names = [f"flushed {number} {datetime.now(UTC)}" for number in range(5)]
    for name in names:
        owe(committed, name)
    sweep(committed, redis)
    redis.flushall()

    sweep(committed, redis)
    run(start, "none")
    assert [effects(committed, name) for name in names] == [1] * 5


@pytest.fixture
def service(worker_database_url: str, valkey: Valkey, redis: Redis) -> Callable[..., "subprocess.Popen[bytes]"]:
    """Start a part of the worker as an operator does."""

    def service(*words: str) -> "subprocess.Popen[bytes]":
        variables = {
            "IEW_DATABASE_URL": worker_database_url,
            "IEW_REDIS_URL": valkey.url,
            "IEW_OPENSEARCH_URL": "http://127.0.0.1:9",
            "IEW_SMTP_URL": "smtp://127.0.0.1:9",
            "IEW_BASE_URL": "http://localhost:8000",
            "IEW_SECRET_KEY": "a secret key of the tests",
            "IEW_MAIL_FROM": "window@iew.example",
        }
        outside = {name: value for name, value in os.environ.items() if not name.startswith("IEW_")}
        return subprocess.Popen(
            [sys.executable, "-m", "worker", *words], cwd=ROOT, env=outside | variables, stderr=subprocess.PIPE
        )

    return service


def children_of(pid: int) -> set[int]:
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == pid:
            found.add(int(status.parent.name))
    return found


def wait_until(happened: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_the_crew_is_completed_again_and_ends_with_its_supervisor(
    committed: Workshop, redis: Redis, service: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    supervisor = service("worker", "--processes", "2")
    try:
        wait_until(lambda: redis.scard("rq:workers") == 2)
        before = children_of(supervisor.pid)
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: len(children_of(supervisor.pid) - before) == 1)
        lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in children_of(supervisor.pid)]
        assert all("\0-m\0worker\0worker" in line for line in lines)

        row_id = owe(committed, job_name="unknown to this release")
        sweep(committed, redis)
        wait_until(lambda: committed.row(row_id).parked_at)

        crew = children_of(supervisor.pid)
        supervisor.kill()
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in crew))
    finally:
        supervisor.kill()
        supervisor.communicate()


def test_relay_and_workers_outlive_a_queue_that_dies_and_a_queue_that_hangs(
    committed: Workshop, redis: Redis, valkey: Valkey, service: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    relay, workers = service("relay"), service("worker")

    def is_served() -> bool:
        """Whether a job that is owed now reaches a worker; one that no release knows is parked there."""
        row_id = owe(committed, job_name="unknown to this release")
        wait_until(lambda: committed.row(row_id).parked_at)
        return True

    try:
        assert is_served()
        assert valkey.child.process is not None
        valkey.child.process.kill()
        valkey.stop()
        time.sleep(1)
        valkey.start()
        valkey.wait_until_ready()
        assert is_served()

        valkey.child.process.send_signal(signal.SIGSTOP)
        time.sleep(3)
        valkey.child.process.send_signal(signal.SIGCONT)
        assert is_served()
        assert (relay.poll(), workers.poll()) == (None, None)
    finally:
        for process in (relay, workers):
            process.kill()
            process.communicate()


@pytest.mark.parametrize("part", ["relay", "worker", "scheduler"])
def test_each_part_ends_in_good_order_when_asked(
    committed: Workshop, redis: Redis, service: Callable[..., "subprocess.Popen[bytes]"], part: str
) -> None:
    process = service(part)
    ready = {
        "relay": lambda: redis.client_list() and any(c["cmd"].startswith("llen") for c in redis.client_list()),
        "worker": lambda: redis.scard("rq:workers") == 1,
        "scheduler": lambda: any(row.job == "reconcile_index" for row in committed.rows()),
    }
    try:
        wait_until(ready[part])
        crew = children_of(process.pid)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in crew)
    finally:
        process.kill()
        process.communicate()


def test_a_missing_variable_stops_the_start_in_one_line(service: Callable[..., "subprocess.Popen[bytes]"]) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "worker", "relay"], cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 1
    assert "IEW_DATABASE_URL" in run.stderr and "IEW_REDIS_URL" in run.stderr and "Traceback" not in run.stderr
