"""One spelling for every text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_index.folding import Folded, fold, fold_with_offsets

TEXTS = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("臺台灣広廣发發学學ｶﾞﾎﾟがカ한국어éèüßøđŁ’'ʼ Ａ１²½ﬁสวัสดีศึกษา s S es-—。"),
    ),
    max_size=60,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("臺東", "台东"),
        ("沢田 発展 広島", "澤田 發展 廣島"),
        ("国际教育", "國際教育"),
        ("ＡＢＣ１２３", "abc123"),
        ("ﾎｰﾑｽﾃｲ", "ホームステイ"),
        ("ｶﾞ", "ガ"),
        ("Schüleraustausch", "schuleraustausch"),
        ("sister-schools", "Sister School"),
        ("girls' school", "girl schools"),
        ("l’école d'été", "ecole été"),
        ("Đài Loan", "dai loan"),
        ("studies", "study"),
        ("e\u0301le\u0300ve", "élève"),
        ("か\u3099", "が"),
    ],
)
def test_two_spellings_of_one_word_are_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("国", "国家"), ("bus", "bu"), ("が", "か"), ("news", "newer"), ("glass", "glas"), ("ไต้", "ไต")]
)
def test_two_words_stay_two(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(TEXTS)
def test_what_is_folded_stays_as_it_is(text: str) -> None:
    once = fold(text)

    assert once == once.strip()
    assert "  " not in once
    assert fold(once).replace(" ", "") == fold(fold(once)).replace(" ", "")


@given(TEXTS)
def test_the_fold_with_the_way_back_is_the_same_fold(text: str) -> None:
    folded = fold_with_offsets(text)

    assert folded.text == fold(unicodedata.normalize("NFC", text))
    assert len(_places(folded)) == len(folded.text.replace(" ", ""))


@given(TEXTS)
def test_every_letter_points_into_the_original(text: str) -> None:
    folded = fold_with_offsets(text)

    places = _places(folded)
    assert all(0 <= start < end <= len(folded.original) for start, end in places)
    assert [start for start, _ in places] == sorted(start for start, _ in places)


def _places(folded: Folded) -> list[tuple[int, int]]:
    """Where each letter stood."""
    return [folded.span(at, at + 1) for at, letter in enumerate(folded.text) if letter != " "]


def test_a_plural_points_at_the_whole_word() -> None:
    folded = fold_with_offsets("Our Studies, please")

    at = folded.text.index("study")
    assert folded.slice(at, at + len("study")) == "Studies"
