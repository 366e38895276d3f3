"""Meetings in words: a moment on both schools' clocks, and the file for calendars as a reply."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import parseaddr
from typing import Any, Final

from babel.dates import get_timezone_name
from flask import Response

from iew import i18n
from iew.domain.actors import Actor
from iew.errors import N_
from iew.services.meetings import Clock, MeetingSeen, Times, calendar_file
from iew.web.context import current_actor, current_language, house
from iew.web.rendering import gettext as _
from iew.web.rendering import said, school_name

_SAID: Final = {
    "propose": N_("The other school is told; as soon as it chooses a time, both of you get it for your calendars."),
    "accept": N_("That is agreed. Both schools get a mail with the time for their calendars."),
    "cancel": N_("The meeting is called off; the other school is told."),
}


def said_of(action: str) -> str:
    """What is said after an action."""
    return said(_SAID[action])


def calendar_reply(seen: MeetingSeen) -> Response:
    """The meeting as a file to save or to open with a calendar."""
    text = calendar_file(
        seen.meeting,
        seen.clocks,
        language=current_language(),
        base_url=house().base_url,
        mail_from=parseaddr(house().mail_from)[1],
    )
    name = f"meeting-{seen.meeting.match.number}.ics"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, content_type="text/calendar; charset=utf-8", headers=headers)


def slots_in_words(times: Times) -> list[dict[str, Any]]:
    """Starts to tick, each on both clocks, with a word where it leaves a school's day."""
    return [
        {
            "start": slot.start.isoformat(),
            "on_clocks": on_clocks(slot.start, times.clocks),
            "outside": [clock for clock, minutes in zip(times.clocks, slot.outside, strict=True) if minutes],
        }
        for slot in times.slots.items
    ]


def on_clocks(start: datetime, clocks: Sequence[Clock], reader: Actor | None = None) -> list[dict[str, str]]:
    """A moment on each clock, the reader's own school first. reader: who opened a signed link, else the asker."""
    own = (reader or current_actor()).school_id
    return [
        {
            "school": school_name(clock.school),
            "time": time_on(start, clock.zone),
            "zone": zone_in_words(clock.zone, start),
        }
        for clock in sorted(clocks, key=lambda clock: clock.school.id != own)
    ]


def time_on(start: datetime, zone: str) -> str:
    """Weekday, day and time on the clocks of a zone."""
    return i18n.say_moment_with_weekday(start, current_language(), zone)


def zone_in_words(zone: str, start: datetime) -> str:
    """The name of the zone, as it is called on that day."""
    local = i18n.in_zone(start, zone)
    return str(get_timezone_name(local, width="long", locale=i18n.locale_of(current_language())))


def shown(seen: MeetingSeen, reader: Actor | None = None) -> Mapping[str, Any]:
    """A meeting as its page shows it. reader: as for `on_clocks`."""
    meeting = seen.meeting
    agreed = meeting.agreed_start
    return {
        "id": meeting.id,
        "status": "over" if seen.over else meeting.status,
        "version": meeting.version,
        "minutes": meeting.minutes,
        "agreed": on_clocks(agreed, seen.clocks, reader) if agreed else None,
        "agreed_minutes": meeting.agreed_minutes,
        "choices": [(start.isoformat(), on_clocks(start, seen.clocks, reader)) for start in meeting.starts],
        "by": school_name(meeting.proposed_by),
        "answers": seen.answers,
        "can": seen.available_actions,
        "link": meeting.link,
        "reason": meeting.reason,
        "headline": _headline(seen),
    }


def _headline(seen: MeetingSeen) -> str:
    if seen.over:
        return _("This meeting has taken place.")
    if seen.meeting.status == "agreed":
        return _("This meeting is agreed.")
    if seen.meeting.status == "cancelled":
        return _("This meeting was called off.")
    if seen.meeting.status == "lapsed":
        return _("Nobody chose a time before the last one had passed.")
    if seen.answers:
        return _(
            "%(school)s proposes these times. Choose the one that suits you.",
            school=school_name(seen.meeting.proposed_by),
        )
    return _(
        "%(school)s has proposed times; the other school is asked to choose.",
        school=school_name(seen.meeting.proposed_by),
    )
