"""The search within a case: its unit looks for partners with what the wish says filled in, and asks several at once."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as Reply

from iew.errors import Unavailable
from iew.schemas.candidates import ProposeSeveralInput
from iew.schemas.matches import MatchView
from iew.services import candidates, cases, matches
from iew.uow import UnitOfWork
from iew.web.access import requires
from iew.web.context import current_actor, current_language, unit_of_work
from iew.web.forms import Form
from iew.web.rendering import ngettext, page, page_url, tell
from iew.web.searching import params_asked, search_by

pages = Blueprint("candidates", __name__)

SHOWN = 30


@pages.get("/<lang>/matches/<match_id>/candidates")
@requires("match.read")
def search(lang: str, match_id: str) -> Reply:
    return _page_of(match_id)


@pages.post("/<lang>/matches/<match_id>/candidates")
@requires("match.act")
def propose(lang: str, match_id: str) -> Reply:
    """Ask all the schools that were ticked, or none of them."""
    form = Form.posted(ProposeSeveralInput)
    with form.attempt(), unit_of_work() as uow:
        asked = matches.propose_several(uow, match_id, actor=current_actor(), seen_version=form.version, **form.data)
    if form.refused:
        return _page_of(match_id, form)
    tell(_asked_in_words(asked))
    return redirect(page_url("matches.show", match_id=match_id))


def _asked_in_words(count: int) -> str:
    return ngettext(
        "%(num)s school is asked; you are told as soon as it answers.",
        "%(num)s schools are asked; you are told as soon as each answers.",
        count,
    )


def _page_of(match_id: str, form: Form | None = None) -> Reply:
    actor = current_actor()
    with unit_of_work() as uow:
        wished = candidates.search_params(uow, match_id, actor)
        seen = cases.look(uow, match_id, actor, language=current_language())
        typed = params_asked() if request.args else wished
        form = form or Form.blank()
        form.version = seen.match.version
        return page(
            "matches/candidates.html",
            form=form,
            query=Form.blank({name: typed.get(name) for name in ("q", *wished)}),
            match=MatchView().dump(seen),
            asked={proposal.school.id: proposal.status for proposal in seen.proposals},
            **_found(uow, typed | {"side": wished["side"], "cursor": None}),
        )


def _found(uow: UnitOfWork, params: Mapping[str, Any]) -> dict[str, Any]:
    """What the search finds; while the engine is away the page says so."""
    try:
        shown = search_by(uow, params, limit=SHOWN)
    except Unavailable:
        return {"found": [], "total": 0, "available": False}
    best = {item["school"]["id"]: item for item in reversed(shown["items"])}
    return {"found": [item for item in shown["items"] if best[item["school"]["id"]] is item], "total": shown["total"],
            "available": True}  # fmt: skip
