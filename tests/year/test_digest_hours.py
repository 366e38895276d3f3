"""Digests at eight in the morning where the unit is: twelve zones, hour by hour, over the days when clocks change."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import select

from iew.db import SessionFactory
from iew.domain.actors import Role
from iew.duties import run_due
from iew.models import EmailDelivery, Event, Unit
from iew.uow import UnitOfWork
from tests.workshop import Workshop
from tests.world import World

ZONES: Final = {
    "TPE": "Asia/Taipei", "NWT": "Asia/Tokyo", "TAO": "America/Los_Angeles", "TXG": "America/New_York",
    "TNN": "Europe/Berlin", "KHH": "Europe/London", "HSQ": "Australia/Sydney", "HSZ": "Pacific/Auckland",
    "MIA": "Africa/Johannesburg", "CHA": "Asia/Kolkata", "NAN": "America/Asuncion", "YUN": "Asia/Ho_Chi_Minh",
}  # fmt: skip
"""Centres, moved to the zones of the offices: what is new for one of them is new for all."""
HOURS: Final = 50
NEWS_AT: Final = (3, 4, 30, 31)
"""Hours at which posts become public; so some mornings have news, and some have none."""


@pytest.fixture(params=["2027-03-13", "2027-03-27", "2027-04-03", "2027-11-06"])
def start(request: pytest.FixtureRequest) -> datetime:
    """The evening before clocks change in America, Europe, or the south."""
    return datetime.fromisoformat(f"{request.param}T00:00:00+00:00")


@pytest.fixture
def world(session_factory: SessionFactory) -> Iterator[World]:
    world = World(session_factory)
    with world.unit_of_work() as uow:
        for unit in uow.session.scalars(select(Unit)):
            unit.digest_frequency = "daily" if unit.code in ZONES else "paused"
            unit.timezone = ZONES.get(unit.code, unit.timezone)
    for code in ZONES:
        world.user(Role.IERC, unit=code)
    yield world


def mornings(start: datetime, code: str) -> list[datetime]:
    """The hours at which this unit's digest is looked at: the first, which covers what was before, and each eight."""
    zone, found, seen = ZoneInfo(ZONES[code]), [], set[date]()
    for hour in range(HOURS):
        now = start + timedelta(hours=hour)
        eights = [
            datetime(day.year, day.month, day.day, 8, tzinfo=zone).astimezone(UTC)
            for day in (now.astimezone(zone).date() - timedelta(days=back) for back in (0, 1))
        ]
        last = next(eight for eight in eights if eight <= now)
        if last.astimezone(zone).date() not in seen:
            seen.add(last.astimezone(zone).date())
            found.append(now)
    return found


def expected(start: datetime) -> dict[tuple[str, datetime], int]:
    """(unit, hour) -> how many posts its digest tells; where there is no news there is no digest."""
    must: dict[tuple[str, datetime], int] = {}
    published = [start + timedelta(hours=hour) for hour in NEWS_AT]
    for code in ZONES:
        told = 0
        for morning in mornings(start, code):
            known = sum(moment <= morning for moment in published)
            if known > told:
                must[code, morning] = known - told
            told = known
    return must


@pytest.mark.timeout(300)
def test_each_unit_hears_at_its_own_eight_o_clock_once_and_only_of_news(
    world: World, session_factory: SessionFactory, start: datetime
) -> None:
    workshop, hours = Workshop(session_factory), {hour for _, hour in expected(start)}
    for hour in range(HOURS):
        now = start + timedelta(hours=hour)
        with time_machine.travel(now, tick=False):
            if hour in NEWS_AT:
                world.invitation(world.osaka, expires_on=date(2028, 6, 1))
            for _ in range(1 + (now in hours)):  # where something is due, twice
                run_due(lambda moment: UnitOfWork(session_factory, now=moment), now)
    with time_machine.travel(start + timedelta(hours=HOURS), tick=False):
        workshop.work_off(skip=("suggest_partners", "reconcile_index"))

    with world.unit_of_work() as uow:
        issues = uow.session.scalars(select(Event).where(Event.fact == "DigestBecameDue")).all()
        found = Counter({(issue.subject_id, issue.at): len(issue.details["for_area"]) for issue in issues})
        mails = list(uow.session.scalars(select(EmailDelivery.user_id).where(EmailDelivery.kind == "digest")))
    assert len(issues) == len(found)
    assert dict(found) == expected(start)
    assert len(mails) == len(issues)
    assert {at.astimezone(ZoneInfo(ZONES[code])).hour for code, at in found if at > start} == {8}
