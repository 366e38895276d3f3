"""Searches that people keep, and what they are told of new posts that these meet.

A pair of search and post is written down once, whatever runs twice, and marked when it was told; the post is looked at
again before a mail goes out, so nobody is sent to something that is gone.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import Select, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload

from iew.db import Page, keyset_page, new_id
from iew.domain.actors import Actor
from iew.errors import N_, Conflict, NotFound, StateConflict, Text
from iew.models import Event, Invitation, OutboxRow, SavedSearch, SavedSearchHit, User, open_to_all
from iew.outbox import INDEX_SEARCH, TELL_OF_HIT
from iew.uow import UnitOfWork

MOST_KEPT: Final = 50
INSTANT, WEEKLY = "instant", "weekly"
_SALT: Final = "iew.stop_search"


# keeping


def keep(uow: UnitOfWork, values: Mapping[str, Any], actor: Actor) -> SavedSearch:
    """Keep a search for the actor. Raises StateConflict (`too_many_searches`)."""
    owner = actor.user_id or ""
    uow.hold(f"saved_searches:{owner}")
    kept = uow.session.scalar(select(func.count()).where(SavedSearch.user_id == owner)) or 0
    if kept >= MOST_KEPT:
        raise StateConflict(
            Text(N_("You keep %(most)s searches already. Delete one you need no more."), {"most": MOST_KEPT}),
            code="too_many_searches",
        )
    search = SavedSearch(
        id=new_id(), user_id=owner, version=1, created_at=uow.now, updated_at=uow.now, **_columns(values)
    )
    uow.session.add(search)
    uow.session.flush()
    uow.record("SearchKept", search, actor, action="keep_search")
    return search


def find(uow: UnitOfWork, search_id: str, actor: Actor) -> SavedSearch:
    """One of the actor's own searches. Raises NotFound."""
    search = uow.session.get(SavedSearch, search_id)
    if search is None or search.user_id != actor.user_id:
        raise NotFound
    return search


def listed(uow: UnitOfWork, actor: Actor, *, cursor: str | None = None, limit: int = 20) -> Page[SavedSearch]:
    """The actor's own searches, the latest first. Raises BadRequest (`bad_cursor`)."""
    return keyset_page(
        uow.session,
        select(SavedSearch).where(SavedSearch.user_id == (actor.user_id or "")),
        [SavedSearch.created_at, SavedSearch.id],
        key=lambda search: (search.created_at, search.id),
        cursor=cursor,
        limit=limit,
        descending=True,
    )


def change(
    uow: UnitOfWork, search_id: str, values: Mapping[str, Any], actor: Actor, *, seen_version: int | None = None
) -> SavedSearch:
    """Set what `values` names. Raises NotFound, Conflict."""
    search = find(uow, search_id, actor)
    uow.session.refresh(search, with_for_update=True)
    if seen_version is not None and seen_version != search.version:
        raise Conflict
    for name, value in _columns(values).items():
        setattr(search, name, value)
    search.version += 1
    search.updated_at = uow.now
    uow.record("SearchChanged", search, actor, action="change_search", fields=sorted(values))
    return search


def drop(uow: UnitOfWork, search_id: str, actor: Actor) -> None:
    """Keep a search no longer. Raises NotFound."""
    search = find(uow, search_id, actor)
    uow.record("SearchDropped", search, actor, action="drop_search")
    uow.session.execute(delete(SavedSearch).where(SavedSearch.id == search.id))


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in ("name", "params", "frequency", "paused") if name in values}


# stopping by the link in a mail, without signing in


@dataclass(frozen=True)
class Stoppable:
    """What a link in a mail stops: one search, or all that a person is told of in the collected mail.

    reader: whose collected mail it is, with suggestions in it; None for one search.
    """

    searches: Sequence[SavedSearch]
    reader: User | None = None

    @property
    def stopped(self) -> bool:
        suggests = self.reader is not None and self.reader.suggestions_wanted
        return not suggests and all(search.paused for search in self.searches)


def key_of(secret_key: str, *, search_id: str | None = None, user_id: str | None = None) -> str:
    """The part of the address that stands for one search, or for all that come in the collected mail of a person."""
    what = f"search:{search_id}" if search_id else f"user:{user_id}"
    return str(URLSafeSerializer(secret_key, salt=_SALT).dumps(what))


def behind(uow: UnitOfWork, secret_key: str, key: str) -> Stoppable:
    """What a link stops. Raises NotFound for a key that is none of ours, and for what is there no more."""
    try:
        kind, _colon, subject_id = str(URLSafeSerializer(secret_key, salt=_SALT).loads(key)).partition(":")
    except BadSignature:
        raise NotFound from None
    if kind == "search":
        return Stoppable([uow.get(SavedSearch, subject_id)])
    collected = select(SavedSearch).where(SavedSearch.user_id == subject_id, SavedSearch.frequency != INSTANT)
    found = uow.session.scalars(collected.order_by(SavedSearch.name, SavedSearch.id)).all()
    return Stoppable(found, uow.get(User, subject_id))


def pause(uow: UnitOfWork, secret_key: str, key: str, *, paused: bool) -> Stoppable:
    """Pause what a link stops, or take that back. Raises NotFound."""
    stoppable = behind(uow, secret_key, key)
    for search in stoppable.searches:
        uow.session.refresh(search, with_for_update=True)
        if search.paused != paused:
            search.paused = paused
            search.version += 1
            search.updated_at = uow.now
            uow.record(None, search, search.user.as_actor(), action="pause_search" if paused else "resume_search")
    if stoppable.reader is not None and stoppable.reader.suggestions_wanted == paused:
        stoppable.reader.suggestions_wanted = not paused
        action = "stop_suggestions" if paused else "resume_suggestions"
        uow.record(None, stoppable.reader, stoppable.reader.as_actor(), action=action)
    return stoppable


# finding


def are_on_their_way(uow: UnitOfWork) -> bool:
    """Whether a search that was kept or changed has not reached the index yet."""
    waiting = select(OutboxRow.id).where(
        OutboxRow.job == INDEX_SEARCH,
        OutboxRow.done_at.is_(None),
        OutboxRow.parked_at.is_(None),
    )
    return uow.session.scalar(waiting.limit(1)) is not None


def note_hits(uow: UnitOfWork, post: Invitation, search_ids: Collection[str], event: Event) -> int:
    """Write down which searches a post has met, each pair once; owe a mail where somebody wants it at once.

    A school is not told of its own posts, and a paused search finds nothing. How many pairs were new.
    """
    wanted = (
        select(SavedSearch.id, SavedSearch.frequency)
        .join(User, User.id == SavedSearch.user_id)
        .where(
            SavedSearch.id.in_(search_ids),
            SavedSearch.paused.is_(False),
            User.disabled_at.is_(None),
            or_(User.school_id.is_(None), User.school_id != post.school_id),
        )
    )
    frequencies = {row.id: row.frequency for row in uow.session.execute(wanted)}
    if not frequencies:
        return 0
    rows = [
        {"search_id": search_id, "invitation_id": post.id, "found_at": uow.now} for search_id in sorted(frequencies)
    ]
    added = uow.session.scalars(
        insert(SavedSearchHit).values(rows).on_conflict_do_nothing().returning(SavedSearchHit.search_id)
    ).all()
    for search_id in added:
        if frequencies[search_id] == INSTANT:
            pair = f"{search_id}:{post.id}"
            uow.owe(TELL_OF_HIT, subject_type="saved_search_hit", subject_id=pair, event=event)
    return len(added)


# telling


@dataclass(frozen=True)
class News:
    """A search and a post that it met, about to be told."""

    hit: SavedSearchHit
    search: SavedSearch
    post: Invitation


def untold(uow: UnitOfWork, pairs: Iterable[tuple[str, str]]) -> list[News]:
    """Those of the pairs (search, post) that nobody was told of yet and may be now, held until the end.

    A pair whose search is paused or whose post is public no more is forgotten, so that it may be met again.
    """
    found = []
    for search_id, invitation_id in sorted(pairs):
        hit = uow.session.get(SavedSearchHit, (search_id, invitation_id), with_for_update=True, populate_existing=True)
        search = uow.session.get(SavedSearch, search_id, options=[joinedload(SavedSearch.user)])
        if hit is None or hit.announced_at is not None or search is None:
            continue
        post = uow.session.scalar(select(Invitation).where(Invitation.id == invitation_id, open_to_all(uow.today)))
        if post is None or search.paused:
            forget(uow, hit)
        else:
            found.append(News(hit, search, post))
    return found


def forget(uow: UnitOfWork, hit: SavedSearchHit) -> None:
    """Take back that a search met a post, before anybody was told."""
    uow.session.delete(hit)
    uow.session.flush()


def mark_told(uow: UnitOfWork, news: Iterable[News]) -> None:
    for each in news:
        each.hit.announced_at = uow.now
        each.search.last_alert_at = uow.now
    uow.session.flush()


def readers() -> Select[str]:
    """The people for whom something waits, due or not."""
    return (
        select(SavedSearch.user_id)
        .join(SavedSearchHit, SavedSearchHit.search_id == SavedSearch.id)
        .where(SavedSearch.paused.is_(False), SavedSearchHit.announced_at.is_(None))
    )


def due_pairs(uow: UnitOfWork, user_id: str, *, day: datetime, monday: datetime) -> list[list[str]]:
    """The pairs (search, post) that a person is to be told of in the mail that collects them, oldest first.

    day: the last moment at which the mail of a day was due; monday: that of a week. What should have been told at once
    and was not, for the engine was away, comes along with the daily ones.
    """
    weekly = SavedSearch.frequency == WEEKLY
    pairs = uow.session.execute(
        select(SavedSearchHit.search_id, SavedSearchHit.invitation_id)
        .join(SavedSearch, SavedSearch.id == SavedSearchHit.search_id)
        .where(
            SavedSearch.user_id == user_id,
            SavedSearch.paused.is_(False),
            SavedSearchHit.announced_at.is_(None),
            or_(and_(~weekly, SavedSearchHit.found_at < day), and_(weekly, SavedSearchHit.found_at < monday)),
        )
        .order_by(SavedSearchHit.found_at, SavedSearchHit.search_id, SavedSearchHit.invitation_id)
    )
    return [list(pair) for pair in pairs]


def settle_untold(uow: UnitOfWork) -> None:
    """Take what nobody was told of, as a restored database has it, for told: it may have been."""
    uow.session.execute(
        update(SavedSearchHit).where(SavedSearchHit.announced_at.is_(None)).values(announced_at=uow.now)
    )
