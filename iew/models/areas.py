"""The ground of a unit, as a condition on schools: whose schools it lists, passes posts on to, counts.

Routing asks "which unit for this place?", these lists ask the other way round; both must give the same answer.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, null, or_, select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session

from iew.domain.routing import Territory
from iew.domain.schools import SENIOR_HIGH_LEVELS
from iew.models.accounts import School
from iew.models.units import Unit, territory_of


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
