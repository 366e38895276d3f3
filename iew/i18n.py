"""Languages of the interface: which one to speak, and how to say a sentence, a date or a code in it.

Babel alone; the catalogues are read from their `.po` files at the start, so that no build step can be forgotten.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations

from iew.errors import Text

LANGUAGES: Final = ("zh-Hant", "en", "ja", "ko")
OWN_NAMES: Final = {
    "zh-Hant": "繁體中文",
    "en": "English",
    "ja": "日本語",
    "ko": "한국어",
}
CATALOGUES: Final = Path(__file__).parent / "translations"

_SCHOOL_YEARS: Final = {
    "zh-Hant": "{republic} 學年度（{first}–{short}）",
    "en": "{first}–{short}",
    "ja": "{first}–{short}年度",
    "ko": "{first}–{short}학년도",
}
"""CLDR knows no school years."""
_LOCALES: Final = {"zh-Hant": "zh_Hant_TW", "en": "en", "ja": "ja", "ko": "ko"}
# Browsers send zh-TW, and neither Werkzeug nor Babel connects it with zh_Hant_TW.
_BROWSER_TAGS: Final = {
    "zh": "zh-Hant",
    "zh-tw": "zh-Hant",
    "zh-hk": "zh-Hant",
    "zh-mo": "zh-Hant",
    "zh-hant": "zh-Hant",
    "zh-cn": "zh-Hant",
    "zh-sg": "zh-Hant",
    "zh-hans": "zh-Hant",
    "en": "en",
    "ja": "ja",
    "ko": "ko",
}


def locale_of(language: str) -> Locale:
    return Locale.parse(_LOCALES.get(language, "en"))


def language_of_tag(tag: str) -> str | None:
    """The interface language for a BCP 47 tag such as `zh-TW` or `ja-JP`; None if we speak none of it."""
    parts = tag.strip().lower().replace("_", "-").split("-")
    while parts:
        if found := _BROWSER_TAGS.get("-".join(parts)):
            return found
        parts.pop()
    return None


def negotiate(tags: Iterable[str], default: str = "en") -> str:
    """The first language of the browser's list, best first, that we speak."""
    return next((found for tag in tags if (found := language_of_tag(tag))), default)


@lru_cache
def translations(language: str) -> NullTranslations:
    """The catalogues of a language, all in one; English is the language of the sentences themselves."""
    directory = CATALOGUES / _LOCALES.get(language, "en") / "LC_MESSAGES"
    merged = Catalog(locale=_LOCALES.get(language, "en"))
    for path in sorted(directory.glob("*.po")):
        with path.open("rb") as lines:
            for message in read_po(lines, locale=merged.locale):
                if message.id:
                    merged[message.id] = message
    if not len(merged):
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, merged)
    compiled.seek(0)
    return Translations(compiled)


def say(text: Text | str, language: str) -> str:
    """A marked sentence in a language."""
    msgid, values = (text.msgid, text.values) if isinstance(text, Text) else (text, {})
    said = str(translations(language).gettext(msgid)) if msgid else ""
    return said % values if values else said


def in_zone(moment: datetime, timezone: str) -> datetime:
    return moment.astimezone(ZoneInfo(timezone))


def say_date(day: date, language: str) -> str:
    return format_date(day, format="long", locale=locale_of(language))


def say_month(month: str, language: str, *, short: bool = False) -> str:
    """`2027-04` in words, or in few signs for the axis of a chart."""
    day = date.fromisoformat(f"{month}-01")
    return format_skeleton("yM" if short else "yMMM", day, locale=locale_of(language))


def say_school_year(code: str, language: str) -> str:
    """`2026-2027` as its readers call it: in Taiwan by the year of the republic in which it begins."""
    first, last = int(code[:4]), int(code[5:])
    return _SCHOOL_YEARS[language].format(first=first, short=f"{last % 100:02}", republic=first - 1911)


def say_moment(moment: datetime, language: str, timezone: str) -> str:
    """A moment in the reader's zone, to the minute, with the zone's short name."""
    local = in_zone(moment, timezone)
    locale = locale_of(language)
    day, time = format_date(local, "medium", locale=locale), format_time(local, "short", locale=locale)
    return f"{day} {time} ({local.tzname()})"


def say_moment_with_weekday(moment: datetime, language: str, timezone: str) -> str:
    """A moment on the clocks of a place, with the weekday, as people say it who plan their week.

    The distance from UTC stands beside it: short names of zones mean other places elsewhere.
    """
    local = in_zone(moment, timezone)
    locale = locale_of(language)
    day, time = format_skeleton("yMMMEd", local, locale=locale), format_time(local, "short", locale=locale)
    return f"{day} {time} (UTC{local.isoformat()[-6:]})"


def say_number(number: int | float, language: str) -> str:
    return format_decimal(number, locale=locale_of(language))


class Labels:
    """Every code with its label; countries come from CLDR, where no row says better."""

    def __init__(self, labels: Mapping[str, Mapping[str, Mapping[str, str]]]) -> None:
        """labels: vocabulary -> code -> language -> label."""
        self._labels = labels

    @property
    def vocabularies(self) -> list[str]:
        """The names of all vocabularies that have rows."""
        return list(self._labels)

    def codes(self, vocabulary: str) -> list[str]:
        """The codes of a vocabulary, in its order."""
        return list(self._labels.get(vocabulary, {}))

    def label(self, vocabulary: str, code: str | None, language: str) -> str:
        """The label of a code, or the code itself where nobody wrote one."""
        if code is None:
            return ""
        row = self._labels.get(vocabulary, {}).get(code)
        if row is not None:
            return row.get(language) or row.get("en") or code
        if vocabulary == "country":
            return str(locale_of(language).territories.get(code) or code)
        if vocabulary == "content_language":
            return str(locale_of(language).languages.get(code.replace("-", "_")) or code)
        return code

    def countries(self, language: str) -> dict[str, str]:
        """Every country's code and name, sorted by name in that language."""
        names = {
            code: self.label("country", code, language)
            for code in map(str, locale_of("en").territories)
            if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES
        }
        return dict(sorted(names.items(), key=lambda item: item[1]))


_NO_COUNTRIES: Final = frozenset({"EU", "EZ", "UN", "ZZ", "XA", "XB", "QO", "AC", "CP", "DG", "EA", "IC", "TA", "CQ"})
