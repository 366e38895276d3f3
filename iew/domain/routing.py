"""Where a case goes: one pure function over the coverage table.

Two people asking the same question of two pages must get the same unit; so routing reads nothing but its arguments.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from iew.domain.matches import Direction, HandlerKind
from iew.domain.schools import SENIOR_HIGH_LEVELS, Side


@dataclass(frozen=True)
class Coverage:
    """One row of the coverage table; `subdivision` "*" stands for every place that no other row names."""

    office: str
    country: str
    subdivision: str
    status: str

    @property
    def confirmed(self) -> bool:
        return self.status == "confirmed"


@dataclass(frozen=True)
class Territory:
    """What routing needs to know of the units."""

    coverage: Sequence[Coverage]
    enabled_offices: frozenset[str]
    zone_of_county: Mapping[str, str] = field(default_factory=dict)
    """County code -> code of its K-12 zone; a county is its own centre's code."""
    enabled_iercs: frozenset[str] | None = None
    """None: every centre is open."""


@dataclass(frozen=True)
class Place:
    """A place as far as it is known; a wish may name none of it."""

    country: str | None = None
    subdivision: str | None = None
    county: str | None = None
    level: str | None = None
    ownership: str | None = None


@dataclass(frozen=True)
class Unit:
    kind: HandlerKind
    code: str | None = None


@dataclass(frozen=True)
class Routing:
    """The unit that gets the case; where it is the administrator, `suggested` may name an unconfirmed office."""

    direction: Direction
    handler: Unit
    suggested: Unit | None = None


ADMIN = Unit(HandlerKind.ADMIN)


def route(asking_side: Side, other: Place, territory: Territory) -> Routing:
    """The unit for an assisted match.

    other: the school asked about, or the place wished for. An overseas school asks for a place in Taiwan (inbound), a
    school in Taiwan for a place abroad (outbound).
    """
    if asking_side is Side.OVERSEAS:
        return Routing(Direction.INBOUND, *_centre_for(other, territory))
    return Routing(Direction.OUTBOUND, *office_for(other.country, other.subdivision, territory))


def _centre_for(place: Place, territory: Territory) -> tuple[Unit, Unit | None]:
    zone = territory.zone_of_county.get(place.county or "")
    if place.county is None or zone is None:
        return ADMIN, None
    national = place.ownership == "national" and place.level in SENIOR_HIGH_LEVELS
    code = zone if national else place.county
    if not code:  # a county that no zone of the K-12 agency is named for
        return ADMIN, None
    centre = Unit(HandlerKind.IERC, code)
    if territory.enabled_iercs is not None and code not in territory.enabled_iercs:
        return ADMIN, centre
    return centre, None


def office_for(country: str | None, subdivision: str | None, territory: Territory) -> tuple[Unit, Unit | None]:
    """The office for a place abroad: (unit, None), or (administrator, the office that might be the one)."""
    row = _coverage_of(country, subdivision, territory.coverage)
    if row is None:
        return ADMIN, None
    office = Unit(HandlerKind.OFFICE, row.office)
    if not row.confirmed or row.office not in territory.enabled_offices:
        return ADMIN, office
    return office, None


def _coverage_of(country: str | None, subdivision: str | None, coverage: Sequence[Coverage]) -> Coverage | None:
    rows = {row.subdivision: row for row in coverage if row.country == country}
    return rows.get(subdivision or "*") or rows.get("*")
