"""Search and completion, open to everyone."""

from collections.abc import Mapping
from typing import Any

from iew.schemas.search import CompleteQuery, CompletionsView, SearchQuery, SearchView
from iew.services import catalog
from iew.web.access import requires
from iew.web.blueprint import Blueprint
from iew.web.context import current_language, house, unit_of_work
from iew.web.searching import found_by

api = Blueprint("search", __name__, url_prefix="/api/v1", description="Finding public posts")


@api.get("/search")
@requires("search.read")
@api.arguments(SearchQuery, location="query")
@api.response(200, SearchView)
def search(query: Mapping[str, Any]) -> Mapping[str, Any]:
    """Public posts by words in any of the four languages, by facets, by dates and by the size of the group."""
    with unit_of_work() as uow:
        return found_by(uow, query)


@api.get("/search/complete")
@requires("search.complete")
@api.arguments(CompleteQuery, location="query")
@api.response(200, CompletionsView)
def complete(query: Mapping[str, Any]) -> Mapping[str, Any]:
    """How the typed words could go on: codes and terms, schools, titles of public posts."""
    language = query["lang"] or current_language()
    with unit_of_work() as uow:
        found = catalog.complete(
            uow, house().searcher, query["q"], labels=house().labels, language=language, limit=query["limit"]
        )
    return {"items": found}
