"""Searches that the asker keeps, to be told of new posts."""

from collections.abc import Mapping
from typing import Any

from iew.db import Page
from iew.models import SavedSearch
from iew.schemas.lists import ListQuery
from iew.schemas.saved_searches import SavedSearchChange, SavedSearchInput, SavedSearchListView, SavedSearchView
from iew.services import saved_searches
from iew.web.access import requires
from iew.web.blueprint import Blueprint
from iew.web.conditional import if_match
from iew.web.context import current_actor, unit_of_work

Values = Mapping[str, Any]

api = Blueprint("saved_searches", __name__, url_prefix="/api/v1", description="Searches kept, and alerts by mail")


@api.get("/saved-searches")
@requires("saved_search.read")
@api.arguments(ListQuery, location="query")
@api.response(200, SavedSearchListView)
def listed(query: Values) -> Page[SavedSearch]:
    """Your own searches, the latest first."""
    with unit_of_work() as uow:
        return saved_searches.listed(uow, current_actor(), **query)


@api.post("/saved-searches")
@requires("saved_search.write")
@api.arguments(SavedSearchInput)
@api.response(201, SavedSearchView)
def keep(values: Values) -> SavedSearch:
    """Keep a search; a mail tells of new posts at once, daily at 08:00 or on Mondays, where you are."""
    with unit_of_work() as uow:
        return saved_searches.keep(uow, values, current_actor())


@api.get("/saved-searches/<search_id>")
@requires("saved_search.read")
@api.response(200, SavedSearchView)
def read(search_id: str) -> SavedSearch:
    """One of your own searches."""
    with unit_of_work() as uow:
        return saved_searches.find(uow, search_id, current_actor())


@api.patch("/saved-searches/<search_id>")
@requires("saved_search.write")
@api.arguments(SavedSearchChange)
@api.response(200, SavedSearchView)
def change(values: Values, search_id: str) -> SavedSearch:
    """Change what is looked for, its name, how often you are told; or pause it."""
    with unit_of_work() as uow:
        return saved_searches.change(uow, search_id, values, current_actor(), seen_version=if_match(required=True))


@api.delete("/saved-searches/<search_id>")
@requires("saved_search.write")
@api.response(204)
def drop(search_id: str) -> None:
    """Keep a search no longer."""
    with unit_of_work() as uow:
        saved_searches.drop(uow, search_id, current_actor())
