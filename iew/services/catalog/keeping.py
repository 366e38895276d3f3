"""Keeps the index true to the database: writing, rebuilding, comparing, repairing.

The index is a projection that may be thrown away at any moment; it is made from the database alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.orm import joinedload

from iew.errors import N_, StateConflict
from iew.models import Invitation, OutboxRow, School, open_to_all
from iew.outbox import INDEX_POST, SUGGEST
from iew.services.catalog.absence import said
from iew.services.catalog.documents import document_of
from iew.uow import UnitOfWork
from search_index.document import Document
from search_index.errors import SearchUnavailable
from search_index.reader import Held, Reader
from search_index.writer import Projection, Rebuilt, Writer

REBUILD_LOCK: Final = 1_618_033_988
"""Key of the advisory lock that lets one process rebuild at a time."""
LONGEST_REBUILD_HOURS: Final = 6
"""The lock lives in a transaction that does nothing meanwhile, and the database ends idle ones after some seconds."""
LATE_COMMIT_MINUTES: Final = 5
"""A change is stamped when its transaction begins; nobody keeps one open longer than this."""
GONE_VERSION: Final = 2**53
"""Of the tombstone of a post that the database no longer has."""
BATCH: Final = 500


def index_invitations(uow: UnitOfWork, writer: Writer, ids: Sequence[str]) -> None:
    """Bring these posts in the index to their present state. Raises SearchUnavailable, WriteRefused."""
    statement = select(Invitation).where(Invitation.id.in_(ids)).options(joinedload(Invitation.school))
    found = {post.id: document_of(post, uow.today) for post in uow.session.scalars(statement)}
    gone = [Document(key, GONE_VERSION, visible=False) for key in ids if key not in found]
    writer.write_many([*found.values(), *gone])


def index_school(uow: UnitOfWork, school_id: str) -> None:
    """Owe the index, and the lists of possible partners, every post of a school that was ever public.

    Nobody is told of these posts again: that their school changed makes them no news.
    """
    ids = uow.session.scalars(
        select(Invitation.id).where(Invitation.school_id == school_id, Invitation.published_at.is_not(None))
    )
    for invitation_id in ids.all():
        for job in (INDEX_POST, SUGGEST):
            uow.owe(job, subject_type="invitation", subject_id=invitation_id)


def ensure(open_uow: Callable[[], UnitOfWork], writer: Writer, *, outdated: bool = False) -> bool:
    """Make an index where there is none, filled from the database; True if one was made.

    outdated: also where the one that is there was built with other words or another mapping. Raises Unavailable.
    """
    try:
        writer.cluster.check_plugins()
        if writer.cluster.index_behind_alias() is not None and not (outdated and writer.differs_in()):
            return False
    except SearchUnavailable as absence:
        raise said(absence) from absence
    rebuild(open_uow, writer)
    return True


def check_current(writer: Projection[Any]) -> None:
    """Raise Unavailable (`index_missing`, `index_outdated`) where the index has to be built before it is of use."""
    try:
        writer.check_current()
    except SearchUnavailable as absence:
        raise said(absence) from absence


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
        lock.allow_idle(hours=LONGEST_REBUILD_HOURS)

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
            raise said(absence) from absence


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
                .limit(BATCH)
            ).all()
            batch = [document_of(post, uow.today) for post in posts]
        yield from batch
        told(len(batch))
        if len(batch) < BATCH:
            return
        after = batch[-1].id


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
        raise said(absence) from absence
    for difference in differences if repair else ():
        _owe_repair(uow, difference)
    return differences


def ids_owed(uow: UnitOfWork, job: str) -> set[str]:
    """The ids whose writing is owed."""
    waiting = (OutboxRow.job == job, OutboxRow.done_at.is_(None), OutboxRow.parked_at.is_(None))
    return set(uow.session.scalars(select(OutboxRow.subject_id).where(*waiting)))


def _differences(uow: UnitOfWork, reader: Reader) -> Iterator[Difference]:
    on_their_way = ids_owed(uow, INDEX_POST)
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
            .limit(BATCH)
        ).all()
        batch = [document_of(post, uow.today) for post in posts]
        uow.session.expunge_all()
        yield from batch
        if len(batch) < BATCH:
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
    """index: behind the alias. visible: findable by the index; public: by the database. waiting: writings owed.

    differs: in what the index was built otherwise than this program would, `lexicon` or `form`.
    """

    index: str | None
    visible: int
    public: int
    waiting: int
    differs: tuple[str, ...] = ()


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
        differs = writer_of(reader).differs_in() if index else ()
    except SearchUnavailable as absence:
        raise said(absence) from absence
    return Status(index, visible, public, waiting or 0, differs)


def writer_of(reader: Reader) -> Writer:
    """The writer to the cluster that a reader reads."""
    return Writer(reader.cluster, reader.lexicon)


def ever_public(uow: UnitOfWork) -> int:
    """How many posts the index holds, tombstones included."""
    return uow.session.scalar(select(func.count()).where(Invitation.published_at.is_not(None))) or 0
