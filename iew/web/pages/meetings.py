"""The page on which two schools find a time to meet online."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as Reply

from iew.domain.actors import Actor
from iew.domain.meetings import USUAL_MINUTES
from iew.models import Meeting
from iew.schemas.matches import MatchView
from iew.schemas.meetings import MeetingAcceptInput, MeetingCancelInput, MeetingInput, TimesQuery
from iew.services import cases, meetings
from iew.services.meetings import MeetingSeen
from iew.uow import UnitOfWork
from iew.web.access import requires
from iew.web.context import current_actor, current_language, unit_of_work
from iew.web.forms import Form, asked_by
from iew.web.meeting_words import calendar_reply, said_of, shown, slots_in_words
from iew.web.rendering import page, page_url, tell

pages = Blueprint("meetings", __name__)

Verb = Callable[[UnitOfWork, str, str, Mapping[str, Any], Actor, int | None], Meeting]

_VERBS: Final[dict[str, tuple[type[Any], Verb]]] = {
    "accept": (
        MeetingAcceptInput,
        lambda u, m, i, v, a, seen: meetings.accept(u, m, i, v["start"], a, seen_version=seen),
    ),
    "propose": (MeetingInput, lambda u, m, i, v, a, seen: meetings.propose_others(u, m, i, v, a, seen_version=seen)),
    "cancel": (
        MeetingCancelInput,
        lambda u, m, i, v, a, seen: meetings.cancel(u, m, i, a, reason=v["reason"], seen_version=seen),
    ),
}
"""Action -> what its form says, and the verb that does it."""


@pages.get("/<lang>/matches/<match_id>/meetings")
@requires("match.read")
def listed(lang: str, match_id: str) -> Reply:
    return _page_of(match_id)


@pages.post("/<lang>/matches/<match_id>/meetings")
@requires("match.act")
def propose(lang: str, match_id: str) -> Reply:
    form = Form.posted(MeetingInput, name="new", shown_at={"starts": "local_starts"})
    with form.attempt(), unit_of_work() as uow:
        meetings.propose(uow, match_id, form.data, current_actor())
    if form.refused:
        return _page_of(match_id, {"new": form})
    tell(said_of("propose"))
    return redirect(page_url("meetings.listed", match_id=match_id))


@pages.post("/<lang>/matches/<match_id>/meetings/<meeting_id>/<any(" + ",".join(_VERBS) + "):action>")
@requires("match.act")
def act(lang: str, match_id: str, meeting_id: str, action: str) -> Reply:
    schema, verb = _VERBS[action]
    form = Form.posted(schema, name=action, shown_at={"starts": "local_starts"})
    with form.attempt(), unit_of_work() as uow:
        verb(uow, match_id, meeting_id, form.data, current_actor(), form.version)
    if form.refused:
        return _page_of(match_id, {action: form})
    tell(said_of(action))
    return redirect(page_url("meetings.listed", match_id=match_id))


@pages.get("/<lang>/matches/<match_id>/meetings/<meeting_id>/meeting.ics")
@requires("match.read")
def calendar(lang: str, match_id: str, meeting_id: str) -> Reply:
    with unit_of_work() as uow:
        return calendar_reply(meetings.look(uow, match_id, meeting_id, current_actor()))


def _page_of(match_id: str, refused: Mapping[str, Form] | None = None) -> Reply:
    """All meetings of a case, and what can be done. refused: forms to show again as they were typed."""
    actor = current_actor()
    minutes = _length_asked_for(refused)
    with unit_of_work() as uow:
        found = meetings.listed(uow, match_id, actor)
        match = MatchView().dump(cases.look(uow, match_id, actor, language=current_language()))
        may_propose = meetings.may_propose(uow, match_id, actor)
        can_name = may_propose or any("propose" in seen.available_actions for seen in found)
        times = meetings.times(uow, match_id, actor, minutes=minutes) if can_name else None
        forms = _forms(found, minutes, refused or {})
        own = next((clock for clock in times.clocks if clock.school.id == actor.school_id), None) if times else None
        return page(
            "meetings/listed.html",
            form=next(iter((refused or {}).values()), None),
            match=match,
            meetings=[shown(seen) for seen in found],
            forms=forms,
            may_propose=may_propose,
            times=times,
            slots=slots_in_words(times) if times else [],
            own=own,
        )


def _forms(found: Sequence[MeetingSeen], minutes: int, refused: Mapping[str, Form]) -> dict[str, Form]:
    """Every form of the page, on the state that the reader sees now."""
    version = next((seen.meeting.version for seen in found if seen.available_actions), None)
    forms = {name: Form.blank({"minutes": minutes}, name=name) for name in ("new", *_VERBS)} | dict(refused)
    for name, form in forms.items():
        form.version = version if name in _VERBS else None
    return forms


def _length_asked_for(refused: Mapping[str, Form] | None) -> int:
    typed = next((form.value("minutes") for form in (refused or {}).values()), request.args.get("minutes", ""))
    if not typed.isdigit() or refused:
        return int(typed) if typed.isascii() and typed.isdigit() and 15 <= int(typed) <= 180 else USUAL_MINUTES
    return int(asked_by(TimesQuery)["minutes"])
