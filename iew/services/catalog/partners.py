"""Posts that have to do with each other, as the index sees it; it lags, and knows no rule that forbids a pair."""

from dataclasses import replace
from datetime import date
from typing import Final

from iew.domain.fit import counterparts_of
from iew.domain.schools import Side
from iew.models import Invitation
from iew.services.catalog.absence import unavailable
from iew.services.catalog.documents import document_of, some
from iew.services.catalog.reading import load_public
from iew.uow import UnitOfWork
from search_index import alike
from search_index.document import Document, Text
from search_index.errors import SearchUnavailable
from search_index.reader import Reader

MOST_LIKELY: Final = 200
"""How many posts of the other side are looked at closely for one."""
WAIT_FOR_ALIKE_SECONDS: Final = 1.0
"""A page is not kept waiting for what merely stands below it."""


def likely_partners(uow: UnitOfWork, reader: Reader, post: Invitation, *, limit: int = MOST_LIKELY) -> tuple[str, ...]:
    """Ids of findable posts of the other side that come nearest to what this public post looks for, best first.

    A pre-choice by the codes of the index: it lags, and knows no rule that forbids a pair. Raises Unavailable.
    """
    other = Side.OVERSEAS if post.side is Side.DOMESTIC else Side.DOMESTIC
    try:
        return alike.alike(
            reader,
            _partner_wished_by(post, uow.today),
            today=uow.today,
            facets={"side": (other.value,)},
            without=(post.id,),
            limit=limit,
        )
    except SearchUnavailable as absence:
        raise unavailable(absence) from absence


def _partner_wished_by(post: Invitation, today: date) -> Document:
    """A post that nobody wrote: what a school would offer that is all this one looks for."""
    own, school = document_of(post, today), post.school
    facets = {
        "language": own.facets["language"],
        "type": tuple(sorted(counterparts_of(frozenset(post.exchange_types), post.side))),
        "level": tuple(post.levels) or (school.level,),
        "wanted_level": (school.level,),
        "country": own.wished["country"],
        "county": own.wished["county"],
    }
    wished = {"country": (school.country,), "county": some(school.county), "level": (school.level,)}
    return replace(own, names=(), keys=(), places=(), region="", facets=facets, wished=wished)


def concepts_of(reader: Reader, text: str) -> frozenset[str]:
    """The concepts of the field that a text speaks of, the same ones in every language."""
    return alike.concepts_of(reader, text)


def themes_of(reader: Reader, post: Invitation) -> frozenset[str]:
    """The concepts that the title of a post names, or its description more than once."""
    return alike.themes_of(reader, Text(post.content_language, post.title, post.description or ""))


def concept_label(reader: Reader, code: str, language: str) -> str:
    """What a concept is called in a language of the service."""
    return reader.lexicon.label(code, language)


def more_like(uow: UnitOfWork, reader: Reader, post: Invitation, *, limit: int = 3) -> list[Invitation]:
    """Public posts of the same side that speak of the same things as this public one. Raises Unavailable."""
    try:
        ids = alike.alike(
            reader,
            document_of(post, uow.today),
            today=uow.today,
            facets={"side": (post.side.value,)},
            without=(post.id,),
            limit=2 * limit,
            seconds=WAIT_FOR_ALIKE_SECONDS,
        )
    except SearchUnavailable as absence:
        raise unavailable(absence) from absence
    posts = load_public(uow, ids)
    return [posts[each] for each in ids if each in posts][:limit]
