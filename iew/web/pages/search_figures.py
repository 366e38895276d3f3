"""What was looked for and not found, for the operators: where partners are missing, or words that the search lacks."""

from flask import Blueprint, request
from werkzeug.wrappers import Response as Reply

from iew.schemas.search_figures import SearchFiguresQuery
from iew.services import search_figures
from iew.web.access import requires
from iew.web.context import unit_of_work
from iew.web.forms import Form, asked_by
from iew.web.rendering import page

pages = Blueprint("search_figures", __name__)


@pages.get("/<lang>/admin/searches")
@requires("operations.read")
def asked(lang: str) -> Reply:
    query = asked_by(SearchFiguresQuery)
    found = {"yes": True, "no": False}.get(query.pop("found"))
    form = Form.blank({"found": "no"} | request.args.to_dict())
    with unit_of_work() as uow:
        lines = search_figures.lines(uow, found=found, **query)
        months = [(month, month) for month in search_figures.months(uow)]
    return page("admin/searches.html", form=form, lines=lines, months=months, found=found)
