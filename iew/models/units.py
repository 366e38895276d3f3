"""Centres and offices: the bodies that own cases, and the ground each covers."""

from typing import Any

from sqlalchemy import ForeignKey, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from iew.db import Base
from iew.domain.matches import HandlerKind
from iew.domain.routing import Coverage, Territory, office_for


class Unit(Base):
    """A regional centre (`kind` ierc, for a county or a K-12 zone) or an office abroad (`kind` office)."""

    __tablename__ = "units"

    code: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(index=True)
    area: Mapped[str]
    """`county`, `k12_zone` or `office`."""
    names: Mapped[dict[str, Any]]
    """Interface language -> name."""
    place_names: Mapped[dict[str, Any]]
    """Interface language -> name of its county, zone or city."""
    country: Mapped[str]
    county_iso: Mapped[str | None]
    k12_zone: Mapped[str | None]
    alliance_zone: Mapped[str | None]
    timezone: Mapped[str]
    ui_language: Mapped[str]
    email: Mapped[str | None]
    education_division: Mapped[str | None]
    enabled: Mapped[bool] = mapped_column(default=True)
    digest_frequency: Mapped[str] = mapped_column(default="daily", server_default=text("'daily'"))
    """`daily`, `weekly` or `paused`; chosen by the unit itself, kept when reference data is loaded again."""

    def name(self, language: str) -> str:
        return str(self.names.get(language) or self.names["en"])

    def place_name(self, language: str) -> str:
        return str(self.place_names.get(language) or self.place_names["en"])


class CoverageRow(Base):
    """Which office covers which place; `subdivision` "*" means every place of the country that no other row names."""

    __tablename__ = "office_coverage"

    country: Mapped[str] = mapped_column(primary_key=True)
    subdivision: Mapped[str] = mapped_column(primary_key=True)
    office_code: Mapped[str] = mapped_column(ForeignKey("units.code"), index=True)
    status: Mapped[str]
    note: Mapped[str | None]


class Term(Base):
    """A code of a vocabulary with its label in the interface languages."""

    __tablename__ = "terms"

    vocabulary: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    labels: Mapped[dict[str, Any]]
    parent: Mapped[str | None]
    """The country of a subdivision."""


def territory_of(session: Session) -> Territory:
    """The ground the units cover, as routing needs it."""
    units = session.scalars(select(Unit)).all()
    coverage = session.scalars(select(CoverageRow)).all()
    return Territory(
        coverage=[Coverage(row.office_code, row.country, row.subdivision, row.status) for row in coverage],
        enabled_offices=frozenset(unit.code for unit in units if unit.kind == "office" and unit.enabled),
        zone_of_county={unit.code: unit.k12_zone or "" for unit in units if unit.area == "county"},
        enabled_iercs=frozenset(unit.code for unit in units if unit.kind == "ierc" and unit.enabled),
    )


def office_of_place(session: Session, country: str, subdivision: str | None) -> tuple[Unit | None, bool]:
    """The office for a place abroad, and whether it is sure; False where the coverage table only guesses."""
    if country == "TW":
        return None, False
    unit, suggested = office_for(country, subdivision, territory_of(session))
    named = unit if unit.kind is HandlerKind.OFFICE else suggested
    return (session.get(Unit, named.code) if named else None), unit.kind is HandlerKind.OFFICE
