"""One spelling for every text: the lexicon, the posts and the queries pass through the same fold.

If one of the three were folded in its own way, a word could be in the lexicon, in the post and in the query and still
never meet itself.  The fold joins full and half width, upper and lower case, accents, English plurals, and the three
ways to write a Han character (traditional, simplified, Japanese); everything but letters and digits becomes one space.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

import opencc

_LATIN_EXTRA: Final = str.maketrans(
    {"đ": "d", "ð": "d", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ß": "ss"}
)
_HALFWIDTH_MARKS: Final = "ﾞﾟ"
_APOSTROPHES: Final = "'’ʼʻ‘`´"
_ACCENTS: Final = re.compile("[\u0300-\u036f]+")
_ELISION: Final = re.compile(r"(?<![^\W_])[cdjlmnst]['](?=[aeiouhy])")


def _mark_ranges() -> str:
    """The combining vowels and tone signs of scripts such as Thai, for a character class: `\\w` leaves them out."""
    marks = [code for code in range(0x0370, 0x10000) if unicodedata.category(chr(code)) in ("Mn", "Mc")]
    return "".join(map(chr, marks))


_WORD: Final = rf"(?:[^\W_]|[{_mark_ranges()}])+"
_WORDS: Final = re.compile(_WORD)
_LATIN_WORD: Final = re.compile(r"[a-z]+")
_LATIN_PLURAL: Final = re.compile(r"[a-z]{3,}s(?![a-z])")
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


def _letters(text: str) -> str:
    """Fold letter by letter; what depends on neighbours comes later."""
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
        text = _ELISION.sub("", text).replace("'", "")
    text = " ".join(_WORDS.findall(text))
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


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text that remembers, for each of its characters, where it stood in the original."""

    text: str
    places: tuple[tuple[int, int], ...]
    original: str

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the original that the folded stretch came from."""
        return self.places[start][0], self.places[end - 1][1]

    def slice(self, start: int, end: int) -> str:
        first, stop = self.span(start, end)
        return self.original[first:stop]


def fold_with_offsets(text: str) -> Folded:
    """`fold`, with the way back to the original; slower, for queries and for what is shown."""
    text = unicodedata.normalize("NFC", text)
    letters, places = _without_apostrophes(*_letters_with_places(text))
    out: list[str] = []
    kept: list[tuple[int, int]] = []
    for match in _WORDS.finditer(letters):
        if out:
            out.append(" ")
            kept.append(places[match.start()])
        _append_word(match.group(), places[match.start() : match.end()], out, kept)
    return Folded("".join(out), tuple(kept), text)


def _append_word(word: str, places: list[tuple[int, int]], out: list[str], kept: list[tuple[int, int]]) -> None:
    """Add a word with its Latin stretches cut to the singular, as `fold` does; the last letter stands for the cut."""
    if not _LATIN_PLURAL.search(word):
        out.append(word)
        kept.extend(places)
        return
    at = 0
    for match in _LATIN_WORD.finditer(word):
        out.extend(word[at : match.start()])
        kept.extend(places[at : match.start()])
        cut = singular(match.group())
        whole = places[match.start() : match.end()]
        out.extend(cut)
        kept.extend(whole[: len(cut) - 1])
        kept.append((whole[len(cut) - 1][0], whole[-1][1]))
        at = match.end()
    out.extend(word[at:])
    kept.extend(places[at:])


def _letters_with_places(text: str) -> tuple[str, list[tuple[int, int]]]:
    if not _MARK.search(text):
        letters = text.translate(_ONE_FOR_ONE)
        if _NOT_ONE not in letters:
            return letters, [(at, at + 1) for at in range(len(text))]
    out: list[str] = []
    places: list[tuple[int, int]] = []
    at = 0
    while at < len(text):
        end = at + 1
        while end < len(text) and (unicodedata.combining(text[end]) or text[end] in _HALFWIDTH_MARKS):
            end += 1
        letters = _letters_of_one(text[at:end])
        out.append(letters)
        places.extend([(at, end)] * len(letters))
        at = end
    return "".join(out), places


def _without_apostrophes(letters: str, places: list[tuple[int, int]]) -> tuple[str, list[tuple[int, int]]]:
    for mark in _APOSTROPHES[1:]:
        letters = letters.replace(mark, "'")
    if "'" not in letters:
        return letters, places
    dropped = {at for match in _ELISION.finditer(letters) for at in range(match.start(), match.end())}
    dropped |= {at for at, char in enumerate(letters) if char == "'"}
    kept = [at for at in range(len(letters)) if at not in dropped]
    return "".join(letters[at] for at in kept), [places[at] for at in kept]
