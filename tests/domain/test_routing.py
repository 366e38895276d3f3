"""Where an assisted case goes, over every row of the reference tables."""

import csv
from dataclasses import replace

import pytest

from config.settings import REFERENCE_DIR
from iew.domain.matches import Direction, HandlerKind
from iew.domain.routing import Coverage, Place, Territory, Unit, route
from iew.domain.schools import SENIOR_HIGH_LEVELS, Side


def rows_of(name: str) -> list[dict[str, str]]:
    with (REFERENCE_DIR / name).open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


COVERAGE = rows_of("office_coverage.csv")
IERCS = rows_of("iercs.csv")
OFFICES = rows_of("offices.csv")
COUNTIES = [row for row in IERCS if row["kind"] == "county"]
TERRITORY = Territory(
    coverage=[Coverage(r["office_code"], r["country"], r["subdivision"], r["status"]) for r in COVERAGE],
    enabled_offices=frozenset(r["code"] for r in OFFICES if r["enabled"] == "yes"),
    zone_of_county={r["code"]: r["k12_zone"] for r in COUNTIES},
    enabled_iercs=frozenset(r["code"] for r in IERCS),
)
ADMIN = Unit(HandlerKind.ADMIN)
OTHER_LEVELS = ("primary", "junior_high", "cross_level")


def named(row: dict[str, str]) -> str:
    return f"{row['country']}/{row['subdivision']}"


@pytest.mark.parametrize("row", COVERAGE, ids=named)
def test_an_outbound_case_goes_to_the_confirmed_office_that_covers_the_place(row):
    subdivision = None if row["subdivision"] == "*" else row["subdivision"]
    office = Unit(HandlerKind.OFFICE, row["office_code"])

    routing = route(Side.DOMESTIC, Place(country=row["country"], subdivision=subdivision), TERRITORY)

    assert routing.direction is Direction.OUTBOUND
    if row["status"] == "confirmed":
        assert (routing.handler, routing.suggested) == (office, None)
    else:
        assert (routing.handler, routing.suggested) == (ADMIN, office)


@pytest.mark.parametrize("row", COVERAGE, ids=named)
def test_a_disabled_office_is_only_suggested(row):
    subdivision = None if row["subdivision"] == "*" else row["subdivision"]
    closed = replace(TERRITORY, enabled_offices=TERRITORY.enabled_offices - {row["office_code"]})

    routing = route(Side.DOMESTIC, Place(country=row["country"], subdivision=subdivision), closed)

    assert (routing.handler, routing.suggested) == (ADMIN, Unit(HandlerKind.OFFICE, row["office_code"]))


@pytest.mark.parametrize("row", [r for r in COVERAGE if r["subdivision"] != "*"], ids=named)
def test_a_row_that_names_the_subdivision_beats_the_rest_of_its_country(row):
    elsewhere = replace(
        TERRITORY, coverage=[Coverage("XX-REST", row["country"], "*", "confirmed"), *TERRITORY.coverage]
    )

    routing = route(Side.DOMESTIC, Place(country=row["country"], subdivision=row["subdivision"]), elsewhere)

    assert row["office_code"] in (routing.handler.code, routing.suggested and routing.suggested.code)


@pytest.mark.parametrize("country", sorted({r["country"] for r in COVERAGE}))
def test_a_place_that_no_row_names_falls_to_the_rest_of_its_country(country):
    rest = next((r for r in COVERAGE if r["country"] == country and r["subdivision"] == "*"), None)

    for subdivision in (None, f"{country}-ZZZ"):
        routing = route(Side.DOMESTIC, Place(country=country, subdivision=subdivision), TERRITORY)
        if rest is None:
            assert (routing.handler, routing.suggested) == (ADMIN, None)
        elif rest["status"] == "confirmed":
            assert routing.handler == Unit(HandlerKind.OFFICE, rest["office_code"])
        else:
            assert (routing.handler, routing.suggested) == (ADMIN, Unit(HandlerKind.OFFICE, rest["office_code"]))


@pytest.mark.parametrize("country", [None, "BR", "TW"])
def test_an_outbound_case_without_a_covered_country_lies_with_the_administrator(country):
    routing = route(Side.DOMESTIC, Place(country=country), TERRITORY)

    assert (routing.direction, routing.handler, routing.suggested) == (Direction.OUTBOUND, ADMIN, None)


@pytest.mark.parametrize("row", COUNTIES, ids=lambda row: row["code"])
def test_an_inbound_case_goes_to_the_centre_of_the_county(row):
    for level in (*OTHER_LEVELS, *SENIOR_HIGH_LEVELS):
        for ownership in ("public", "private", "other", None):
            place = Place(country="TW", county=row["code"], level=level, ownership=ownership)
            routing = route(Side.OVERSEAS, place, TERRITORY)
            assert routing.direction is Direction.INBOUND
            assert (routing.handler, routing.suggested) == (Unit(HandlerKind.IERC, row["code"]), None)


@pytest.mark.parametrize("row", COUNTIES, ids=lambda row: row["code"])
def test_a_national_senior_high_school_belongs_to_the_zone_of_its_county(row):
    for level in SENIOR_HIGH_LEVELS:
        place = Place(country="TW", county=row["code"], level=level, ownership="national")
        assert route(Side.OVERSEAS, place, TERRITORY).handler == Unit(HandlerKind.IERC, row["k12_zone"])


@pytest.mark.parametrize("row", COUNTIES, ids=lambda row: row["code"])
@pytest.mark.parametrize("level", OTHER_LEVELS)
def test_a_national_school_of_another_level_stays_with_its_county(row, level):
    place = Place(country="TW", county=row["code"], level=level, ownership="national")

    assert route(Side.OVERSEAS, place, TERRITORY).handler == Unit(HandlerKind.IERC, row["code"])


def test_every_zone_named_by_a_county_is_a_centre_of_its_own():
    zones = {row["code"] for row in IERCS if row["kind"] == "k12_zone"}

    assert {row["k12_zone"] for row in COUNTIES} <= zones


@pytest.mark.parametrize("county", [None, "", "XXX", "K12-1"])
def test_an_inbound_wish_without_a_known_county_lies_with_the_administrator(county):
    routing = route(Side.OVERSEAS, Place(country="TW", county=county), TERRITORY)

    assert (routing.direction, routing.handler, routing.suggested) == (Direction.INBOUND, ADMIN, None)


def test_a_closed_centre_is_only_suggested():
    closed = replace(TERRITORY, enabled_iercs=frozenset(TERRITORY.enabled_iercs or ()) - {"TNN"})

    routing = route(Side.OVERSEAS, Place(country="TW", county="TNN"), closed)

    assert (routing.handler, routing.suggested) == (ADMIN, Unit(HandlerKind.IERC, "TNN"))


def test_a_national_school_of_a_county_without_a_zone_lies_with_the_administrator():
    zoneless = replace(TERRITORY, zone_of_county={"TNN": ""})
    place = Place(country="TW", county="TNN", level="senior_high_general", ownership="national")

    assert route(Side.OVERSEAS, place, zoneless).handler == ADMIN
