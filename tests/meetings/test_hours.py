"""The hours in which two schools are both at work, over the changes of the clocks on both halves of the earth."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import REFERENCE_DIR
from iew.domain.meetings import minutes_outside, moment_of, shared_times
from iew.domain.zones import zone_of, zones_of

TAIPEI = "Asia/Taipei"
SUNDAY_BEFORE_SUMMER_IN_AMERICA = datetime(2027, 3, 7, 0, 0, tzinfo=UTC)


def wall(*parts: int) -> datetime:
    """What a clock shows."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)


def local(start: datetime, zone: str) -> str:
    return start.astimezone(ZoneInfo(zone)).strftime("%a %H:%M")


def times(zone: str, now: datetime, minutes: int = 40, days: int = 5):
    return shared_times((TAIPEI, zone), now=now, minutes=minutes, days=days, most=200, a_day=200)


@pytest.mark.parametrize(
    ("country", "subdivision", "zone"),
    [
        ("TW", None, "Asia/Taipei"),
        ("JP", "JP-27", "Asia/Tokyo"),
        ("DE", "DE-BY", "Europe/Berlin"),
        ("IN", None, "Asia/Kolkata"),
        ("US", "US-CA", "America/Los_Angeles"),
        ("US", None, "America/New_York"),
        ("US", "US-HI", "Pacific/Honolulu"),
        ("AU", "AU-QLD", "Australia/Brisbane"),
        ("AU", None, "Australia/Sydney"),
        ("CA", "CA-BC", "America/Vancouver"),
        ("FR", "FR-974", "Indian/Reunion"),
        ("ZZ", None, "Asia/Taipei"),
    ],
)
def test_the_place_decides_the_zone(country: str, subdivision: str | None, zone: str) -> None:
    assert zone_of(country, subdivision) == zone


def test_people_decide_only_where_the_place_leaves_it_open() -> None:
    assert zone_of("US", None, people=["Asia/Taipei", "America/Chicago"]) == "America/Chicago"
    assert zone_of("US", "US-NY", people=["America/Chicago"]) == "America/New_York"
    assert zone_of("JP", None, people=["America/Chicago"]) == "Asia/Tokyo"


def test_every_place_of_the_reference_data_has_a_zone_of_its_country_or_territory() -> None:
    known = available_timezones()
    for line in (REFERENCE_DIR / "subdivisions.csv").read_text(encoding="utf-8").splitlines()[1:]:
        code, country = line.split(",")[:2]
        zone = zone_of(country, code)
        assert zone in known
        territories = {"US-AS", "US-GU", "US-MP", "US-PR", "US-VI", "FR-971", "FR-972", "FR-973", "FR-974", "FR-976"}
        assert zone in zones_of(country) or code in territories, code


def test_tokyo_and_taipei_share_their_days_but_for_one_hour() -> None:
    found = times("Asia/Tokyo", SUNDAY_BEFORE_SUMMER_IN_AMERICA)

    assert found.overlap
    monday_after = [
        local(slot.start, TAIPEI) for slot in found.items if slot.start.astimezone(ZoneInfo(TAIPEI)).day == 9
    ]
    assert (monday_after[0], monday_after[-1]) == ("Tue 08:00", "Tue 15:00")


def test_los_angeles_shares_an_hour_in_winter_and_none_in_summer() -> None:
    winter = times("America/Los_Angeles", SUNDAY_BEFORE_SUMMER_IN_AMERICA - timedelta(days=7))
    summer = times("America/Los_Angeles", SUNDAY_BEFORE_SUMMER_IN_AMERICA + timedelta(days=7))

    assert winter.overlap and {local(slot.start, TAIPEI)[4:] for slot in winter.items} == {"08:00"}
    assert {local(slot.start, "America/Los_Angeles")[4:] for slot in winter.items} == {"16:00"}
    assert not summer.overlap
    assert {slot.outside for slot in summer.items} == {(30, 10)}
    assert {local(slot.start, TAIPEI)[4:] for slot in summer.items} == {"07:30"}


def test_the_meeting_stays_when_the_clocks_change_within_the_days_looked_at() -> None:
    """America puts its clocks forward on 14 March 2027; the hour that fits in Taipei is another one from then on."""
    found = shared_times(
        (TAIPEI, "America/Los_Angeles"), now=SUNDAY_BEFORE_SUMMER_IN_AMERICA, minutes=30, days=12, most=200, a_day=200
    )
    before = [slot for slot in found.items if slot.start < datetime(2027, 3, 14, 10, tzinfo=UTC)]
    after = [slot for slot in found.items if slot.start >= datetime(2027, 3, 14, 10, tzinfo=UTC)]

    assert {local(slot.start, TAIPEI)[4:] for slot in before} == {"08:00", "08:30"}
    assert after == []  # in summer 17:00 in Los Angeles is 08:00 in Taipei


@pytest.mark.parametrize(
    ("zone", "before", "after", "first_before", "first_after"),
    [
        # Berlin: to summer on 28 March 2027, to winter on 31 October 2027
        ("Europe/Berlin", "2027-03-21", "2027-03-28", "15:00", "14:00"),
        ("Europe/Berlin", "2027-10-24", "2027-10-31", "14:00", "15:00"),
        # Sydney: to winter on 4 April 2027, to summer on 3 October 2027
        ("Australia/Sydney", "2027-03-28", "2027-04-04", "08:00", "08:00"),
        ("Australia/Sydney", "2027-09-26", "2027-10-03", "08:00", "08:00"),
    ],
)
def test_the_first_shared_hour_follows_the_clocks(
    zone: str, before: str, after: str, first_before: str, first_after: str
) -> None:
    for day, expected in ((before, first_before), (after, first_after)):
        found = times(zone, datetime.fromisoformat(f"{day}T00:00:00+00:00"), days=3)
        tuesday = [slot for slot in found.items if local(slot.start, TAIPEI).startswith("Tue")]
        assert local(tuesday[0].start, TAIPEI) == f"Tue {expected}"


@pytest.mark.parametrize(("day", "last"), [("2027-03-28", "13:00"), ("2027-04-04", "14:00"), ("2027-10-03", "13:00")])
def test_the_last_shared_hour_with_sydney_follows_its_clocks(day: str, last: str) -> None:
    found = times("Australia/Sydney", datetime.fromisoformat(f"{day}T00:00:00+00:00"), minutes=60, days=3)

    tuesday = [slot for slot in found.items if local(slot.start, TAIPEI).startswith("Tue")]
    assert local(tuesday[-1].start, TAIPEI) == f"Tue {last}"


def test_weekends_of_either_side_are_no_school_days() -> None:
    found = times("Pacific/Auckland", datetime(2027, 6, 3, tzinfo=UTC), days=7)

    days = {(local(slot.start, TAIPEI)[:3], local(slot.start, "Pacific/Auckland")[:3]) for slot in found.items}
    assert days <= {(day, day) for day in ("Mon", "Tue", "Wed", "Thu", "Fri")} and days


def test_where_nothing_fits_the_burden_is_shared() -> None:
    found = shared_times((TAIPEI, "America/New_York"), now=SUNDAY_BEFORE_SUMMER_IN_AMERICA, minutes=60)

    assert not found.overlap and found.items
    assert max(found.items[0].outside) == min(max(slot.outside) for slot in found.items)
    assert all(max(slot.outside) <= 150 for slot in found.items)


def test_some_of_every_day_rather_than_many_of_the_first() -> None:
    found = shared_times((TAIPEI, "Asia/Tokyo"), now=SUNDAY_BEFORE_SUMMER_IN_AMERICA, minutes=40)

    assert len(found.items) == 12
    assert len({slot.start.date() for slot in found.items}) >= 6


def test_an_hour_that_is_leapt_over_does_not_exist_and_a_doubled_one_is_the_first() -> None:
    assert moment_of(wall(2027, 3, 14, 2, 30), "America/Los_Angeles") is None
    assert moment_of(wall(2027, 10, 3, 2, 30), "Australia/Sydney") is None
    assert moment_of(wall(2027, 11, 7, 1, 30), "America/Los_Angeles") == datetime(2027, 11, 7, 8, 30, tzinfo=UTC)
    assert moment_of(wall(2027, 4, 4, 2, 30), "Australia/Sydney") == datetime(2027, 4, 3, 15, 30, tzinfo=UTC)


@settings(deadline=None, max_examples=60)
@given(
    zone=st.sampled_from(["Asia/Tokyo", "Europe/Berlin", "America/Santiago", "Asia/Kathmandu", "Australia/Sydney",
                          "America/Los_Angeles", "Pacific/Auckland", "America/St_Johns"]),
    now=st.datetimes(wall(2026, 1, 1), wall(2030, 1, 1), timezones=st.just(UTC)),
    minutes=st.integers(15, 180),
)  # fmt: skip
def test_what_is_offered_fits_both_or_nothing_does(zone: str, now: datetime, minutes: int) -> None:
    found = shared_times((TAIPEI, zone), now=now, minutes=minutes)

    starts = [slot.start for slot in found.items]
    assert starts == sorted(set(starts)) and all(start >= now + timedelta(days=1) for start in starts)
    assert all(b - a >= timedelta(minutes=30) for a, b in pairwise(starts))
    for slot in found.items:
        assert slot.outside == tuple(minutes_outside(slot.start, minutes, each) for each in (TAIPEI, zone))
        for each in (TAIPEI, zone):
            clock = slot.start.astimezone(ZoneInfo(each))
            assert clock.weekday() < 5
            if found.overlap:
                assert clock.hour >= 8 and clock.hour * 60 + clock.minute + minutes <= 17 * 60
