"""Which words stand for which codes and concepts, in every language the service meets.

A post written in Japanese and a query typed in Chinese share no letters; they meet because both say `country:JP` or
`v:tea_ceremony`. The lexicon finds such forms in a text (longest first), says what they mean, corrects misspelt ones,
and completes words while they are typed. It holds no words of its own: `wordlists` reads them from tables.
"""

import hashlib
import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Final

import ahocorasick

from search_index.folding import (
    WIDE,
    Folded,
    fold,
    is_han,
    is_hangul,
    is_hiragana,
    is_katakana,
    is_wide,
    marks_of,
    to_hiragana,
)

_LATIN: Final = re.compile(rf"[^ {WIDE}]+")
PARTICLES: Final = frozenset("をにでのはがとへもや")
_SHORT_KATAKANA: Final = 3
_SHORT_HANGUL: Final = 2
_SHARED_ENGLISH: Final = 6
"""From this length on an English word is taken for English inside German, French … text too."""
COMPOUNDING: Final = frozenset({None, "de"})
"""Languages of texts in which a word may be made of known ones."""
_GERMAN: Final = frozenset({"de"})
_LONG_WORD: Final = re.compile(r"(?<![^ ])[a-z]{9,}(?![^ ])")
_SHORTEST_PART: Final = 4
_SHORTEST_BESIDE: Final = 5
"""A part of a German compound has that many letters at least; one beside a part that nobody knows has some more."""
_LINKS: Final = ("", "s", "n", "en", "es", "e")
_DERIVED: Final = ("lich", "isch", "ungen", "heit", "keit", "barkeit", "ierung", "ierend", "losigkeit")
"""What makes an adjective or an abstract noun of a word: künstlich is no art."""
_WIDE_LANGUAGES: Final = frozenset({"zh", "ja", "ko", "th"})
_SHORTEST_JOINED: Final = 6
_NARROW: Final = 15
"""A topic with more topics just below it says too little: who asks for badminton is not looking for any sport."""
_SHORTEST_FOREIGN: Final = 4
"""A shorter Latin word is taken for a foreign one only where the language is known."""
_SERVICE_LANGUAGES: Final = frozenset({"zh-Hant", "en", "ja", "ko"})
_KIN: Final[Mapping[str, tuple[str, ...]]] = {
    "er": ("ing",),
    "ed": ("ing", "ation", "ion"),
    "ist": ("ing", "y", "ism", ""),
}
"""By the ending of an English word: the endings of kin that may be known, as dancing where dancers are asked for."""
_SHORTEST_STEM: Final = 4
_PLACES: Final = frozenset({"place", "area", "month"})


def is_topic(code: str) -> bool:
    """Whether a code stands for something that texts speak of, and not for what a document is."""
    return code.startswith("v:")


def is_side(code: str) -> bool:
    """Whether a code stands for one side of the exchange: Taiwan, or the world."""
    return code.startswith("side:")


@dataclass(frozen=True, slots=True)
class Sense:
    """One meaning of a form: the sum of `codes` (none for a word that says nothing here), in these languages."""

    codes: tuple[str, ...]
    languages: frozenset[str]


@dataclass(frozen=True, slots=True)
class Concept:
    """A code with its names: `labels` by language, the wider codes it is counted under, and its neighbours."""

    code: str
    labels: Mapping[str, str]
    broader: tuple[str, ...] = ()
    related: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """A form found in a folded text, from `start` up to `end`; several senses mean that it is ambiguous."""

    start: int
    end: int
    senses: tuple[Sense, ...]

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(code for sense in self.senses for code in sense.codes)


@dataclass(frozen=True, slots=True)
class Completion:
    """A name that begins with what was typed, and the code it stands for."""

    code: str
    text: str


@dataclass(frozen=True)
class Lexicon:
    """Folded forms with their senses; concepts by code; hiragana readings of forms, for queries typed in kana; and the
    marks that short Vietnamese forms lost in the fold."""

    forms: Mapping[str, tuple[Sense, ...]]
    concepts: Mapping[str, Concept]
    readings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    marks: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def version(self) -> str:
        """A digest of everything in here: an index built with another one has to be built anew."""
        digest = hashlib.sha256()
        for form in sorted(self.forms):
            senses = sorted((sense.codes, sorted(sense.languages)) for sense in self.forms[form])
            digest.update(repr((form, senses)).encode())
        for code in sorted(self.concepts):
            concept = self.concepts[code]
            digest.update(repr((code, concept.broader, concept.related)).encode())
        digest.update(repr(sorted((form, sorted(marks)) for form, marks in self.marks.items())).encode())
        return digest.hexdigest()[:12]

    def expand(self, codes: Iterable[str]) -> frozenset[str]:
        """The codes with everything wider that they are counted under."""
        found: set[str] = set()
        waiting = list(codes)
        while waiting:
            code = waiting.pop()
            if code not in found:
                found.add(code)
                concept = self.concepts.get(code)
                waiting.extend(concept.broader if concept else ())
        return frozenset(found)

    def related(self, code: str) -> tuple[str, ...]:
        concept = self.concepts.get(code)
        return concept.related if concept else ()

    def near(self, code: str) -> tuple[str, ...]:
        """What a post may speak of instead of the code itself: the topics just above it, unless they hold half the
        world, and its neighbours."""
        concept = self.concepts.get(code)
        if concept is None:
            return ()
        wider = (other for other in concept.broader if is_topic(other) and len(self._narrower[other]) <= _NARROW)
        return tuple(dict.fromkeys((*wider, *concept.related)))

    def label(self, code: str, language: str) -> str:
        """The name of a code in the language, else in English, else the code."""
        concept = self.concepts.get(code)
        if concept is None:
            return code
        return concept.labels.get(language) or concept.labels.get("en") or code

    # finding forms in a text

    def scan(self, text: str, language: str | None) -> Iterator[Match]:
        """The known forms of a folded text from left to right, the longest at each place.

        language: of the text, by its first subtag; None where it is not known.
        """
        return (Match(start, end, senses) for start, end, senses in self._found_in(text, language))

    def mentions(self, text: str, language: str | None) -> Counter[str]:
        """How often a folded text speaks of each code, wider codes included."""
        found: Counter[str] = Counter()
        for _start, _end, senses in self._found_in(text, language):
            found.update(self.expanded(senses))
        return found

    def mentions_as_written(self, folded: Folded) -> Counter[str]:
        """As `mentions`, of a Vietnamese text, whose short words are told apart by their marks alone."""
        found: Counter[str] = Counter()
        for start, end, senses in self._found_in(folded.text, "vi"):
            if self.is_written(folded, start, end):
                found.update(self.expanded(senses))
        return found

    def is_written(self, folded: Folded, start: int, end: int) -> bool:
        """Whether a stretch of Vietnamese has the marks of the form that it folds to: múa is a dance, mùa a season."""
        known = self.marks.get(folded.text[start:end])
        return known is None or marks_of(folded.slice(start, end)) in known

    def _found_in(self, text: str, language: str | None) -> Iterator[tuple[int, int, tuple[Sense, ...]]]:
        """What `scan` finds, without the names: every post passes through here."""
        lengths = self._lengths_in(text)
        pairs = self._pairs_in(text)
        compounds = self._compounds_in(text, language) if language in COMPOUNDING else {}
        reached = 0
        for start in sorted(lengths | pairs | compounds):
            if start >= reached:
                found = self._found_at(text, start, lengths.get(start, ()), pairs.get(start), language)
                found = found or compounds.get(start)
                if found is not None:
                    reached, senses = found
                    yield start, reached, senses

    def _lengths_in(self, text: str) -> dict[int, list[int]]:
        """Where forms that stand alone begin, with their lengths, shortest first."""
        found: dict[int, list[int]] = {}
        for last, length in () if text.isascii() else self._wide_forms.iter(text):
            start = last + 1 - abs(length)
            if length > 0 or _stands_alone(text, start, last + 1):
                found.setdefault(start, []).append(abs(length))
        latin, forms = self._latin_forms, self.forms
        for token in _LATIN.finditer(text):
            start, end = token.span()
            known = latin.get(token.group(), ())
            if end < len(text) and text[end] != " ":
                known += latin.get(text[start : end + 1], ())
            if end + 1 < len(text):
                known += latin.get(text[start : end + 2], ())
            if known:
                lengths = [n for n in known if text[start : start + n] in forms and _ends_word(text, start + n)]
                if lengths:
                    found[start] = lengths
        return found

    def _pairs_in(self, text: str) -> dict[int, int]:
        """Where two words begin that the tables know as one: the place, and where the first of them ends."""
        found: dict[int, int] = {}
        start = 0
        beginnings, forms = self._beginnings, self.forms
        for first, second in pairwise(text.split(" ")):
            if first in beginnings or (first + second in forms and not is_wide(first[0])):
                found[start] = start + len(first)
            start += len(first) + 1
        return found

    def _compounds_in(self, text: str, language: str | None) -> dict[int, tuple[int, tuple[Sense, ...]]]:
        """German words that are made of known ones: where each begins, where it ends, and what it says.

        Where the language is not known, only those of which every part is known.
        """
        found: dict[int, tuple[int, tuple[Sense, ...]]] = {}
        for word in _LONG_WORD.finditer(text):
            senses, complete = self._compound(word.group())
            if senses and (complete or language):
                found[word.start()] = (word.end(), senses)
        return found

    @cached_property
    def _compound(self) -> Callable[[str], tuple[tuple[Sense, ...], bool]]:
        return lru_cache(maxsize=1 << 14)(self._read_compound)

    def _read_compound(self, word: str) -> tuple[tuple[Sense, ...], bool]:
        """What the parts of a long German word say, and whether all of it is known: Schulgarten, or Schachbrett, of
        which the beginning is."""
        for middle in range(len(word) - _SHORTEST_PART, _SHORTEST_PART - 1, -1):
            head, rest = self._german(word[:middle]) or self._german_filler(word[:middle] + "e"), word[middle:]
            tail = head and next(filter(None, (self._german(rest.removeprefix(link)) for link in _LINKS)), ())
            if tail:
                codes = tuple(dict.fromkeys(code for sense in (*head[:1], *tail[:1]) for code in sense.codes))
                return ((Sense(codes, _GERMAN),) if codes else ()), True
        for middle in range(len(word) - _SHORTEST_BESIDE, _SHORTEST_BESIDE - 1, -1):
            head = self._german(word[:middle])
            if head:
                said = tuple(sense for sense in head if sense.codes)
                return (() if word[middle:].startswith(_DERIVED) else said), False
        return (), False

    def _german(self, form: str) -> tuple[Sense, ...]:
        if len(form) < _SHORTEST_PART:
            return ()
        return tuple(sense for sense in self.forms.get(form, ()) if "de" in sense.languages)

    def _german_filler(self, form: str) -> tuple[Sense, ...]:
        return tuple(sense for sense in self._german(form) if not sense.codes)

    def _found_at(
        self, text: str, at: int, lengths: Sequence[int], middle: int | None, language: str | None
    ) -> tuple[int, tuple[Sense, ...]] | None:
        """Where the longest form ends that begins here, and its senses. middle: where the first of two words ends
        that may be one."""
        wide = middle is not None and is_wide(text[at])
        if middle is not None and wide:
            spaced = self._spaced_at(text, at, middle, language)
            if spaced is not None:
                return spaced
        for length in reversed(lengths):
            chosen = self._in_language(text[at : at + length], language)
            if chosen:
                return at + length, chosen
        return self._joined_at(text, at, middle, language) if middle is not None and not wide else None

    def _joined_at(self, text: str, at: int, middle: int, language: str | None) -> tuple[int, tuple[Sense, ...]] | None:
        """Two Latin words that the tables know as one, such as `home stay`."""
        end = text.find(" ", middle + 1)
        end = len(text) if end < 0 else end
        form = text[at:middle] + text[middle + 1 : end]
        if len(form) < _SHORTEST_JOINED or form not in self.forms:
            return None
        chosen = self._in_language(form, language)
        return (end, chosen) if chosen else None

    def _spaced_at(self, text: str, at: int, middle: int, language: str | None) -> tuple[int, tuple[Sense, ...]] | None:
        """A Korean compound written as two words, such as `자매 학교`, from the first word's beginning."""
        end = text.find(" ", middle + 1)
        first, second = text[at:middle], text[middle + 1 : end if end >= 0 else len(text)]
        for length in range(len(second), 1, -1):
            form = first + second[:length]
            if form in self.forms and all(map(is_hangul, form)):
                chosen = self._in_language(form, language)
                return (middle + 1 + length, chosen) if chosen else None
        return None

    def _in_language(self, form: str, language: str | None) -> tuple[Sense, ...]:
        known = self._chosen[language]
        chosen = known.get(form)
        if chosen is None:
            chosen = known[form] = _in_language(form, self.forms[form], language)
        return chosen

    def expanded(self, senses: tuple[Sense, ...]) -> frozenset[str]:
        """The codes of senses that `scan` came upon, with all wider ones."""
        expanded = self._wider.get(id(senses))
        if expanded is None:
            codes = self.expand(code for sense in senses for code in sense.codes)
            expanded = self._wider[id(senses)] = (codes, senses)  # held, so that its id stays its own
        return expanded[0]

    def forms_of(self, codes: Iterable[str]) -> frozenset[str]:
        """The forms that can speak of one of these codes, or of something narrower."""
        found: set[str] = set()
        narrowed: set[str] = set()
        waiting = list(codes)
        while waiting:
            code = waiting.pop()
            if code not in narrowed:
                narrowed.add(code)
                found.update(self._forms_by_code.get(code, ()))
                waiting.extend(self._narrower.get(code, ()))
        return frozenset(found)

    @cached_property
    def longest_reach(self) -> int:
        """How many words beyond the one where it begins a form can reach."""
        return 1 + max((form.count(" ") for form in self.forms), default=0)  # any two words may be read as one

    @cached_property
    def _forms_by_code(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for form, senses in self.forms.items():
            for code in {code for sense in senses for code in sense.codes}:
                found[code].append(form)
        return found

    @cached_property
    def _narrower(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for concept in self.concepts.values():
            for broader in concept.broader:
                found[broader].append(concept.code)
        return found

    @cached_property
    def _chosen(self) -> dict[str | None, dict[str, tuple[Sense, ...]]]:
        """By language and form: the senses that the form can have there, once they were asked for."""
        return defaultdict(dict)

    @cached_property
    def _wider(self) -> dict[int, tuple[frozenset[str], tuple[Sense, ...]]]:
        """By the id of chosen senses: their codes with all wider ones."""
        return {}

    @cached_property
    def _wide_forms(self) -> ahocorasick.Automaton:
        """Finds the forms of scripts without spaces in one walk through a text, by Aho and Corasick; comes with the
        length of each, below zero where it counts only if it stands alone."""
        automaton = ahocorasick.Automaton(ahocorasick.STORE_INTS)
        for form in self.forms:
            if is_wide(form[0]):
                automaton.add_word(form, len(form) if _counts_anywhere(form) else -len(form))
        automaton.make_automaton()
        return automaton

    @cached_property
    def _latin_forms(self) -> Mapping[str, tuple[int, ...]]:
        """By the first word of the other forms, and up to two characters after it: their lengths, shortest first.

        Without the two, a text that says `school` would be asked for all that can follow it.
        """
        lengths: dict[str, set[int]] = defaultdict(set)
        for form in self.forms:
            first = _LATIN.match(form)
            if first is not None:
                lengths[form[: first.end() + 2]].add(len(form))
        return {first: tuple(sorted(found)) for first, found in lengths.items()}

    @cached_property
    def _beginnings(self) -> frozenset[str]:
        """What a Korean compound may begin with that is written as two words."""
        return frozenset(
            form[:length]
            for form in self.forms
            if all(map(is_hangul, form))
            for length in range(_SHORT_HANGUL, len(form) - 1)
        )

    def senses_of(self, form: str, language: str | None) -> tuple[Sense, ...]:
        """The meanings of a whole form in a language; none for a form that nobody knows, or that says nothing."""
        senses = _in_language(form, self.forms.get(form, ()), language)
        return tuple(sense for sense in senses if sense.codes)

    def by_kin(self, word: str) -> tuple[Sense, ...]:
        """The topics of the nearest English form that an unknown word is derived from, or has beside it: `fermented` of
        fermentation, `dancer` of dancing."""
        for form in _kin_of(word):
            senses = tuple(sense for sense in self.forms.get(form, ()) if sense.codes and "en" in sense.languages)
            if senses and all(is_topic(code) for sense in senses for code in sense.codes):
                return senses
        return ()

    def by_reading(self, word: str) -> tuple[Sense, ...]:
        """The senses of a whole word written in kana; also without a polite first syllable."""
        kana = to_hiragana(word)
        if not all(is_hiragana(char) or char == "ー" for char in kana):
            return ()
        for spelling in (kana, kana[1:] if kana[0] in "おご" and len(kana) > 2 else kana):
            forms = self.readings.get(spelling, ())
            if forms:
                return tuple(sense for form in forms for sense in self.forms.get(form, ()))
        return ()

    # spelling

    def corrections(self, word: str, language: str | None = None) -> tuple[str, ...]:
        """Known Latin words that `word` may be a slip of, nearest first; same first letter, at most two slips.

        language: of the words around it; English ones are always known.
        """
        allowed = slips_allowed(word)
        if not allowed:
            return ()
        found: list[tuple[int, str]] = []
        for length in range(len(word) - allowed, len(word) + allowed + 1):
            for candidate, languages in self._latin_words.get((word[0], length), {}).items():
                if languages & {"en", language}:
                    slips = distance(word, candidate, allowed)
                    if slips <= allowed:
                        found.append((slips, candidate))
        return tuple(candidate for _, candidate in sorted(found)[:3])

    def knows_word(self, word: str) -> bool:
        """Whether a Latin word stands in any form that means something."""
        return word in self._latin_words.get((word[:1], len(word)), {})

    @cached_property
    def _latin_words(self) -> Mapping[tuple[str, int], Mapping[str, frozenset[str]]]:
        """By first letter and length: the words of forms that mean something, each with its languages."""
        words: dict[tuple[str, int], dict[str, frozenset[str]]] = defaultdict(dict)
        for form, senses in self.forms.items():
            languages = frozenset(language for sense in senses if sense.codes for language in sense.languages)
            for word in form.split(" ") if languages else ():
                if word.isascii() and word.isalpha() and len(word) > 2:
                    known = words[(word[0], len(word))]
                    known[word] = known.get(word, frozenset()) | languages
        return words

    # completing

    def complete(self, typed: str, *, language: str | None = None, limit: int = 8) -> tuple[Completion, ...]:
        """Concepts one of whose names begins with what was typed, in any language or in kana, one row each.

        language: of the reader; names in it come first, then those in the languages of the service, then all others;
        codes that narrow a search come before places, and these before topics.
        """
        start = fold(typed)
        if not start:
            return ()
        best: dict[str, tuple[tuple[int, bool, int, int, str], str]] = {}
        for name, spoken, code, text in (*_beginning(self._names, start), *_beginning(self._read_names, start)):
            rank = (_foreignness(spoken, language), name != start, _kind(code), len(name), text)
            if code not in best or rank < best[code][0]:
                best[code] = (rank, text)
        return tuple(Completion(code, best[code][1]) for code in sorted(best, key=best.__getitem__)[:limit])

    @cached_property
    def _names(self) -> list[tuple[str, str, str, str]]:
        """Every name folded, its language, its code, and the name as it is written."""
        return sorted(
            {
                (fold(label), language, concept.code, label)
                for concept in self.concepts.values()
                for language, label in concept.labels.items()
                if label
            }
        )

    @cached_property
    def _read_names(self) -> list[tuple[str, str, str, str]]:
        """The Japanese names by their sound."""
        japanese = {folded: (code, text) for folded, language, code, text in self._names if language == "ja"}
        return sorted(
            (kana, "ja", *japanese[form]) for kana, forms in self.readings.items() for form in forms if form in japanese
        )


def _beginning(names: Sequence[tuple[str, str, str, str]], start: str) -> Iterator[tuple[str, str, str, str]]:
    """The names that begin with this, of a sorted list."""
    at = bisect_left(names, (start,))
    while at < len(names) and names[at][0].startswith(start):
        yield names[at]
        at += 1


def _foreignness(spoken: str, language: str | None) -> int:
    if language is not None and spoken.split("-")[0] == language.split("-")[0]:
        return 0
    return 1 if spoken in _SERVICE_LANGUAGES else 2


def _kind(code: str) -> int:
    namespace = code.split(":")[0]
    return 2 if namespace == "v" else 1 if namespace in _PLACES else 0


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether the stretch is a word here, by the rules of its script, and not a piece of a longer one."""
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    first, last = text[start], text[end - 1]
    if not is_wide(first) and before != " " and not is_wide(before):
        return False
    if not is_wide(last) and after != " " and not is_wide(after):
        return False
    return _wide_stands_alone(text[start:end], before, after)


def _ends_word(text: str, end: int) -> bool:
    """Whether a form that ends here, or would beyond the end, is not the beginning of a longer Latin word."""
    if end >= len(text):
        return end == len(text)
    return text[end] == " " or is_wide(text[end]) or is_wide(text[end - 1])


def _counts_anywhere(form: str) -> bool:
    """Whether a wide form is a word whatever stands around it."""
    if len(form) == 1 or not is_wide(form[-1]) or all(map(is_hiragana, form)):
        return False
    if all(map(is_katakana, form)):
        return len(form) > _SHORT_KATAKANA
    return len(form) > _SHORT_HANGUL or not all(map(is_hangul, form))


def _wide_stands_alone(form: str, before: str, after: str) -> bool:
    if len(form) == 1:
        return not (is_wide(form) and (is_wide(before) or is_wide(after)))
    if all(map(is_katakana, form)):
        return len(form) > _SHORT_KATAKANA or not (is_katakana(before) or is_katakana(after))
    if all(map(is_hangul, form)):
        return len(form) > _SHORT_HANGUL or not is_hangul(before)
    if all(map(is_hiragana, form)):
        return not is_hiragana(before) and (not is_hiragana(after) or after in PARTICLES)
    return True


def _in_language(form: str, senses: tuple[Sense, ...], language: str | None) -> tuple[Sense, ...]:
    """The senses that the form can have in a text of this language."""
    if language is None:
        english = tuple(sense for sense in senses if "en" in sense.languages)
        return english or (senses if len(form) >= _SHORTEST_FOREIGN or any(map(is_wide, form)) else ())
    own = tuple(sense for sense in senses if language in sense.languages)
    if own or any(map(is_wide, form)):
        return own or senses
    if language != "en" and (language in _WIDE_LANGUAGES or len(form) >= _SHARED_ENGLISH):
        return tuple(sense for sense in senses if "en" in sense.languages)
    return ()


def _kin_of(word: str) -> Iterator[str]:
    """English words of the same stem. Who does something is sought beside the doing alone: a corner is no corn."""
    for ending, others in _KIN.items():
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _SHORTEST_STEM:
            yield from (stem + other for other in others)


def slips_allowed(word: str) -> int:
    """How many slips a Latin word of this length is forgiven."""
    if not (word.isascii() and word.isalpha()):
        return 0
    return 0 if len(word) < 4 else 1 if len(word) < 8 else 2


def distance(left: str, right: str, limit: int) -> int:
    """Damerau-Levenshtein distance (neighbours swapped count once); more than `limit` comes back as limit + 1."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        earlier, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]


def script_of(word: str) -> str:
    """`han`, `kana`, `hangul`, `thai` or `latin` (everything else), by the letters of the word."""
    if any(map(is_hangul, word)):
        return "hangul"
    if any(is_hiragana(char) or is_katakana(char) for char in word):
        return "kana"
    if any(map(is_han, word)):
        return "han"
    return "thai" if any(map(is_wide, word)) else "latin"
