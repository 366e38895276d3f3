"""The page behind a link in a mail: a case or a meeting, and what its recipient can do without signing in.

Mail programs and scanners open links by themselves, so opening shows and changes nothing; only the form uses the link
up, once. The link speaks for its recipient with the rights that person has at this moment.
"""

from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint
from werkzeug.wrappers import Response as Reply

from iew.domain.actors import Actor
from iew.errors import N_, NotFound
from iew.models import MailLink, Match, Meeting, User
from iew.schemas.by_mail import ANSWERS, AnswerByMail, TimeByMail
from iew.services import cases, links, matches, meetings
from iew.services.cases import Seen
from iew.services.links import Purpose
from iew.uow import UnitOfWork
from iew.web.access import check_standing, requires
from iew.web.context import current_language, house, say, unit_of_work
from iew.web.forms import Form
from iew.web.match_words import help_with
from iew.web.meeting_words import shown as meeting_in_words
from iew.web.permissions import Kind
from iew.web.rendering import page, page_url
from iew.web.suggesting import second_choices

pages = Blueprint("act", __name__)

_WORDS: Final = {
    ("accept", "school"): N_("Yes, we would like to exchange"),
    ("accept", "unit"): N_("We take this case up"),
    ("decline", "school"): N_("No, we cannot this time"),
    ("hand_back", "unit"): N_("This case is not ours: hand it back"),
}
_SAID: Final = {
    "accept": N_("Your answer is with the other side."),
    "decline": N_("Your answer is with the other side. Thank you for not leaving them waiting."),
    "hand_back": N_("The case lies with the IEW administrator now."),
    "report": N_("Thank you. Your report is saved."),
    "ask_for_help": N_("Your request is on its way to those who can help. You get a mail as soon as somebody has it."),
    "choose_time": N_("That is agreed. Both schools get a mail with the time for their calendars."),
}


@pages.get("/<lang>/act/<token>")
@requires("mail_link.open")
def show(lang: str, token: str) -> Reply:
    return _page_of(token, None)


@pages.post("/<lang>/act/<token>")
@requires("mail_link.use")
def use(lang: str, token: str) -> Reply:
    """Do what was chosen, and use the link up in the same transaction."""
    with unit_of_work() as uow:
        schema, answer = _ANSWERS[_opened(uow, token)[0].subject_type or ""]
    form = Form.posted(schema, shown_at={"reason": "note"})
    with form.attempt(), unit_of_work() as uow:
        link, actor = _opened(uow, token)
        check_standing(actor, Kind.WRITE)
        said, url = answer(uow, link, actor, form)
        links.use_up(uow, link)
    return _page_of(token, form) if form.refused else page("act/done.html", said=say(said), case_url=url)


def _opened(uow: UnitOfWork, token: str) -> tuple[MailLink, Actor]:
    """The link and the person it was sent to. Raises NotFound, StateConflict."""
    link = links.find(uow, house().secret_key, Purpose.ACT, token)
    if link.subject_type not in _ANSWERS or link.user_id is None or link.subject_id is None:
        raise NotFound
    return link, uow.get(User, link.user_id).as_actor()


def _answer_case(uow: UnitOfWork, link: MailLink, actor: Actor, form: Form) -> tuple[str, str]:
    """Do what was chosen about a case; what to say of it, and where the case is."""
    match_id, said, seen = link.subject_id or "", form.data, form.version
    if said["action"] == "accept":
        match = matches.accept(uow, match_id, actor, seen_version=seen)
    elif said["action"] == "hand_back":
        match = matches.hand_back(uow, match_id, said["note"], actor, seen_version=seen)
    elif said["action"] == "decline":
        match = matches.decline(uow, match_id, said["reason_code"], actor, note=said["note"], seen_version=seen)
    elif said["action"] == "report":
        result = {name: said[name] for name in ("summary", "held_on", "students", "teachers")}
        match = matches.report(uow, match_id, actor, seen_version=seen, **result)
    else:
        match = matches.ask_again_with_help(uow, match_id, actor)
    return _SAID[said["action"]], _case_url(match.id)


def _choose_time(uow: UnitOfWork, link: MailLink, actor: Actor, form: Form) -> tuple[str, str]:
    meeting = uow.get(Meeting, link.subject_id or "")
    meetings.accept(uow, meeting.match_id, meeting.id, form.data["start"], actor, seen_version=form.version)
    return _SAID["choose_time"], _case_url(meeting.match_id)


Answer = Callable[[UnitOfWork, MailLink, Actor, Form], tuple[str, str]]

_ANSWERS: Final[dict[str, tuple[type[Any], Answer]]] = {
    Match.subject_type: (AnswerByMail, _answer_case),
    Meeting.subject_type: (TimeByMail, _choose_time),
}
"""What a link is about -> what its form says, and what is done with it."""


def _page_of(token: str, form: Form | None) -> Reply:
    with unit_of_work() as uow:
        link, actor = _opened(uow, token)
        form = form or Form.blank()
        if link.subject_type == Meeting.subject_type:
            return _meeting_page(uow, link, actor, form, token)
        return _case_page(uow, link, actor, form, token)


def _case_page(uow: UnitOfWork, link: MailLink, actor: Actor, form: Form, token: str) -> Reply:
    seen = cases.look(uow, link.subject_id or "", actor, language=current_language())
    form.version = seen.match.version  # the reader sees this state now, also after a refusal
    helpful = help_with(seen.match, actor.school_id)
    return page(
        "act/show.html",
        form=form,
        token=token,
        match=seen.match,
        answers=_answers(seen, actor),
        may_report=_may_report(seen, actor),
        may_ask_for_help=helpful and matches.can_ask_again(uow, seen.match),
        second_choices=second_choices(uow, seen.match, actor) if helpful else [],
        case_url=_case_url(seen.match.id),
    )


def _meeting_page(uow: UnitOfWork, link: MailLink, actor: Actor, form: Form, token: str) -> Reply:
    meeting = uow.get(Meeting, link.subject_id or "")
    seen = meetings.look(uow, meeting.match_id, meeting.id, actor)
    form.version = meeting.version
    return page(
        "act/meeting.html",
        form=form,
        token=token,
        match=meeting.match,
        meeting=meeting_in_words(seen, actor),
        meeting_url=page_url("meetings.listed", match_id=meeting.match_id),
    )


def _answers(seen: Seen, actor: Actor) -> list[tuple[str, str]]:
    """The answers that are possible now, in words."""
    side = "unit" if actor.is_unit else "school"
    return [
        (name, say(_WORDS[name, side])) for name in ANSWERS if name in seen.available_actions and (name, side) in _WORDS
    ]


def _may_report(seen: Seen, actor: Actor) -> bool:
    """Whether the reader's school can tell the result and has not."""
    told = {report.school_id for report in seen.reports}
    return "report" in seen.available_actions and actor.school_id not in told


def _case_url(match_id: str) -> str:
    """The page of the case, for which one signs in."""
    return page_url("matches.show", match_id=match_id)
