"""The record of who did what: read by administrators, changed by nobody.

The IEW administrator sees what happened to schools, posts and cases; the system administrator sees sign-ins, refusals
and the machine. Neither sees the other's, so that running the machine gives no view of people's business.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, or_, select

from iew.db import Page, keyset_page
from iew.domain.actors import Actor, Role
from iew.errors import NotAllowed
from iew.models import Event, User
from iew.uow import UnitOfWork

MACHINE: Final = ("user", "permission", "session", "token", "delivery", "outbox", "index", "installation")
"""Subject types that concern the machine and its doors."""


@dataclass(frozen=True)
class Filters:
    """subject_type, subject_id: what the events are about. actor: a user's id, mail address, role or body.
    since, until: moments; until is not included."""

    subject_type: str | None = None
    subject_id: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def filters_of(*, subject: str | None, actor: str | None, since: datetime | None, until: datetime | None) -> Filters:
    """subject: `type:id`, or a type or an id alone."""
    kind, _, identifier = (subject or "").partition(":")
    return Filters(kind or None, identifier or None, actor, since, until)


def events(uow: UnitOfWork, actor: Actor, filters: Filters, *, cursor: str | None, limit: int) -> Page[Event]:
    """The events `actor` may read, latest first. Raises NotAllowed."""
    conditions = [_scope(actor), *_conditions(uow, filters)]
    return keyset_page(
        uow.session,
        select(Event).where(*conditions),
        (Event.id,),
        key=lambda event: (event.id,),
        cursor=cursor,
        limit=limit,
        descending=True,
    )


def _scope(actor: Actor) -> ColumnElement[bool]:
    if actor.role is Role.IEW_ADMIN:
        return Event.subject_type.not_in(MACHINE)
    if actor.role is Role.SYSTEM_ADMIN:
        return Event.subject_type.in_(MACHINE)
    raise NotAllowed


def _conditions(uow: UnitOfWork, filters: Filters) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filters.subject_id is not None:
        found += [Event.subject_type == filters.subject_type, Event.subject_id == filters.subject_id]
    elif filters.subject_type is not None:
        found.append(or_(Event.subject_type == filters.subject_type, Event.subject_id == filters.subject_type))
    if filters.actor is not None:
        ids = select(User.id).where(User.email == filters.actor.lower())
        found.append(
            or_(
                Event.actor_id == filters.actor,
                Event.actor_id.in_(ids),
                Event.actor_role == filters.actor,
                Event.actor_body == filters.actor,
            )
        )
    if filters.since is not None:
        found.append(Event.at >= filters.since)
    if filters.until is not None:
        found.append(Event.at < filters.until)
    return found
