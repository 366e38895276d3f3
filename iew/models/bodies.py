"""How the history names who acted: a school, a unit, the administrator. People are shown by their body, not by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from iew.domain.actors import Role
from iew.models.accounts import School
from iew.models.units import Unit

Key = tuple[str, str | None]
"""Role of an actor (or `system`, `visitor`, `unit`) and the id or code of its body, as an event records them."""


@dataclass(frozen=True)
class Body:
    """kind: a role, `system` or `visitor`. code: id of a school or code of a unit."""

    kind: str
    code: str | None
    name: str


def bodies_of(session: Session, keys: Iterable[Key], language: str, others: Mapping[str, str]) -> dict[Key, Body]:
    """The bodies behind the keys, named in `language`. others: names of those who act for no body, by kind."""
    wanted = set(keys)
    schools = _schools(session, {code for kind, code in wanted if kind == Role.SCHOOL and code})
    units = _units(session, {code for kind, code in wanted if kind != Role.SCHOOL and code})
    return {(kind, code): _body(kind, code, schools, units, language, others) for kind, code in wanted}


def _body(
    kind: str,
    code: str | None,
    schools: Mapping[str | None, School],
    units: Mapping[str | None, Unit],
    language: str,
    others: Mapping[str, str],
) -> Body:
    if code in schools:
        return Body(kind, code, schools[code].display_name(language))
    if code in units:
        return Body(units[code].kind, code, units[code].name(language))
    return Body(kind, code, others.get(kind, ""))


def _schools(session: Session, ids: set[str]) -> dict[str | None, School]:
    return {row.id: row for row in session.scalars(select(School).where(School.id.in_(ids)))} if ids else {}


def _units(session: Session, codes: set[str]) -> dict[str | None, Unit]:
    return {row.code: row for row in session.scalars(select(Unit).where(Unit.code.in_(codes)))} if codes else {}
