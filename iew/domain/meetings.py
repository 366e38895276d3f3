"""The first online meeting of two schools: its life as a table, and the hours in which both are at work.

Hours are looked for on the line of time itself and only read on each school's clock, so a change to summer time on one
side moves the hours that fit, and never the meeting.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from iew.domain.lifecycle import Lifecycle, Row


class Status(StrEnum):
    PROPOSED = "proposed"  # one school named times; the other has not chosen
    AGREED = "agreed"  # both know when; it stands in their calendars
    LAPSED = "lapsed"  # every time that was named has passed without a choice
    CANCELLED = "cancelled"  # called off


class Kind(StrEnum):
    NEW = "new"  # never agreed so far
    MOVED = "moved"  # stands in calendars at an earlier agreed time


class Party(StrEnum):
    PROPOSING = "proposing"  # the school that named the times
    ANSWERING = "answering"  # the other one
    SYSTEM = "system"


S, P = Status, Party
SCHOOLS: Final = frozenset({P.PROPOSING, P.ANSWERING})
EVERYBODY: Final = SCHOOLS | {P.SYSTEM}
OPEN: Final = frozenset({S.PROPOSED, S.AGREED})

MEETING: Final = Lifecycle(
    #   action     kind        from          to           who             needs       fact
    Row("accept",  None,       {S.PROPOSED}, S.AGREED,    {P.ANSWERING},  {"start"},  "MeetingAgreed"),
    Row("propose", None,       OPEN,         S.PROPOSED,  SCHOOLS,        {"starts"}, "MeetingProposed"),
    Row("lapse",   Kind.NEW,   {S.PROPOSED}, S.LAPSED,    {P.SYSTEM},     set(),      "MeetingLapsed"),
    Row("lapse",   Kind.MOVED, {S.PROPOSED}, S.AGREED,    {P.SYSTEM},     set(),      "MeetingLapsed"),
    Row("cancel",  None,       OPEN,         S.CANCELLED, EVERYBODY,      set(),      "MeetingCancelled"),
)  # fmt: skip

MOST_STARTS: Final = 5
LEAST_MINUTES: Final = 15
MOST_MINUTES: Final = 180
USUAL_MINUTES: Final = 40

DAY_BEGINS: Final = time(8)
DAY_ENDS: Final = time(17)
_SCHOOL_DAYS: Final = range(5)
_STEP: Final = timedelta(minutes=30)
_A_DAY: Final = timedelta(days=1)
_NEVER: Final = 24 * 60
"""Minutes; what a day without school counts as."""


@dataclass(frozen=True)
class Slot:
    """A start that could be proposed. outside: for each of the two zones, by how many minutes it leaves the school's
    day; 0 within it."""

    start: datetime
    outside: tuple[int, int]

    @property
    def fits_both(self) -> bool:
        return self.outside == (0, 0)


@dataclass(frozen=True)
class Slots:
    """overlap: whether the two school days share any such time in the days looked at; else `items` are the nearest."""

    items: tuple[Slot, ...]
    overlap: bool


def shared_times(
    zones: tuple[str, str], *, now: datetime, minutes: int, days: int = 21, most: int = 12, a_day: int = 2
) -> Slots:
    """Starts within both schools' days, the soonest first, `a_day` on one day; where there are none, the nearest.

    zones: IANA names. now: the first start lies a day after it, so that the other school has time to answer.
    """
    every = list(_slots(zones, now, minutes, days))
    within = [slot for slot in every if slot.fits_both]
    if within:
        return Slots(tuple(_spread(within, zones[0], most, a_day)), overlap=True)
    least = min((max(slot.outside) for slot in every), default=_NEVER)
    near = [slot for slot in every if max(slot.outside) == least and least < _NEVER]
    return Slots(tuple(_spread(near, zones[0], most, a_day)), overlap=False)


def minutes_outside(start: datetime, minutes: int, zone: str) -> int:
    """By how many minutes a meeting leaves the school's day in `zone`; a weekend counts as a whole day."""
    local = start.astimezone(ZoneInfo(zone))
    if local.weekday() not in _SCHOOL_DAYS:
        return _NEVER
    begin = local.hour * 60 + local.minute
    end = begin + minutes
    return max(0, _minutes(DAY_BEGINS) - begin) + max(0, end - _minutes(DAY_ENDS))


def moment_of(wall: datetime, zone: str) -> datetime | None:
    """The moment at which the clocks of `zone` show `wall`; the first of two, None where they leap over it."""
    moment = wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    shown = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return moment if shown == wall.replace(tzinfo=None) else None


def _slots(zones: tuple[str, str], now: datetime, minutes: int, days: int) -> Iterator[Slot]:
    start = _next_half_hour(now + _A_DAY)
    end = start + timedelta(days=days)
    while start < end:
        yield Slot(start, (minutes_outside(start, minutes, zones[0]), minutes_outside(start, minutes, zones[1])))
        start += _STEP


def _next_half_hour(moment: datetime) -> datetime:
    whole = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while whole < moment:
        whole += _STEP
    return whole


def _spread(slots: Sequence[Slot], zone: str, most: int, a_day: int) -> Iterator[Slot]:
    """Some of each day rather than many of the first: its first ones, and from a long day one of its middle."""
    by_day: dict[object, list[Slot]] = {}
    for slot in slots:
        by_day.setdefault(slot.start.astimezone(ZoneInfo(zone)).date(), []).append(slot)
    chosen = [slot for day in by_day.values() for slot in day[:: max(1, len(day) // a_day)][:a_day]]
    yield from chosen[:most]


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute
