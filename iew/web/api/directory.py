"""The public directory of offices and centres."""

from typing import Any

from iew.db import Page
from iew.schemas.units import CentreListView, DirectoryQuery, Listed, OfficeListView
from iew.services import units
from iew.web.access import requires
from iew.web.blueprint import Blueprint
from iew.web.context import current_language, unit_of_work

api = Blueprint("directory", __name__, url_prefix="/api/v1", description="Offices abroad and centres in Taiwan")


def _listed(kind: str, query: dict[str, Any]) -> Page[Listed]:
    lang = query["lang"] or current_language()
    with unit_of_work() as uow:
        page = units.directory_page(uow, kind, cursor=query["cursor"], limit=query["limit"])
        covered = units.coverage(uow)
    items = [Listed(unit, lang, covered.get(unit.code, [])) for unit in page.items]
    return Page(items, page.next_cursor, page.total)


@api.get("/offices")
@requires("directory.read")
@api.arguments(DirectoryQuery, location="query")
@api.response(200, OfficeListView)
def list_offices(query: dict[str, Any]) -> Page[Listed]:
    """The offices abroad, and the places each covers."""
    return _listed("office", query)


@api.get("/iercs")
@requires("directory.read")
@api.arguments(DirectoryQuery, location="query")
@api.response(200, CentreListView)
def list_centres(query: dict[str, Any]) -> Page[Listed]:
    """The international education resource centres, of counties and of K-12 zones."""
    return _listed("ierc", query)
