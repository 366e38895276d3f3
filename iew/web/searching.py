"""A search as pages and API ask for it: the parameters of the address, read by one schema, asked of the catalogue."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, Final

from flask import Response, after_this_request
from sqlalchemy.exc import SQLAlchemyError

from iew.domain.vocabularies import FACET_VOCABULARIES
from iew.schemas.invitations import InvitationView, Seen
from iew.schemas.search import FACETS, SearchQuery, SearchView
from iew.services import catalog, search_figures
from iew.services.catalog import Wanted
from iew.services.search_figures import Asked
from iew.uow import UnitOfWork
from iew.web.context import current_actor, current_language, house
from iew.web.forms import asked_by
from iew.web.house import House
from iew.web.observation import log
from iew.web.rendering import gettext as _
from iew.web.texts import card_of

_PLAIN: Final = "list."
"""Begins the places in the list that stands in for the engine's."""


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


def found_by(uow: UnitOfWork, params: Mapping[str, Any], *, text_in: str | None = None) -> Mapping[str, Any]:
    """One page of a search, counted; params: as its schema loads them. text_in: as `Wanted` has it.

    Raises Unavailable, BadRequest.
    """
    wanted = wanted_of(params, text_in=text_in)
    found = catalog.search(uow, house().searcher, wanted, labels=house().labels, secret_key=house().secret_key)
    count_search(wanted, found)
    return found


def search_by(uow: UnitOfWork, params: Mapping[str, Any], *, limit: int | None = None) -> Mapping[str, Any]:
    """One page of a search as a page shows it, titles in the reader's language. Raises Unavailable, BadRequest."""
    query = SearchQuery().load({}) | dict(params) | ({"limit": limit} if limit else {})
    if (query["cursor"] or "").startswith(_PLAIN):  # the engine is back since: its list begins anew
        query["cursor"] = None
    shown: Mapping[str, Any] = SearchView().dump(found_by(uow, query, text_in=current_language()))
    return shown


def list_by(uow: UnitOfWork, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the same parameters find in the database, words aside, while the engine is away; the codes to choose from
    come without counts."""
    query = SearchQuery().load({}) | dict(params)
    wanted, labels, language = wanted_of(query), house().labels, current_language()
    found = catalog.listed(uow, wanted, cursor=_plain_part(query["cursor"]))
    actor = current_actor()
    choices = {facet: labels.codes(vocabulary) for facet, vocabulary in FACET_VOCABULARIES.items()}
    choices["country"] = list(catalog.countries(uow))
    return {
        "total": found.total,
        "items": [card_of(InvitationView().dump(Seen(post, actor)), language) for post in found.items],
        "next_cursor": f"{_PLAIN}{found.next_cursor}" if found.next_cursor else None,
        "facets": {facet: _uncounted(facet, codes, query[facet], language) for facet, codes in choices.items()},
    }


def _plain_part(cursor: str | None) -> str | None:
    """A place in the list of the database; a place in the list of the engine is none, and the list begins anew."""
    return cursor.removeprefix(_PLAIN) if cursor and cursor.startswith(_PLAIN) else None


def _uncounted(facet: str, codes: Sequence[str], chosen: Sequence[str], language: str) -> list[dict[str, Any]]:
    vocabulary, labels = FACET_VOCABULARIES[facet], house().labels
    return [
        {"code": code, "label": labels.label(vocabulary, code, language), "count": None, "selected": code in chosen}
        for code in dict.fromkeys([*codes, *chosen])
    ]


def count_search(wanted: Wanted, found: Mapping[str, Any]) -> None:
    """Count the first page of a search by words, once the reply is sent; no further page, and no person."""
    if wanted.cursor or not wanted.text.strip():
        return
    countries = (wanted.facets or {}).get("country", ())
    asked = Asked(wanted.text, wanted.labels_in, countries, found["total_all"] > 0)
    note = partial(_note, house(), asked)

    @after_this_request
    def count(response: Response) -> Response:
        response.call_on_close(note)
        return response


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
