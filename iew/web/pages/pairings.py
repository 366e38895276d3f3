"""Pairings: the list, making one, and the board on which a unit pins, bans and accepts."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as Reply

from iew.domain.actors import Actor
from iew.errors import N_
from iew.models import Pairing
from iew.schemas.base import NothingElse
from iew.schemas.lists import ListQuery
from iew.schemas.pairings import BoardQuery, PairingForm, PairInput
from iew.services import boards, pairings
from iew.uow import UnitOfWork
from iew.web.access import requires
from iew.web.context import current_actor, unit_of_work
from iew.web.forms import Form, asked_by
from iew.web.pairing import board_page, choice_of, concepts, line_shown, new_page, posts_meant, themes
from iew.web.rendering import gettext as _
from iew.web.rendering import page, page_url, tell

pages = Blueprint("pairings", __name__)

Verb = Callable[[UnitOfWork, str, Mapping[str, Any], Actor, int | None], Pairing]

_VERBS: Final[dict[str, tuple[type[Any], Verb, str]]] = {
    "solve": (
        NothingElse,
        lambda u, i, v, a, seen: pairings.solve(u, i, a, concepts=concepts(), themes=themes, seen_version=seen),
        N_("The invitations were compared as they are now."),
    ),
    "pin": (
        PairInput,
        lambda u, i, v, a, seen: pairings.pin(u, i, v, a, seen_version=seen),
        N_("The pair is pinned; the others were proposed anew around it."),
    ),
    "forbid": (
        PairInput,
        lambda u, i, v, a, seen: pairings.forbid(u, i, v, a, seen_version=seen),
        N_("These two will not be paired; the others were proposed anew."),
    ),
    "release": (
        PairInput,
        lambda u, i, v, a, seen: pairings.release(u, i, v, a, seen_version=seen),
        N_("Taken back; the pairs were proposed anew."),
    ),
    "accept": (
        NothingElse,
        lambda u, i, v, a, seen: pairings.accept(u, i, a, seen_version=seen),
        N_("Each pair is a case now. The schools are told by mail, each in its own language."),
    ),
}
"""Action -> what its form says, the verb that does it, and what is said afterwards."""


@pages.get("/<lang>/pairings")
@requires("pairing.read")
def listed(lang: str) -> Reply:
    query = asked_by(ListQuery)
    with unit_of_work() as uow:
        found = boards.listed(uow, current_actor(), **query)
        lines = [line_shown(line) for line in found.items]
        return page("pairings/listed.html", lines=lines, next_cursor=found.next_cursor)


@pages.get("/<lang>/pairings/new")
@requires("pairing.write")
def new(lang: str) -> Reply:
    return new_page(Form.blank({"max_per_school": 1}))


@pages.post("/<lang>/pairings/new")
@requires("pairing.write")
def make(lang: str) -> Reply:
    """Make a pairing, or only look at what the choice would bring together."""
    form = Form.posted(PairingForm, shown_at={"domestic": "domestic.posts", "overseas": "overseas.posts"})
    if request.form.get("then") == "preview":
        return new_page(form, preview=True)
    with form.attempt(), unit_of_work() as uow:
        values = posts_meant(uow, choice_of(uow, form.data))
        made = pairings.make(uow, values, current_actor(), concepts=concepts(), themes=themes).id
    return new_page(form) if form.refused else redirect(page_url("pairings.show", pairing_id=made))


@pages.get("/<lang>/pairings/<pairing_id>")
@requires("pairing.read")
def show(lang: str, pairing_id: str) -> Reply:
    return board_page(pairing_id, asked_by(BoardQuery))


@pages.post("/<lang>/pairings/<pairing_id>/<any(" + ",".join(_VERBS) + "):action>")
@requires("pairing.write")
def act(lang: str, pairing_id: str, action: str) -> Reply:
    """Take one of the actions that the board offered, on the state that it showed."""
    schema, verb, said = _VERBS[action]
    form, view = Form.posted(schema), Form.posted(BoardQuery).data
    with form.attempt(), unit_of_work() as uow:
        verb(uow, pairing_id, form.data, current_actor(), form.version)
    if form.refused:
        return board_page(pairing_id, view, form=form)
    tell(_(said))
    return redirect(page_url("pairings.show", pairing_id=pairing_id, **view))
