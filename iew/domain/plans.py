"""What a match is planned to be, and until when somebody must have moved it on.

Kept apart from the table of states, since here days count and not rights: a deadline that one page computed in its own
way would make the tick and the mail disagree.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from iew.domain.limits import Limits
from iew.domain.matches import HandlerKind, Status, Via


@dataclass(frozen=True)
class Plan:
    """Kinds of exchange and days of a match, as far as they are known; empty means nobody has said."""

    exchange_types: frozenset[str] = frozenset()
    periods: tuple[tuple[date, date], ...] = ()

    @property
    def last_day(self) -> date | None:
        return max((end for _, end in self.periods), default=None)

    def competes_with(self, other: "Plan") -> bool:
        """Whether both could be about one and the same exchange; what nobody has said rules nothing out."""
        same_kind = not self.exchange_types or not other.exchange_types or self.exchange_types & other.exchange_types
        return bool(same_kind) and (not self.periods or not other.periods or self._meets(other))

    def _meets(self, other: "Plan") -> bool:
        return any(start <= last and first <= end for start, end in self.periods for first, last in other.periods)


def periods_of(rows: Iterable[Mapping[str, Any]]) -> tuple[tuple[date, date], ...]:
    """`[{"start": "2027-04-01", "end": "2027-07-31"}]` as days; a period without an end is one day."""
    return tuple(
        (date.fromisoformat(row["start"]), date.fromisoformat(row.get("end") or row["start"]))
        for row in rows
        if row.get("start")
    )


def due_at(
    status: str, *, via: str, handler: str | None, plan: Plan, now: datetime, limits: Limits, zone: str
) -> datetime | None:
    """Until when whoever has the match from `now` on must have moved it on; None once it has ended.

    handler: kind of the handler of an assisted match. zone: IANA name of the zone in which days begin.
    """
    if status == Status.AGREED:
        return _report_due_at(plan.last_day, now, limits, ZoneInfo(zone))
    days = {
        Status.REQUESTED: limits.no_reply_days if via == Via.DIRECT else limits.admin_queue_days,
        Status.ROUTED: limits.admin_queue_days if handler == HandlerKind.ADMIN else limits.take_up_days,
        Status.IN_PROGRESS: limits.in_progress_days,
    }
    return now + timedelta(days=days[Status(status)]) if status in days else None


def _report_due_at(last_day: date | None, agreed_at: datetime, limits: Limits, zone: ZoneInfo) -> datetime:
    """Days that were over before the schools agreed plan nothing."""
    if last_day is None or last_day < agreed_at.astimezone(zone).date():
        return agreed_at + timedelta(days=limits.report_without_date_days)
    due = last_day + timedelta(days=limits.report_days)
    return datetime(due.year, due.month, due.day, tzinfo=zone)
