"""Times for an online meeting: how they are named, chosen and shown, on both schools' clocks."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from marshmallow import ValidationError, fields
from marshmallow.validate import Length

from iew.domain.meetings import LEAST_MINUTES, MOST_MINUTES, USUAL_MINUTES
from iew.errors import N_
from iew.schemas.base import Input, Line, Prose, View, Whole
from iew.schemas.invitations import SchoolOfPostView
from iew.schemas.lists import Digits, list_of

_WALL: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:00)?")
_LONGEST: Final = 40
_MANY: Final = 20
WRONG_MOMENT: Final = N_("Write the time with its zone, for example 2027-03-01T09:00:00+08:00.")
WRONG_WALL: Final = N_("Write day and time as YYYY-MM-DDTHH:MM, for example 2027-03-01T09:00.")
WRONG_LINK: Final = N_("Write the whole address of the meeting room, beginning with https://.")


class Moment(fields.AwareDateTime):
    """A time with its zone, as RFC 3339 writes it; kept in UTC."""

    default_error_messages = {"invalid": WRONG_MOMENT, "invalid_awareness": WRONG_MOMENT}  # noqa: RUF012

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        if value == "" and self.allow_none:
            return None
        if not isinstance(value, str) or len(value) > _LONGEST:
            raise self.make_error("invalid")
        moment = super()._deserialize(value, attr, data, **options)
        if not 2000 <= moment.year <= 2100:
            raise self.make_error("invalid")
        return moment.astimezone(UTC)


class Wall(fields.NaiveDateTime):
    """What the clocks of a school show, without a zone."""

    default_error_messages = {"invalid": WRONG_WALL, "invalid_awareness": WRONG_WALL}  # noqa: RUF012

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        if not isinstance(value, str) or not _WALL.fullmatch(value):
            raise self.make_error("invalid")
        wall = super()._deserialize(value, attr, data, **options)
        if not 2000 <= wall.year <= 2100:
            raise self.make_error("invalid")
        return wall


class RoomLink(Line):
    """The address of a video room."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        link = super()._deserialize(value, attr, data, **options)
        if not link:
            return None
        try:
            parts = urlsplit(link)
        except ValueError:
            raise ValidationError(WRONG_LINK) from None
        if parts.scheme != "https" or not parts.hostname or " " in link:
            raise ValidationError(WRONG_LINK)
        return link


def _several(inner: fields.Field[Any]) -> fields.List[Any]:
    return fields.List(inner, load_default=list, validate=Length(max=_MANY, error=N_("These are too many.")))


class MeetingInput(Input):
    """Times to choose from: moments, or what the clocks of your own school will show."""

    starts = _several(Moment())
    local_starts = _several(Wall())
    minutes = Whole(least=LEAST_MINUTES, most=MOST_MINUTES, load_default=USUAL_MINUTES)
    link = RoomLink(longest=500, load_default=None, allow_none=True)


class MeetingAcceptInput(Input):
    """The time that suits."""

    start = Moment(load_default=None, allow_none=True)


class MeetingCancelInput(Input):
    """Why it is called off; the other school reads it."""

    reason = Prose(longest=2000, load_default=None, allow_none=True)


class TimesQuery(Input):
    """How long the meeting shall last."""

    minutes = Digits(least=LEAST_MINUTES, most=MOST_MINUTES, load_default=USUAL_MINUTES)


def local_times(start: datetime, clocks: Any) -> list[dict[str, str]]:
    """A moment on each school's clock, with its zone and offset."""
    return [
        {
            "school_id": clock.school.id,
            "zone": clock.zone,
            "time": start.astimezone(ZoneInfo(clock.zone)).isoformat(timespec="minutes"),
        }
        for clock in clocks
    ]


class LocalTimeView(View):
    """A moment on one school's clock."""

    school_id = fields.String()
    zone = fields.String()
    time = fields.String()


class StartView(View):
    """A moment on both clocks."""

    start = fields.AwareDateTime()
    local = fields.List(fields.Nested(LocalTimeView))


class ClockView(View):
    """A school and its zone."""

    school = fields.Nested(SchoolOfPostView)
    zone = fields.String()


class MeetingView(View):
    """A meeting: the times named, and the one agreed on."""

    id = fields.String(attribute="meeting.id")
    ref = fields.Constant(None)
    match_id = fields.String(attribute="meeting.match_id")
    version = fields.Integer(attribute="meeting.version")
    status = fields.String(attribute="meeting.status")
    created_at = fields.AwareDateTime(attribute="meeting.created_at")
    updated_at = fields.AwareDateTime(attribute="meeting.updated_at")
    available_actions = fields.List(fields.String())
    proposed_by = fields.Nested(SchoolOfPostView, attribute="meeting.proposed_by")
    starts = fields.Function(lambda seen: [_start(start, seen) for start in seen.meeting.starts])
    minutes = fields.Integer(attribute="meeting.minutes")
    agreed = fields.Function(lambda seen: _start(seen.meeting.agreed_start, seen))
    agreed_minutes = fields.Integer(attribute="meeting.agreed_minutes", allow_none=True)
    sequence = fields.Integer(attribute="meeting.sequence")
    link = fields.String(attribute="meeting.link", allow_none=True)
    reason = fields.String(attribute="meeting.reason", allow_none=True)
    clocks = fields.List(fields.Nested(ClockView))
    answers = fields.Boolean()
    over = fields.Boolean()


def _start(start: datetime | None, seen: Any) -> dict[str, Any] | None:
    if start is None:
        return None
    shown: dict[str, Any] = StartView().dump({"start": start, "local": local_times(start, seen.clocks)})
    return shown


class SlotView(StartView):
    """A start that could be proposed. outside_minutes: by how much it leaves each school's day."""

    outside_minutes = fields.List(fields.Integer())


class TimesView(View):
    """Starts within both schools' days; the nearest where `overlap` is false."""

    overlap = fields.Boolean(attribute="slots.overlap")
    minutes = fields.Integer()
    clocks = fields.List(fields.Nested(ClockView))
    items = fields.Function(lambda times: [_slot(slot, times) for slot in times.slots.items])


def _slot(slot: Any, times: Any) -> dict[str, Any]:
    local = local_times(slot.start, times.clocks)
    shown: dict[str, Any] = SlotView().dump(
        {"start": slot.start, "local": local, "outside_minutes": list(slot.outside)}
    )
    return shown


MeetingListView = list_of(MeetingView, "MeetingList")
