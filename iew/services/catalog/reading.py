"""What a search brings back.

Every hit is loaded from the database again before anybody sees it, so that what was taken down a second ago is not
shown by an index that lags.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from iew.domain.vocabularies import FACET_VOCABULARIES
from iew.errors import N_, BadRequest
from iew.i18n import Labels
from iew.models import Invitation, School, open_to_all
from iew.services.catalog.absence import unavailable
from iew.uow import UnitOfWork
from search_index.document import FACETS
from search_index.errors import BadPosition, SearchUnavailable
from search_index.folding import fold, is_wide
from search_index.highlight import Highlighter
from search_index.mapping import subtag
from search_index.query import Position, Request, Sort
from search_index.reader import Found, Reader

SUMMARY_LENGTH: Final = 200
_SALT: Final = "iew.search.cursor"
_KINDS: Final = {"place": "place", "area": "place", "country": "place", "month": "month", "level": "level"}
"""What a code is called that is no choice of a facet."""


@dataclass(frozen=True)
class Wanted:
    """What somebody asks for, as `iew.schemas.search.SearchQuery` reads it.

    facets: codes by facet. labels_in: interface language of the labels. text_in: language in which titles are shown
    where the post has it; None shows what its school wrote first.
    """

    text: str = ""
    facets: Mapping[str, Sequence[str]] | None = None
    start: date | None = None
    end: date | None = None
    students: int | None = None
    sort: Sort = "relevance"
    limit: int = 20
    cursor: str | None = None
    labels_in: str = "en"
    text_in: str | None = None

    @property
    def fingerprint(self) -> str:
        """Stands for everything but the page: a cursor of another search is refused."""
        facets = {name: sorted(set(codes)) for name, codes in sorted((self.facets or {}).items()) if codes}
        asked = [self.text, facets, str(self.start), str(self.end), self.students, self.sort]
        return hashlib.sha256(json.dumps(asked, ensure_ascii=False).encode()).hexdigest()[:16]


def search(uow: UnitOfWork, reader: Reader, wanted: Wanted, *, labels: Labels, secret_key: str) -> dict[str, Any]:
    """One page of a search, shaped like the reply of contract section 6.

    Raises BadRequest (`bad_cursor`), Unavailable (`search_unavailable`).
    """
    request = _request(uow, wanted, secret_key)
    try:
        found = reader.search(request)
    except BadPosition:
        raise _bad_cursor() from None
    except SearchUnavailable as absence:
        raise unavailable(absence) from absence
    posts = load_public(uow, [hit.id for hit in found.hits])
    highlighter = Highlighter(found.plan, reader.lexicon)
    items = [
        _item(posts[hit.id], highlighter, wanted) | {"score": hit.score, "match": "all" if hit.meets_all else "part"}
        for hit in found.hits
        if hit.id in posts
    ]
    gone = len(found.hits) - len(items)
    return {
        "total": max(found.total - gone, len(items)),
        "total_is": "exact",
        "items": items,
        "facets": {facet: _facet(found, facet, labels, wanted.labels_in) for facet in FACETS},
        "next_cursor": _cursor(wanted, found.next, secret_key),
        "total_all": max(found.total_all - gone, 0),
        "unmatched": list(found.unmatched),
        "relax": [{"param": name, "total": total} for name, total in found.relax],
        "did_you_mean": found.did_you_mean,
        "took_ms": found.took_ms,
    }


def ids_meeting(uow: UnitOfWork, reader: Reader, wanted: Wanted) -> list[str]:
    """Ids of the public posts that meet all that is wanted, best first; as many as `limit` says. Raises Unavailable."""
    try:
        found = reader.search(_request(uow, wanted, secret_key=""))
    except SearchUnavailable as absence:
        raise unavailable(absence) from absence
    ids = [hit.id for hit in found.hits if hit.meets_all]
    public = load_public(uow, ids)
    return [each for each in ids if each in public]


def _request(uow: UnitOfWork, wanted: Wanted, secret_key: str) -> Request:
    return Request(
        today=uow.today,
        text=wanted.text,
        facets={name: tuple(codes) for name, codes in (wanted.facets or {}).items() if codes},
        start=wanted.start,
        end=wanted.end,
        students=wanted.students,
        sort=wanted.sort,
        limit=wanted.limit,
        after=_position(wanted, secret_key),
        language=subtag(wanted.labels_in),
    )


def _position(wanted: Wanted, secret_key: str) -> Position | None:
    if not wanted.cursor:
        return None
    try:
        fingerprint, position = URLSafeSerializer(secret_key, salt=_SALT).loads(wanted.cursor)
        if fingerprint != wanted.fingerprint:
            raise BadPosition("of another query")
        return Position.decode(position)
    except (BadSignature, BadPosition, ValueError, TypeError):
        raise _bad_cursor() from None


def _cursor(wanted: Wanted, position: Position | None, secret_key: str) -> str | None:
    if position is None:
        return None
    return str(URLSafeSerializer(secret_key, salt=_SALT).dumps([wanted.fingerprint, position.encode()]))


def _bad_cursor() -> BadRequest:
    return BadRequest(N_("This cursor belongs to no list. Start again from the first page."), code="bad_cursor")


def load_public(uow: UnitOfWork, ids: Sequence[str]) -> dict[str, Invitation]:
    """The posts among these that everybody may read at this moment."""
    if not ids:
        return {}
    statement = select(Invitation).where(Invitation.id.in_(ids), open_to_all(uow.today))
    found = uow.session.scalars(statement.options(joinedload(Invitation.school)))
    return {post.id: post for post in found}


def _item(post: Invitation, highlighter: Highlighter, wanted: Wanted) -> dict[str, Any]:
    language, title, description = _text_for(post, wanted.text_in)
    spoken = subtag(language)
    marked_title = highlighter.highlight(title, spoken, whole=True)
    marked_body = highlighter.highlight(description, spoken)
    return {
        "id": post.id,
        "ref": post.ref,
        "number": post.number,
        "title": title,
        "text_language": language,
        "summary": _summary(description),
        "highlights": {
            "title": [marked_title] if marked_title else [],
            "description": [marked_body] if marked_body else [],
        },
        "school": post.school,
        "exchange_types": post.exchange_types,
        "languages": post.languages,
        "levels": post.levels,
        "periods": post.periods,
        "expires_on": post.expires_on,
        "published_at": post.published_at,
    }


def _text_for(post: Invitation, language: str | None) -> tuple[str, str, str]:
    for other in post.translations if language not in (None, post.content_language) else ():
        if other["language"] == language:
            return other["language"], other["title"], other.get("description") or post.description or ""
    return post.content_language, post.title, post.description or ""


def _summary(description: str) -> str:
    words = " ".join(description.split())
    return words if len(words) <= SUMMARY_LENGTH else f"{words[:SUMMARY_LENGTH].rstrip()}…"


def _facet(found: Found, facet: str, labels: Labels, language: str) -> list[dict[str, Any]]:
    return [
        {
            "code": row.code,
            "label": labels.label(FACET_VOCABULARIES[facet], row.code, language),
            "count": row.count,
            "selected": row.selected,
        }
        for row in found.facets[facet]
    ]


def figures(uow: UnitOfWork) -> tuple[int, int, int]:
    """Public posts, the schools that posted them, and the countries they are in."""
    counted = select(
        func.count(Invitation.id), func.count(func.distinct(School.id)), func.count(func.distinct(School.country))
    )
    joined = counted.select_from(Invitation).join(School, School.id == Invitation.school_id)
    posts, schools, countries = uow.session.execute(joined.where(open_to_all(uow.today))).one()
    return posts, schools, countries


# completing


def complete(
    uow: UnitOfWork, reader: Reader, typed: str, *, labels: Labels, language: str, limit: int = 8
) -> list[dict[str, Any]]:
    """What begins like the typed words: codes and terms, then schools and titles of public posts.

    Items `{text, kind, param, code}`; `param` and `code` where the text stands for a facet. Half of them are left to
    schools and titles where there are so many. Raises Unavailable.
    """
    try:
        names, found = reader.complete(typed, today=uow.today, language=subtag(language), limit=limit)
    except SearchUnavailable as absence:
        raise unavailable(absence) from absence
    posts = load_public(uow, [each.id for each in found])
    public = [item for each in found if each.id in posts for item in _called(posts[each.id], each.by, typed)]
    own = list({(item["text"], item["kind"]): item for item in reversed(public)}.values())[::-1]
    countries = labels.countries(language)
    terms = [_completion(name.code, name.text, labels, countries) for name in names]
    return [*terms[: limit - min(len(own), limit // 2)], *own][:limit]


def _called(post: Invitation, by: Collection[str], typed: str) -> Iterator[dict[str, Any]]:
    """The name of its school, and its title, in whichever language the typed words stand in it."""
    titles = [post.title, *(other["title"] for other in post.translations)]
    names = [name for name in (post.school.name, post.school.name_en) if name]
    for kind, texts, matched in (("school", names, "name"), ("title", titles, "title")):
        if matched in by:
            fitting = next((text for text in texts if _holds(text, typed)), None)
            if fitting is not None:
                yield {"text": fitting, "kind": kind, "param": None, "code": None}


def _holds(text: str, typed: str) -> bool:
    """Whether the text, as it stands in the database now, has all the words, the last of them perhaps unfinished."""
    words = fold(typed[:100]).split()
    held = fold(text)
    return all(word in held if any(map(is_wide, word)) else f" {word}" in f" {held}" for word in words)


def _completion(code: str, found: str, labels: Labels, countries: Collection[str]) -> dict[str, Any]:
    facet, _, value = code.partition(":")
    vocabulary = FACET_VOCABULARIES.get(facet)
    if vocabulary and value in (countries if vocabulary == "country" else labels.codes(vocabulary)):
        return {"text": found, "kind": facet, "param": facet, "code": value}
    return {"text": found, "kind": _KINDS.get(facet, "topic"), "param": None, "code": None}
