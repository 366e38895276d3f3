"""The searches that people keep, in the index that asks them about a post."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import joinedload

from iew.errors import N_, StateConflict
from iew.models import Invitation, SavedSearch
from iew.outbox import INDEX_SEARCH
from iew.services.catalog.absence import said
from iew.services.catalog.documents import document_of
from iew.services.catalog.keeping import BATCH, LATE_COMMIT_MINUTES, LONGEST_REBUILD_HOURS, REBUILD_LOCK, ids_owed
from iew.uow import UnitOfWork
from search_index.document import FACETS
from search_index.errors import SearchUnavailable
from search_index.mapping import subtag
from search_index.query import Request
from search_index.reader import Held, Reader
from search_index.searches import REMOVED_VERSION, SearchWriter, StoredSearch
from search_index.writer import Rebuilt


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
        lock.allow_idle(hours=LONGEST_REBUILD_HOURS)

        def changed_since(moment: datetime) -> Iterator[StoredSearch]:
            since = moment - timedelta(minutes=LATE_COMMIT_MINUTES)
            yield from stored_searches(open_uow, SavedSearch.updated_at >= since)

        try:
            return searches.rebuild(lambda: stored_searches(open_uow), changed_since, lambda: open_uow().now)
        except SearchUnavailable as absence:
            raise said(absence) from absence


def ensure_searches(open_uow: Callable[[], UnitOfWork], searches: SearchWriter, *, outdated: bool = False) -> bool:
    """Make an index of the stored searches where there is none; True if one was made.

    outdated: also where the one that is there was built with other words or another mapping. Raises Unavailable.
    """
    try:
        if searches.cluster.index_behind_alias() is not None and not (outdated and searches.differs_in()):
            return False
    except SearchUnavailable as absence:
        raise said(absence) from absence
    rebuild_searches(open_uow, searches)
    return True


def stored_searches(open_uow: Callable[[], UnitOfWork], *conditions: Any) -> Iterator[StoredSearch]:
    after = ""
    while True:
        with open_uow() as uow:
            found = uow.session.scalars(
                select(SavedSearch)
                .where(SavedSearch.id > after, *conditions)
                .options(joinedload(SavedSearch.user))
                .order_by(SavedSearch.id)
                .limit(BATCH)
            ).all()
            batch = [_stored(search, uow.today) for search in found]
        yield from batch
        if len(batch) < BATCH:
            return
        after = batch[-1].id


def reconcile_searches(
    open_uow: Callable[[], UnitOfWork], uow: UnitOfWork, searches: SearchWriter, *, repair: bool = False
) -> int:
    """How many stored searches database and index hold differently; repair: owe a writing for each.

    open_uow: for reading, batch by batch. Raises Unavailable.
    """
    ours = {search.id: search.content_hash for search in stored_searches(open_uow)}
    try:
        theirs = {held.id: held for held in searches.held()}
    except SearchUnavailable as absence:
        raise said(absence) from absence
    differing = [key for key in ours if key not in theirs or theirs[key].hash != ours[key]]
    differing += [key for key, held in theirs.items() if key not in ours and held.hash != "tombstone"]
    on_their_way = ids_owed(uow, INDEX_SEARCH)
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
