"""The codes the program knows by name are those of the reference tables, and the rules of a post's last day."""

import csv
from datetime import date

import pytest

from config.settings import REFERENCE_DIR
from iew.domain import vocabularies
from iew.domain.posts import add_months, faults_of_expiry

SETS = {
    "channel": vocabularies.CHANNELS,
    "exchange_type": vocabularies.EXCHANGE_TYPES,
    "language": vocabularies.LANGUAGES,
    "level": vocabularies.LEVELS,
    "ownership": vocabularies.OWNERSHIPS,
    "composition": vocabularies.COMPOSITIONS,
    "affiliation": vocabularies.AFFILIATIONS,
    "homestay": vocabularies.HOMESTAYS,
    "contact_visibility": vocabularies.CONTACT_VISIBILITIES,
    "date_mode": vocabularies.DATE_MODES,
    "travel_length": vocabularies.TRAVEL_LENGTHS,
    "decline_reason": vocabularies.DECLINE_REASONS,
    "content_language": vocabularies.CONTENT_LANGUAGES,
    "grade": tuple(str(grade) for grade in vocabularies.GRADES),
}


@pytest.mark.parametrize("name", SETS)
def test_the_codes_known_by_name_are_those_with_a_label(name: str) -> None:
    with (REFERENCE_DIR / "vocabularies.csv").open(encoding="utf-8") as lines:
        labelled = {row["code"] for row in csv.DictReader(lines) if row["vocabulary"] == name}

    assert set(SETS[name]) == labelled


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 11, 24), 24, date(2028, 11, 24)),
        (date(2028, 2, 29), 24, date(2030, 2, 28)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 12, 1), 0, date(2026, 12, 1)),
    ],
)
def test_months_ahead_end_on_the_same_day_or_the_last(day: date, months: int, later: date) -> None:
    assert add_months(day, months) == later


def test_a_last_day_may_be_today_but_not_yesterday() -> None:
    today = date(2027, 3, 1)
    assert faults_of_expiry(today, today=today, months_ahead=24) == {}
    assert list(faults_of_expiry(date(2027, 2, 28), today=today, months_ahead=24)) == ["expires_on"]
    assert list(faults_of_expiry(date(2029, 3, 2), today=today, months_ahead=24)) == ["expires_on"]
    assert faults_of_expiry(date(2099, 1, 1), today=today, months_ahead=None) == {}
    assert list(faults_of_expiry(None, today=today, months_ahead=None)) == ["expires_on"]
