"""One owed job: its effect and its mark are one; its failures are its row's; nobody does it twice."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from iew.errors import Unavailable
from iew.models import OutboxRow
from iew.outbox import JOBS_FOR, REBUILD_INDEX, RECONCILE_INDEX, SEND_MAIL, TELL_OF_HIT
from search_index.errors import SearchUnavailable, WriteRefused
from tests.worker import probe
from tests.worker.probe import effects, owe
from tests.workshop import Workshop
from worker import equipment, runner
from worker.handlers import HANDLERS, job
from worker.masking import masked


@pytest.fixture(autouse=True)
def calm() -> Iterator[None]:
    yield
    probe.forget()


def fail_with(fault: Exception) -> None:
    def step() -> None:
        raise fault

    probe.during(step)


def test_effect_and_mark_are_one_transaction(workshop: Workshop) -> None:
    row_id = owe(workshop)
    workshop.perform(row_id)
    row = workshop.row(row_id)
    assert (effects(workshop), row.done_at is not None, row.attempts) == (1, True, 0)


def test_a_job_that_is_done_or_parked_is_left(workshop: Workshop) -> None:
    done, parked = owe(workshop, "done"), owe(workshop, "parked")
    workshop.perform(done)
    with workshop.unit_of_work() as uow:
        uow.get(OutboxRow, parked).parked_at = uow.now
    workshop.perform(done)
    workshop.perform(parked)
    workshop.perform(987654321)
    assert (effects(workshop, "done"), effects(workshop, "parked")) == (1, 0)


def test_a_failed_job_leaves_no_effect_and_comes_again_later_each_time(workshop: Workshop) -> None:
    workshop.now = datetime.now(UTC)  # stands still, however long the machine takes
    row_id = owe(workshop)
    fail_with(ValueError("no"))
    waited = []
    for attempt in range(1, 10):
        workshop.perform(row_id)
        row = workshop.row(row_id)
        assert (row.attempts, row.dispatched_at, row.parked_at) == (attempt, None, None)
        with workshop.unit_of_work() as uow:
            waited.append((row.available_at - uow.now).total_seconds())
    assert waited == [30, 60, 120, 300, 600, 1800, 3600, 3600, 7200]
    assert effects(workshop) == 0

    workshop.perform(row_id)
    row = workshop.row(row_id)
    assert (row.attempts, row.parked_at is not None, row.last_error) == (10, True, "ValueError: no")


def test_a_job_that_succeeds_at_last_forgets_its_errors(workshop: Workshop) -> None:
    row_id = owe(workshop)
    fail_with(ValueError("no"))
    workshop.perform(row_id)
    probe.forget()
    workshop.perform(row_id)
    row = workshop.row(row_id)
    assert (row.done_at is not None, row.last_error, effects(workshop)) == (True, None, 1)


def test_a_job_that_waits_for_an_absent_part_is_never_given_up(workshop: Workshop) -> None:
    row_id = owe(workshop)
    for fault in (SearchUnavailable("away"), Unavailable()):
        fail_with(fault)
        for _ in range(12):
            workshop.perform(row_id)
    row = workshop.row(row_id)
    assert (row.attempts, row.parked_at) == (24, None)
    with workshop.unit_of_work() as uow:
        assert row.available_at - uow.now <= timedelta(seconds=60)


def test_what_the_engine_refuses_for_good_is_parked_at_once(workshop: Workshop) -> None:
    row_id = owe(workshop)
    fail_with(WriteRefused("bad document"))
    workshop.perform(row_id)
    assert workshop.row(row_id).parked_at is not None


def test_an_unknown_job_is_parked_at_once(workshop: Workshop) -> None:
    row_id = owe(workshop, job_name="of_a_release_to_come")
    workshop.perform(row_id)
    row = workshop.row(row_id)
    assert (row.parked_at is not None, row.done_at, row.attempts) == (True, None, 0)
    assert "no job" in (row.last_error or "")


def test_a_second_process_with_the_same_row_leaves(committed: Workshop) -> None:
    row_id = owe(committed, "raced")
    with committed.unit_of_work() as uow:
        uow.session.scalar(select(OutboxRow).where(OutboxRow.id == row_id).with_for_update())
        committed.perform(row_id)
    assert (effects(committed, "raced"), committed.row(row_id).attempts) == (0, 0)
    committed.perform(row_id)
    assert effects(committed, "raced") == 1


def test_a_failure_is_not_charged_to_a_row_that_another_process_has_taken(committed: Workshop) -> None:
    row_id = owe(committed, "overtaken")
    other = committed.unit_of_work().__enter__()

    def overtaken() -> None:
        raise ValueError

    probe.during(overtaken)
    take = runner._take
    tried: list[int] = []

    def take_then_lose(uow: object, row: int) -> OutboxRow | None:
        if tried:
            other.session.scalar(select(OutboxRow).where(OutboxRow.id == row).with_for_update())
        tried.append(row)
        return take(uow, row)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "_take", take_then_lose)
        committed.perform(row_id)
    other.__exit__(None, None, None)
    assert committed.row(row_id).attempts == 0


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (ValueError("cannot reach mika@school.example now"), "ValueError: cannot reach … now"),
        (ValueError("call +81 6 5550 0199"), "ValueError: call …"),
        (ValueError("first line\nsecond line with a@b.example"), "ValueError: first line"),
        (
            IntegrityError("insert", {"email": "a@b.example"}, Exception("duplicate key\nDETAIL: (a@b.example)")),
            "IntegrityError: duplicate key",
        ),
    ],
)  # fmt: skip
def test_an_error_is_kept_without_what_it_says_of_people(fault: Exception, said: str) -> None:
    assert masked(fault) == said


def test_every_owed_job_exists_and_every_job_is_owed() -> None:
    by_facts = {name for jobs in JOBS_FOR.values() for name in jobs}
    owed = by_facts | {SEND_MAIL, RECONCILE_INDEX, REBUILD_INDEX, TELL_OF_HIT}
    assert owed == set(HANDLERS) - {"probe"}


def test_two_jobs_cannot_have_one_name() -> None:
    with pytest.raises(ValueError, match="probe"):
        job("probe")(lambda work: None)


def test_a_process_without_tools_says_so() -> None:
    equipment._installed.clear()
    with pytest.raises(equipment.NotEquipped):
        runner.run(1)


def test_a_job_that_kills_its_worker_each_time_is_given_up(committed: Workshop) -> None:
    class WorkerDied(BaseException):
        """Nobody lives to record it, as after SIGKILL."""

    def die() -> None:
        raise WorkerDied

    row_id = owe(committed)
    probe.during(die)
    for _ in range(10):
        with pytest.raises(WorkerDied):
            committed.perform(row_id)
    assert committed.row(row_id).parked_at is None

    committed.perform(row_id)

    row = committed.row(row_id)
    assert row.parked_at is not None
    assert row.last_error == "its worker died each time"
    assert effects(committed) == 0


def test_a_failure_that_was_recorded_is_no_death(workshop: Workshop) -> None:
    row_id = owe(workshop)
    fail_with(ValueError("no"))
    workshop.perform(row_id)
    assert workshop.row(row_id).deaths == 0
