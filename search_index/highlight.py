"""Shows in a text what a query met: escaped, with `<mark>` around the words, and cut to a readable piece.

The index keeps no texts, so nothing that was hidden since can come back through a highlight; the piece is cut from the
text as its owner holds it now.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from html import escape
from itertools import takewhile
from typing import Final

from search_index.finder import Finder
from search_index.folding import Folded, fold_with_offsets
from search_index.lexicon import Lexicon, distance, slips_allowed
from search_index.understanding import Plan, Unit

PIECE_LENGTH: Final = 160
LEAD_LENGTH: Final = 50
LONGEST_READ: Final = 6000
_SHORTEST_STEM: Final = 4
_COMMON_PART: Final = 0.75

Span = tuple[int, int]


class Highlighter:
    """Marks what one query met, in as many texts as it found."""

    def __init__(self, plan: Plan, lexicon: Lexicon) -> None:
        self._plan = plan
        self._lexicon = lexicon

    def highlight(self, text: str, language: str, *, whole: bool = False) -> str | None:
        """The text, or the piece of it around its first mark, with marks; None where the query met nothing in it.

        language: of the text, by its first subtag. whole: do not cut, for titles.
        """
        if not self._plan.units:
            return None
        folded = fold_with_offsets(text[:LONGEST_READ])
        spans = _joined(sorted(self._spans(folded, language, len(text) if whole else PIECE_LENGTH)))
        if not spans:
            return None
        start, end = (0, len(folded.original)) if whole else _piece(folded.original, spans[0])
        return _marked(folded.original, spans, start, end)

    def _spans(self, folded: Folded, language: str, reach: int) -> list[Span]:
        """Where the text says what was asked, or else something related, up to `reach` from the first place."""
        found = [span for unit in self._plan.units for span in _words(folded, unit)]
        found = _until(reach, found, self._written(self._asked, folded, language), folded)
        return found or _until(reach, found, self._written(self._related, folded, language), folded)

    def _written(self, finder: Finder, folded: Folded, language: str) -> Iterator[Span]:
        """What the finder finds, without Vietnamese words that have other marks."""
        for place in finder.find(folded.text, language):
            if language != "vi" or self._lexicon.is_written(folded, *place):
                yield place

    @cached_property
    def _asked(self) -> Finder:
        return Finder(self._lexicon, frozenset(self._plan.codes))

    @cached_property
    def _related(self) -> Finder:
        return Finder(self._lexicon, frozenset(near for code in self._plan.codes for near in self._lexicon.near(code)))


def _until(reach: int, found: list[Span], places: Iterable[Span], folded: Folded) -> list[Span]:
    """What was found with the places that come from left to right, as far as anybody will see them."""
    first = min(found)[0] if found else None
    for place in places:
        span = folded.span(*place)
        first = span[0] if first is None else min(first, span[0])
        if span[0] > first + reach:
            break
        found.append(span)
    return found


def _words(folded: Folded, unit: Unit) -> Iterator[Span]:
    """Where the unit's own words stand; a Latin word also in another form of it, or misspelt."""
    if not unit.words or (unit.readings and unit.script != "latin"):
        return  # wide words of a concept are found by the lexicon, which knows where a word ends
    if unit.script != "latin":
        for match in re.finditer(re.escape(unit.words), folded.text):
            yield folded.span(*match.span())
        return
    for match in re.finditer(rf"(?<![a-z0-9]){re.escape(unit.words)}(?![a-z0-9])", folded.text):
        yield folded.span(*match.span())
    if unit.correctable:
        for match in re.finditer(r"[a-z]+", folded.text):
            if match.group() != unit.words and _akin(unit.words, match.group()):
                yield folded.span(*match.span())


def _akin(asked: str, word: str) -> bool:
    """Whether two Latin words share their stem, or one is a slip of the other."""
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(asked, word, strict=False)))
    if shared >= _SHORTEST_STEM and shared >= _COMMON_PART * max(len(asked), len(word)):
        return True
    allowed = min(slips_allowed(asked), slips_allowed(word))
    return bool(allowed) and asked[0] == word[0] and distance(asked, word, allowed) <= allowed


def _joined(spans: list[Span]) -> list[Span]:
    found: list[Span] = []
    for start, end in spans:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _piece(text: str, first: Span) -> Span:
    """A readable stretch around the first mark, cut at spaces where there are some."""
    start = max(0, first[0] - LEAD_LENGTH)
    if start:
        space = text.find(" ", start, first[0])
        start = space + 1 if space >= 0 else start
    end = min(len(text), start + PIECE_LENGTH)
    if end < len(text):
        space = text.rfind(" ", max(first[1], end - LEAD_LENGTH), end)
        end = space if space > 0 else end
    return start, max(end, first[1])


def _marked(text: str, spans: list[Span], start: int, end: int) -> str:
    parts, at = ["…" if start else ""], start
    for first, stop in spans:
        if first >= end:
            break
        parts += [escape(text[at:first]), "<mark>", escape(text[first:stop]), "</mark>"]
        at = stop
    parts += [escape(text[at:end]), "…" if end < len(text) else ""]
    return "".join(parts)
