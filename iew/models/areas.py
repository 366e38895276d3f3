"""The ground of a unit, as a condition on schools: whose schools it lists, passes posts on to, counts.

Routing asks "which unit for this place?", these lists ask the other way round; both must give the same answer.
"""

from sqlalchemy import ColumnElement, and_, false, or_, select
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
        return and_(
            School.country == "TW",
            School.county.in_(counties),
            School.ownership == "national",
            School.level.in_(sorted(SENIOR_HIGH_LEVELS)),
        )
    return _covered_by(unit.code, territory_of(session))


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
