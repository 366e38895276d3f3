"""Posts in the search index, and what a search brings back.

The index is a projection that may be thrown away: it is made from the database, and every hit is loaded from the
database again before anybody sees it, so that what was taken down a second ago is not shown by an index that lags.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import func, or_, select, text, update
from sqlalchemy.orm import joinedload

from iew.domain.fit import counterparts_of
from iew.domain.schools import Side, side_of
from iew.domain.vocabularies import FACET_VOCABULARIES
from iew.errors import N_, BadRequest, StateConflict, Unavailable
from iew.i18n import Labels
from iew.models import Invitation, OutboxRow, SavedSearch, School, open_to_all
from iew.outbox import INDEX_POST, INDEX_SEARCH
from iew.uow import UnitOfWork
from search_index import alike
from search_index.document import FACETS, Document, Period, Text
from search_index.errors import BadPosition, PluginMissing, SearchUnavailable
from search_index.evaluate import RECALLED, Answer, Figures, Question, evaluate
from search_index.highlight import highlight
from search_index.mapping import subtag
from search_index.query import Position, Request, Sort
from search_index.reader import Explained, Found, Held, Reader
from search_index.searches import REMOVED_VERSION, SearchWriter, StoredSearch
from search_index.understanding import understand
from search_index.writer import Rebuilt, Writer

SUMMARY_LENGTH: Final = 200
MOST_LIKELY: Final = 200
"""How many posts of the other side are looked at closely for one."""
WAIT_FOR_ALIKE_SECONDS: Final = 1.0
"""A page is not kept waiting for what merely stands below it."""
REBUILD_LOCK: Final = 1_618_033_988
"""Key of the advisory lock that lets one process rebuild at a time."""
LATE_COMMIT_MINUTES: Final = 5
"""A change is stamped when its transaction begins; nobody keeps one open longer than this."""
GONE_VERSION: Final = 2**53
"""Of the tombstone of a post that the database no longer has."""
_SALT: Final = "iew.search.cursor"
_BATCH: Final = 500

Row = Mapping[str, Any]


# from a post to a document


def document_of(invitation: Invitation, today: date) -> Document:
    """The post as it may be found; where it may not, a tombstone that holds its version."""
    if not invitation.is_open_to_all(today):
        return Document(invitation.id, invitation.index_version, visible=False)
    school = invitation.school
    place = {name: getattr(school, name) for name in _PLACE}
    return described(
        invitation.id,
        invitation.index_version,
        invitation.body,
        place,
        keys=(invitation.number,),
        published_at=invitation.published_at,
    )


_PLACE: Final = (
    "name",
    "name_en",
    "country",
    "subdivision",
    "region",
    "county",
    "level",
    "ownership",
    "composition",
    "affiliations",
)


def described(
    key: str,
    version: int,
    body: Row,
    school: Row,
    *,
    keys: tuple[str, ...] = (),
    published_at: datetime | None = None,
) -> Document:
    """A visible document of a post and its school, both shaped like a row of an import file."""
    group = body.get("group") or {}
    return Document(
        id=key,
        version=version,
        visible=True,
        texts=tuple(_texts(body)),
        topics=tuple(body.get("topics") or ()),
        names=tuple(name for name in (school.get("name"), school.get("name_en")) if name),
        keys=keys,
        places=_some(school.get("subdivision")),
        region=school.get("region") or "",
        facets={
            "language": tuple(body.get("languages") or ()),
            "country": _some(school.get("country")),
            "type": tuple(body.get("exchange_types") or ()),
            "level": _some(school.get("level")),
            "wanted_level": tuple(body.get("levels") or ()),
            "ownership": _some(school.get("ownership")),
            "composition": _some(school.get("composition")),
            "affiliation": tuple(school.get("affiliations") or ()),
            "channel": _some(body.get("channel") or "general"),
            "county": _some(school.get("county")),
            "side": (side_of(str(school.get("country"))).value,),
        },
        wished=_wished(body),
        periods=tuple(Period(_day(each["start"]), _day(each["end"])) for each in body.get("periods") or ()),
        students=group.get("students"),
        published_at=published_at,
        expires_on=_day(body["expires_on"]) if body.get("expires_on") else None,
    )


def _wished(body: Row) -> dict[str, tuple[str, ...]]:
    """What the post looks for; host families count as a wish for homestay, whoever offers them."""
    counties = [*(body.get("target_counties") or ()), *((body.get("travel") or {}).get("destination_counties") or ())]
    return {
        "country": tuple(body.get("target_countries") or ()),
        "county": tuple(dict.fromkeys(counties)),
        "level": tuple(body.get("levels") or ()),
        "type": ("homestay",) if body.get("homestay") in ("wanted", "offered") else (),
    }


def _texts(body: Row) -> Iterator[Text]:
    yield Text(body["content_language"], body["title"], body.get("description") or "")
    for other in body.get("translations") or ():
        yield Text(other["language"], other["title"], other.get("description") or "")


def _some(code: str | None) -> tuple[str, ...]:
    return (code,) if code else ()


def _day(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


# searching


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
        raise _unavailable(absence) from absence
    posts = _load(uow, [hit.id for hit in found.hits])
    items = [
        _item(posts[hit.id], found, reader, wanted) | {"score": hit.score, "match": "all" if hit.meets_all else "part"}
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


def _unavailable(absence: SearchUnavailable) -> Unavailable:
    return Unavailable(
        N_("Search does not answer at the moment. Try again in a minute."),
        code="search_unavailable",
        retry_after_seconds=absence.retry_after_seconds,
    )


def _load(uow: UnitOfWork, ids: Sequence[str]) -> dict[str, Invitation]:
    """The posts among these that everybody may read at this moment."""
    if not ids:
        return {}
    statement = select(Invitation).where(Invitation.id.in_(ids), open_to_all(uow.today))
    found = uow.session.scalars(statement.options(joinedload(Invitation.school)))
    return {post.id: post for post in found}


def _item(post: Invitation, found: Found, reader: Reader, wanted: Wanted) -> dict[str, Any]:
    language, title, description = _text_for(post, wanted.text_in)
    spoken = subtag(language)
    marked_title = highlight(title, found.plan, reader.lexicon, spoken, whole=True) if found.plan.units else None
    marked_body = highlight(description, found.plan, reader.lexicon, spoken) if found.plan.units else None
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

    Items `{text, kind, param, code}`; `param` and `code` where the text stands for a facet. Raises Unavailable.
    """
    try:
        names, posts = reader.complete(typed, today=uow.today, limit=limit)
    except SearchUnavailable as absence:
        raise _unavailable(absence) from absence
    items = [_completion(name.code, name.text, labels, language) for name in names]
    loaded = _load(uow, [post.id for post in posts])
    for post in posts:
        if post.id in loaded:
            invitation = loaded[post.id]
            item_text, kind = (invitation.school.name, "school") if post.by_name else (invitation.title, "title")
            items.append({"text": item_text, "kind": kind, "param": None, "code": None})
    unique = {(item["text"], item["kind"]): item for item in reversed(items)}
    return list(reversed(unique.values()))[:limit]


def _completion(code: str, found: str, labels: Labels, language: str) -> dict[str, Any]:
    facet, _, value = code.partition(":")
    if facet in FACET_VOCABULARIES:
        return {"text": found, "kind": facet, "param": facet, "code": value}
    return {"text": found, "kind": "topic" if facet == "v" else "place", "param": None, "code": None}


# posts that have to do with each other


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
        raise _unavailable(absence) from absence


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
    wished = {"country": (school.country,), "county": _some(school.county), "level": (school.level,)}
    return replace(own, names=(), keys=(), places=(), region="", facets=facets, wished=wished)


def concepts_of(reader: Reader, text: str) -> frozenset[str]:
    """The concepts of the field that a text speaks of, the same ones in every language."""
    return alike.concepts_of(reader, text)


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
        raise _unavailable(absence) from absence
    posts = _load(uow, ids)
    return [posts[each] for each in ids if each in posts][:limit]


# keeping the index


def index_invitations(uow: UnitOfWork, writer: Writer, ids: Sequence[str]) -> None:
    """Bring these posts in the index to their present state. Raises SearchUnavailable, WriteRefused."""
    statement = select(Invitation).where(Invitation.id.in_(ids)).options(joinedload(Invitation.school))
    found = {post.id: document_of(post, uow.today) for post in uow.session.scalars(statement)}
    gone = [Document(key, GONE_VERSION, visible=False) for key in ids if key not in found]
    writer.write_many([*found.values(), *gone])


def index_school(uow: UnitOfWork, school_id: str) -> None:
    """Owe the index every post of a school that was ever public."""
    ids = uow.session.scalars(
        select(Invitation.id).where(Invitation.school_id == school_id, Invitation.published_at.is_not(None))
    )
    for invitation_id in ids:
        uow.owe(INDEX_POST, subject_type="invitation", subject_id=invitation_id)


def ensure(open_uow: Callable[[], UnitOfWork], writer: Writer) -> bool:
    """Make an index where there is none, filled from the database; True if one was made. Raises Unavailable."""
    try:
        writer.cluster.check_plugins()
        if writer.cluster.index_behind_alias() is not None:
            return False
    except SearchUnavailable as absence:
        raise _said(absence) from absence
    rebuild(open_uow, writer)
    return True


def rebuild(
    open_uow: Callable[[], UnitOfWork], writer: Writer, *, told: Callable[[int], None] = lambda count: None
) -> Rebuilt:
    """A new index behind the alias, filled from the database while posts go on changing.

    told: is called with the number of documents of each batch. Raises StateConflict (one is running already),
    Unavailable.
    """
    with open_uow() as lock:
        if not lock.session.scalar(text("select pg_try_advisory_xact_lock(:key)"), {"key": REBUILD_LOCK}):
            raise StateConflict(N_("The search index is being rebuilt already."), code="rebuild_running")

        def documents() -> Iterator[Document]:
            yield from _documents(open_uow, told, Invitation.published_at.is_not(None))

        def changed_since(moment: datetime) -> Iterator[Document]:
            since = moment - timedelta(minutes=LATE_COMMIT_MINUTES)
            changed = or_(
                Invitation.updated_at >= since,
                Invitation.school_id.in_(select(School.id).where(School.updated_at >= since)),
            )
            yield from _documents(open_uow, lambda count: None, Invitation.published_at.is_not(None), changed)

        try:
            return writer.rebuild(documents, changed_since, lambda: open_uow().now)
        except SearchUnavailable as absence:
            raise _said(absence) from absence


def _documents(open_uow: Callable[[], UnitOfWork], told: Callable[[int], None], *conditions: Any) -> Iterator[Document]:
    """Batch by batch, each in a transaction of its own, so that none stays open while the engine works."""
    after = ""
    while True:
        with open_uow() as uow:
            posts = uow.session.scalars(
                select(Invitation)
                .where(Invitation.id > after, *conditions)
                .options(joinedload(Invitation.school))
                .order_by(Invitation.id)
                .limit(_BATCH)
            ).all()
            batch = [document_of(post, uow.today) for post in posts]
        yield from batch
        told(len(batch))
        if len(batch) < _BATCH:
            return
        after = batch[-1].id


def _said(absence: SearchUnavailable) -> Unavailable:
    if isinstance(absence, PluginMissing):
        return Unavailable(absence.reason, code="search_unavailable")
    return _unavailable(absence)


@dataclass(frozen=True)
class Difference:
    """A post that database and index hold differently: `missing`, `extra`, `stale` or `wrong`."""

    kind: str
    id: str
    database_version: int | None
    index_version: int | None


def reconcile(uow: UnitOfWork, writer: Writer, *, repair: bool = False) -> list[Difference]:
    """Every difference between database and index; repair: owe a writing for each.

    What changed in the last moments may be on its way and is not counted. Raises Unavailable.
    """
    try:
        differences = list(_differences(uow, Reader(writer.cluster, writer.lexicon)))
    except SearchUnavailable as absence:
        raise _said(absence) from absence
    for difference in differences if repair else ():
        _owe_repair(uow, difference)
    return differences


def _on_their_way(uow: UnitOfWork, job: str) -> set[str]:
    """The ids whose writing is owed."""
    waiting = (OutboxRow.job == job, OutboxRow.done_at.is_(None), OutboxRow.parked_at.is_(None))
    return set(uow.session.scalars(select(OutboxRow.subject_id).where(*waiting)))


def _differences(uow: UnitOfWork, reader: Reader) -> Iterator[Difference]:
    on_their_way = _on_their_way(uow, INDEX_POST)
    ours, theirs = _ours(uow), reader.held()
    mine, other = next(ours, None), next(theirs, None)
    while mine is not None or other is not None:
        if other is None or (mine is not None and mine.id < other.id):
            assert mine is not None
            found = Difference("missing", mine.id, mine.version, None) if mine.visible else None
            mine = next(ours, None)
        elif mine is None or other.id < mine.id:
            found = _extra(other)
            other = next(theirs, None)
        else:
            found = _compared(mine, other)
            mine, other = next(ours, None), next(theirs, None)
        if found is not None and found.id not in on_their_way:
            yield found


def _ours(uow: UnitOfWork) -> Iterator[Document]:
    after = ""
    while True:
        posts = uow.session.scalars(
            select(Invitation)
            .where(Invitation.id > after, Invitation.published_at.is_not(None))
            .options(joinedload(Invitation.school))
            .order_by(Invitation.id)
            .limit(_BATCH)
        ).all()
        batch = [document_of(post, uow.today) for post in posts]
        uow.session.expunge_all()
        yield from batch
        if len(batch) < _BATCH:
            return
        after = batch[-1].id


def _extra(held: Held) -> Difference | None:
    return None if held.hash == "tombstone" else Difference("extra", held.id, None, held.version)


def _compared(mine: Document, held: Held) -> Difference | None:
    if mine.content_hash == held.hash:  # a version alone also grows by changes that nobody finds a post by
        return None
    kind = "stale" if held.version != mine.version else "wrong"
    return Difference(kind, mine.id, mine.version, held.version)


def _owe_repair(uow: UnitOfWork, difference: Difference) -> None:
    """Give the post a version above what the index holds, and owe its writing."""
    if difference.kind in ("stale", "wrong"):
        above = func.greatest(Invitation.index_version, difference.index_version or 0) + 1
        uow.session.execute(
            update(Invitation)
            .where(Invitation.id == difference.id)
            .values(index_version=above)
            .execution_options(synchronize_session=False)
        )
    uow.owe(INDEX_POST, subject_type="invitation", subject_id=difference.id)


@dataclass(frozen=True)
class Status:
    """index: behind the alias. visible: findable by the index; public: by the database. waiting: writings owed."""

    index: str | None
    visible: int
    public: int
    waiting: int
    words_current: bool


def status(uow: UnitOfWork, reader: Reader) -> Status:
    """Where the index stands. Raises Unavailable."""
    public = uow.session.scalar(select(func.count()).select_from(Invitation).where(open_to_all(uow.today))) or 0
    waiting = uow.session.scalar(
        select(func.count())
        .select_from(OutboxRow)
        .where(OutboxRow.job == INDEX_POST, OutboxRow.done_at.is_(None), OutboxRow.parked_at.is_(None))
    )
    try:
        index = reader.cluster.index_behind_alias()
        visible = reader.count_visible(uow.today) if index else 0
        current = index is not None and reader.lexicon_of_index() == reader.lexicon.version
    except SearchUnavailable as absence:
        raise _said(absence) from absence
    return Status(index, visible, public, waiting or 0, current)


# searches that people keep


def index_search(uow: UnitOfWork, searches: SearchWriter, search_id: str) -> None:
    """Bring a stored search to its present state. Raises SearchUnavailable, WriteRefused."""
    search = uow.session.get(SavedSearch, search_id, options=[joinedload(SavedSearch.user)])
    if search is None:
        searches.remove(search_id)
    else:
        searches.put(_stored(search, uow.today))


def searches_met_by(
    uow: UnitOfWork, searches: SearchWriter, post: Invitation, *, among: Sequence[str] | None = None
) -> frozenset[str]:
    """The stored searches that would find the post as it stands now. Raises SearchUnavailable."""
    return searches.ask(document_of(post, uow.today), among=among)


def _stored(search: SavedSearch, today: date) -> StoredSearch:
    """A stored search, which is read in the language it names, else in that of the person who keeps it."""
    params = search.params
    start, end = (date.fromisoformat(params[name]) if name in params else None for name in ("from", "to"))
    request = Request(
        today=today,
        text=params.get("q", ""),
        facets={facet: tuple(params[facet]) for facet in FACETS if params.get(facet)},
        start=start,
        end=end,
        students=params.get("students"),
        language=subtag(params.get("lang") or search.user.language),
    )
    return StoredSearch(search.id, search.version, request)


def rebuild_searches(open_uow: Callable[[], UnitOfWork], searches: SearchWriter) -> Rebuilt:
    """A new index of the stored searches, their words understood by the documents of today.

    Raises StateConflict (one is running already), Unavailable.
    """
    with open_uow() as lock:
        if not lock.session.scalar(text("select pg_try_advisory_xact_lock(:key)"), {"key": REBUILD_LOCK + 1}):
            raise StateConflict(N_("The search index is being rebuilt already."), code="rebuild_running")

        def changed_since(moment: datetime) -> Iterator[StoredSearch]:
            since = moment - timedelta(minutes=LATE_COMMIT_MINUTES)
            yield from _stored_searches(open_uow, SavedSearch.updated_at >= since)

        try:
            return searches.rebuild(lambda: _stored_searches(open_uow), changed_since, lambda: open_uow().now)
        except SearchUnavailable as absence:
            raise _said(absence) from absence


def ensure_searches(open_uow: Callable[[], UnitOfWork], searches: SearchWriter) -> bool:
    """Make an index of the stored searches where there is none; True if one was made. Raises Unavailable."""
    try:
        if searches.cluster.index_behind_alias() is not None:
            return False
    except SearchUnavailable as absence:
        raise _said(absence) from absence
    rebuild_searches(open_uow, searches)
    return True


def _stored_searches(open_uow: Callable[[], UnitOfWork], *conditions: Any) -> Iterator[StoredSearch]:
    after = ""
    while True:
        with open_uow() as uow:
            found = uow.session.scalars(
                select(SavedSearch)
                .where(SavedSearch.id > after, *conditions)
                .options(joinedload(SavedSearch.user))
                .order_by(SavedSearch.id)
                .limit(_BATCH)
            ).all()
            batch = [_stored(search, uow.today) for search in found]
        yield from batch
        if len(batch) < _BATCH:
            return
        after = batch[-1].id


def reconcile_searches(
    open_uow: Callable[[], UnitOfWork], uow: UnitOfWork, searches: SearchWriter, *, repair: bool = False
) -> int:
    """How many stored searches database and index hold differently; repair: owe a writing for each.

    open_uow: for reading, batch by batch. Raises Unavailable.
    """
    ours = {search.id: search.content_hash for search in _stored_searches(open_uow)}
    try:
        theirs = {held.id: held for held in searches.held()}
    except SearchUnavailable as absence:
        raise _said(absence) from absence
    differing = [key for key in ours if key not in theirs or theirs[key].hash != ours[key]]
    differing += [key for key, held in theirs.items() if key not in ours and held.hash != "tombstone"]
    on_their_way = _on_their_way(uow, INDEX_SEARCH)
    differing = [key for key in differing if key not in on_their_way]
    for key in differing if repair else ():
        _owe_search(uow, key, theirs.get(key))
    return len(differing)


def _owe_search(uow: UnitOfWork, search_id: str, held: Held | None) -> None:
    """Owe the writing of a stored search, at a version above what the index holds."""
    if held is not None and held.version < REMOVED_VERSION:
        above = func.greatest(SavedSearch.version, held.version) + 1
        uow.session.execute(
            update(SavedSearch)
            .where(SavedSearch.id == search_id)
            .values(version=above)
            .execution_options(synchronize_session=False)
        )
    uow.owe(INDEX_SEARCH, subject_type=SavedSearch.subject_type, subject_id=search_id)


def search_writer_of(reader: Reader) -> SearchWriter:
    """The writer of stored searches to the cluster that a reader reads."""
    return SearchWriter(reader.cluster, reader.lexicon)


def writer_of(reader: Reader) -> Writer:
    """The writer to the cluster that a reader reads."""
    return Writer(reader.cluster, reader.lexicon)


def explain(uow: UnitOfWork, reader: Reader, typed: str, *, language: str | None) -> Explained:
    """How a query is understood, and what each of its units weighs. language: of the reader. Raises Unavailable."""
    try:
        return reader.explain(typed, today=uow.today, language=subtag(language) if language else None)
    except SearchUnavailable as absence:
        raise _unavailable(absence) from absence


def units_of(reader: Reader, typed: str, language: str | None) -> list[str]:
    """The units of a query, each with what it stands for."""
    plan = understand(typed, reader.lexicon, language=language)
    return [f"{unit.text} -> {' '.join(unit.codes) or 'text'}" for unit in plan.units]


def ever_public(uow: UnitOfWork) -> int:
    """How many posts the index holds, tombstones included."""
    return uow.session.scalar(select(func.count()).where(Invitation.published_at.is_not(None))) or 0


# judging


def judge(
    reader: Reader,
    posts: Iterable[Row],
    queries: Iterable[Row],
    grades: Mapping[str, Mapping[str, int]],
    parameter_of: Mapping[str, str],
    now: datetime,
    name: str,
) -> tuple[list[Answer], list[Figures]]:
    """The figures of judged queries over posts shaped like rows of an import file; `ref` is the id.

    parameter_of: name of a filter in the queries -> facet. name: makes the index of this run one of its own. Raises
    Unavailable.
    """
    cluster = reader.cluster.beside(name)
    writer = Writer(cluster, reader.lexicon)
    judged = [described(str(row["ref"]), 1, row, row["school"], published_at=now) for row in posts]
    try:
        writer.ensure(now=now)
        writer.write_many(judged, wait=True)
        asked = Reader(cluster, reader.lexicon)
        return evaluate(
            [_question(row, parameter_of) for row in queries], grades, lambda question: _ask(asked, question, now)
        )
    except SearchUnavailable as absence:
        raise _said(absence) from absence
    finally:
        with suppress(SearchUnavailable):  # whoever cannot be asked to drop it has said so above
            writer.drop_everything()


def _question(row: Row, parameter_of: Mapping[str, str]) -> Question:
    filters = row.get("filters") or {}
    facets = {parameter_of.get(name, name): tuple(codes) for name, codes in filters.items() if codes}
    return Question(row["qid"], row["text"], row["kind"], subtag(row.get("ui_language") or "") or None, facets)


def _ask(reader: Reader, question: Question, now: datetime) -> Found:
    request = Request(
        today=now.date(), text=question.text, facets=question.facets, language=question.language, limit=RECALLED
    )
    return reader.search(request)
