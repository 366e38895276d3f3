"""What was looked for, in figures that tell of nobody.

Kept are a month, a language, the folded words, the countries chosen and whether anything was found; no person, no
address, no time of day. Words that might be a number or an address are not kept at all, and words are shown only once
they were looked for on several days, since what one person typed may be a name.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, any_, case, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from iew.models import SearchCount
from iew.uow import UnitOfWork

LONGEST: Final = 80
DAYS_TO_SHOW: Final = 3
LISTED: Final = 200
_TELLING: Final = re.compile(r"\d{3}|@|://|\d(?:[\s().+-]*\d){4}")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True)
class Asked:
    """One search: its words, the language of the interface, the countries chosen, whether a post met all of it."""

    text: str
    language: str
    countries: Sequence[str]
    found: bool


@dataclass(frozen=True)
class Line:
    """words: None where they are shown to nobody yet, all of these in one line."""

    month: str
    language: str
    country: str
    words: str | None
    count: int


def note(uow: UnitOfWork, asked: Asked) -> None:
    """Count one search; one without words is none. Gives up soon where others count the same.

    Nobody waits for the disk either: a figure that a crash loses is no loss.
    """
    if not asked.text.strip():
        return
    uow.session.execute(
        select(func.set_config("lock_timeout", "50", True), func.set_config("synchronous_commit", "off", True))
    )
    added = insert(SearchCount).values(
        month=f"{uow.today:%Y-%m}",
        language=asked.language,
        words=kept_words(asked.text),
        country="|".join(sorted({code for code in asked.countries if _COUNTRY.fullmatch(code)})[:5]),
        found=asked.found,
        count=1,
        days=1,
        last_day=uow.today,
    )
    another_day = case((SearchCount.last_day == added.excluded.last_day, 0), else_=1)
    uow.session.execute(
        added.on_conflict_do_update(
            index_elements=["month", "language", "words", "country", "found"],
            set_={
                "count": SearchCount.count + 1,
                "days": SearchCount.days + another_day,
                "last_day": added.excluded.last_day,
            },
        )
    )


def kept_words(text: str) -> str:
    """The words as they are counted; empty where they might tell of somebody."""
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return "" if _TELLING.search(folded) else folded[:LONGEST].strip()


def lines(
    uow: UnitOfWork,
    *,
    found: bool | None = False,
    language: str | None = None,
    country: str | None = None,
    month: str | None = None,
) -> list[Line]:
    """What was looked for, most often first; found: None takes both. country: chosen alone or among others."""
    shown = case((SearchCount.days >= DAYS_TO_SHOW, func.nullif(SearchCount.words, "")))
    total = func.sum(SearchCount.count)
    conditions: list[ColumnElement[bool]] = [] if found is None else [SearchCount.found.is_(found)]
    conditions += [SearchCount.language == language] if language else []
    conditions += [SearchCount.month == month] if month else []
    conditions += [literal(country) == any_(func.string_to_array(SearchCount.country, "|"))] if country else []
    statement: Any = (
        select(SearchCount.month, SearchCount.language, SearchCount.country, shown, total)
        .where(*conditions)
        .group_by(SearchCount.month, SearchCount.language, SearchCount.country, shown)
        .order_by(SearchCount.month.desc(), total.desc(), shown.nulls_last())
        .limit(LISTED)
    )
    return [Line(*row) for row in uow.session.execute(statement)]


def months(uow: UnitOfWork) -> list[str]:
    """The months of which something is known, the latest first."""
    return list(uow.session.scalars(select(SearchCount.month).distinct().order_by(SearchCount.month.desc())))
