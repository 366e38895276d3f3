"""Finds in many texts what speaks of a few codes, much sooner than reading all of each text would.

The forms that can mean one of the codes are looked for in one walk through a text without its spaces, since a compound
may be written as two words. Whether a form counts where it stands, and whether it is not a piece of a longer one, only
the lexicon can tell; it reads the words around the place, and nothing else.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

import ahocorasick

from search_index.folding import is_wide
from search_index.lexicon import COMPOUNDING, Lexicon


class Finder:
    """Finds what `Lexicon.scan` finds, as far as it speaks of some codes or of something narrower."""

    def __init__(self, lexicon: Lexicon, codes: frozenset[str]) -> None:
        self._lexicon = lexicon
        self._codes = codes
        self._forms = ahocorasick.Automaton(ahocorasick.STORE_INTS)
        for form in lexicon.forms_of(codes):
            letters = form.replace(" ", "")
            self._forms.add_word(letters, len(letters))
        self._forms.make_automaton()

    def find(self, text: str, language: str | None) -> Iterator[tuple[int, int]]:
        """Start and end of each place where a folded text speaks of one of the codes, from left to right.

        language: of the text, by its first subtag.
        """
        if not len(self._forms):
            return
        words = text.split(" ")
        heads = list(accumulate(map(len, words), initial=0))  # where each word begins among the letters
        for first, after in _stretches(self._candidates("".join(words), heads, language), self._lexicon.longest_reach):
            offset = heads[first] + first
            for match in self._lexicon.scan(" ".join(words[first:after]), language):
                if self._codes & self._lexicon.expanded(match.senses):
                    yield match.start + offset, match.end + offset

    def _candidates(self, letters: str, heads: Sequence[int], language: str | None) -> list[int]:
        """The words in which a form may begin, in their order; in German and where the language is not known also
        those that end with one."""
        anywhere = language in COMPOUNDING
        begins = frozenset(heads)
        found: set[int] = set()
        for last, length in self._forms.iter(letters):
            start = last + 1 - length
            if anywhere or start in begins or is_wide(letters[start]) or is_wide(letters[start - 1]):
                found.add(bisect_right(heads, start) - 1)
        return sorted(found)


def _stretches(candidates: Sequence[int], around: int) -> Iterator[tuple[int, int]]:
    """The words to read, from one up to another, so that each candidate has its surroundings; none is read twice.

    around: how many words on each side a form that begins there, or began before, may reach over.
    """
    first = after = 0
    for word in candidates:
        if not after or word - around > after:
            if after:
                yield first, after
            first = max(0, word - around)
        after = word + around + 1
    if after:
        yield first, after
