"""What is owed reaches the queue: soon, once in its lease, through every absence."""

import threading
import time
from datetime import timedelta

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import TimeoutError as RedisSilent
from rq import Queue
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import sessionmaker

from iew.models import OutboxRow
from tests.worker.probe import owe
from tests.workshop import Workshop
from worker import relay as relays
from worker.queueing import OwedJob, queue
from worker.relay import BATCH, MOST_QUEUED, Relay


def relay_of(workshop: Workshop, redis: Redis, *, lease_seconds: float = 60) -> Relay:
    return Relay(workshop.session_factory, queue(redis), lease_seconds=lease_seconds)


def queued(redis: Redis) -> list[str]:
    return Queue("iew", connection=redis, serializer="json").job_ids


def test_a_row_is_queued_under_its_number_and_try_with_its_number_alone(committed: Workshop, redis: Redis) -> None:
    row_id = owe(committed)

    assert relay_of(committed, redis).relay_once() == 1

    assert queued(redis) == [f"outbox-{row_id}-0"]
    job = OwedJob.fetch(f"outbox-{row_id}-0", connection=redis, serializer="json")
    assert (job.func_name, job.args, job.kwargs) == ("worker.runner.run", [row_id], {})
    assert (job.timeout, job.result_ttl, job.failure_ttl, job.retries_left) == (60, 0, 86400, None)
    assert committed.row(row_id).dispatched_at is not None


def test_a_job_that_takes_its_time_is_given_it(committed: Workshop, redis: Redis) -> None:
    row_id = owe(committed, job_name="reconcile_index")
    relay_of(committed, redis).relay_once()
    assert OwedJob.fetch(f"outbox-{row_id}-0", connection=redis, serializer="json").timeout == 900


def test_nothing_personal_is_in_the_queue(committed: Workshop, redis: Redis) -> None:
    owe(committed, "canary@contact.example")
    relay_of(committed, redis).relay_once()
    held = [redis.dump(key) for key in redis.scan_iter()]
    assert held and not any(b"canary" in (value or b"") for value in held)


def test_within_its_lease_a_row_is_sent_once_and_after_it_again(committed: Workshop, redis: Redis) -> None:
    owe(committed)
    relay = relay_of(committed, redis, lease_seconds=0.3)
    assert [relay.relay_once(), relay.relay_once()] == [1, 0]
    time.sleep(0.35)
    assert relay.relay_once() == 1


@pytest.mark.parametrize("state", ["done", "parked", "later"])
def test_what_is_done_parked_or_not_yet_due_is_left(committed: Workshop, redis: Redis, state: str) -> None:
    row_id = owe(committed)
    with committed.unit_of_work() as uow:
        row = uow.get(OutboxRow, row_id)
        row.done_at = uow.now if state == "done" else None
        row.parked_at = uow.now if state == "parked" else None
        row.available_at = uow.now + timedelta(seconds=20 if state == "later" else -20)
    assert relay_of(committed, redis).relay_once() == 0


def test_two_relays_share_the_rows(committed: Workshop, redis: Redis) -> None:
    rows = {owe(committed, str(number)) for number in range(40)}
    relays_ = [relay_of(committed, redis) for _ in range(2)]
    threads = [threading.Thread(target=relay.relay_once) for relay in relays_]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for relay in relays_:
        relay.relay_once()
    assert sorted(queued(redis)) == sorted(f"outbox-{row}-0" for row in rows)


def test_a_long_queue_is_not_made_longer(committed: Workshop, redis: Redis) -> None:
    for number in range(MOST_QUEUED + BATCH):
        owe(committed, str(number))
    relay = relay_of(committed, redis)
    relay.relay_once()
    assert (queue(redis).count, relay.relay_once()) == (MOST_QUEUED, 0)


def test_what_somebody_waits_for_goes_before_a_flood_of_mails(committed: Workshop, redis: Redis) -> None:
    for number in range(MOST_QUEUED + 10):
        owe(committed, str(number))
    urgent = owe(committed, "post", job_name="index_invitation")
    relay = relay_of(committed, redis)
    relay.relay_once()
    assert queued(redis)[0] == f"outbox-{urgent}-0"
    later = owe(committed, "another", job_name="index_invitation")
    redis.lpop("rq:queue:iew")
    relay.relay_once()
    assert queued(redis)[0] == f"outbox-{later}-0"


def test_the_news_of_a_great_import_wait_behind_letters(committed: Workshop, redis: Redis) -> None:
    for number in range(MOST_QUEUED + 10):
        owe(committed, str(number), job_name="announce_to_searches" if number % 2 else "suggest_partners")
    letter = owe(committed, "letter")

    relay_of(committed, redis).relay_once()

    assert queued(redis)[0] == f"outbox-{letter}-0"
    assert len(queued(redis)) == MOST_QUEUED


def test_rows_that_were_committed_out_of_order_are_not_passed_over(committed: Workshop, redis: Redis) -> None:
    early = committed.unit_of_work().__enter__()
    early.owe("probe", subject_type="probe", subject_id="early")
    late = owe(committed, "late")
    relay = relay_of(committed, redis)
    assert (relay.relay_once(), queued(redis)) == (1, [f"outbox-{late}-0"])
    early.__exit__(None, None, None)
    assert relay.relay_once() == 1


def test_a_push_whose_answer_is_lost_counts_as_sent_and_those_after_it_do_not(
    committed: Workshop, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [owe(committed, str(number)) for number in range(3)]
    push = relays.push

    def lose_the_answer(to: Queue, row_id: int, attempt: int, job: str) -> None:
        push(to, row_id, attempt, job)
        if row_id == rows[1]:
            raise RedisSilent

    monkeypatch.setattr(relays, "push", lose_the_answer)
    with pytest.raises(RedisSilent):
        relay_of(committed, redis).relay_once()
    assert [committed.row(row).dispatched_at is not None for row in rows] == [True, True, False]

    monkeypatch.undo()
    relay_of(committed, redis).relay_once()
    assert queued(redis) == [f"outbox-{row}-0" for row in rows]


def test_while_redis_is_away_no_row_is_taken(committed: Workshop) -> None:
    row_id = owe(committed)
    away = Redis(host="127.0.0.1", port=9)
    with pytest.raises(RedisAway):
        relay_of(committed, away).relay_once()
    assert committed.row(row_id).dispatched_at is None


def test_the_relay_waits_out_absences_and_goes_on(
    committed: Workshop, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    row_id, stop, faults = (
        owe(committed),
        threading.Event(),
        [RedisAway(), DBAPIError("select 1", {}, Exception("gone"))],
    )
    relay = relay_of(committed, redis)
    once = relay.relay_once

    def sometimes() -> int:
        if faults:
            raise faults.pop()
        return once()

    monkeypatch.setattr(relay, "relay_once", sometimes)
    monkeypatch.setattr(relays, "WAIT_SECONDS", 0.01)
    thread = threading.Thread(target=relay.run, args=(stop,))
    thread.start()
    while not queued(redis):
        time.sleep(0.02)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert queued(redis) == [f"outbox-{row_id}-0"]


def test_a_row_is_on_its_way_in_well_under_a_second(committed: Workshop, redis: Redis) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=relay_of(committed, redis).run, args=(stop,))
    thread.start()
    try:
        waited = []
        for number in range(5):
            begun = time.monotonic()
            owe(committed, f"soon {number}")
            while len(queued(redis)) <= number:
                time.sleep(0.005)
            waited.append(time.monotonic() - begun)
        assert sorted(waited)[2] < 0.5
    finally:
        stop.set()
        thread.join(5)


def test_the_relay_outlives_its_connection_to_the_database(
    committed: Workshop, redis: Redis, worker_database_url: str
) -> None:
    engine = create_engine(worker_database_url, pool_pre_ping=True)
    relay = Relay(sessionmaker(engine), queue(redis))
    relay.relay_once()
    with committed.unit_of_work() as uow:
        own = uow.session.scalar(select(text("pg_backend_pid()")))
        others = text(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> :own"
        )
        uow.session.execute(others, {"own": own})
    owe(committed)
    assert relay.relay_once() == 1
    engine.dispose()
