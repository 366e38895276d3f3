"""The page of a search; while the engine is away it shows the newest posts of the database and says so."""

from flask import Blueprint, Response, request

from iew.schemas.invitations import InvitationView, Seen
from iew.services import invitations
from iew.uow import UnitOfWork
from iew.web.access import requires
from iew.web.context import current_actor, current_language, unit_of_work
from iew.web.forms import Form
from iew.web.rendering import page
from iew.web.results import Found, found_of, found_without_engine
from iew.web.searching import params_asked, search_by
from iew.web.texts import card_of

pages = Blueprint("search", __name__)

NEWEST = 50
"""Posts shown while the engine is away."""


@pages.get("/<lang>/search")
@requires("search.read")
def results(lang: str) -> Response:
    form = Form.blank(request.args.to_dict())
    with unit_of_work() as uow:
        found = _found(uow, form)
        return page("search/results.html", form=form if found.available else None, found=found)


def _found(uow: UnitOfWork, form: Form) -> Found:
    """What the address asks for; a parameter that makes no sense is shown as a fault and left out of the search."""
    with form.attempt():
        return found_of(search_by(uow, params_asked()))
    if not form.faults:
        return _newest(uow)
    return found_of(search_by(uow, params_asked(without=form.faults)))


def _newest(uow: UnitOfWork) -> Found:
    posts = invitations.list_public(uow, limit=NEWEST).items
    actor, language = current_actor(), current_language()
    return found_without_engine([card_of(InvitationView().dump(Seen(post, actor)), language) for post in posts])
