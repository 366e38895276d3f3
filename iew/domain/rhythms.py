"""When mails that come by the clock are due: at an hour where the reader is, day by day or on Mondays.

A clock change moves the moment and never the hour: where the hour does not exist that night the mail comes with the
next one, and where it comes twice the first one counts.
"""

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

DIGEST_HOUR: Final = 8
"""Of the digests of units, and of people who have chosen no hour."""
WEEKLY, PAUSED = "weekly", "paused"
HOURS: Final = range(24)


def last_day(frequency: str, timezone: str, now: datetime, *, hour: int = DIGEST_HOUR) -> date:
    """The local day whose `hour` was the last one to bring a mail; weekly ones come on Monday.

    timezone: IANA name. What was missed before that day is covered by it.
    """
    local = now.astimezone(ZoneInfo(timezone))
    day = local.date() if local.time() >= time(hour) else local.date() - timedelta(days=1)
    return day - timedelta(days=day.weekday()) if frequency == WEEKLY else day


def last_moment(frequency: str, timezone: str, now: datetime, *, hour: int = DIGEST_HOUR) -> datetime:
    """The last moment at which such a mail was due; what is found later comes with the next."""
    return _at(last_day(frequency, timezone, now, hour=hour), hour, timezone)


def next_moment(frequency: str, timezone: str, now: datetime, *, hour: int = DIGEST_HOUR) -> datetime:
    """The next moment at which such a mail is due."""
    days = 7 if frequency == WEEKLY else 1
    return _at(last_day(frequency, timezone, now, hour=hour) + timedelta(days=days), hour, timezone)


def local_day(timezone: str, now: datetime) -> date:
    """The day it is at the reader's."""
    return now.astimezone(ZoneInfo(timezone)).date()


def hour_has_come(hour: int, timezone: str, now: datetime) -> bool:
    """Whether it is that hour or later on the reader's day; a mail missed by midnight comes at the next day's hour."""
    return now.astimezone(ZoneInfo(timezone)).time() >= time(hour)


def digest_key(code: str, frequency: str, timezone: str, now: datetime) -> str:
    """What stands for the digest of a unit in the present period."""
    return f"{code}:{last_day(frequency, timezone, now).isoformat()}"


def _at(day: date, hour: int, timezone: str) -> datetime:
    return datetime.combine(day, time(hour), ZoneInfo(timezone))
