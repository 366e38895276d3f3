"""What is counted, by what it is grouped, and which numbers of persons may be told to everybody.

A number of persons below five could point at somebody. Leaving such a cell empty is not enough: whoever asks for the
total, or for the same with one month less, gets it by subtraction. So numbers are told by whole blocks. A case with at
least five persons is a block of its own; the smaller ones of a school year form one block together. A cell is told
where it cuts no block and each of its blocks has at least five persons. However such cells are added up or subtracted,
by whomever and however often, the outcome consists of whole blocks again. Only who notes the figures of one day and of
the next sees what was reported in between, as long as the school year goes on.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import ceil
from typing import Final

LEAST_PERSONS: Final = 5
"""Fewer persons are told to nobody but those who may read the cases themselves."""
FIRST_MONTH: Final = 8
"""A school year runs from August to July."""
NONE: Final = "none"
"""In an address: the rows that have no code in a group."""
MOST_GROUPS: Final = 3


class Measure(StrEnum):
    INVITATIONS = "invitations"  # posts that were published, by the day of their publication
    MATCHES = "matches"  # cases, by the day they were asked
    SEARCHES = "searches"  # searches by words, by their month


class Scope(StrEnum):
    """Whose figures are shown."""

    PUBLIC = "public"  # all, with small numbers of persons left out
    AREA = "area"  # those of a unit's area
    ALL = "all"  # all, in full


class Origin(StrEnum):
    """How a case came about."""

    ASKED = "asked"  # a school asked
    PAIRED = "paired"  # a unit brought two schools together in a pairing


class State(StrEnum):
    """Which posts are counted."""

    EVER = "ever"  # all that were ever published
    OPEN = "open"  # those that everybody can read and answer today


GROUPS: Final[Mapping[Measure, tuple[str, ...]]] = {
    Measure.INVITATIONS: (
        "month", "school_year", "country", "side", "county", "level", "ownership", "type", "language", "channel",
        "unit", "status",
    ),
    Measure.MATCHES: (
        "month", "school_year", "country", "county", "level", "type", "channel", "unit", "via", "origin", "direction",
        "status",
    ),
    Measure.SEARCHES: ("month", "school_year", "country", "language", "found"),
}  # fmt: skip
ALL_GROUPS: Final = tuple(dict.fromkeys(group for groups in GROUPS.values() for group in groups))
SEVERAL: Final[Mapping[Measure, frozenset[str]]] = {
    Measure.INVITATIONS: frozenset({"type", "language", "unit"}),
    Measure.MATCHES: frozenset({"type"}),
    Measure.SEARCHES: frozenset({"country"}),
}
"""Groups in which one thing may have several codes; it is counted under each of them, and once in the total."""
FROZEN_GROUPS: Final[Mapping[Measure, tuple[str | None, ...]]] = {
    Measure.INVITATIONS: (None, "month", "country", "county", "level", "type", "channel", "unit", "status"),
    Measure.MATCHES: (
        None,
        "month",
        "country",
        "county",
        "level",
        "type",
        "channel",
        "unit",
        "via",
        "origin",
        "status",
    ),
    Measure.SEARCHES: (None, "month", "country", "language"),
}
"""What is kept of a closed year; None stands for the whole year in one number."""
VOCABULARY_OF: Final[Mapping[str, str]] = {
    "country": "country", "side": "side", "county": "county", "level": "level", "ownership": "ownership",
    "type": "exchange_type", "language": "language", "channel": "channel", "via": "via", "direction": "direction",
}  # fmt: skip
"""Group -> the vocabulary of its codes; months, years, units and states speak for themselves."""
_YEAR: Final = re.compile(r"([0-9]{4})-([0-9]{4})")


# school years


def school_year_of(day: date) -> str:
    """`2026-2027` for every day from 1 August 2026 to 31 July 2027."""
    first = day.year if day.month >= FIRST_MONTH else day.year - 1
    return f"{first}-{first + 1}"


def days_of(school_year: str) -> tuple[date, date]:
    """The first and the last day of a school year. Raises ValueError for what is none."""
    found = _YEAR.fullmatch(school_year)
    if found is None or int(found[2]) != int(found[1]) + 1 or not 1950 <= int(found[1]) <= 2099:
        raise ValueError(school_year)
    return date(int(found[1]), FIRST_MONTH, 1), date(int(found[2]), FIRST_MONTH - 1, 31)


def years_between(first: str, last: str) -> list[str]:
    """All school years from one to another, the latest first."""
    return [f"{year}-{year + 1}" for year in range(int(last[:4]), int(first[:4]) - 1, -1)]


# persons


@dataclass(frozen=True)
class Block:
    """The small cases of one school year, or those of them that lie in a cell: how many they are, and their persons."""

    cases: int = 0
    persons: int = 0


@dataclass(frozen=True)
class Persons:
    """What is told of a cell. number: None where it is withheld, and at_least is all that may be said then."""

    number: int | None
    at_least: int
    suppressed: bool


def in_full(number: int) -> Persons:
    """For those who may read the cases themselves."""
    return Persons(number, number, suppressed=False)


def for_everybody(large: int, small: Mapping[str, Block], blocks: Mapping[str, Block]) -> Persons:
    """What everybody is told of a cell.

    large: persons of the cell's cases that have at least five each. small: by school year, its cases that have fewer.
    blocks: all small cases of each school year, wherever they lie.
    """
    whole = all(blocks.get(year) == part and part.persons >= LEAST_PERSONS for year, part in small.items())
    number = large + sum(part.persons for part in small.values())
    if not whole or number < LEAST_PERSONS:
        return Persons(None, large, suppressed=True)
    return Persons(number, number, suppressed=False)


# shades of a map


def steps_for(values: Collection[int], most: int = 5) -> list[int]:
    """The least value of each shade, ascending; each a multiple of the one before, since few places have much."""
    some = [value for value in values if value > 0]
    if not some:
        return []
    least, largest = min(some), max(some)
    return sorted({ceil(least * (largest / least) ** (part / most)) for part in range(most)})


def shade_of(value: int, steps: Iterable[int]) -> int:
    """Which shade a value gets: 0 for nothing, 1 for the lightest."""
    return sum(1 for step in steps if value >= step)
