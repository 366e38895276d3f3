"""The page of a search; while the engine is away it lists posts of the database by what was chosen, and says so."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from iew.errors import Unavailable
from iew.uow import UnitOfWork
from iew.web.access import requires
from iew.web.context import unit_of_work
from iew.web.forms import Form
from iew.web.rendering import page
from iew.web.results import Found, found_of, found_without_engine
from iew.web.searching import list_by, params_asked, search_by

pages = Blueprint("search", __name__)


@pages.get("/<lang>/search")
@requires("search.read")
def results(lang: str) -> Response:
    form = Form.blank(request.args.to_dict())
    with unit_of_work() as uow:
        found = _found(uow, form)
        return page("search/results.html", form=form, found=found)


def _found(uow: UnitOfWork, form: Form) -> Found:
    """What the address asks for; a parameter that makes no sense is shown as a fault and left out of the search."""
    params: Mapping[str, Any] = {}
    with form.attempt():
        params = params_asked()
    if form.faults:
        params = params_asked(without=form.faults)
    try:
        return found_of(search_by(uow, params))
    except Unavailable:
        return found_without_engine(list_by(uow, params))
