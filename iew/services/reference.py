"""Offices, coverage, centres and vocabularies: from reviewed CSV files into the database, as often as one likes.

They are data that a clerk changes; what a unit chose for itself (how often it wants its digest) is kept.
"""

import csv
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from iew.domain.routing import Territory
from iew.errors import N_, Invalid, Text
from iew.models import CoverageRow, Term, Unit, territory_of
from iew.uow import UnitOfWork

Row = Mapping[str, str]

FILES: Final = (
    "offices.csv",
    "office_coverage.csv",
    "iercs.csv",
    "vocabularies.csv",
    "countries_override.csv",
    "subdivisions.csv",
)
_LANGUAGES: Final = {"zh-Hant": "zh", "en": "en", "ja": "ja", "ko": "ko"}


def load(uow: UnitOfWork, directory: Path) -> dict[str, int]:
    """Make the reference tables equal to the files of `directory`; a file that is absent leaves its tables alone.

    Returns the number of rows of each file. Raises Invalid that names file, line and column of the first fault of each
    file, and changes nothing then.
    """
    rows = {name: _read(directory / name) for name in FILES if (directory / name).is_file()}
    if not rows:
        raise Invalid(
            text=Text(N_("%(directory)s holds none of %(files)s."), {"directory": directory, "files": ", ".join(FILES)})
        )
    for name, load_rows in _LOADERS.items():
        if name in rows:
            load_rows(uow, rows[name])
    return {name: len(read) for name, read in rows.items()}


def territory(uow: UnitOfWork) -> Territory:
    """The ground the units cover, as routing needs it."""
    return territory_of(uow.session)


def _read(path: Path) -> list[tuple[str, Row]]:
    """The rows of a CSV file, each with where it stands."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        return [
            (f"{path.name}, line {reader.line_num}", {k: (v or "").strip() for k, v in row.items() if k is not None})
            for row in reader
        ]


def _cell(where: str, row: Row, column: str) -> str:
    if not row.get(column):
        raise Invalid(text=Text(N_("%(where)s: the column %(column)s is empty."), {"where": where, "column": column}))
    return row[column]


def _names(row: Row, prefix: str) -> dict[str, str]:
    """Language -> name, from columns such as name_zh, name_en."""
    named = {language: row.get(f"{prefix}_{suffix}", "") for language, suffix in _LANGUAGES.items()}
    return {language: name for language, name in named.items() if name}


def _zone(where: str, row: Row) -> str:
    name = _cell(where, row, "timezone")
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(
            text=Text(N_("%(where)s: there is no time zone %(name)s."), {"where": where, "name": name})
        ) from None


def _load_offices(uow: UnitOfWork, rows: Iterable[tuple[str, Row]]) -> None:
    units = [
        {
            "code": _cell(where, row, "code"),
            "kind": "office",
            "area": "office",
            "names": {"en": _cell(where, row, "name_en")} | _names(row, "name"),
            "place_names": {"en": _cell(where, row, "city")} | _names(row, "city"),
            "country": _cell(where, row, "country"),
            "county_iso": None,
            "k12_zone": None,
            "alliance_zone": None,
            "timezone": _zone(where, row),
            "ui_language": _cell(where, row, "ui_language"),
            "email": row.get("email") or None,
            "education_division": row.get("education_division") or None,
            "enabled": row.get("enabled", "yes") == "yes",
        }
        for where, row in rows
    ]
    _put_units(uow, "office", units)


def _load_iercs(uow: UnitOfWork, rows: Iterable[tuple[str, Row]]) -> None:
    units = []
    for where, row in rows:
        place = _names(row, "name")
        ierc = _names(row, "name_of_ierc")
        units.append(
            {
                "code": _cell(where, row, "code"),
                "kind": "ierc",
                "area": _cell(where, row, "kind"),
                "names": {"en": f"{place['en']} International Education Resource Center"} | ierc,
                "place_names": place,
                "country": "TW",
                "county_iso": row.get("county_iso") or None,
                "k12_zone": row.get("k12_zone") or None,
                "alliance_zone": row.get("alliance_zone") or None,
                "timezone": "Asia/Taipei",
                "ui_language": "zh-Hant",
                "email": row.get("email") or None,
                "education_division": None,
                "enabled": row.get("enabled", "yes") == "yes",
            }
        )
    _put_units(uow, "ierc", units)
    counties = [unit for unit in units if unit["area"] == "county"]
    _put_terms(
        uow,
        [
            {"vocabulary": "county", "code": u["code"], "position": n, "labels": u["place_names"], "parent": "TW"}
            for n, u in enumerate(counties)
        ],
    )


def _put_units(uow: UnitOfWork, kind: str, units: list[dict[str, Any]]) -> None:
    """Insert or refresh; a unit that is no longer listed is disabled, since cases may still name it."""
    statement = insert(Unit).values(units)
    fresh = {name: statement.excluded[name] for name in units[0] if name != "code"}
    uow.session.execute(statement.on_conflict_do_update(index_elements=[Unit.code], set_=fresh))
    listed = [unit["code"] for unit in units]
    uow.session.execute(update(Unit).where(Unit.kind == kind, Unit.code.not_in(listed)).values(enabled=False))


def _load_coverage(uow: UnitOfWork, rows: Iterable[tuple[str, Row]]) -> None:
    offices = set(uow.session.scalars(select(Unit.code).where(Unit.kind == "office")))
    coverage = []
    for where, row in rows:
        office = _cell(where, row, "office_code")
        if office not in offices:
            raise Invalid(
                text=Text(N_("%(where)s: there is no office %(office)s."), {"where": where, "office": office})
            )
        coverage.append(
            {
                "office_code": office,
                "country": _cell(where, row, "country"),
                "subdivision": _cell(where, row, "subdivision"),
                "status": _cell(where, row, "status"),
                "note": row.get("note") or None,
            }
        )
    statement = insert(CoverageRow).values(coverage)
    fresh = {name: statement.excluded[name] for name in ("office_code", "status", "note")}
    uow.session.execute(statement.on_conflict_do_update(index_elements=["country", "subdivision"], set_=fresh))
    kept = [(row["country"], row["subdivision"]) for row in coverage]
    uow.session.execute(delete(CoverageRow).where(tuple_(CoverageRow.country, CoverageRow.subdivision).not_in(kept)))


def _load_vocabularies(uow: UnitOfWork, rows: Iterable[tuple[str, Row]]) -> None:
    _put_terms(
        uow,
        [
            {
                "vocabulary": _cell(where, row, "vocabulary"),
                "code": _cell(where, row, "code"),
                "position": int(_cell(where, row, "order")),
                "labels": {language: _cell(where, row, language) for language in _LANGUAGES},
                "parent": None,
            }
            for where, row in rows
        ],
    )


def _load_countries(uow: UnitOfWork, rows: Iterable[tuple[str, Row]]) -> None:
    _put_terms(
        uow,
        [
            {
                "vocabulary": "country",
                "code": _cell(where, row, "code"),
                "position": n,
                "labels": {language: _cell(where, row, language) for language in _LANGUAGES},
                "parent": None,
            }
            for n, (where, row) in enumerate(rows)
        ],
    )


def _load_subdivisions(uow: UnitOfWork, rows: Iterable[tuple[str, Row]]) -> None:
    _put_terms(
        uow,
        [
            {
                "vocabulary": "subdivision",
                "code": _cell(where, row, "code"),
                "position": n,
                "labels": {language: row.get(language) or row.get("local") or row["en"] for language in _LANGUAGES}
                | {"en": _cell(where, row, "en")},
                "parent": _cell(where, row, "country"),
            }
            for n, (where, row) in enumerate(rows)
        ],
    )


def _put_terms(uow: UnitOfWork, terms: list[dict[str, Any]]) -> None:
    """Insert or refresh, and drop what the vocabularies of these terms no longer have."""
    statement = insert(Term).values(terms)
    fresh = {name: statement.excluded[name] for name in ("position", "labels", "parent")}
    uow.session.execute(statement.on_conflict_do_update(index_elements=["vocabulary", "code"], set_=fresh))
    kept = [(term["vocabulary"], term["code"]) for term in terms]
    vocabularies = {term["vocabulary"] for term in terms}
    uow.session.execute(
        delete(Term).where(Term.vocabulary.in_(vocabularies), tuple_(Term.vocabulary, Term.code).not_in(kept))
    )


_LOADERS: Final[dict[str, Callable[[UnitOfWork, list[tuple[str, Row]]], None]]] = {
    "offices.csv": _load_offices,
    "office_coverage.csv": _load_coverage,
    "iercs.csv": _load_iercs,
    "vocabularies.csv": _load_vocabularies,
    "countries_override.csv": _load_countries,
    "subdivisions.csv": _load_subdivisions,
}
