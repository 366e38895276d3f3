"""Online meetings of the two schools of a case."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from iew.db import Page
from iew.schemas.meetings import (
    MeetingAcceptInput,
    MeetingCancelInput,
    MeetingInput,
    MeetingListView,
    MeetingView,
    TimesQuery,
    TimesView,
)
from iew.services import meetings
from iew.services.meetings import MeetingSeen, Times
from iew.web.access import requires
from iew.web.blueprint import Blueprint
from iew.web.conditional import if_match
from iew.web.context import current_actor, unit_of_work
from iew.web.meeting_words import calendar_reply

Values = Mapping[str, Any]

api = Blueprint("meetings", __name__, url_prefix="/api/v1", description="Online meetings of the schools of a case")


@api.get("/matches/<match_id>/meetings")
@requires("match.read")
@api.response(200, MeetingListView)
def listed(match_id: str) -> Page[MeetingSeen]:
    """The meetings of a case, the latest first."""
    with unit_of_work() as uow:
        found = meetings.listed(uow, match_id, current_actor())
        return Page(found, None, len(found))


@api.get("/matches/<match_id>/meetings/times")
@requires("match.read")
@api.arguments(TimesQuery, location="query")
@api.response(200, TimesView)
def times(query: Values, match_id: str) -> Times:
    """Starts on weekdays between 08:00 and 17:00 at both schools; where there are none, the nearest."""
    with unit_of_work() as uow:
        return meetings.times(uow, match_id, current_actor(), minutes=query["minutes"])


@api.post("/matches/<match_id>/meetings")
@requires("match.act")
@api.arguments(MeetingInput)
@api.response(201, MeetingView)
def propose(values: Values, match_id: str) -> MeetingSeen:
    """Name up to five times; the other school chooses one."""
    with unit_of_work() as uow:
        meeting = meetings.propose(uow, match_id, values, current_actor())
        return meetings.look(uow, match_id, meeting.id, current_actor())


@api.get("/matches/<match_id>/meetings/<meeting_id>")
@requires("match.read")
@api.response(200, MeetingView)
def look(match_id: str, meeting_id: str) -> MeetingSeen:
    """One meeting, on both schools' clocks."""
    with unit_of_work() as uow:
        return meetings.look(uow, match_id, meeting_id, current_actor())


@api.get("/matches/<match_id>/meetings/<meeting_id>/calendar")
@requires("match.read")
@api.response(200, {"type": "string"}, content_type="text/calendar", description="An iCalendar file")
def calendar(match_id: str, meeting_id: str) -> Response:
    """The agreed meeting as a file for calendars."""
    with unit_of_work() as uow:
        return calendar_reply(meetings.look(uow, match_id, meeting_id, current_actor()))


@api.post("/matches/<match_id>/meetings/<meeting_id>/actions/accept")
@requires("match.act")
@api.arguments(MeetingAcceptInput)
@api.response(200, MeetingView)
def accept(values: Values, match_id: str, meeting_id: str) -> MeetingSeen:
    """Choose one of the times; both schools get it by mail, for their calendars."""
    with unit_of_work() as uow:
        meetings.accept(uow, match_id, meeting_id, values["start"], current_actor(), seen_version=if_match())
        return meetings.look(uow, match_id, meeting_id, current_actor())


@api.post("/matches/<match_id>/meetings/<meeting_id>/actions/propose")
@requires("match.act")
@api.arguments(MeetingInput)
@api.response(200, MeetingView)
def propose_others(values: Values, match_id: str, meeting_id: str) -> MeetingSeen:
    """Name other times; a meeting that was agreed stands until one of them is chosen."""
    with unit_of_work() as uow:
        meetings.propose_others(uow, match_id, meeting_id, values, current_actor(), seen_version=if_match())
        return meetings.look(uow, match_id, meeting_id, current_actor())


@api.post("/matches/<match_id>/meetings/<meeting_id>/actions/cancel")
@requires("match.act")
@api.arguments(MeetingCancelInput)
@api.response(200, MeetingView)
def cancel(values: Values, match_id: str, meeting_id: str) -> MeetingSeen:
    """Call a meeting off; it is taken out of the calendars."""
    with unit_of_work() as uow:
        meetings.cancel(uow, match_id, meeting_id, current_actor(), reason=values["reason"], seen_version=if_match())
        return meetings.look(uow, match_id, meeting_id, current_actor())
