"""A unit passes a published post on to schools of its ground; no school gets the same post twice from one unit.

What came of it is read from what happened on the site since: visits of people who are signed in, requests, agreements.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import contains_eager, selectinload

from iew.db import Page, keyset_page, new_id
from iew.domain.actors import Actor, Role
from iew.domain.schools import Side, Status
from iew.errors import N_, Invalid, InvalidTransition, NotAllowed, Text
from iew.models import (
    Forward,
    Invitation,
    Match,
    PostReading,
    School,
    Unit,
    aimed_at,
    find_post,
    in_area,
    open_to_all,
)
from iew.uow import UnitOfWork

MOST_AT_ONCE: Final = 500
"""A choice that fits more schools is taken for a mistake."""

MOST_UNOPENED: Final = 20
"""How many posts that were passed on to it a school is shown at once."""

SHOWN: Final = ("unopened", "kept", "all")
"""Which posts of its ground a unit may list."""
_SIDE_OF_POSTS: Final = {Role.IERC: Side.OVERSEAS, Role.OFFICE: Side.DOMESTIC}
"""Centres serve schools in Taiwan, so they pass on posts from abroad; offices the other way round."""
_COLUMNS: Final[Mapping[str, Any]] = {
    "level": School.level,
    "ownership": School.ownership,
    "composition": School.composition,
    "country": School.country,
    "subdivision": School.subdivision,
    "county": School.county,
}


@dataclass(frozen=True)
class Forwarded:
    """sent: schools that got it now. skipped: schools of the choice that had it from this unit before."""

    sent: int
    skipped: int


@dataclass(frozen=True)
class PassedOn:
    """A post that a unit passed on to a school, and what came of it: whether the school asked for a match on it since,
    and whether that led to an agreement."""

    forward: Forward
    asked: bool
    agreed: bool


@dataclass(frozen=True)
class Tally:
    """To how many schools a unit passed a post on, how many of them opened it, asked for a match, came to agree."""

    sent: int
    opened: int
    asked: int
    agreed: int


@dataclass(frozen=True)
class Overlooked:
    """A public post that nobody has passed on. opened_by: how many units have opened its page."""

    post: Invitation
    since: datetime
    opened_by: int


def permit(uow: UnitOfWork, invitation_id: str, actor: Actor) -> Invitation:
    """The post, where the actor's unit could pass it on. Raises NotFound, NotAllowed."""
    invitation = find_post(uow.session, invitation_id, actor, uow.today)
    if not actor.is_unit or actor.unit_code is None:
        raise NotAllowed
    return invitation


def check(uow: UnitOfWork, invitation: Invitation, actor: Actor) -> None:
    """Raise InvalidTransition where the post is not public now, Invalid where it is of the unit's own side."""
    if not invitation.is_open_to_all(uow.today):
        raise InvalidTransition(N_("This post is no longer public."))
    if actor.role is None or invitation.side is not _SIDE_OF_POSTS.get(actor.role):
        raise Invalid(
            text=N_("Centres pass on posts from abroad, offices pass on posts from Taiwan."), code="same_side"
        )


def forward(
    uow: UnitOfWork, invitation_id: str, choice: Mapping[str, Any], actor: Actor, *, note: str | None = None
) -> Forwarded:
    """Pass a public post on to approved schools of the unit's ground.

    choice: `{"ids": […]}`, or `{"criteria": {level: […], …}}` where codes of one name are alternatives.
    Raises NotFound, NotAllowed, InvalidTransition (not public now), Invalid (other side, strange school, too many).
    """
    invitation = permit(uow, invitation_id, actor)
    check(uow, invitation, actor)
    schools = _chosen(uow, choice, uow.get(Unit, actor.unit_code or ""))
    sent = _put_down(uow, invitation, schools, actor, note)
    return Forwarded(len(sent), len(schools) - len(sent))


def list_of(
    uow: UnitOfWork, invitation_id: str, actor: Actor, *, cursor: str | None = None, limit: int = 20
) -> Page[PassedOn]:
    """To which schools the post was passed on, latest first, and what came of it: by the actor's unit, for the
    administrator by all.

    Raises NotFound, NotAllowed, BadRequest for a bad cursor.
    """
    invitation = find_post(uow.session, invitation_id, actor, uow.today)
    if not (actor.is_admin or actor.is_unit):
        raise NotAllowed
    statement = select(Forward).where(Forward.invitation_id == invitation.id)
    if not actor.is_admin:
        statement = statement.where(Forward.unit_code == actor.unit_code)
    page = keyset_page(
        uow.session,
        statement.options(selectinload(Forward.school), selectinload(Forward.user)),
        (Forward.created_at, Forward.id),
        key=lambda row: (row.created_at, row.id),
        cursor=cursor,
        limit=limit,
        descending=True,
    )
    return Page(_with_outcomes(uow, page.items), page.next_cursor, page.total)


def _with_outcomes(uow: UnitOfWork, rows: Sequence[Forward]) -> list[PassedOn]:
    found = uow.session.execute(select(Forward.id, _asked(), _agreed()).where(Forward.id.in_([row.id for row in rows])))
    outcomes = {forward_id: (asked, agreed) for forward_id, asked, agreed in found}
    return [PassedOn(row, *outcomes[row.id]) for row in rows]


def _asked(*further: ColumnElement[bool]) -> ColumnElement[bool]:
    """The school has asked for a match on the post since it was passed on to it."""
    asked = select(Match.id).where(
        Match.invitation_id == Forward.invitation_id,
        Match.asking_school_id == Forward.school_id,
        Match.created_at >= Forward.created_at,
        *further,
    )
    return asked.correlate(Forward).exists()


def _agreed() -> ColumnElement[bool]:
    return _asked(Match.agreed_at.is_not(None))


def tallies_of(uow: UnitOfWork, unit_code: str, invitation_ids: Iterable[str]) -> dict[str, Tally]:
    """Post -> how often a unit passed it on, and what came of it; posts that it kept to itself are left out."""
    rows = uow.session.execute(
        select(
            Forward.invitation_id,
            func.count(),
            func.count(Forward.opened_at),
            func.count().filter(_asked()),
            func.count().filter(_agreed()),
        )
        .where(Forward.unit_code == unit_code, Forward.invitation_id.in_(list(invitation_ids)))
        .group_by(Forward.invitation_id)
    )
    return {invitation_id: Tally(*counts) for invitation_id, *counts in rows}


def unopened_by(uow: UnitOfWork, actor: Actor) -> Sequence[Forward]:
    """Public posts that were passed on to the actor's school and that nobody there has opened, the latest first."""
    if actor.school_id is None:
        return []
    return uow.session.scalars(
        select(Forward)
        .join(Forward.invitation)
        .where(Forward.school_id == actor.school_id, Forward.opened_at.is_(None), open_to_all(uow.today))
        .options(contains_eager(Forward.invitation).joinedload(Invitation.school))
        .order_by(Forward.created_at.desc(), Forward.id)
        .limit(MOST_UNOPENED)
    ).all()


# what could be passed on


def posts_for(
    uow: UnitOfWork, actor: Actor, *, show: str, cursor: str | None = None, limit: int = 20
) -> Page[Invitation]:
    """Public posts that look for partners on the ground of the actor's unit, the newest first.

    show: `all`, `unopened` (nobody of the unit has opened the page), or `kept` (the unit has passed it on to nobody).
    Raises NotAllowed, BadRequest for a bad cursor.
    """
    return keyset_page(
        uow.session,
        _posts_for(uow, _unit_of(uow, actor), show),
        (_public_since, Invitation.id),
        key=lambda post: (post.published_at or post.created_at, post.id),
        cursor=cursor,
        limit=limit,
        descending=True,
    )


def counts_for(uow: UnitOfWork, actor: Actor) -> dict[str, int]:
    """How many there are of each kind that `posts_for` shows. Raises NotAllowed."""
    unit = _unit_of(uow, actor)
    return {
        show: uow.session.scalar(select(func.count()).select_from(_posts_for(uow, unit, show).subquery())) or 0
        for show in SHOWN
    }


def unopened_for(uow: UnitOfWork, actor: Actor) -> Sequence[str]:
    """The ids of all of them that the unit has not opened. Raises NotAllowed."""
    posts = _posts_for(uow, _unit_of(uow, actor), "unopened")
    return uow.session.scalars(posts.with_only_columns(Invitation.id)).all()


_public_since: Final = func.coalesce(Invitation.published_at, Invitation.created_at)


def _posts_for(uow: UnitOfWork, unit: Unit, show: str) -> Select[Invitation]:
    posts = (
        select(Invitation)
        .join(School, School.id == Invitation.school_id)
        .where(open_to_all(uow.today), aimed_at(uow.session, unit))
    )
    if show == "unopened":
        own = (PostReading.invitation_id == Invitation.id, PostReading.unit_code == unit.code)
        return posts.where(~select(PostReading.at).where(*own).exists())
    if show == "kept":
        sent = (Forward.invitation_id == Invitation.id, Forward.unit_code == unit.code)
        return posts.where(~select(Forward.id).where(*sent).exists())
    return posts


def not_passed_on(
    uow: UnitOfWork, *, side: str | None, unit_code: str | None, cursor: str | None = None, limit: int = 20
) -> Page[Overlooked]:
    """Public posts that no unit has passed on to any school, those that wait longest first.

    side: of the posting school. unit_code: only posts that look for partners on the ground of this unit. Raises
    BadRequest for a bad cursor.
    """
    sent = select(Forward.id).where(Forward.invitation_id == Invitation.id)
    posts = (
        select(Invitation)
        .join(School, School.id == Invitation.school_id)
        .where(open_to_all(uow.today), ~sent.exists())
        .options(contains_eager(Invitation.school))
    )
    if side:
        at_home = School.country == "TW"
        posts = posts.where(at_home if side == Side.DOMESTIC else ~at_home)
    unit = uow.session.get(Unit, unit_code) if unit_code else None
    if unit is not None:
        posts = posts.where(aimed_at(uow.session, unit))
    key = (_public_since, Invitation.id)
    page = keyset_page(
        uow.session, posts, key, key=lambda post: (post.published_at or post.created_at, post.id),
        cursor=cursor, limit=limit,
    )  # fmt: skip
    return Page(_with_readers(uow, page.items), page.next_cursor, page.total)


def _with_readers(uow: UnitOfWork, posts: Sequence[Invitation]) -> list[Overlooked]:
    counted = uow.session.execute(
        select(PostReading.invitation_id, func.count())
        .where(PostReading.invitation_id.in_([post.id for post in posts]))
        .group_by(PostReading.invitation_id)
    )
    opened = {invitation_id: count for invitation_id, count in counted}  # noqa: C416 - rows, typed one by one
    return [Overlooked(post, post.published_at or post.created_at, opened.get(post.id, 0)) for post in posts]


def _unit_of(uow: UnitOfWork, actor: Actor) -> Unit:
    if not actor.is_unit or actor.unit_code is None:
        raise NotAllowed
    return uow.get(Unit, actor.unit_code)


def ground_of(uow: UnitOfWork, actor: Actor) -> Sequence[School]:
    """The approved schools a unit can pass posts on to, by name; as many as one choice may hold. Raises NotAllowed."""
    ground = in_area(uow.session, _unit_of(uow, actor))
    statement = select(School).where(School.status == Status.APPROVED, ground).order_by(School.name, School.id)
    return uow.session.scalars(statement.limit(MOST_AT_ONCE)).all()


def _chosen(uow: UnitOfWork, choice: Mapping[str, Any], unit: Unit) -> Sequence[str]:
    """The ids of the chosen schools. Raises Invalid."""
    ground = select(School.id).where(School.status == Status.APPROVED, in_area(uow.session, unit))
    if "criteria" in choice:
        found = uow.session.scalars(ground.where(*_conditions(choice["criteria"])).limit(MOST_AT_ONCE + 1)).all()
        if len(found) > MOST_AT_ONCE:
            raise Invalid.field(
                "school_ids", N_("This fits more than %(most)s schools. Choose more narrowly."), most=MOST_AT_ONCE
            )
        return found
    found = uow.session.scalars(ground.where(School.id.in_(choice["ids"]))).all()
    strange = [school_id for school_id in choice["ids"] if school_id not in set(found)]
    if strange:
        raise Invalid({"school_ids": [Text(N_("%(id)s is no approved school of your area."), {"id": strange[0]})]})
    return found


def _conditions(criteria: Mapping[str, Sequence[str]]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        _COLUMNS[name].in_(codes) for name, codes in criteria.items() if name in _COLUMNS and codes
    ]
    if criteria.get("affiliation"):
        conditions.append(or_(*(School.affiliations.contains([code]) for code in criteria["affiliation"])))
    return conditions


def _put_down(
    uow: UnitOfWork, invitation: Invitation, school_ids: Sequence[str], actor: Actor, note: str | None
) -> Sequence[Forward]:
    """One row and one fact for each school that had not got the post from this unit."""
    if not school_ids:
        return []
    rows = [
        {
            "id": new_id(),
            "unit_code": actor.unit_code,
            "invitation_id": invitation.id,
            "school_id": school_id,
            "user_id": actor.user_id,
            "note": note,
            "created_at": uow.now,
        }
        for school_id in school_ids
    ]
    added = uow.session.scalars(insert(Forward).values(rows).on_conflict_do_nothing().returning(Forward)).all()
    uow.record_all("InvitationForwarded", added, actor, action="forward", invitation_id=invitation.id)
    return added
