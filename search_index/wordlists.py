"""Reads the lexicon from tables: one row a code or concept, one column a language, `|` between alternatives.

The words are data that speakers of the languages can check without reading a program. Names of countries and languages
come from CLDR; the tables add short names, adjectives and everything CLDR does not know.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from babel import Locale

from search_index.folding import fold, is_hangul, is_katakana, marks_of, to_hiragana
from search_index.lexicon import Concept, Lexicon, Sense

LANGUAGES: Final = ("zh-Hant", "en", "ja", "ko", "de", "fr", "es", "vi", "th", "id")
FILLERS: Final = "fillers.csv"
READINGS: Final = "readings.csv"

_LOCALES: Final = {"zh-Hant": ("zh_Hant", "zh_Hans"), **{tag: (tag,) for tag in LANGUAGES[1:]}}
_LANGUAGE_CODES: Final = ("en", "fr", "de", "id", "ja", "ko", "zh", "es", "th", "vi")
_NO_COUNTRY: Final = frozenset({"EU", "EZ", "UN", "QO", "ZZ", "XA", "XB"})
_IN_BRACKETS: Final = re.compile(r"\s*[(（［\[][^)）］\]]*[)）］\]]")
_SHORTEST_JOINED: Final = 7
_UNMISTAKABLE: Final = 5


Hashed = TypeVar("Hashed", bound=Hashable)


class BadTable(ValueError):
    """A table of words that cannot be read; says where."""


@dataclass(frozen=True, slots=True)
class _Row:
    codes: tuple[str, ...]
    forms: dict[str, tuple[str, ...]]
    broader: tuple[str, ...] = ()
    related: tuple[str, ...] = ()


def load(directory: Path) -> Lexicon:
    """The lexicon of all tables in the directory, with the CLDR names. Raises BadTable."""
    tables = sorted(path for path in directory.glob("*.csv") if path.name not in (FILLERS, READINGS))
    if not tables:
        raise BadTable(f"no tables of words in {directory}")
    rows = [*_cldr_rows()]
    for path in tables:
        rows.extend(_read(path))
    fillers = _read_fillers(directory / FILLERS)
    readings = _read_readings(directory / READINGS)
    return build(rows, fillers, readings)


def build(
    rows: Iterable[_Row],
    fillers: dict[str, tuple[str, ...]] | None = None,
    readings: dict[str, tuple[str, ...]] | None = None,
) -> Lexicon:
    """A lexicon of rows as `load` reads them."""
    forms = _Forms()
    concepts: dict[str, Concept] = {}
    for row in rows:
        for language, names in row.forms.items():
            for name in names:
                for spelling in _spellings(name):
                    forms.add(spelling, row.codes, _subtag(language))
                    if language == "vi":
                        forms.note_marks(spelling, name)
        if len(row.codes) == 1:
            _merge(concepts, row)
    for language, names in (fillers or {}).items():
        for name in names:
            forms.add_filler(fold(name), _subtag(language))
    of_katakana = {to_hiragana(form): (form,) for form in forms.senses if all(map(is_katakana, form))}
    return Lexicon(forms.senses, _both_ways(concepts), {**of_katakana, **(readings or {})}, forms.marks)


class _Forms:
    """Forms with their senses, equal senses being one object: there are tens of thousands, in every process."""

    def __init__(self) -> None:
        self.senses: dict[str, tuple[Sense, ...]] = {}
        self.marks: dict[str, frozenset[str]] = {}
        self._one: dict[Any, Any] = {}

    def note_marks(self, form: str, name: str) -> None:
        """Remember the marks of a word of one short syllable, which many others share without them."""
        if " " not in form and len(form) < _UNMISTAKABLE:
            self.marks[form] = self.marks.get(form, frozenset()) | {marks_of(_IN_BRACKETS.sub("", name))}

    def add(self, form: str, codes: tuple[str, ...], language: str) -> None:
        """Let the form stand for the sum of these codes in one more language."""
        known = {sense.codes: sense.languages for sense in self.senses.get(form, ())}
        known[codes] = known.get(codes, frozenset()) | {language}
        senses = tuple(self._same(Sense(each, self._same(languages))) for each, languages in known.items())
        self.senses[form] = self._same(senses)

    def add_filler(self, form: str, language: str) -> None:
        """A word says nothing only in a language in which no table gives it a meaning."""
        if not any(language in sense.languages for sense in self.senses.get(form, ())):
            self.add(form, (), language)

    def _same(self, thing: Hashed) -> Hashed:
        return cast(Hashed, self._one.setdefault(thing, thing))


def _spellings(form: str) -> Iterator[str]:
    """The folded form; for Korean words and pairs of Latin words also written as one."""
    folded = fold(_IN_BRACKETS.sub("", form))
    if not folded:
        return
    yield folded
    words = folded.split(" ")
    joined = "".join(words)
    hangul = len(words) > 1 and all(map(is_hangul, joined))
    latin_pair = len(words) == 2 and joined.isascii() and len(joined) >= _SHORTEST_JOINED
    if hangul or latin_pair:
        yield joined


def _merge(concepts: dict[str, Concept], row: _Row) -> None:
    """Add the row to its concept; the first name in each language is the label."""
    code = row.codes[0]
    seen = concepts.get(code)
    labels = {language: _IN_BRACKETS.sub("", forms[0]) for language, forms in row.forms.items() if forms}
    concepts[code] = Concept(
        code,
        {**labels, **(seen.labels if seen else {})},
        tuple(dict.fromkeys((*(seen.broader if seen else ()), *row.broader))),
        tuple(dict.fromkeys((*(seen.related if seen else ()), *row.related))),
    )


def _both_ways(concepts: dict[str, Concept]) -> dict[str, Concept]:
    """Neighbours know each other, whichever row says so."""
    related: dict[str, set[str]] = defaultdict(set)
    for concept in concepts.values():
        for other in concept.related:
            related[concept.code].add(other)
            related[other].add(concept.code)
    return {
        code: Concept(code, concept.labels, concept.broader, tuple(sorted(related[code])))
        for code, concept in concepts.items()
    }


def _subtag(language: str) -> str:
    return language.split("-")[0]


def _read(path: Path) -> Iterator[_Row]:
    with path.open(encoding="utf-8", newline="") as file:
        table = csv.DictReader(file)
        columns = set(table.fieldnames or ())
        if "code" not in columns or columns - {"code", "broader", "related", *LANGUAGES}:
            raise BadTable(f"{path.name}: the columns are code, broader, related, {', '.join(LANGUAGES)}")
        for line in table:
            if None in line or not line["code"]:
                raise BadTable(f"{path.name}, line {table.line_num}: too many cells, or no code")
            yield _Row(
                tuple(line["code"].split("+")),
                {language: _cells(line.get(language)) for language in LANGUAGES},
                tuple((line.get("broader") or "").split()),
                tuple((line.get("related") or "").split()),
            )


def _cells(cell: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (cell or "").split("|") if part.strip())


def _read_fillers(path: Path) -> dict[str, tuple[str, ...]]:
    """Words that say nothing in a search for partners, by language."""
    found: dict[str, tuple[str, ...]] = {}
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            for line in csv.DictReader(file):
                found[line["language"]] = (*found.get(line["language"], ()), *_cells(line["words"]))
    return found


def _read_readings(path: Path) -> dict[str, tuple[str, ...]]:
    """By their reading in hiragana: the folded forms that are read so."""
    found: dict[str, tuple[str, ...]] = {}
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            for line in csv.DictReader(file):
                found[line["reading"]] = (*found.get(line["reading"], ()), fold(line["form"]))
    return found


def _cldr_rows() -> Iterator[_Row]:
    locales = {tag: [Locale.parse(name) for name in names] for tag, names in _LOCALES.items()}
    known = map(str, Locale("en").territories)
    countries = {code for code in known if len(code) == 2 and code.isalpha()}
    for code in sorted(countries - _NO_COUNTRY):
        names = {tag: _names(code, (locale.territories for locale in found)) for tag, found in locales.items()}
        yield _Row((f"country:{code}",), names)
    for code in _LANGUAGE_CODES:
        names = {tag: _names(code, (locale.languages for locale in found)) for tag, found in locales.items()}
        yield _Row((f"language:{code}",), names)


def _names(code: str, tables: Iterable[object]) -> tuple[str, ...]:
    found = [str(table[code]) for table in tables if code in table]  # type: ignore[operator,index]
    return tuple(dict.fromkeys(found))
