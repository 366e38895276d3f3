"""When two schools meet online for the first time: naming times, choosing one, and the file for their calendars.

The times are looked for in both schools' zones and kept as moments, so nobody has to reckon with the other's clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from icalendar import Calendar, Event, vCalAddress
from sqlalchemy import select

from iew import i18n
from iew.domain.actors import SYSTEM, Actor, Role
from iew.domain.matches import Party as MatchParty
from iew.domain.matches import Status as MatchStatus
from iew.domain.matches import Via
from iew.domain.meetings import MOST_STARTS, Slots, Status, minutes_outside, moment_of, shared_times
from iew.domain.zones import zone_of
from iew.errors import N_, Invalid, InvalidTransition, NotAllowed, NotFound, StateConflict, Text
from iew.models import Match, Meeting, School, User, find_match, meetings_of
from iew.uow import UnitOfWork

_READERS: Final = frozenset(
    {MatchParty.ASKING, MatchParty.INVITED, MatchParty.PARTNER, MatchParty.HANDLER, MatchParty.ADMIN, MatchParty.SYSTEM}
)
_SCHOOLS: Final = frozenset({MatchParty.ASKING, MatchParty.INVITED, MatchParty.PARTNER})
_FARTHEST: Final = timedelta(days=366)


@dataclass(frozen=True)
class Clock:
    """A school and the zone it lives in."""

    school: School
    zone: str


@dataclass(frozen=True)
class MeetingSeen:
    """A meeting as a reader sees it. clocks: of the asking school and the other one. answers: whether the reader's
    school is to answer."""

    meeting: Meeting
    clocks: tuple[Clock, Clock]
    available_actions: list[str]
    answers: bool
    over: bool


@dataclass(frozen=True)
class Times:
    """Starts to propose, and the two clocks they are read on."""

    clocks: tuple[Clock, Clock]
    slots: Slots
    minutes: int


# looking


def listed(uow: UnitOfWork, match_id: str, actor: Actor) -> list[MeetingSeen]:
    """The meetings of a match, the latest first. Raises NotFound, NotAllowed (a school that is no side of it)."""
    match = _match(uow, match_id, actor)
    if match.other_school is None:
        return []
    return [_seen(uow, meeting, actor) for meeting in uow.session.scalars(meetings_of(match.id)).all()]


def look(uow: UnitOfWork, match_id: str, meeting_id: str, actor: Actor) -> MeetingSeen:
    """One meeting. Raises NotFound, NotAllowed."""
    return _seen(uow, _meeting(uow, match_id, meeting_id, actor), actor)


def may_propose(uow: UnitOfWork, match_id: str, actor: Actor) -> bool:
    """Whether the actor's school can name times for a meeting of this match now. Raises NotFound."""
    match = find_match(uow.session, match_id, actor)
    return bool(match.parties_of(actor) & _SCHOOLS) and _is_talking(match) and _standing(uow, match) is None


def times(uow: UnitOfWork, match_id: str, actor: Actor, *, minutes: int) -> Times:
    """Starts within both schools' days, or the nearest. Raises NotFound, NotAllowed, InvalidTransition."""
    match = _match(uow, match_id, actor)
    clocks = _clocks(uow, match)
    slots = shared_times((clocks[0].zone, clocks[1].zone), now=uow.now, minutes=minutes)
    return Times(clocks, slots, minutes)


def outside_of(seen: MeetingSeen, start: datetime, minutes: int) -> list[Clock]:
    """The schools whose day a meeting at this time would leave."""
    return [clock for clock in seen.clocks if minutes_outside(start, minutes, clock.zone)]


def _match(uow: UnitOfWork, match_id: str, actor: Actor) -> Match:
    match = find_match(uow.session, match_id, actor)
    if not match.parties_of(actor) & _READERS:
        raise NotAllowed
    return match


def _meeting(uow: UnitOfWork, match_id: str, meeting_id: str, actor: Actor) -> Meeting:
    match = _match(uow, match_id, actor)
    found = uow.session.scalar(meetings_of(match.id).where(Meeting.id == meeting_id))
    if found is None:
        raise NotFound
    return found


def _seen(uow: UnitOfWork, meeting: Meeting, actor: Actor) -> MeetingSeen:
    over = meeting.is_over(uow.now)
    actions = [] if over else meeting.available_actions(actor)
    if "accept" in actions and meeting.last_start <= uow.now:
        actions.remove("accept")
    waits = meeting.status == Status.PROPOSED and actor.school_id == meeting.answering_school_id
    return MeetingSeen(meeting, _clocks(uow, meeting.match), actions, waits, over)


def _clocks(uow: UnitOfWork, match: Match) -> tuple[Clock, Clock]:
    if match.other_school is None:
        raise InvalidTransition(N_("There is no other school yet with which to meet."))
    return clock_of(uow, match.asking_school), clock_of(uow, match.other_school)


def clock_of(uow: UnitOfWork, school: School) -> Clock:
    """The zone of a school: of its place, or of its staff where the place leaves it open."""
    staff = select(User.timezone).where(
        User.school_id == school.id, User.role == Role.SCHOOL.value, User.disabled_at.is_(None)
    )
    people = uow.session.scalars(staff.order_by(User.created_at, User.id)).all()
    return Clock(school, zone_of(school.country, school.subdivision, people=people))


# naming times and choosing one


def propose(uow: UnitOfWork, match_id: str, values: Mapping[str, Any], actor: Actor) -> Meeting:
    """Name times for a meeting with the other school, which is told by mail.

    values: `starts` (moments) and `local_starts` (what the clocks of the actor's school show), up to five together;
    `minutes`; `link`. Raises NotFound, NotAllowed, InvalidTransition (they do not talk, or not any more), StateConflict
    (`already_open`), Invalid.
    """
    match = _match(uow, match_id, actor)
    uow.lock(match)
    if not match.parties_of(actor) & _SCHOOLS:
        raise NotAllowed(N_("Only the two schools of a case name times for a meeting."))
    _refuse_silence(match)
    if _standing(uow, match) is not None:
        raise StateConflict(N_("There is a meeting already. Move it, or call it off first."), code="already_open")
    starts = _starts(uow, match, values, actor)
    meeting = Meeting(
        match_id=match.id, proposed_by_id=actor.school_id, starts=starts, minutes=values["minutes"], link=values["link"]
    )
    uow.start(
        meeting, Status.PROPOSED, actor, action="propose", fact="MeetingProposed", match_id=match.id, **_told(meeting)
    )
    return meeting


def propose_others(
    uow: UnitOfWork,
    match_id: str,
    meeting_id: str,
    values: Mapping[str, Any],
    actor: Actor,
    *,
    seen_version: int | None = None,
) -> Meeting:
    """Name other times instead; a meeting that was agreed stands where it is until the other school chooses one.

    values: as for `propose`. Raises NotFound, NotAllowed, InvalidTransition, Conflict, Invalid.
    """
    meeting = _meeting(uow, match_id, meeting_id, actor)
    _refuse_silence(meeting.match)
    _refuse_past(uow, meeting)
    starts = _starts(uow, meeting.match, values, actor)
    told = {"starts": [start.isoformat() for start in starts], "minutes": values["minutes"]}
    uow.transition(meeting, "propose", actor, seen_version=seen_version, **told)
    meeting.starts, meeting.minutes, meeting.proposed_by_id = starts, values["minutes"], actor.school_id or ""
    meeting.link = values["link"] or meeting.link
    return meeting


def accept(
    uow: UnitOfWork,
    match_id: str,
    meeting_id: str,
    start: datetime | None,
    actor: Actor,
    *,
    seen_version: int | None = None,
) -> Meeting:
    """Choose one of the times; both schools get it for their calendars.

    Raises NotFound, NotAllowed, InvalidTransition, Conflict, Invalid (none of the times, or a past one).
    """
    meeting = _meeting(uow, match_id, meeting_id, actor)
    told = start.isoformat() if start else None
    uow.transition(meeting, "accept", actor, seen_version=seen_version, start=told)
    if start not in meeting.starts:
        raise Invalid.field("start", N_("Choose one of the times that were proposed."))
    if start <= uow.now:
        raise Invalid.field("start", N_("This time has passed. Propose another one."))
    meeting.sequence += 1 if meeting.agreed_start is not None else 0
    meeting.agreed_start, meeting.agreed_minutes = start, meeting.minutes
    return meeting


def cancel(
    uow: UnitOfWork,
    match_id: str,
    meeting_id: str,
    actor: Actor,
    *,
    reason: str | None = None,
    seen_version: int | None = None,
) -> Meeting:
    """Call it off; a meeting that stands in calendars is taken out of them.

    Raises NotFound, NotAllowed, InvalidTransition (also once it took place), Conflict.
    """
    meeting = _meeting(uow, match_id, meeting_id, actor)
    _refuse_past(uow, meeting)
    uow.transition(meeting, "cancel", actor, seen_version=seen_version, reason=reason)
    meeting.reason = reason
    meeting.sequence += 1
    return meeting


def lapse(uow: UnitOfWork, meeting_id: str) -> Meeting:
    """End a proposal of which every time has passed; one that moved a meeting leaves it where it was.

    Raises NotFound, InvalidTransition.
    """
    meeting = uow.get(Meeting, meeting_id)
    uow.transition(meeting, "lapse", SYSTEM)
    return meeting


def _is_talking(match: Match) -> bool:
    return match.status == MatchStatus.AGREED or (match.via == Via.DIRECT and match.status == MatchStatus.REQUESTED)


def _refuse_silence(match: Match) -> None:
    if not _is_talking(match):
        raise InvalidTransition(
            N_("Times are named while both schools talk: in a direct request, or once they agreed.")
        )


def _refuse_past(uow: UnitOfWork, meeting: Meeting) -> None:
    if meeting.is_over(uow.now):
        raise InvalidTransition(N_("This meeting has taken place. Propose another one."))


def _standing(uow: UnitOfWork, match: Match) -> Meeting | None:
    """The meeting that waits for an answer or is still to come."""
    ahead = (
        meeting
        for meeting in uow.session.scalars(meetings_of(match.id))
        if meeting.status == Status.PROPOSED or (meeting.status == Status.AGREED and not meeting.is_over(uow.now))
    )
    return next(ahead, None)


def _told(meeting: Meeting) -> dict[str, Any]:
    return {"starts": [start.isoformat() for start in meeting.starts], "minutes": meeting.minutes}


def _starts(uow: UnitOfWork, match: Match, values: Mapping[str, Any], actor: Actor) -> list[datetime]:
    """The moments that are proposed, each once, in their order. Raises Invalid."""
    named = [*values["starts"], *_moments(uow, values["local_starts"], actor)]
    starts = sorted({start.replace(second=0, microsecond=0) for start in named})
    if not starts:
        raise Invalid.field("starts", N_("Choose at least one time."))
    if len(starts) > MOST_STARTS:
        raise Invalid({"starts": [Text(N_("Choose at most %(most)s times."), {"most": MOST_STARTS})]})
    if starts[0] <= uow.now:
        raise Invalid.field("starts", N_("One of these times has passed."))
    if starts[-1] > uow.now + _FARTHEST:
        raise Invalid.field("starts", N_("Choose times within one year."))
    return starts


def _moments(uow: UnitOfWork, walls: Sequence[datetime], actor: Actor) -> list[datetime]:
    """What the clocks of the actor's school will show, as moments. Raises Invalid for an hour that is leapt over."""
    if not walls:
        return []
    zone = clock_of(uow, uow.get(School, actor.school_id or "")).zone
    moments = [moment_of(wall, zone) for wall in walls]
    if None in moments:
        raise Invalid.field("local_starts", N_("Your clocks leap over this time: summer time begins. Choose another."))
    return [moment for moment in moments if moment is not None]


# the file for calendars


def calendar_file(meeting: Meeting, clocks: Sequence[Clock], *, language: str, base_url: str, mail_from: str) -> str:
    """The agreed meeting as an iCalendar file in one reader's language; a meeting that is off takes itself out.

    base_url: of the house, without a slash at the end; its host makes the UID. mail_from: bare address of the sender.
    """
    cancelled = meeting.status == Status.CANCELLED
    calendar = Calendar()
    calendar.add("prodid", "-//International Exchange Window//iew//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if cancelled else "PUBLISH")
    calendar.add_component(_entry(meeting, clocks, language, base_url, mail_from))
    return str(calendar.to_ical().decode("utf-8"))


def _entry(meeting: Meeting, clocks: Sequence[Clock], language: str, base_url: str, mail_from: str) -> Event:
    start = meeting.agreed_start
    if start is None:
        raise InvalidTransition(N_("The schools have not agreed on a time yet."))
    names = [clock.school.display_name(language) for clock in clocks]
    page = f"{base_url}/{language}/matches/{meeting.match_id}/meetings"
    entry = Event()
    entry.add("uid", f"meeting-{meeting.id}@{urlsplit(base_url).hostname}")
    entry.add("sequence", meeting.sequence)
    entry.add("dtstamp", meeting.updated_at)
    entry.add("dtstart", start)
    entry.add("dtend", start + timedelta(minutes=meeting.agreed_minutes or 0))
    entry.add("summary", _say(N_("Online meeting: %(one)s – %(other)s"), language, one=names[0], other=names[1]))
    entry.add("description", "\n".join([*_times_in_words(start, clocks, language), meeting.match.number, page]))
    entry.add("location", meeting.link or _say(N_("online"), language))
    entry.add("url", page)
    entry.add("organizer", vCalAddress(f"mailto:{mail_from}"))
    entry.add("status", "CANCELLED" if meeting.status == Status.CANCELLED else "CONFIRMED")
    entry.add("transp", "OPAQUE")
    return entry


def _times_in_words(start: datetime, clocks: Sequence[Clock], language: str) -> list[str]:
    return [
        f"{clock.school.display_name(language)}: {i18n.say_moment_with_weekday(start, language, clock.zone)}"
        for clock in clocks
    ]


def _say(msgid: str, language: str, **values: object) -> str:
    return i18n.say(Text(msgid, values), language)
