"""Reading only what lies around the words that matter finds what reading everything finds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_index.finder import Finder
from search_index.folding import fold
from search_index.lexicon import Lexicon

LANGUAGES = st.sampled_from(["zh", "en", "ja", "ko", "de", "vi", None])
BETWEEN = st.sampled_from([" ", "", "の", "와 ", " of the ", ", ", "-", "s "])


def scanned(lexicon: Lexicon, text: str, language: str | None, codes: frozenset[str]) -> list[tuple[int, int]]:
    matches = lexicon.scan(text, language)
    return [(match.start, match.end) for match in matches if codes & lexicon.expanded(match.senses)]


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_it_finds_what_a_scan_of_everything_finds(lexicon: Lexicon, data: st.DataObject) -> None:
    language = data.draw(LANGUAGES)
    form = st.sampled_from(sorted(lexicon.forms))
    pieces = data.draw(st.lists(st.tuples(form, BETWEEN), min_size=1, max_size=40))
    text = fold("".join(part for pair in pieces for part in pair))
    meant = sorted({code for match in lexicon.scan(text, language) for code in lexicon.expanded(match.senses)})
    codes = frozenset(data.draw(st.lists(st.sampled_from(meant or ["v:tea_ceremony"]), min_size=1, max_size=3)))

    assert list(Finder(lexicon, codes).find(text, language)) == scanned(lexicon, text, language, codes)


@pytest.mark.parametrize(
    ("text", "language", "code"),
    [
        ("We offer a home stay to all", "en", "type:homestay"),
        ("로봇 자매 학교를 찾습니다", "ko", "type:sister_school"),
        ("martial arts", "en", "v:martial_arts"),
        ("Unser Partnerchor singt", "de", "v:choir"),
    ],
)
def test_also_what_is_written_as_two_words_or_as_part_of_one(
    lexicon: Lexicon, text: str, language: str, code: str
) -> None:
    found = list(Finder(lexicon, frozenset({code})).find(fold(text), language))

    assert len(found) == 1


def test_a_piece_of_a_longer_form_is_none(lexicon: Lexicon) -> None:
    text = fold("they train in martial arts")

    assert list(Finder(lexicon, frozenset({"v:art"})).find(text, "en")) == []


def test_codes_that_nothing_speaks_of_find_nothing(lexicon: Lexicon) -> None:
    assert list(Finder(lexicon, frozenset({"v:no_such"})).find("tea", "en")) == []
