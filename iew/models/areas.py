"""The ground of a unit, as a condition on schools: whose schools it lists, passes posts on to, counts; and on posts.

Routing asks "which unit for this place?", these lists ask the other way round; both must give the same answer.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, null, or_, select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session

from iew.domain.routing import Territory
from iew.domain.schools import SENIOR_HIGH_LEVELS
from iew.models.accounts import School
from iew.models.invitations import Invitation
from iew.models.units import CoverageRow, Unit, territory_of


def in_area(session: Session, unit: Unit) -> ColumnElement[bool]:
    """Schools of the unit's ground: of a county; the national senior highs of a K-12 zone; of an office's places."""
    if unit.area == "county":
        return and_(School.country == "TW", School.county == unit.code)
    if unit.area == "k12_zone":
        counties = select(Unit.code).where(Unit.area == "county", Unit.k12_zone == unit.code)
        return and_(_national_senior_high(), School.county.in_(counties))
    return _covered_by(unit.code, territory_of(session))


def units_around(session: Session) -> ColumnElement[Any]:
    """The codes of the units on whose ground a school lies, the other way round of `in_area`; a list, maybe empty."""
    territory = territory_of(session)
    offices = sorted({row.office for row in territory.coverage if row.confirmed})
    covering = [(_covered_by(code, territory), code) for code in offices]
    county = case((School.country == "TW", School.county))
    zone = case((_national_senior_high(), select(Unit.k12_zone).where(Unit.code == School.county).scalar_subquery()))
    return func.array_remove(array([county, zone, case(*covering) if covering else null()]), null())


def _national_senior_high() -> ColumnElement[bool]:
    return and_(School.country == "TW", School.ownership == "national", School.level.in_(sorted(SENIOR_HIGH_LEVELS)))


def _covered_by(office: str, territory: Territory) -> ColumnElement[bool]:
    """Places whose best row of coverage names this office and is confirmed."""
    places: list[ColumnElement[bool]] = []
    for row in territory.coverage:
        if row.office != office or not row.confirmed:
            continue
        if row.subdivision != "*":
            places.append(and_(School.country == row.country, School.subdivision == row.subdivision))
            continue
        named = [r.subdivision for r in territory.coverage if r.country == row.country and r.subdivision != "*"]
        elsewhere = or_(School.subdivision.is_(None), School.subdivision.not_in(named))
        places.append(and_(School.country == row.country, elsewhere))
    return or_(false(), *places)


def aimed_at(session: Session, unit: Unit) -> ColumnElement[bool]:
    """Posts from the other side that look for partners on the unit's ground, or anywhere; beside a join to schools."""
    if unit.kind == "office":
        countries = session.scalars(
            select(CoverageRow.country).where(CoverageRow.office_code == unit.code, CoverageRow.status == "confirmed")
        )
        return and_(School.country == "TW", _aims_at(Invitation.target_countries, set(countries)))
    if unit.area == "county":
        counties = {unit.code}
    else:
        counties = set(session.scalars(select(Unit.code).where(Unit.area == "county", Unit.k12_zone == unit.code)))
    return and_(
        School.country != "TW",
        _aims_at(Invitation.target_countries, {"TW"}),
        _aims_at(Invitation.target_counties, counties),
    )


def _aims_at(wished: Any, places: set[str]) -> ColumnElement[bool]:
    """Whether a post wishes for one of the places, or leaves it open."""
    anywhere: ColumnElement[bool] = func.cardinality(wished) == 0
    return or_(anywhere, wished.overlap(sorted(places))) if places else anywhere
