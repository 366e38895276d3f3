"""Cases: asking, and the one page on which everybody who has part in a case sees it and acts."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as Reply

from iew.domain.actors import Actor
from iew.errors import NotAllowed, NotFound
from iew.models import Match
from iew.schemas.invitations import InvitationView, Seen
from iew.schemas.matches import (
    AgreeInput,
    CancelInput,
    DeclineInput,
    MatchContactsView,
    MatchInput,
    MatchListQuery,
    MatchListView,
    MatchView,
    MessageInput,
    MessageListView,
    NothingElse,
    ProposeInput,
    ReasonInput,
    ReportInput,
)
from iew.schemas.units import UnitChoice
from iew.services import candidates, cases, invitations, match_contacts, matches, meetings, messages, schools, units
from iew.services.cases import Filters
from iew.uow import UnitOfWork
from iew.web.access import requires
from iew.web.context import current_actor, current_language, unit_of_work
from iew.web.forms import Form, asked_by
from iew.web.match_words import PAGES_OF_STATES, SAID, headline, help_with, said_of_step
from iew.web.meeting_words import shown as meeting_in_words
from iew.web.rendering import gettext as _
from iew.web.rendering import page, page_url, tell
from iew.web.suggesting import second_choices

pages = Blueprint("matches", __name__)

Verb = Callable[[UnitOfWork, str, Mapping[str, Any], Actor, int | None], Match]


def _route(uow: UnitOfWork, match_id: str, unit_code: str, actor: Actor, seen_version: int | None) -> Match:
    unit = units.named(uow, unit_code)
    handler = {"kind": unit.kind, "code": unit.code}
    return matches.route_by_hand(uow, match_id, handler, actor, seen_version=seen_version)


_VERBS: Final[dict[str, tuple[type[Any], Verb]]] = {
    "accept": (NothingElse, lambda u, i, v, a, seen: matches.accept(u, i, a, seen_version=seen)),
    "decline": (DeclineInput, lambda u, i, v, a, seen: matches.decline(u, i, actor=a, seen_version=seen, **v)),
    "cancel": (CancelInput, lambda u, i, v, a, seen: matches.cancel(u, i, a, reason=v["reason"], seen_version=seen)),
    "report": (ReportInput, lambda u, i, v, a, seen: matches.report(u, i, a, seen_version=seen, **v)),
    "hand_back": (ReasonInput, lambda u, i, v, a, seen: matches.hand_back(u, i, v["reason"], a, seen_version=seen)),
    "propose": (ProposeInput, lambda u, i, v, a, seen: matches.propose(u, i, actor=a, seen_version=seen, **v)),
    "agree": (AgreeInput, lambda u, i, v, a, seen: matches.agree(u, i, v["school_id"], a, seen_version=seen)),
    "not_found": (ReasonInput, lambda u, i, v, a, seen: matches.not_found(u, i, v["reason"], a, seen_version=seen)),
    "route": (UnitChoice, lambda u, i, v, a, seen: _route(u, i, v["unit"], a, seen)),
}
"""Action -> what its form says, and the verb that does it."""


@pages.get("/<lang>/matches")
@requires("match.read")
def listed(lang: str) -> Reply:
    query = asked_by(MatchListQuery)
    shown_part = request.args.get("part", "open")
    states = query.pop("status") or PAGES_OF_STATES.get(shown_part, ())
    cursor, limit = query.pop("cursor"), query.pop("limit")
    with unit_of_work() as uow:
        narrowed = Filters(status=states, **query)
        found = cases.listed(uow, narrowed, current_actor(), language=current_language(), cursor=cursor, limit=limit)
        shown = MatchListView().dump({"items": found.items, "next_cursor": found.next_cursor, "total": found.total})
        return page("matches/listed.html", part=shown_part, **shown)


@pages.get("/<lang>/invitations/<invitation_id>/ask")
@requires("match.ask")
def ask(lang: str, invitation_id: str) -> Reply:
    via = "assisted" if request.args.get("via") == "assisted" else "direct"
    return _ask_page(Form.blank({"invitation_id": invitation_id, "via": via, "message": _earlier().get("message")}))


@pages.get("/<lang>/matches/wish")
@requires("match.ask")
def wish(lang: str) -> Reply:
    """Ask for help without having found a post."""
    earlier = _earlier()
    return _ask_page(Form.blank({"via": "assisted", "wish": earlier.get("wish"), "message": earlier.get("message")}))


@pages.post("/<lang>/matches/ask")
@requires("match.ask")
def send(lang: str) -> Reply:
    form = Form.posted(MatchInput)
    with form.attempt(), unit_of_work() as uow:
        match_id = matches.ask(uow, form.data, current_actor()).id
    if form.refused:
        return _ask_page(form)
    tell(_("Your request is on its way. This page shows at any time who has it and until when."))
    return redirect(page_url("matches.show", match_id=match_id))


@pages.post("/<lang>/matches/<match_id>/again")
@requires("match.ask")
def again(lang: str, match_id: str) -> Reply:
    """One click: the same request once more, now with the help of an office or a centre."""
    form = Form.blank(name="again")
    with form.attempt(), unit_of_work() as uow:
        again_id = matches.ask_again_with_help(uow, match_id, current_actor()).id
    if form.refused:
        return _page_of(match_id, forms={"again": form})
    tell(_("Your request is on its way. This page shows at any time who has it and until when."))
    return redirect(page_url("matches.show", match_id=again_id))


@pages.get("/<lang>/invitations/<invitation_id>/requests")
@requires("match.read")
def beside(lang: str, invitation_id: str) -> Reply:
    """The direct requests that wait on one post, side by side, for the school that posted it."""
    with unit_of_work() as uow:
        found = cases.side_by_side(uow, invitation_id, current_actor(), language=current_language())
        post = invitations.read(uow, invitation_id, current_actor())
        lines = MatchListView().dump({"items": found, "next_cursor": None, "total": len(found)})["items"]
        return page("matches/beside.html", post=post, requests=lines)


@pages.get("/<lang>/matches/<match_id>")
@requires("match.read")
def show(lang: str, match_id: str) -> Reply:
    return _page_of(match_id)


@pages.post("/<lang>/matches/<match_id>/<any(" + ",".join(_VERBS) + "):action>")
@requires("match.act")
def act(lang: str, match_id: str, action: str) -> Reply:
    """Take one of the actions that the page offered, on the state that it showed."""
    schema, verb = _VERBS[action]
    form = Form.posted(schema, name=action)
    with form.attempt(), unit_of_work() as uow:
        verb(uow, match_id, form.data, current_actor(), form.version)
    if form.refused:
        return _page_of(match_id, forms={action: form})
    tell(_(SAID[action]))
    gone = action == "hand_back"  # the unit does not see it any more
    return redirect(page_url("inbox.waiting") if gone else page_url("matches.show", match_id=match_id))


@pages.post("/<lang>/matches/<match_id>/messages")
@requires("match.write_message")
def write(lang: str, match_id: str) -> Reply:
    form = Form.posted(MessageInput, name="message")
    with form.attempt(), unit_of_work() as uow:
        messages.write(uow, match_id, form.data["text"], current_actor(), language=current_language())
    if form.refused:
        return _page_of(match_id, forms={"message": form})
    tell(_("Your message was sent; a mail tells the others that it is here."))
    return redirect(page_url("matches.show", match_id=match_id, _anchor="messages"))


@pages.post("/<lang>/matches/<match_id>/contacts")
@requires("match.show_contacts")
def contacts(lang: str, match_id: str) -> Reply:
    """Show both contacts on the page; a POST, since each reading is noted for their owners."""
    form = Form.blank(name="contacts")
    shown = None
    with form.attempt(also=NotAllowed), unit_of_work() as uow:
        reason = request.form.get("reason", "").strip() or None
        found = match_contacts.read(uow, match_id, current_actor(), reason=reason)
        shown = MatchContactsView().dump({"items": found, "next_cursor": None, "total": len(found)})["items"]
    return _page_of(match_id, forms={"contacts": form}, contacts_shown=shown)


def _earlier() -> dict[str, Any]:
    """What an earlier case of this school said, where the address of this page names one, to go on from it."""
    match_id, actor = request.args.get("again"), current_actor()
    if not match_id:
        return {}
    with unit_of_work() as uow:
        match = cases.look(uow, match_id, actor, language=current_language()).match
        if match.asking_school_id != actor.school_id:
            raise NotFound
        return {"message": match.message, "wish": match.wish or matches.again(uow, match).get("wish")}


def _ask_page(form: Form) -> Reply:
    actor = current_actor()
    with unit_of_work() as uow:
        post_id = form.value("invitation_id")
        post = InvitationView().dump(Seen(invitations.read(uow, post_id, actor), actor)) if post_id else None
        own = invitations.list_own(uow, actor, limit=50).items
        choices = [(mine.id, f"{mine.number} {mine.title}") for mine in own if mine.public]
        open_case = _open_case(uow, post_id)
        own_side = schools.find_school(uow, actor.school_id or "", actor).side
        return page(
            "matches/ask.html",
            form=form,
            post=post,
            own_choices=choices,
            open_case=open_case,
            own_side=own_side,
            competing=_competing(uow, post_id, open_case),
        )


def _competing(uow: UnitOfWork, invitation_id: str, open_case: str | None) -> list[Match]:
    """Open cases of this school that may be about the same exchange, but for the one on this very post."""
    actor = current_actor()
    post = invitations.read(uow, invitation_id, actor) if invitation_id else None
    return [match for match in cases.competing(uow, actor, post) if match.id != open_case]


def _open_case(uow: UnitOfWork, invitation_id: str) -> str | None:
    """The case that this school has open on a post already."""
    if not invitation_id:
        return None
    narrowed = Filters(status=PAGES_OF_STATES["open"], invitation_id=invitation_id)
    found = cases.listed(uow, narrowed, current_actor(), language=current_language(), limit=100).items
    own = (seen.match for seen in found if seen.match.asking_school_id == current_actor().school_id)
    return next((match.id for match in own), None)


def _page_of(match_id: str, *, forms: Mapping[str, Form] | None = None, contacts_shown: Any = None) -> Reply:
    """The page of a case. forms: those that were refused, to be shown again as they were typed."""
    actor = current_actor()
    with unit_of_work() as uow:
        seen = cases.look(uow, match_id, actor, language=current_language())
        shown, helpful = MatchView().dump(seen), help_with(seen.match, actor.school_id)
        refused = next((form for form in (forms or {}).values() if form.refused), None)
        actions = shown["available_actions"]
        blank = {name: Form.blank(name=name) for name in (*actions, "message", "contacts")}
        every = blank | dict(forms or {})
        for form in every.values():
            form.version = shown["version"]
        return page(
            "matches/show.html",
            form=refused,
            match=shown,
            headline=headline(shown),
            seeks_another=helpful,
            may_ask_again=helpful and matches.can_ask_again(uow, seen.match),
            second_choices=second_choices(uow, seen.match, actor) if helpful else [],
            has_contacts=shown["agreed_at"] is not None and shown["partner"] is not None,
            has_proof=bool(shown["reports"]),
            forms=every,
            steps=[said_of_step(step) for step in shown["timeline"]],
            thread=_messages(uow, match_id, actor),
            contacts_shown=contacts_shown,
            candidates=candidates.candidates(uow, match_id, actor) if "propose" in actions else [],
            units=_units(uow) if "route" in actions else [],
            beside=_beside(uow, shown, actor),
            **_meeting(uow, match_id, actor),
        )


def _meeting(uow: UnitOfWork, match_id: str, actor: Actor) -> dict[str, Any]:
    """The latest meeting of the case, and whether there is anything to show or do about meetings."""
    try:
        found = meetings.listed(uow, match_id, actor)
    except NotAllowed:
        return {"meeting": None, "may_meet": False}
    may_meet = bool(found) or meetings.may_propose(uow, match_id, actor)
    return {"meeting": meeting_in_words(found[0]) if found else None, "may_meet": may_meet}


def _messages(uow: UnitOfWork, match_id: str, actor: Actor) -> dict[str, Any] | None:
    """The thread as `{items, next_cursor}`; None where an administrator, whose reading is recorded, did not ask."""
    if actor.is_admin and request.args.get("messages") != "yes":
        return None
    try:
        after = request.args.get("after")
        found = messages.read(uow, match_id, actor, language=current_language(), cursor=after, limit=100)
    except (NotAllowed, NotFound):
        return {"items": [], "next_cursor": None}
    thread: dict[str, Any] = MessageListView().dump(found)
    return thread


def _units(uow: UnitOfWork) -> list[tuple[str, str]]:
    """Units to route to, by code and name."""
    return [(unit.code, f"{unit.code} · {unit.name(current_language())}") for unit in units.all_units(uow)]


def _beside(uow: UnitOfWork, shown: Mapping[str, Any], actor: Actor) -> list[dict[str, Any]]:
    """The other direct requests that wait on the same post, for the school that posted it."""
    post = shown["invitation"]
    if post is None or post["school"]["id"] != actor.school_id:
        return []
    found = cases.side_by_side(uow, post["id"], actor, language=current_language())
    lines: list[dict[str, Any]] = MatchListView().dump({"items": found, "next_cursor": None, "total": len(found)})[
        "items"
    ]
    return [line for line in lines if line["id"] != shown["id"]]
