"""Possible partners of a post, with reasons: made beforehand, shown as far as they still hold, turned down for good.

A list is only as true as the moment it was made; so what has left the public, what was turned down and who has come
together meanwhile is left out again whenever it is read.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, delete, func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from iew.domain.actors import Actor
from iew.domain.fit import Fit, fit
from iew.domain.schools import Side
from iew.errors import N_, Invalid, NotAllowed
from iew.models import (
    Invitation,
    School,
    Suggestion,
    SuggestionDismissal,
    SuggestionRun,
    SuggestionTelling,
    Unit,
    User,
    find_post,
    in_area,
    open_to_all,
)
from iew.models.partners import Concepts, Themes, as_post, kept_apart, no_themes, turned_down
from iew.uow import UnitOfWork

KEPT: Final = 20
"""How long a list gets."""
NEWEST: Final = 50
"""Newest posts that are looked at whatever the index says: it may not know them yet."""
MOST_TOLD: Final = 5
"""In one mail."""


# making


def suggest(
    uow: UnitOfWork, invitation_id: str, likely: Iterable[str], *, concepts: Concepts, themes: Themes = no_themes
) -> None:
    """Make the list of a post anew, and bring the post into the lists of the others.

    likely: ids of posts worth looking at. concepts: what a topic speaks of, in any language; themes: what the texts
    of a post speak of. Does the same when it is done twice.
    """
    uow.hold("suggestions")  # two lists made at once would write into each other
    post = uow.session.scalar(
        select(Invitation).where(Invitation.id == invitation_id, open_to_all(uow.today)).options(_SCHOOL)
    )
    if post is None:
        forget(uow, invitation_id)
        return
    fits = _fits(uow, post, _worth_looking_at(uow, post, likely), concepts, themes)
    best = sorted(fits, key=lambda other_id: (-fits[other_id][0].score, other_id))[:KEPT]
    _remove(uow, post.id, best, fits)
    _write(uow, post.id, best, fits)
    _shorten(uow, fits)
    run = insert(SuggestionRun).values(invitation_id=post.id, at=uow.now)
    uow.session.execute(run.on_conflict_do_update(index_elements=["invitation_id"], set_={"at": uow.now}))


def forget(uow: UnitOfWork, invitation_id: str) -> None:
    """Take a post out of all lists, and its own list away."""
    uow.session.execute(delete(Suggestion).where(_of_pair_with(invitation_id)))
    uow.session.execute(delete(SuggestionRun).where(SuggestionRun.invitation_id == invitation_id))


def stale(uow: UnitOfWork, since: datetime) -> Select[str]:
    """Ids of public posts whose list was not made since that moment."""
    made = select(SuggestionRun.at).where(SuggestionRun.invitation_id == Invitation.id, SuggestionRun.at >= since)
    return select(Invitation.id).where(open_to_all(uow.today), ~made.exists()).order_by(Invitation.id)


_SCHOOL: Final = joinedload(Invitation.school)


def _worth_looking_at(uow: UnitOfWork, post: Invitation, likely: Iterable[str]) -> Sequence[Invitation]:
    """Public posts of the other side: the likely ones, the newest ones, and all that share a list with this one now."""
    known = select(case((Suggestion.invitation_id == post.id, Suggestion.other_id), else_=Suggestion.invitation_id))
    public = [open_to_all(uow.today), _other_side(post)]
    newest = select(Invitation.id).where(*public).order_by(Invitation.published_at.desc(), Invitation.id).limit(NEWEST)
    ids = {*likely, *uow.session.scalars(known.where(_of_pair_with(post.id))), *uow.session.scalars(newest)}
    statement = select(Invitation).where(Invitation.id.in_(ids), *public).options(_SCHOOL)
    return uow.session.scalars(statement.order_by(Invitation.id)).all()


def _fits(
    uow: UnitOfWork, post: Invitation, others: Sequence[Invitation], concepts: Concepts, themes: Themes
) -> dict[str, tuple[Fit, Fit]]:
    """Other post -> how it fits this one, and how this one fits it; those alone that may be suggested."""
    apart, turned_down = _kept_apart(uow, post.school_id), _turned_down(uow, post.id)
    own = as_post(post, uow.today, concepts, themes)
    found: dict[str, tuple[Fit, Fit]] = {}
    for other in others:
        if other.school_id in apart or other.id in turned_down:
            continue
        theirs = as_post(other, uow.today, concepts, themes)
        here, there = fit(own, theirs), fit(theirs, own)
        if here is not None and there is not None:
            found[other.id] = (here, there)
    return found


def _of_pair_with(invitation_id: str) -> ColumnElement[bool]:
    return or_(Suggestion.invitation_id == invitation_id, Suggestion.other_id == invitation_id)


def _remove(uow: UnitOfWork, own: str, best: Sequence[str], fits: Mapping[str, Any]) -> None:
    """What fell out of this list, and this post out of the lists of those whom it does not fit any more."""
    mine = and_(Suggestion.invitation_id == own, Suggestion.other_id.not_in(best))
    theirs = and_(Suggestion.other_id == own, Suggestion.invitation_id.not_in(list(fits)))
    uow.session.execute(delete(Suggestion).where(or_(mine, theirs)))


def _write(uow: UnitOfWork, own: str, best: Sequence[str], fits: Mapping[str, tuple[Fit, Fit]]) -> None:
    """Both rows of each pair; also what other lists say of this post already is said anew."""
    held = set(uow.session.scalars(select(Suggestion.invitation_id).where(Suggestion.other_id == own)))
    rows = [_row(uow, own, other, fits[other][0]) for other in best]
    rows += [_row(uow, other, own, fits[other][1]) for other in sorted({*best, *held})]
    if not rows:
        return
    added = insert(Suggestion).values(rows)
    said = {name: added.excluded[name] for name in ("score", "reasons", "computed_at")}
    uow.session.execute(added.on_conflict_do_update(index_elements=["invitation_id", "other_id"], set_=said))


def _row(uow: UnitOfWork, own: str, other: str, found: Fit) -> dict[str, Any]:
    reasons = [{"code": reason.code, "values": list(reason.values)} for reason in found.reasons]
    return {
        "invitation_id": own,
        "other_id": other,
        "score": found.score,
        "reasons": reasons,
        "computed_at": uow.now,
    }


def _shorten(uow: UnitOfWork, lists: Iterable[str]) -> None:
    """Leave the best of each list."""
    place = func.row_number().over(
        partition_by=Suggestion.invitation_id, order_by=(Suggestion.score.desc(), Suggestion.other_id)
    )
    ranked = select(Suggestion.invitation_id, Suggestion.other_id, place.label("place")).where(
        Suggestion.invitation_id.in_(list(lists))
    )
    rows = ranked.subquery()
    surplus = select(rows.c.invitation_id, rows.c.other_id).where(rows.c.place > KEPT)
    uow.session.execute(
        delete(Suggestion).where(tuple_(Suggestion.invitation_id, Suggestion.other_id).in_(surplus)),
        execution_options={"synchronize_session": False},
    )


# who is not to be suggested


def _other_side(post: Invitation) -> ColumnElement[bool]:
    """Posts of schools on the other side."""
    abroad = School.country != "TW"
    return Invitation.school.has(abroad if post.side is Side.DOMESTIC else ~abroad)


def _kept_apart(uow: UnitOfWork, school_id: str) -> set[str]:
    """Schools that have an open or completed case with this one, or where one of the two said no to the other."""
    return {other for one, other in kept_apart(uow.session, [school_id]) if one == school_id}


def _turned_down(uow: UnitOfWork, invitation_id: str) -> set[str]:
    """Posts that do not suit this one: a no of either school keeps the pair out of both lists."""
    return {other for one, other in turned_down(uow.session, [invitation_id]) if one == invitation_id}


# reading


def permit(uow: UnitOfWork, invitation_id: str, actor: Actor) -> Invitation:
    """The post, where `actor` may see who could be its partner: its school, the administrator, the units of its area.

    Raises NotFound, NotAllowed.
    """
    post = find_post(uow.session, invitation_id, actor, uow.today)
    is_owner = actor.school_id is not None and actor.school_id == post.school_id
    if not (is_owner or actor.is_admin or _in_own_area(uow, post, actor)):
        raise NotAllowed
    return post


def _in_own_area(uow: UnitOfWork, post: Invitation, actor: Actor) -> bool:
    unit = uow.session.get(Unit, actor.unit_code) if actor.is_unit and actor.unit_code else None
    if unit is None:
        return False
    here = select(School.id).where(School.id == post.school_id, in_area(uow.session, unit))
    return uow.session.scalar(here) is not None


def list_of(uow: UnitOfWork, invitation_id: str, actor: Actor, *, limit: int = KEPT) -> list[Suggestion]:
    """Possible partners of a post that may be suggested at this moment, best first. Raises NotFound, NotAllowed."""
    return _shown(uow, [permit(uow, invitation_id, actor)], limit)


def list_of_school(uow: UnitOfWork, actor: Actor, *, limit: int) -> list[Suggestion]:
    """The best over all public posts of the actor's school, each other school once."""
    if actor.school_id is None:
        return []
    own = select(Invitation).where(Invitation.school_id == actor.school_id, open_to_all(uow.today))
    best: dict[str, Suggestion] = {}
    for row in _shown(uow, uow.session.scalars(own.options(_SCHOOL)).all(), None):
        best.setdefault(row.other.school_id, row)
    return list(best.values())[:limit]


def _shown(uow: UnitOfWork, posts: Sequence[Invitation], limit: int | None) -> list[Suggestion]:
    """The rows of these posts of one school that still hold, best first."""
    public = [post for post in posts if post.is_open_to_all(uow.today)]
    if not public:
        return []
    no = SuggestionDismissal
    pair = tuple_(no.invitation_id, no.other_id)
    turned_down = select(no.at).where(
        or_(
            pair == tuple_(Suggestion.invitation_id, Suggestion.other_id),
            pair == tuple_(Suggestion.other_id, Suggestion.invitation_id),
        )
    )
    statement = (
        select(Suggestion)
        .join(Suggestion.other)
        .where(
            Suggestion.invitation_id.in_([post.id for post in public]),
            open_to_all(uow.today),
            _other_side(public[0]),
            Invitation.school_id.not_in(_kept_apart(uow, public[0].school_id)),
            ~turned_down.exists(),
        )
        .options(
            contains_eager(Suggestion.other).options(joinedload(Invitation.school), selectinload(Invitation.revisions)),
            joinedload(Suggestion.invitation),
        )
        .order_by(Suggestion.score.desc(), Suggestion.other_id, Suggestion.invitation_id)
        .limit(limit)
    )
    return list(uow.session.scalars(statement))


# telling by mail


def readers(uow: UnitOfWork) -> Select[str]:
    """The people who want to hear of possible partners and may have not been told of one."""
    told = select(SuggestionTelling.at).where(
        SuggestionTelling.user_id == User.id, SuggestionTelling.other_id == Suggestion.other_id
    )
    return (
        select(User.id)
        .join(Invitation, Invitation.school_id == User.school_id)
        .join(Suggestion, Suggestion.invitation_id == Invitation.id)
        .where(
            User.suggestions_wanted,
            User.disabled_at.is_(None),
            User.mail_refused_at.is_(None),
            User.email_confirmed_at.is_not(None),
            open_to_all(uow.today),
            ~told.exists(),
        )
    )


def untold(uow: UnitOfWork, user: User) -> list[list[str]]:
    """Of the best possible partners of a person's school, those the person was not told of, as (own post, other).

    Only the best are looked at, so a mail comes when somebody new is among them and not to empty a long list.
    """
    if not user.suggestions_wanted or user.email_confirmed_at is None:
        return []
    rows = list_of_school(uow, user.as_actor(), limit=MOST_TOLD)
    told = _told(uow, user.id)
    return [[row.invitation_id, row.other_id] for row in rows if row.other_id not in told]


def still_untold(uow: UnitOfWork, user: User, pairs: Iterable[Sequence[str]]) -> list[Suggestion]:
    """Those of the pairs that hold at this moment and may be told, held until the end."""
    wanted = {(own, other) for own, other in pairs}
    if not wanted or not user.suggestions_wanted:
        return []
    uow.hold(f"suggestion_tellings:{user.id}")
    told = _told(uow, user.id)
    own = select(Invitation).where(Invitation.id.in_([pair[0] for pair in wanted]), open_to_all(uow.today))
    rows = _shown(uow, uow.session.scalars(own.options(_SCHOOL)).all(), None)
    return [row for row in rows if (row.invitation_id, row.other_id) in wanted and row.other_id not in told]


def mark_told(uow: UnitOfWork, user_id: str, rows: Iterable[Suggestion]) -> None:
    """From now on this person is not told of these posts again, whichever own post they fit."""
    for row in rows:
        telling = insert(SuggestionTelling).values(user_id=user_id, other_id=row.other_id, at=uow.now)
        uow.session.execute(telling.on_conflict_do_nothing())


def settle_untold(uow: UnitOfWork) -> None:
    """Take what nobody was told of, as a restored database has it, for told: it may have been."""
    every = (
        select(User.id, Suggestion.other_id, literal(uow.now))
        .join(Invitation, Invitation.school_id == User.school_id)
        .join(Suggestion, Suggestion.invitation_id == Invitation.id)
        .distinct()
    )
    settled = insert(SuggestionTelling).from_select(["user_id", "other_id", "at"], every)
    uow.session.execute(settled.on_conflict_do_nothing())


def _told(uow: UnitOfWork, user_id: str) -> set[str]:
    return set(uow.session.scalars(select(SuggestionTelling.other_id).where(SuggestionTelling.user_id == user_id)))


# turning down


def permit_dismissal(uow: UnitOfWork, invitation_id: str, actor: Actor) -> Invitation:
    """The post, where `actor` may turn suggestions down: for its school alone. Raises NotFound, NotAllowed."""
    post = find_post(uow.session, invitation_id, actor, uow.today)
    if actor.school_id is None or actor.school_id != post.school_id:
        raise NotAllowed
    return post


def dismiss(uow: UnitOfWork, invitation_id: str, other_id: str, actor: Actor) -> None:
    """Say that a post does not suit: the pair is suggested to neither school any more. Twice is once.

    Raises NotFound (also for a hidden `other_id`), NotAllowed, Invalid (`same_side`).
    """
    post = permit_dismissal(uow, invitation_id, actor)
    other = find_post(uow.session, other_id, actor, uow.today)
    if other.side is post.side:
        raise Invalid(text=N_("Both schools are on the same side; such posts are never suggested."), code="same_side")
    no = insert(SuggestionDismissal).values(invitation_id=post.id, other_id=other.id, by_user=actor.user_id, at=uow.now)
    added = uow.session.execute(no.on_conflict_do_nothing().returning(SuggestionDismissal.at)).first()
    if added is not None:
        uow.record(None, post, actor, action="dismiss_suggestion", other_id=other.id)
    pair = and_(_of_pair_with(post.id), _of_pair_with(other.id))
    uow.session.execute(delete(Suggestion).where(pair), execution_options={"synchronize_session": False})
