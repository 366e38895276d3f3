"""The digest keeps its hour and its promise: two schedulers, a crash in the middle, clock changes, pauses."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from iew.db import SessionFactory
from iew.domain import rhythms
from iew.duties import run_due
from iew.models import Duty, Event, Unit, User
from iew.services import digests, units
from iew.uow import UnitOfWork
from tests.duties.conftest import Tick
from tests.duties.test_digests import digests as digests_to
from tests.duties.test_digests import eight, post
from tests.workshop import Workshop
from tests.world import World


def issues(world: World) -> list[str]:
    with world.unit_of_work() as uow:
        return list(uow.session.scalars(select(Event.subject_id).where(Event.fact == "DigestBecameDue")))


def test_four_schedulers_at_one_moment_make_one_issue(committed_session_factory: SessionFactory) -> None:
    world = World(committed_session_factory)
    reader = world.ierc_tainan
    world.invitation(world.osaka, target_counties=["TNN"])
    world.school("TW", status="pending", approver_code="TNN")  # a task, which any number of issues would tell of
    start = Barrier(4)

    def tick(_: int) -> None:
        start.wait()
        run_due(lambda moment: UnitOfWork(committed_session_factory, now=moment), eight())

    with ThreadPoolExecutor(4) as schedulers:
        list(schedulers.map(tick, range(4)))

    assert issues(world) == ["TNN"]
    workshop = Workshop(committed_session_factory)
    workshop.work_off()
    assert [to for to, _ in workshop.postbox.sent if to == reader.email] == [reader.email]


def test_a_crash_in_the_middle_of_an_issue_loses_and_doubles_nothing(
    world: World, tick: Tick, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, broken = world.ierc_tainan, digests.make_issue
    post(world, title="The one post")

    def dies(uow: UnitOfWork, unit: Unit, period: str) -> bool:
        broken(uow, unit, period)
        raise SystemExit("killed")

    monkeypatch.setattr(digests, "make_issue", dies)
    with pytest.raises(SystemExit):
        tick(eight())
    assert issues(world) == []
    with world.unit_of_work() as uow:
        assert uow.session.scalars(select(Duty).where(Duty.name == "digest")).all() == []

    monkeypatch.setattr(digests, "make_issue", broken)
    tick(eight(minutes=3))
    tick(eight(minutes=4))
    (mail,) = digests_to(workshop, reader)
    assert (mail.text or "").count("The one post") == 1


def local(day: date, hour: int, minute: int, zone: str, *, fold: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), ZoneInfo(zone)).replace(fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    "change", [date(2027, 3, 14), date(2027, 11, 7)], ids=["the clock goes forward", "the clock goes back"]
)
def test_across_a_clock_change_each_morning_brings_one(
    world: World, tick: Tick, workshop: Workshop, change: date
) -> None:
    zone = "America/Los_Angeles"
    reader = world.user("office", unit="US-LAX", language="en", timezone=zone)
    with world.unit_of_work() as uow:
        unit = uow.get(Unit, "US-LAX")
        unit.timezone, unit.digest_frequency = zone, "daily"
    world.school("US", status="pending", approver_code="US-LAX")  # a task for every morning
    arrived = []
    for days in (-1, 0, 1):
        day = change + timedelta(days=days)
        for hour, minute in ((7, 59), (8, 0), (8, 1), (23, 0)):
            tick(local(day, hour, minute, zone))
            arrived.append(len(digests_to(workshop, reader)))
    before = arrived[0]  # what the day before left, at a moment at which a digest was due already
    assert [count - before for count in arrived] == [0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3]


@pytest.mark.parametrize("zone", ["Asia/Taipei", "America/Los_Angeles", "Europe/Paris", "Australia/Sydney"])
@pytest.mark.parametrize("frequency", ["daily", "weekly"])
def test_the_next_moment_is_always_eight_o_clock_there(zone: str, frequency: str) -> None:
    now = datetime(2027, 1, 1, tzinfo=UTC)
    for _ in range(24 * 370 // 7):
        due = rhythms.next_moment(frequency, zone, now)
        assert (due.hour, due.minute) == (8, 0) and due > now
        assert frequency == "daily" or due.weekday() == 0
        assert rhythms.last_moment(frequency, zone, due.astimezone(UTC)) == due
        now += timedelta(hours=7)


class TestChoosing:
    def choose(self, world: World, frequency: str, user: User | None = None) -> None:
        with world.unit_of_work() as uow:
            units.choose_digest(uow, frequency, world.actor(user or world.ierc_tainan))

    def test_a_choice_brings_no_digest_out_of_its_hour(self, world: World, tick: Tick, workshop: Workshop) -> None:
        reader = world.ierc_tainan
        self.choose(world, "paused")
        post(world)
        self.choose(world, "daily")
        tick(datetime.now(UTC) + timedelta(minutes=1))
        assert digests_to(workshop, reader) == []
        tick(eight(2))
        assert len(digests_to(workshop, reader)) == 1

    def test_what_was_new_during_a_pause_comes_in_the_first_one_after_it(
        self, world: World, tick: Tick, workshop: Workshop
    ) -> None:
        reader = world.ierc_tainan
        self.choose(world, "paused")
        post(world, title="During the pause")
        for days in (1, 2, 3):
            tick(eight(days))
        assert digests_to(workshop, reader) == []
        self.choose(world, "daily")
        tick(eight(4))
        (mail,) = digests_to(workshop, reader)
        assert "During the pause" in (mail.text or "")

    def test_who_chose_what_is_kept(self, world: World) -> None:
        colleague = world.user("ierc", unit="TNN")
        self.choose(world, "weekly")
        self.choose(world, "weekly")
        self.choose(world, "paused", colleague)
        with world.unit_of_work() as uow:
            made = units.choices_of(uow, uow.get(Unit, "TNN"))
        assert [(choice.who, choice.frequency) for choice in made] == [
            (colleague.name, "paused"),
            (world.ierc_tainan.name, "weekly"),
        ]


def test_a_reader_to_whom_mail_does_not_arrive_swallows_no_news(world: World, tick: Tick, workshop: Workshop) -> None:
    reader = world.ierc_tainan
    with world.unit_of_work() as uow:
        uow.get(User, reader.id).mail_refused_at = uow.now
    post(world, title="Kept for later")
    tick(eight(1))
    assert issues(world) == []
    with world.unit_of_work() as uow:
        uow.get(User, reader.id).mail_refused_at = None
    tick(eight(2))
    (mail,) = digests_to(workshop, reader)
    assert "Kept for later" in (mail.text or "")
