"""The place of a school that signs up, asked first because it decides who checks the registration."""

from dataclasses import dataclass

from flask import request

from iew.domain.matches import HandlerKind
from iew.domain.routing import Territory, office_for
from iew.errors import N_
from iew.i18n import say
from iew.models import Unit, territory_of
from iew.uow import UnitOfWork
from iew.web.context import current_language, house
from iew.web.rendering import choices, label

Options = list[tuple[str, str]]


@dataclass(frozen=True)
class Place:
    """Where the school is, as far as it was said."""

    country: str | None
    subdivision: str | None
    county: str | None

    @property
    def finer(self) -> str:
        """The name of the county or subdivision."""
        return label(self.county, "county") if self.county else label(self.subdivision, "subdivision")


def place_asked() -> Place:
    """The place in the address of the page; what is no place is left out."""
    country = _known(request.args.get("country"), "country")
    subdivision = _known(request.args.get("subdivision"), "subdivision")
    county = _known(request.args.get("county"), "county")
    return Place(
        country,
        subdivision if country and subdivision and subdivision.startswith(f"{country}-") else None,
        county if country == "TW" else None,
    )


def finer_places(uow: UnitOfWork, place: Place) -> Options | None:
    """The counties or subdivisions to choose from, where one must still be named; else None."""
    if place.country == "TW":
        return None if place.county else choices("county")
    if place.country is None or "subdivision" in request.args or not _is_divided(place, territory_of(uow.session)):
        return None
    language = current_language()
    return [
        (code, house().labels.label("subdivision", code, language))
        for code in house().labels.codes("subdivision")
        if code.startswith(f"{place.country}-")
    ]


def approver_of(uow: UnitOfWork, place: Place) -> str:
    """The name of who checks a registration from this place."""
    language = current_language()
    unit, _ = office_for(place.country, place.subdivision, territory_of(uow.session))
    office = uow.session.get(Unit, unit.code) if unit.kind is HandlerKind.OFFICE and unit.code else None
    return office.name(language) if office else say(N_("the IEW administrator"), language)


def _is_divided(place: Place, territory: Territory) -> bool:
    return any(row.country == place.country and row.subdivision != "*" for row in territory.coverage)


def _known(code: str | None, vocabulary: str) -> str | None:
    codes = house().labels.countries("en") if vocabulary == "country" else house().labels.codes(vocabulary)
    return code if code in codes else None
