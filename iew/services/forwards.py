"""A unit passes a published post on to schools of its ground; no school gets the same post twice from one unit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import selectinload

from iew.db import Page, keyset_page, new_id
from iew.domain.actors import Actor, Role
from iew.domain.schools import Side, Status
from iew.errors import N_, Invalid, InvalidTransition, NotAllowed, Text
from iew.models import Forward, Invitation, School, Unit, find_post
from iew.models.areas import in_area
from iew.uow import UnitOfWork

MOST_AT_ONCE: Final = 500
"""A choice that fits more schools is taken for a mistake."""

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
) -> Page[Forward]:
    """To which schools the post was passed on, latest first: by the actor's unit, for the administrator by all.

    Raises NotFound, NotAllowed, BadRequest for a bad cursor.
    """
    invitation = find_post(uow.session, invitation_id, actor, uow.today)
    if not (actor.is_admin or actor.is_unit):
        raise NotAllowed
    statement = select(Forward).where(Forward.invitation_id == invitation.id).options(selectinload(Forward.school))
    if not actor.is_admin:
        statement = statement.where(Forward.unit_code == actor.unit_code)
    return keyset_page(
        uow.session,
        statement,
        (Forward.created_at, Forward.id),
        key=lambda row: (row.created_at, row.id),
        cursor=cursor,
        limit=limit,
        descending=True,
    )


def ground_of(uow: UnitOfWork, actor: Actor) -> Sequence[School]:
    """The approved schools a unit can pass posts on to, by name; as many as one choice may hold. Raises NotAllowed."""
    if not actor.is_unit or actor.unit_code is None:
        raise NotAllowed
    ground = in_area(uow.session, uow.get(Unit, actor.unit_code))
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
