"""Centres and offices: the public directory, and what a unit chooses for itself."""

from collections.abc import Sequence
from typing import Any, ClassVar

from sqlalchemy import Select, select

from iew.db import Page, keyset_page
from iew.domain.actors import Actor
from iew.errors import NotAllowed, NotFound
from iew.models import CoverageRow, Unit
from iew.uow import UnitOfWork


def directory(uow: UnitOfWork, kind: str) -> Sequence[Unit]:
    """The enabled units of a kind (`office` or `ierc`), by code."""
    return uow.session.scalars(_enabled(kind).order_by(Unit.code)).all()


def directory_page(uow: UnitOfWork, kind: str, *, cursor: str | None, limit: int) -> Page[Unit]:
    """As `directory`, in pieces."""
    statement = _enabled(kind)
    return keyset_page(
        uow.session, statement, (Unit.code,), key=lambda unit: (unit.code,), cursor=cursor, limit=limit
    )


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
    """Set how often the unit's digest comes: `daily`, `weekly` or `paused`. Raises NotAllowed."""
    unit = own_unit(uow, actor)
    unit.digest_frequency = frequency
    uow.record(None, _Subject(unit.code), actor, action="choose_digest", frequency=frequency)
    return unit


class _Subject:
    """A unit as history names it."""

    subject_type: ClassVar[str] = "unit"
    id: Any

    def __init__(self, code: str) -> None:
        self.id = code
