"""Shows where a text meets a query: escaped, with `<mark>` and nothing else.

The engine is not asked for this. It could only mark letters, and a hit may have been found because a Japanese post
speaks of what the reader named in Chinese; and the text it holds may be older than the one that is shown.
"""

import html
import re
from collections.abc import Iterator
from typing import Final

from search_index.folding import Folded, fold, fold_with_offsets
from search_index.lexicon import Lexicon, distance, script_of, slips_allowed
from search_index.understanding import Plan, Unit

FRAGMENTS: Final = 2
FRAGMENT_LENGTH: Final = 160
_SENTENCE_END: Final = re.compile(r"[。！？!?\n]|[.](?=\s)")
_SHORTEST_STEM: Final = 4
_COMMON_PART: Final = 0.75


class Highlighter:
    """Marks what meets one query."""

    def __init__(self, plan: Plan, lexicon: Lexicon) -> None:
        self._plan = plan
        self._lexicon = lexicon
        self._codes = frozenset(plan.codes)
        self._near = frozenset(other for code in plan.codes for other in lexicon.related(code))

    def whole(self, text: str, language: str) -> str | None:
        """The text with its marks, None where nothing in it meets the query."""
        folded, spans = self._spans(text, language)
        return _marked(folded.original, spans, 0, len(folded.original)) if spans else None

    def fragments(self, text: str, language: str) -> list[str]:
        """The stretches of a long text where it meets the query."""
        folded, spans = self._spans(text, language)
        found = _windows(folded.original, spans)
        return [_marked(folded.original, spans, start, end) for start, end in found]

    def _spans(self, text: str, language: str) -> tuple[Folded, list[tuple[int, int]]]:
        """The text, and where in it something meets the query: apart from each other, from left to right."""
        folded = fold_with_offsets(text)
        places = list(self._places(folded.text, language, self._codes)) or list(
            self._places(folded.text, language, self._near)
        )
        found = sorted(folded.span(*place) for place in places)
        apart: list[tuple[int, int]] = []
        for start, end in found:
            if apart and start < apart[-1][1]:
                apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
            else:
                apart.append((start, end))
        return folded, apart

    def _places(self, folded: str, language: str, codes: frozenset[str]) -> Iterator[tuple[int, int]]:
        if codes:
            for match in self._lexicon.scan(folded, language.split("-")[0]):
                if codes & self._lexicon.expand(match.codes):
                    yield match.start, match.end
        for unit in self._plan.units:
            if not unit.readings or unit.script == "latin":
                yield from _literal(unit, folded)


def _literal(unit: Unit, folded: str) -> Iterator[tuple[int, int]]:
    """Where the unit's own words stand; a Latin word also in another form of it, or misspelt."""
    if script_of(unit.words) != "latin":
        for match in re.finditer(re.escape(unit.words), folded):
            yield match.span()
        return
    for match in re.finditer(rf"(?<![a-z0-9]){re.escape(unit.words)}(?![a-z0-9])", folded):
        yield match.span()
    if unit.phrase or unit.readings or " " in unit.words:
        return
    for match in re.finditer(r"[a-z0-9]+", folded):
        if match.group() != unit.words and _akin(unit.words, match.group()):
            yield match.span()


def _akin(asked: str, word: str) -> bool:
    """Whether two Latin words share their stem, or one is a slip of the other."""
    shared = 0
    for left, right in zip(asked, word, strict=False):
        if left != right:
            break
        shared += 1
    if shared >= _SHORTEST_STEM and shared >= _COMMON_PART * max(len(asked), len(word)):
        return True
    allowed = min(slips_allowed(asked), slips_allowed(word))
    return bool(allowed) and asked[0] == word[0] and distance(asked, word, allowed) <= allowed


def _windows(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches around the first marks, from a sentence's beginning where one is near."""
    found: list[tuple[int, int]] = []
    for start, end in spans:
        if found and end <= found[-1][1]:
            continue
        if len(found) == FRAGMENTS:
            break
        earliest = max(0, start - FRAGMENT_LENGTH // 2, found[-1][1] if found else 0)
        begins = [match.end() for match in _SENTENCE_END.finditer(text, earliest, start)]
        first = begins[-1] if begins else _word_start(text, earliest, start)
        found.append((first, _word_end(text, end, min(len(text), max(end, first + FRAGMENT_LENGTH)))))
    return found


def _word_start(text: str, at: int, before: int) -> int:
    """The first place from `at` on that does not cut a Latin word."""
    if at == 0:
        return 0
    while at < before and text[at].isascii() and text[at].isalnum() and text[at - 1].isalnum():
        at += 1
    return at


def _word_end(text: str, after: int, at: int) -> int:
    """The last place up to `at` that does not cut a Latin word."""
    while after < at < len(text) and text[at].isascii() and text[at].isalnum() and text[at - 1].isalnum():
        at -= 1
    return at


def _marked(text: str, spans: list[tuple[int, int]], start: int, end: int) -> str:
    out: list[str] = []
    at = start
    for first, last in spans:
        if first >= at and last <= end:
            out.append(html.escape(text[at:first]))
            out.append(f"<mark>{html.escape(text[first:last])}</mark>")
            at = last
    out.append(html.escape(text[at:end]))
    return "".join(out).strip()


def plain_summary(text: str, length: int = 240) -> str:
    """The beginning of a text, cut at a word or a wide character, for a list."""
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    cut = text[:length]
    space = cut.rfind(" ")
    if space > length - 30 and fold(cut[space:]).isascii():
        cut = cut[:space]
    return cut.rstrip() + "…"
