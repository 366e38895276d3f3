"""What a reader's words mean: which of them are codes and concepts, which are plain words, which say nothing.

No syntax of the engine is known here; a query is words and quotes. Only its first 200 characters are read.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from search_index.folding import (
    Folded,
    Places,
    fold,
    fold_with_offsets,
    heads_of,
    is_han,
    is_hangul,
    is_hiragana,
    is_wide,
)
from search_index.lexicon import PARTICLES, Lexicon, Match, Sense, is_side, script_of

LENGTH_USED: Final = 200
UNITS_USED: Final = 24
HOME: Final = "country:TW"
_ABROAD: Final = "side:overseas"
_SEEN_FROM_TAIWAN: Final = (None, "zh", "en")
EITHER: Final = ("country", "county", "level", "month")
"""Two codes of one of these side by side mean either: nobody is in two countries. Home and abroad are a pair."""

_QUOTED: Final = re.compile(r'"([^"]+)"|“([^”]+)”|「([^」]+)」|『([^』]+)』|«([^»]+)»|＂([^＂]+)＂')
_REFUSED: Final = re.compile(r"(?:(?:不[说讲用谈]|禁[说讲]|(?<![a-z])(?:no|without|ohne|kein|keine|sin|sans)) ?)$")
_REFUSED_AFTER: Final = re.compile(r" ?(?:なし|抜き|禁止|ではなく|없이|말고|금지)")
"""What stands before or behind a language that nobody wants to use, such as 不說中文, no Chinese, 日本語なし."""
_ENDING: Final = 2
"""A stretch of Hangul this long after a known form is an ending, not a word."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing a hit should meet.

    text: as it was typed. words: folded. readings: alternatives, each a sum of codes; empty for a plain word.
    phrase: the words must stand side by side.
    """

    text: str
    words: str
    readings: tuple[tuple[str, ...], ...] = ()
    phrase: bool = False

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(code for reading in self.readings for code in reading))

    @property
    def script(self) -> str:
        return script_of(self.words)

    @property
    def correctable(self) -> bool:
        """A plain word of Latin letters may be a slip of the pen."""
        return not self.readings and not self.phrase and self.words.isascii() and self.words.isalpha()


@dataclass(frozen=True, slots=True)
class Plan:
    """A query understood. groups: indices of units of which a hit has to meet one; corrected: the query as it was
    read, where a word was taken for a misspelt one."""

    typed: str
    language: str | None
    units: tuple[Unit, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    corrected: str | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(code for unit in self.units for code in unit.codes))

    @property
    def needed(self) -> tuple[tuple[int, ...], ...]:
        """The groups that make a hit: on which side of the exchange a school is only lifts it, unless that is all."""
        return tuple(group for group in self.groups if not self._is_wish(group)) or self.groups

    @property
    def wished(self) -> tuple[tuple[int, ...], ...]:
        """The groups that only lift a hit."""
        return tuple(group for group in self.groups if group not in self.needed)

    def _is_wish(self, group: tuple[int, ...]) -> bool:
        return all(self.units[at].codes and all(map(is_side, self.units[at].codes)) for at in group)

    def first(self, count: int) -> "Plan":
        """The same query with its first units alone."""
        units = self.units[:count]
        return Plan(self.typed, self.language, units, _groups(units), self.corrected)


def understand(
    text: str, lexicon: Lexicon, *, language: str | None = None, corrections: Mapping[str, str] | None = None
) -> Plan:
    """Read a query.

    language: of the reader, asked only where the words could be of several. corrections: folded Latin words, and what
    to read instead.
    """
    typed = text[:LENGTH_USED]
    phrases = [next(filter(None, match.groups())) for match in _QUOTED.finditer(typed)]
    rest = _QUOTED.sub(" ", typed)
    folded, corrected = _corrected(fold_with_offsets(rest), corrections or {})
    spoken = language_of(folded.text, lexicon, language)
    units = [Unit(phrase, fold(phrase), phrase=True) for phrase in phrases if fold(phrase)]
    units += _units(folded, lexicon, spoken)
    units = units or list(_literally(folded, lexicon, spoken))
    kept = tuple({unit.readings or (unit.words, unit.phrase): unit for unit in reversed(units)}.values())[::-1]
    kept = kept[:UNITS_USED]
    return Plan(typed, spoken, kept, _groups(kept), corrected)


def language_of(folded: str, lexicon: Lexicon, hint: str | None) -> str | None:
    """The language of folded words by their letters, then by which language knows most of them, then by the hint."""
    scripts = {script_of(word) for word in folded.split()}
    for script, language in (("hangul", "ko"), ("kana", "ja"), ("thai", "th")):
        if script in scripts:
            return language
    if "han" in scripts:
        return hint if hint in ("zh", "ja") else None
    return _latin_language(folded.split(), lexicon)


def _latin_language(words: list[str], lexicon: Lexicon) -> str | None:
    votes: dict[str, int] = {}
    for word in words:
        known = {language for sense in lexicon.forms.get(word, ()) for language in sense.languages}
        for language in known:
            votes[language] = votes.get(language, 0) + 1
    if not votes:
        return None
    best = max(votes.values())
    leaders = [language for language, count in votes.items() if count == best]
    return "en" if "en" in leaders else leaders[0] if len(leaders) == 1 else None


def _corrected(folded: Folded, corrections: Mapping[str, str]) -> tuple[Folded, str | None]:
    """The folded query with its misspelt words replaced, each still pointing at what was typed; and how it reads."""
    if not corrections:
        return folded, None
    reads = folded.original
    for match in reversed(list(re.finditer(r"[a-z]+", folded.text))):
        better = corrections.get(match.group())
        if better:
            first, stop = folded.span(*match.span())
            reads = reads[:first] + better + reads[stop:]
    words = [
        _corrected_word(word, folded.places_of(at), corrections)
        for at, word in enumerate(folded.text.split(" "))
        if word
    ]
    text = " ".join(word for word, _ in words)
    heads = heads_of(word for word, _ in words)
    corrected = Folded(text, heads, [places for _, places in words].__getitem__, folded.original)
    return corrected, reads if reads != folded.original else None


def _corrected_word(word: str, places: Places, corrections: Mapping[str, str]) -> tuple[str, Places]:
    """A word with its misspelt stretches replaced, every letter of a better one standing for the whole stretch."""
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in re.finditer(r"[a-z]+|[^a-z]+", word):
        first, stop = match.span()
        better = corrections.get(match.group())
        out.append(better or match.group())
        starts += [places[0][first]] * len(better) if better else places[0][first:stop]
        ends += [places[1][stop - 1]] * len(better) if better else places[1][first:stop]
    return "".join(out), (starts, ends)


def _units(folded: Folded, lexicon: Lexicon, language: str | None) -> Iterator[Unit]:
    at = 0
    for match in lexicon.scan(folded.text, language):
        if language == "vi" and not _is_written(folded, match, lexicon):
            continue
        yield from _left_over(folded, at, match.start, lexicon, language)
        if match.codes and not _is_refused(folded.text, match) and not _is_elsewhere(match, language):
            yield _concept(folded, match.start, match.end, match.senses)
        at = match.end
    yield from _left_over(folded, at, len(folded.text), lexicon, language)


def _is_written(folded: Folded, match: Match, lexicon: Lexicon) -> bool:
    """Whether a Vietnamese word has the marks of the form, or was typed without any, as many do."""
    typed = folded.slice(match.start, match.end)
    return typed.isascii() or lexicon.is_written(folded, match.start, match.end)


def _is_elsewhere(match: Match, language: str | None) -> bool:
    """Whether this is a school abroad as seen from abroad: who asks for one in Japanese may well mean Taiwan."""
    return match.codes == {_ABROAD} and language not in _SEEN_FROM_TAIWAN


def _is_refused(text: str, match: Match) -> bool:
    """Whether this is a language that is named only to say that it is not used."""
    if not any(code.startswith("language:") for code in match.codes):
        return False
    return bool(_REFUSED.search(text, 0, match.start) or _REFUSED_AFTER.match(text, match.end))


def _concept(folded: Folded, start: int, end: int, senses: tuple[Sense, ...]) -> Unit:
    readings = tuple(dict.fromkeys(sense.codes for sense in senses if sense.codes))
    return Unit(folded.slice(start, end), folded.text[start:end], readings)


def _left_over(folded: Folded, start: int, end: int, lexicon: Lexicon, language: str | None) -> Iterator[Unit]:
    """What no form covered between two places, as plain words."""
    for piece in re.finditer(r"\S+", folded.text[start:end]):
        yield from _words(folded, start + piece.start(), start + piece.end(), lexicon, language)


def _words(folded: Folded, start: int, end: int, lexicon: Lexicon, language: str | None) -> Iterator[Unit]:
    word = folded.text[start:end]
    after_known = start > 0 and folded.text[start - 1] != " "
    attached = after_known or (end < len(folded.text) and folded.text[end] != " ")
    if not any(map(is_wide, word)):
        akin = lexicon.by_kin(word) if language in ("en", None) else ()
        if akin:
            yield _concept(folded, start, end, akin)
        elif len(word) > 1 or word.isdigit():
            yield Unit(folded.slice(start, end), word)
        return
    senses = () if attached else lexicon.by_reading(word)
    if senses:
        if any(sense.codes for sense in senses):
            yield _concept(folded, start, end, senses)
    elif all(map(is_hangul, word)):
        yield from _hangul(folded, start, end, lexicon, after_known=after_known)
    else:
        yield from _stretches(folded, start, end, lexicon, language, attached=attached)


def _hangul(folded: Folded, start: int, end: int, lexicon: Lexicon, *, after_known: bool) -> Iterator[Unit]:
    """A word of Hangul; what is glued to a known form may be an ending, or begin with a known form itself."""
    word = folded.text[start:end]
    if not after_known:
        if len(word) > 1:
            yield Unit(folded.slice(start, end), word)
        return
    known = next(lexicon.scan(word, "ko"), None)
    if known is not None and known.start == 0 and len(word) - known.end != 1:
        if known.codes:
            yield _concept(folded, start, start + known.end, known.senses)
        start += known.end
    if end - start > (_ENDING if folded.text[start:end] == word else 1):
        yield Unit(folded.slice(start, end), folded.text[start:end])


def _stretches(
    folded: Folded, start: int, end: int, lexicon: Lexicon, language: str | None, *, attached: bool
) -> Iterator[Unit]:
    """The words of a wide stretch without Japanese endings: hiragana counts only in a word of its own, and a single
    character only where it is a known one."""
    word = folded.text[start:end]
    if not attached and all(map(is_hiragana, word)):
        if len(word) > 1:
            yield Unit(folded.slice(start, end), word)
        return
    alone = not attached and not any(map(is_hiragana, word))
    for piece in re.finditer(r"[^\u3041-\u309f]+", word):
        first, last = start + piece.start(), start + piece.end()
        senses = lexicon.senses_of(piece.group(), language) if _is_noun(folded.text, first, last) else ()
        if senses:
            yield _concept(folded, first, last, senses)
        elif len(piece.group()) > 1 or (alone and is_wide(piece.group())):
            yield Unit(folded.slice(first, last), piece.group())


def _is_noun(text: str, start: int, end: int) -> bool:
    """Whether this is a Han character that is a Japanese word of its own, and not the beginning of a verb."""
    before, after = text[start - 1 : start].strip(), text[end : end + 1].strip()
    return (
        end - start == 1
        and is_han(text[start])
        and (not before or is_hiragana(before))
        and (not after or after in PARTICLES)
    )


def _literally(folded: Folded, lexicon: Lexicon, language: str | None) -> Iterator[Unit]:
    """Everything typed as plain words, where it means nothing to the lexicon; what it takes for empty words only if
    there is nothing else."""
    fillers = [(match.start, match.end) for match in lexicon.scan(folded.text, language)]
    rest = [*_between(folded.text, fillers)]
    places = [place for place in rest if not _is_particle(folded.text[slice(*place)])] or _longer(fillers) or rest
    for start, end in places:
        heavy = re.search(r"[^\u3041-\u309f]+", folded.text[start:end])  # 米 in 米の
        first, last = heavy.span() if heavy else (0, end - start)
        yield Unit(folded.slice(start + first, start + last), folded.text[start + first : start + last])


def _between(text: str, known: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The words, or pieces of words, that lie outside of some places."""
    at = 0
    for start, end in (*known, (len(text), len(text))):
        for piece in re.finditer(r"\S+", text[at:start]):
            yield at + piece.start(), at + piece.end()
        at = end


def _longer(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those of more than three characters if there are any, else those of more than one, else all."""
    for length in (4, 2):
        longer = [(start, end) for start, end in places if end - start >= length]
        if longer:
            return longer
    return places


def _is_particle(piece: str) -> bool:
    return len(piece) <= _ENDING and all(is_hiragana(char) or is_hangul(char) for char in piece)


def _groups(units: tuple[Unit, ...]) -> tuple[tuple[int, ...], ...]:
    """Join units that are alternatives of each other; the others stand alone, in their order."""
    groups: dict[str, list[int]] = {}
    for index, unit in enumerate(units):
        groups.setdefault(_alternative(unit) or f"unit {index}", []).append(index)
    return tuple(tuple(group) for group in groups.values())


def _alternative(unit: Unit) -> str | None:
    if len(unit.readings) != 1 or len(unit.readings[0]) != 1 or unit.readings[0][0] == HOME:
        return None
    namespace = unit.readings[0][0].split(":")[0]
    return namespace if namespace in EITHER else None
