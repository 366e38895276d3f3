"""One spelling for every text: the lexicon, the posts and the queries pass through the same fold.

If one of the three were folded in its own way, a word could be in the lexicon, in the post and in the query and still
never meet itself.  The fold joins full and half width, upper and lower case, accents, English plurals, and the three
ways to write a Han character (traditional, simplified, Japanese); everything but letters and digits becomes one space.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate
from typing import Final

import opencc

_LATIN_EXTRA: Final = str.maketrans(
    {"đ": "d", "ð": "d", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ß": "ss"}
)
_HALFWIDTH_MARKS: Final = "ﾞﾟ"
_APOSTROPHES: Final = "'’ʼʻ‘`´"
_ACCENTS: Final = re.compile("[\u0300-\u036f]+")
_DROPPED: Final = re.compile(r"(?<![^\W_])[cdjlmnst]'(?=[aeiouhy])|'")
"""An elided article with its apostrophe, or an apostrophe."""


def _mark_ranges() -> str:
    """The combining vowels and tone signs of scripts such as Thai, for a character class: `\\w` leaves them out."""
    marks = [code for code in range(0x0370, 0x10000) if unicodedata.category(chr(code)) in ("Mn", "Mc")]
    return "".join(map(chr, marks))


_WORD: Final = rf"(?:[^\W_]++|[{_mark_ranges()}]++)++"
_WORDS: Final = re.compile(_WORD)
_LATIN_PLURAL: Final = re.compile(r"(?<![a-z])[a-z]++(?<=[a-z]{3}s)")
_KEPT_S: Final = ("ss", "us", "is", "as", "os")
_HAN_BLOCKS: Final = ((0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FA1F))


WIDE: Final = "\u3400-\u9fff\U00020000-\U0002fa1f々〆〇가-힣ぁ-ゟァ-ヿก-๛"
"""For a character class: the scripts that write words without spaces around each of them (Korean in part)."""


@cache
def _han_table() -> dict[int, str]:
    """Each Han character that has another spelling, with the one spelling used here."""
    to_traditional, to_simplified = opencc.OpenCC("jp2t"), opencc.OpenCC("t2s")
    table: dict[int, str] = {}
    for start, end in _HAN_BLOCKS:
        block = [chr(code) for code in range(start, end + 1)]
        for char in block:
            folded = to_simplified.convert(to_traditional.convert(char))
            if folded != char and len(folded) == 1:
                table[ord(char)] = folded
    return table


def is_han(char: str) -> bool:
    code = ord(char)
    return 0x3400 <= code <= 0x9FFF or 0x20000 <= code <= 0x2FA1F or char in "々〆〇"


def is_hangul(char: str) -> bool:
    return "가" <= char <= "힣"


def is_hiragana(char: str) -> bool:
    return "ぁ" <= char <= "ゟ"


def is_katakana(char: str) -> bool:
    return "ァ" <= char <= "ヿ"


_IS_WIDE: Final = re.compile(f"[{WIDE}]").match


@cache
def is_wide(char: str) -> bool:
    """Whether the character belongs to one of the scripts of `WIDE`."""
    return _IS_WIDE(char) is not None


def to_hiragana(text: str) -> str:
    """Katakana as hiragana, for readings typed in either."""
    return "".join(chr(ord(char) - 0x60) if "ァ" <= char <= "ヶ" else char for char in text)


def fold(text: str) -> str:
    """The folded form of a text: words apart by one space, wide scripts left as they run."""
    return _words(_letters(text))


def marks_of(word: str) -> str:
    """What a word loses in the fold: its accents and tone marks, in a fixed order wherever they are written."""
    letters = unicodedata.normalize("NFD", word.casefold())
    return "".join(sorted(char for char in letters if char == "đ" or _ACCENTS.fullmatch(char)))


def _letters(text: str) -> str:
    """Fold letter by letter; what depends on neighbours comes later."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", text).casefold().translate(_LATIN_EXTRA)
    if not text.isascii():
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", text)))
        text = text.translate(_han_table())
    return text


@lru_cache(maxsize=1 << 15)
def _letters_of_one(char: str) -> str:
    """The fold of one character with its marks; texts are made of few different ones."""
    return _letters(char)


def _words(text: str) -> str:
    for mark in _APOSTROPHES[1:]:
        text = text.replace(mark, "'")
    if "'" in text:
        text = _DROPPED.sub("", text)
    return _in_singular(" ".join(_WORDS.findall(text)))


def _in_singular(text: str) -> str:
    """A text with its Latin words cut to the singular."""
    return _LATIN_PLURAL.sub(lambda match: singular(match.group()), text)


def singular(word: str) -> str:
    """A Latin word without its plural ending, cut the same way in every language, so both sides lose the same."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(_KEPT_S):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "ches", "shes", "xes", "zes")):
        return word[:-2]
    return word[:-1]


class _OneForOne(dict[int, str]):
    """For `str.translate`: the fold of single characters; `_NOT_ONE` for those that become several, or none."""

    def __missing__(self, code: int) -> str:
        letters = _letters(chr(code))
        self[code] = letters if len(letters) == 1 else _NOT_ONE
        return self[code]


_NOT_ONE: Final = "\ufffe"
_ONE_FOR_ONE: Final = _OneForOne()
_MARK: Final = re.compile(
    f"[{_HALFWIDTH_MARKS}{''.join(chr(code) for code in range(0x10000) if unicodedata.combining(chr(code)))}]"
)
"""A character that belongs to the one before it."""


Places = tuple[Sequence[int], Sequence[int]]
"""Where each of some characters begins, and where it ends, in the text that was folded."""


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text that remembers where its characters stood in the original.

    heads: where each word begins in the text. places_of: of the characters of a word, by its number; worked out for the
    few words that somebody asks for.
    """

    text: str
    heads: Sequence[int]
    places_of: Callable[[int], Places]
    original: str

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the original that the folded stretch came from; it begins and ends with a letter."""
        first, last = bisect_right(self.heads, start) - 1, bisect_right(self.heads, end - 1) - 1
        starts, _ = self.places_of(first)
        _, ends = self.places_of(last)
        return starts[start - self.heads[first]], ends[end - 1 - self.heads[last]]

    def slice(self, start: int, end: int) -> str:
        first, stop = self.span(start, end)
        return self.original[first:stop]


def fold_with_offsets(text: str) -> Folded:
    """`fold`, with the way back to the original, for queries and for what is shown."""
    text = unicodedata.normalize("NFC", text)
    letters, starts, ends = _without_apostrophes(*_letters_with_places(text))
    spans = [match.span() for match in _WORDS.finditer(letters)]
    folded = _in_singular(" ".join([letters[first:stop] for first, stop in spans]))

    def places_of(word: int) -> Places:
        first, stop = spans[word]
        return _cut_places(letters[first:stop], starts[first:stop], ends[first:stop])

    return Folded(folded, heads_of(folded.split(" ")), places_of, text)


def heads_of(words: Iterable[str]) -> list[int]:
    """Where each word begins once they stand one space apart."""
    return list(accumulate((len(word) + 1 for word in words), initial=0))[:-1]


def _cut_places(word: str, starts: Sequence[int], ends: Sequence[int]) -> Places:
    """The places of what `_in_singular` leaves of a word; the last letter it leaves stands for the plural ending."""
    kept_starts: list[int] = []
    kept_ends: list[int] = []
    at = 0
    for plural in _LATIN_PLURAL.finditer(word):
        last = plural.start() + len(singular(plural.group()))
        kept_starts += starts[at:last]
        kept_ends += [*ends[at : last - 1], ends[plural.end() - 1]]
        at = plural.end()
    return [*kept_starts, *starts[at:]], [*kept_ends, *ends[at:]]


def _letters_with_places(text: str) -> tuple[str, Sequence[int], Sequence[int]]:
    """The letters, and where each of them begins and ends in the text."""
    if text.isascii():
        return text.lower(), range(len(text)), range(1, len(text) + 1)
    if not _MARK.search(text):
        letters = text.translate(_ONE_FOR_ONE)
        if _NOT_ONE not in letters:
            return letters, range(len(text)), range(1, len(text) + 1)
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    while at < len(text):
        end = at + 1
        while end < len(text) and (unicodedata.combining(text[end]) or text[end] in _HALFWIDTH_MARKS):
            end += 1
        letters = _letters_of_one(text[at:end])
        out.append(letters)
        starts += [at] * len(letters)
        ends += [end] * len(letters)
        at = end
    return "".join(out), starts, ends


def _without_apostrophes(
    letters: str, starts: Sequence[int], ends: Sequence[int]
) -> tuple[str, Sequence[int], Sequence[int]]:
    for mark in _APOSTROPHES[1:]:
        letters = letters.replace(mark, "'")
    if "'" not in letters:
        return letters, starts, ends
    kept: list[str] = []
    kept_starts: list[int] = []
    kept_ends: list[int] = []
    at = 0
    for match in (*_DROPPED.finditer(letters), None):
        stop = match.start() if match else len(letters)
        kept.append(letters[at:stop])
        kept_starts += starts[at:stop]
        kept_ends += ends[at:stop]
        at = match.end() if match else stop
    return "".join(kept), kept_starts, kept_ends
