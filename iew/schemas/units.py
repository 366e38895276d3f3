"""The public directory of centres and offices, and the codes with their labels."""

from dataclasses import dataclass

from marshmallow import fields

from iew.i18n import LANGUAGES
from iew.models import CoverageRow, Unit
from iew.schemas.base import Code, Input, View
from iew.schemas.lists import Digits, ListQuery, list_of


class LanguageQuery(Input):
    """`lang`: the language of the labels."""

    lang = Code(LANGUAGES, load_default=None)


class DirectoryQuery(ListQuery):
    """The directory is short: all of it comes at once, unless `limit` says otherwise."""

    limit = Digits(least=1, most=100, load_default=100)
    lang = Code(LANGUAGES, load_default=None)


@dataclass(frozen=True)
class Listed:
    """A unit as the directory shows it. lang: the language of `name` and `place`."""

    unit: Unit
    lang: str
    coverage: list[CoverageRow]


class PlaceView(View):
    """A place that an office covers; subdivision `*` means all that no other row names."""

    country = fields.String()
    subdivision = fields.String()
    status = fields.String()


class UnitView(View):
    """A centre or an office."""

    code = fields.String(attribute="unit.code")
    kind = fields.String(attribute="unit.kind")
    area = fields.String(attribute="unit.area")
    name = fields.Function(lambda listed: listed.unit.name(listed.lang))
    names = fields.Dict(attribute="unit.names", keys=fields.String(), values=fields.String())
    place = fields.Function(lambda listed: listed.unit.place_name(listed.lang))
    country = fields.String(attribute="unit.country")
    timezone = fields.String(attribute="unit.timezone")
    language = fields.String(attribute="unit.ui_language")


class OfficeView(UnitView):
    """An office abroad and the places it covers."""

    coverage = fields.List(fields.Nested(PlaceView))


class CentreView(UnitView):
    """A centre: of a county, or of a zone of national senior high schools."""

    county = fields.Function(lambda listed: listed.unit.code if listed.unit.area == "county" else None)
    county_iso = fields.String(attribute="unit.county_iso", allow_none=True)
    k12_zone = fields.String(attribute="unit.k12_zone", allow_none=True)
    alliance_zone = fields.String(attribute="unit.alliance_zone", allow_none=True)


OfficeListView = list_of(OfficeView, "OfficeList")
CentreListView = list_of(CentreView, "CentreList")


class TermView(View):
    code = fields.String()
    label = fields.String()


class VocabulariesView(View):
    """Every vocabulary by its name, each a list of codes with labels, in its order; these are the important ones."""

    channel = fields.List(fields.Nested(TermView))
    exchange_type = fields.List(fields.Nested(TermView))
    language = fields.List(fields.Nested(TermView))
    level = fields.List(fields.Nested(TermView))
    ownership = fields.List(fields.Nested(TermView))
    composition = fields.List(fields.Nested(TermView))
    affiliation = fields.List(fields.Nested(TermView))
    country = fields.List(fields.Nested(TermView))
    county = fields.List(fields.Nested(TermView))
    subdivision = fields.List(fields.Nested(TermView))


class DigestChoice(Input):
    """How often a unit's digest comes."""

    frequency = Code(("daily", "weekly", "paused"), required=True)


class UnitChoice(Input):
    """A centre or an office."""

    unit = Code(None, required=True)
