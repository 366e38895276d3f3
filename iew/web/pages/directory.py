"""The directory: which centre helps in which county, which office covers which place."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response

from iew.domain.actors import Role
from iew.models import CoverageRow, Unit
from iew.services import units
from iew.web.access import requires
from iew.web.context import current_language, unit_of_work
from iew.web.rendering import gettext as _
from iew.web.rendering import label, page

pages = Blueprint("directory", __name__)


@pages.get("/<lang>/directory")
@requires("directory.read")
def listed(lang: str) -> Response:
    with unit_of_work() as uow:
        centres = units.directory(uow, Role.IERC)
        offices = units.directory(uow, Role.OFFICE)
        covered = units.coverage(uow)
        return page("directory/listed.html", centres=_centres(centres), countries=_by_country(offices, covered))


def _centres(centres: Sequence[Unit]) -> list[dict[str, Any]]:
    """Counties in the order of their zones, the zones themselves last."""
    language = current_language()
    names = {centre.code: centre.place_name(language) for centre in centres}
    ordered = sorted(centres, key=lambda centre: (centre.area == "k12_zone", centre.k12_zone or "", centre.code))
    return [
        {
            "place": names[centre.code],
            "name": centre.name(language),
            "zone": names.get(centre.k12_zone or "") if centre.area == "county" else None,
        }
        for centre in ordered
    ]


def _by_country(offices: Sequence[Unit], covered: Mapping[str, list[CoverageRow]]) -> list[dict[str, Any]]:
    """Countries with their offices, by the name of the country, as readers of the language sort it."""
    language = current_language()
    divided = {row.country for rows in covered.values() for row in rows if row.subdivision != "*"}
    countries: dict[str, list[dict[str, Any]]] = {}
    for office in offices:
        line = {
            "name": office.name(language),
            "place": office.place_name(language),
            "area": _area(covered.get(office.code, []), divided),
        }
        countries.setdefault(label(office.country, "country"), []).append(line)
    return [{"name": name, "offices": lines} for name, lines in sorted(countries.items())]


def _area(rows: Sequence[CoverageRow], divided: Collection[str]) -> list[str]:
    """The places an office covers; some wait for confirmation. divided: countries that several offices share."""
    confirmed = [_place(row, divided) for row in rows if row.status == "confirmed"]
    others = [_("%(place)s (to be confirmed)", place=_place(row, divided)) for row in rows if row.status != "confirmed"]
    return confirmed + others


def _place(row: CoverageRow, divided: Collection[str]) -> str:
    if row.subdivision != "*":
        return label(row.subdivision, "subdivision")
    country = label(row.country, "country")
    return _("all other places in %(country)s", country=country) if row.country in divided else country
