"""Shows in a text what a query met: escaped, with `<mark>` around the words, and cut to a readable piece.

The index keeps no texts, so nothing that was hidden since can come back through a highlight; the piece is cut from the
text as its owner holds it now.
"""

from collections.abc import Iterator
from html import escape
from typing import Final

from search_index.folding import Folded, fold_with_offsets, is_wide
from search_index.lexicon import Lexicon
from search_index.understanding import Plan, Unit

PIECE_LENGTH: Final = 160
LEAD_LENGTH: Final = 50
LONGEST_READ: Final = 6000
_SHORTEST_STEM: Final = 4

Span = tuple[int, int]


def highlight(text: str, plan: Plan, lexicon: Lexicon, language: str, *, whole: bool = False) -> str | None:
    """The text, or the piece of it around its first mark, with marks; None where the query met nothing in it.

    language: of the text, by its first subtag. whole: do not cut, for titles.
    """
    folded = fold_with_offsets(text[:LONGEST_READ])
    spans = _joined(sorted(_spans(folded, plan, lexicon, language)))
    if not spans:
        return None
    start, end = (0, len(folded.original)) if whole else _piece(folded.original, spans[0])
    return _marked(folded.original, spans, start, end)


def _spans(folded: Folded, plan: Plan, lexicon: Lexicon, language: str) -> Iterator[Span]:
    wanted = {code for unit in plan.units for code in unit.codes}
    if wanted:
        for match in lexicon.scan(folded.text, language):
            if wanted & lexicon.expand(match.codes):
                yield folded.span(match.start, match.end)
    for unit in plan.units:
        yield from _words(folded, unit)


def _words(folded: Folded, unit: Unit) -> Iterator[Span]:
    """Where the unit's own words stand; a Latin word also where another begins with it."""
    words = unit.words
    if not words:
        return
    at = folded.text.find(words)
    while at >= 0:
        end = at + len(words)
        if is_wide(words[0]) or at == 0 or folded.text[at - 1] == " ":
            is_stem = len(words) >= _SHORTEST_STEM and not is_wide(words[-1])
            stop = _end_of_word(folded.text, end) if is_stem else end
            if is_wide(words[-1]) or stop > end or stop == len(folded.text) or folded.text[stop] == " ":
                yield folded.span(at, stop)
        at = folded.text.find(words, end)


def _end_of_word(text: str, at: int) -> int:
    while at < len(text) and text[at] != " " and not is_wide(text[at]):
        at += 1
    return at


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
