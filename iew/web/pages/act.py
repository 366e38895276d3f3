"""The page behind a link in a mail: a case, and the answers its recipient can give without signing in.

Mail programs and scanners open links by themselves, so opening shows and changes nothing; only the form uses the link
up, once. The link speaks for its recipient with the rights that person has at this moment.
"""

from flask import Blueprint
from werkzeug.wrappers import Response as Reply

from iew.domain.actors import Actor
from iew.errors import N_, NotFound
from iew.models import MailLink, Match, User
from iew.schemas.by_mail import ANSWERS, AnswerByMail
from iew.services import cases, links, matches
from iew.services.cases import Seen
from iew.services.links import Purpose
from iew.uow import UnitOfWork
from iew.web.access import check_standing, requires
from iew.web.context import current_language, house, say, unit_of_work
from iew.web.forms import Form
from iew.web.permissions import Kind
from iew.web.rendering import page, page_url

pages = Blueprint("act", __name__)

_WORDS = {
    ("accept", "school"): N_("Yes, we would like to exchange"),
    ("accept", "unit"): N_("We take this case up"),
    ("decline", "school"): N_("No, we cannot this time"),
    ("hand_back", "unit"): N_("This case is not ours: hand it back"),
}
_SAID = {
    "accept": N_("Your answer is with the other side."),
    "decline": N_("Your answer is with the other side. Thank you for not leaving them waiting."),
    "hand_back": N_("The case lies with the IEW administrator now."),
}


@pages.get("/<lang>/act/<token>")
@requires("mail_link.open")
def show(lang: str, token: str) -> Reply:
    return _page_of(token, None)


@pages.post("/<lang>/act/<token>")
@requires("mail_link.use")
def use(lang: str, token: str) -> Reply:
    """Do what was chosen, and use the link up in the same transaction."""
    form = Form.posted(AnswerByMail, shown_at={"reason": "note"})
    with form.attempt(), unit_of_work() as uow:
        link, actor = _opened(uow, token)
        check_standing(actor, Kind.WRITE)
        match = _answer(uow, link, actor, form)
        links.use_up(uow, link)
        case_url = _case_url(match)
    if form.refused:
        return _page_of(token, form)
    return page("act/done.html", said=say(_SAID[form.data["action"]]), case_url=case_url)


def _opened(uow: UnitOfWork, token: str) -> tuple[MailLink, Actor]:
    """The link and the person it was sent to. Raises NotFound, StateConflict."""
    link = links.find(uow, house().secret_key, Purpose.ACT, token)
    if link.subject_type != Match.subject_type or link.user_id is None or link.subject_id is None:
        raise NotFound
    return link, uow.get(User, link.user_id).as_actor()


def _answer(uow: UnitOfWork, link: MailLink, actor: Actor, form: Form) -> Match:
    match_id, said = link.subject_id or "", form.data
    if said["action"] == "accept":
        return matches.accept(uow, match_id, actor, seen_version=form.version)
    if said["action"] == "hand_back":
        return matches.hand_back(uow, match_id, said["note"], actor, seen_version=form.version)
    return matches.decline(uow, match_id, said["reason_code"], actor, note=said["note"], seen_version=form.version)


def _page_of(token: str, form: Form | None) -> Reply:
    with unit_of_work() as uow:
        link, actor = _opened(uow, token)
        seen = cases.look(uow, link.subject_id or "", actor, language=current_language())
        form = form or Form.blank()
        form.version = seen.match.version  # the reader sees this state now, also after a refusal
        return page(
            "act/show.html",
            form=form,
            token=token,
            match=seen.match,
            answers=_answers(seen, actor),
            case_url=_case_url(seen.match),
        )


def _answers(seen: Seen, actor: Actor) -> list[tuple[str, str]]:
    """The answers that are possible now, in words."""
    side = "unit" if actor.is_unit else "school"
    return [
        (name, say(_WORDS[name, side])) for name in ANSWERS if name in seen.available_actions and (name, side) in _WORDS
    ]


def _case_url(match: Match) -> str:
    """The page of the case, for which one signs in."""
    return f"{page_url('home.start')}matches/{match.id}"
