"""A search as pages and API ask for it: the parameters of the address, read by one schema, asked of the catalogue."""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from iew.schemas.search import FACETS, SearchQuery, SearchView
from iew.services import catalog, search_figures
from iew.services.catalog import Wanted
from iew.services.search_figures import Asked
from iew.uow import UnitOfWork
from iew.web.context import current_language, house
from iew.web.forms import asked_by
from iew.web.house import House
from iew.web.observation import log
from iew.web.rendering import gettext as _


def wanted_of(query: Mapping[str, Any], *, text_in: str | None = None) -> Wanted:
    """What the parameters ask for, in the form of the catalogue."""
    return Wanted(
        text=query["q"],
        facets={facet: query[facet] for facet in FACETS},
        start=query["start"],
        end=query["end"],
        students=query["students"],
        sort=query["sort"],
        limit=query["limit"],
        cursor=query["cursor"],
        labels_in=query["lang"] or current_language(),
        text_in=text_in,
    )


def params_asked(without: Collection[str] = ()) -> dict[str, Any]:
    """The parameters in the address of this page; without: names to leave out. Raises Invalid."""
    return asked_by(SearchQuery, without=without)


def search_by(uow: UnitOfWork, params: Mapping[str, Any], *, limit: int | None = None) -> Mapping[str, Any]:
    """One page of a search as a page shows it, titles in the reader's language. Raises Unavailable, BadRequest."""
    query = SearchQuery().load({}) | dict(params) | ({"limit": limit} if limit else {})
    wanted = wanted_of(query, text_in=current_language())
    found = catalog.search(uow, house().searcher, wanted, labels=house().labels, secret_key=house().secret_key)
    count_search(uow, wanted, found)
    shown: Mapping[str, Any] = SearchView().dump(found)
    return shown


def count_search(uow: UnitOfWork, wanted: Wanted, found: Mapping[str, Any]) -> None:
    """Count the first page of a search by words, once the reply is made; no further page, and no person."""
    if wanted.cursor or not wanted.text.strip():
        return
    countries = (wanted.facets or {}).get("country", ())
    asked = Asked(wanted.text, wanted.labels_in, countries, found["total_all"] > 0)
    uow.after_commit(partial(_note, house(), asked))


def _note(building: House, asked: Asked) -> None:
    """In a transaction of its own; a figure that is lost must not cost anybody their results."""
    try:
        with building.unit_of_work() as uow:
            search_figures.note(uow, asked)
    except SQLAlchemyError as fault:
        log.warning("a search was not counted", error=type(fault).__name__)


def figures(uow: UnitOfWork) -> list[tuple[str, int]]:
    """True numbers for the start page, with their names."""
    posts, schools, countries = catalog.figures(uow)
    return [
        (_("open invitations"), posts),
        (_("schools that posted them"), schools),
        (_("countries and regions"), countries),
    ]
