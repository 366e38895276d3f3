"""The page of a search: what was found, what was chosen, and one link for every next step.

The reply of the catalogue is the API's; a page also needs addresses with one choice taken away, and labels for each.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flask import request

from iew.domain.vocabularies import FACET_VOCABULARIES
from iew.errors import N_
from iew.i18n import say
from iew.web.context import current_language
from iew.web.rendering import day, here_with, label, number, page_url

_ORDER: Final = (
    "channel",
    "country",
    "type",
    "language",
    "level",
    "wanted_level",
    "ownership",
    "composition",
    "affiliation",
    "county",
    "side",
)
VOCABULARY_OF: Final = {facet: FACET_VOCABULARIES[facet] for facet in _ORDER}
"""Facet -> vocabulary of its codes, in the order of the page."""

FACET_NAMES: Final = {
    "channel": N_("Channel"),
    "country": N_("Country or region"),
    "type": N_("Type of exchange"),
    "language": N_("Language of communication"),
    "level": N_("School level"),
    "wanted_level": N_("School level wanted"),
    "ownership": N_("Ownership"),
    "composition": N_("Composition"),
    "affiliation": N_("School attributes"),
    "county": N_("County in Taiwan"),
    "side": N_("In Taiwan or abroad"),
}
_OTHERS: Final = {"from": N_("From"), "to": N_("To"), "students": N_("At most so many students"), "q": N_("Words")}
_OPEN_FIRST: Final = frozenset({"country", "type", "language", "level"})
_SHOWN_AT_ONCE: Final = 8


@dataclass(frozen=True)
class Choice:
    """Something chosen, with the address of the page without it."""

    facet: str
    label: str
    without: str


@dataclass(frozen=True)
class Facet:
    """One list of codes to choose from."""

    name: str
    label: str
    codes: list[Mapping[str, Any]]
    chosen: int
    open: bool

    @property
    def chosen_late(self) -> bool:
        """Whether a code is chosen that stands beyond those shown at once."""
        return any(code["selected"] for code in self.codes[_SHOWN_AT_ONCE:])


@dataclass
class Found:
    """A search as a page shows it. `all` fit every word, `part` some; without the engine there are no words."""

    available: bool
    words: str
    sort: str
    total: int
    all: list[Any] = field(default_factory=list)
    part: list[Any] = field(default_factory=list)
    facets: list[Facet] = field(default_factory=list)
    chosen: list[Choice] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    relax: list[Mapping[str, Any]] = field(default_factory=list)
    did_you_mean: str | None = None
    meant_url: str | None = None
    next_cursor: str | None = None
    params: list[tuple[str, str]] = field(default_factory=list)
    without_all: str = ""
    dates_open: bool = False


def found_of(reply: Mapping[str, Any]) -> Found:
    """The page of a reply of the catalogue, whose shape is that of `GET /api/v1/search`."""
    words = request.args.get("q", "").strip()
    meant = reply.get("did_you_mean")
    return Found(
        available=True,
        words=words,
        sort=request.args.get("sort") or "relevance",
        total=reply["total"],
        all=[item for item in reply["items"] if item["match"] == "all"],
        part=[item for item in reply["items"] if item["match"] != "all"],
        facets=list(_facets(reply["facets"])),
        chosen=list(_chosen()),
        unmatched=list(reply.get("unmatched", ())),
        relax=[_way(way) for way in reply.get("relax", ())],
        did_you_mean=meant,
        meant_url=here_with(q=meant, cursor=None) if meant else None,
        next_cursor=reply.get("next_cursor"),
        params=_params(),
        without_all=_without_all(words),
        dates_open=_dates_open(),
    )


def found_without_engine(listed: Mapping[str, Any]) -> Found:
    """The page while the search engine is away: what the database lists, without words and without counts."""
    words = request.args.get("q", "").strip()
    return Found(
        available=False,
        words=words,
        sort="expiring" if request.args.get("sort") == "expiring" else "newest",
        total=listed["total"],
        all=list(listed["items"]),
        facets=list(_facets(listed["facets"])),
        chosen=list(_chosen()),
        next_cursor=listed["next_cursor"],
        params=_params(),
        without_all=_without_all(words),
        dates_open=_dates_open(),
    )


def _params() -> list[tuple[str, str]]:
    return [(name, value) for name, value in request.args.items(multi=True) if name != "cursor" and value]


def _without_all(words: str) -> str:
    return page_url("search.results", **({"q": words} if words else {}))


def _dates_open() -> bool:
    return any(request.args.get(name) for name in ("from", "to", "students"))


def _facets(facets: Mapping[str, list[Mapping[str, Any]]]) -> Iterable[Facet]:
    language = current_language()
    for name in VOCABULARY_OF:
        codes = list(facets.get(name, ()))
        if not codes:
            continue
        chosen = sum(1 for code in codes if code["selected"])
        yield Facet(name, say(FACET_NAMES[name], language), codes, chosen, bool(chosen) or name in _OPEN_FIRST)


def _chosen() -> Iterable[Choice]:
    language = current_language()
    for name, value in request.args.items(multi=True):
        if name in VOCABULARY_OF:
            yield Choice(say(FACET_NAMES[name], language), label(value, VOCABULARY_OF[name]), _without(name, value))
        elif name in ("from", "to", "students") and value:
            yield Choice(say(_OTHERS[name], language), value, _without(name, value))


def in_words(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a kept search asks for, as (name, values) in the reader's language, in the order of the page."""
    language = current_language()
    lines = [(say(_OTHERS["q"], language), str(params["q"]))] if params.get("q") else []
    for name, vocabulary in VOCABULARY_OF.items():
        words = [label(code, vocabulary) for code in params.get(name, ())]
        lines += [(say(FACET_NAMES[name], language), say(N_(", "), language).join(words))] if words else []
    lines += [(say(_OTHERS[name], language), day(params[name])) for name in ("from", "to") if name in params]
    lines += [(say(_OTHERS["students"], language), number(params["students"]))] if "students" in params else []
    return lines


def _without(name: str, value: str | None = None) -> str:
    kept = [other for other in request.args.getlist(name) if value is not None and other != value]
    return here_with(cursor=None, **{name: kept or None})


def _way(way: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(way["param"])
    words = FACET_NAMES.get(name) or _OTHERS.get(name) or name
    return {"label": say(words, current_language()), "url": _without(name), "total": way["total"]}
