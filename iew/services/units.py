"""Centres and offices: the public directory, and what a unit chooses for itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import Select, func, select

from iew.db import Page, keyset_page
from iew.domain import rhythms
from iew.domain.actors import Actor
from iew.domain.matches import BEFORE_AGREED
from iew.errors import N_, Invalid, NotAllowed, NotFound
from iew.models import CoverageRow, Event, Match, Unit, User
from iew.uow import UnitOfWork

CHOICES_SHOWN: Final = 5


def directory(uow: UnitOfWork, kind: str) -> Sequence[Unit]:
    """The enabled units of a kind (`office` or `ierc`), by code."""
    return uow.session.scalars(_enabled(kind).order_by(Unit.code)).all()


def directory_page(uow: UnitOfWork, kind: str, *, cursor: str | None, limit: int) -> Page[Unit]:
    """As `directory`, in pieces."""
    statement = _enabled(kind)
    return keyset_page(uow.session, statement, (Unit.code,), key=lambda unit: (unit.code,), cursor=cursor, limit=limit)


def _enabled(kind: str) -> Select[Unit]:
    return select(Unit).where(Unit.kind == kind, Unit.enabled)


def coverage(uow: UnitOfWork) -> dict[str, list[CoverageRow]]:
    """Office code -> the places it covers."""
    covered: dict[str, list[CoverageRow]] = {}
    for row in uow.session.scalars(select(CoverageRow).order_by(CoverageRow.country, CoverageRow.subdivision)):
        covered.setdefault(row.office_code, []).append(row)
    return covered


def own_unit(uow: UnitOfWork, actor: Actor) -> Unit:
    """The unit the actor works for. Raises NotAllowed for people of no unit."""
    if actor.unit_code is None:
        raise NotAllowed
    unit = uow.session.get(Unit, actor.unit_code)
    if unit is None:
        raise NotFound
    return unit


def choose_digest(uow: UnitOfWork, frequency: str, actor: Actor) -> Unit:
    """Set how often the unit's digest comes: `daily`, `weekly` or `paused`; the next one comes at its next hour.

    Raises NotAllowed.
    """
    unit = own_unit(uow, actor)
    if frequency == unit.digest_frequency:
        return unit
    uow.record(None, _Subject(unit.code), actor, action="choose_digest", frequency=frequency)
    unit.digest_frequency = frequency
    uow.once("digest", rhythms.digest_key(unit.code, frequency, unit.timezone, uow.now))
    return unit


@dataclass(frozen=True)
class Choice:
    """Who chose when how often the digest comes."""

    at: datetime
    who: str
    frequency: str


def choices_of(uow: UnitOfWork, unit: Unit) -> list[Choice]:
    """The latest choices, for the unit itself: colleagues see each other by name."""
    events = uow.session.execute(
        select(Event, User.name)
        .outerjoin(User, User.id == Event.actor_id)
        .where(
            Event.subject_type == _Subject.subject_type,
            Event.subject_id == unit.code,
            Event.action == "choose_digest",
        )
        .order_by(Event.id.desc())
        .limit(CHOICES_SHOWN)
    )
    return [Choice(event.at, name or "", event.details["frequency"]) for event, name in events]


class _Subject:
    """A unit as history names it."""

    subject_type: ClassVar[str] = "unit"
    id: Any

    def __init__(self, code: str) -> None:
        self.id = code


@dataclass(frozen=True)
class UnitLine:
    """A unit as operators see it: its people, the cases it has, and how many of them are overdue."""

    code: str
    name: str
    enabled: bool
    digest_frequency: str
    people: int
    open_cases: int
    overdue: int


def all_units(uow: UnitOfWork) -> Sequence[Unit]:
    """Every enabled unit, centres first."""
    return uow.session.scalars(select(Unit).where(Unit.enabled).order_by(Unit.kind, Unit.code)).all()


def named(uow: UnitOfWork, code: str) -> Unit:
    """An enabled unit. Raises Invalid at the field `unit`."""
    unit = uow.session.get(Unit, code)
    if unit is None or not unit.enabled:
        raise Invalid.field("unit", N_("There is no such centre or office."))
    return unit


def overview(uow: UnitOfWork, language: str) -> list[UnitLine]:
    """Every unit with its people and its work, those with something overdue first."""
    people = select(User.unit_code, func.count()).where(User.disabled_at.is_(None)).group_by(User.unit_code)
    staff = dict(uow.session.execute(people).all())
    cases = (
        select(Match.handler_code, func.count(), func.count().filter(Match.overdue))
        .where(Match.status.in_(BEFORE_AGREED))
        .group_by(Match.handler_code)
    )
    work = {code: (count, late) for code, count, late in uow.session.execute(cases)}
    lines = [
        UnitLine(
            unit.code,
            unit.name(language),
            unit.enabled,
            unit.digest_frequency,
            staff.get(unit.code, 0),
            *work.get(unit.code, (0, 0)),
        )
        for unit in uow.session.scalars(select(Unit).order_by(Unit.kind, Unit.code))
    ]
    return sorted(lines, key=lambda line: -line.overdue)
