"""What forms mean, and where they stand in a text."""

from dataclasses import replace

import pytest

from search_index.folding import fold, fold_with_offsets
from search_index.lexicon import Lexicon, distance, slips_allowed

INTERFACE = ("zh-Hant", "en", "ja", "ko")


def codes(lexicon: Lexicon, text: str, language: str | None = None) -> set[str]:
    return {code for match in lexicon.scan(fold(text), language) for code in match.codes}


def test_every_code_has_a_name_in_the_four_languages_of_the_service(lexicon: Lexicon) -> None:
    shown = [code for code in lexicon.concepts if code.split(":")[0] in ("v", "level", "type", "county", "language")]

    assert shown
    assert [(code, tag) for code in shown for tag in INTERFACE if not lexicon.concepts[code].labels.get(tag)] == []


def test_wider_and_related_concepts_exist(lexicon: Lexicon) -> None:
    named = {other for concept in lexicon.concepts.values() for other in (*concept.broader, *concept.related)}

    assert named - set(lexicon.concepts) == set()


def test_no_concept_is_wider_than_itself(lexicon: Lexicon) -> None:
    for code, concept in lexicon.concepts.items():
        assert code not in lexicon.expand(concept.broader), code


@pytest.mark.parametrize(
    ("text", "language", "code"),
    [
        ("姊妹校", "zh", "type:sister_school"),
        ("姉妹校を探しています", "ja", "type:sister_school"),
        ("자매학교를 찾습니다", "ko", "type:sister_school"),
        ("Sister schools wanted", "en", "type:sister_school"),
        ("台东的学校", "zh", "county:TTT"),
        ("타이베이 초등학교", "ko", "level:primary"),
        ("韓国の高校", "ja", "country:KR"),
        ("Schüleraustausch mit Taiwan", "de", "type:student_exchange"),
        ("ホストファミリー", "ja", "type:homestay"),
        ("Waldorfschule", "de", "v:waldorf"),
        ("home stay", "en", "type:homestay"),
        ("홈 스테이", "ko", "type:homestay"),
        ("Osaka", "en", "place:JP-27"),
    ],
)
def test_a_form_is_found_in_its_language(lexicon: Lexicon, text: str, language: str, code: str) -> None:
    assert code in codes(lexicon, text, language)


@pytest.mark.parametrize(
    ("text", "language", "code"),
    [
        ("今日本校參觀", "zh", "country:JP"),
        ("タイトルとスタイル", "ja", "country:TH"),
        ("인도적 지원", "ko", "country:IN"),
        ("Diese Art von Tag", "de", "v:art"),
        ("a cathartic party", "en", "v:art"),
        ("国中国文老师", "zh", "country:CN"),
        ("同志のための会", "ja", "v:tea"),
    ],
)
def test_a_piece_of_another_word_is_not_a_form(lexicon: Lexicon, text: str, language: str, code: str) -> None:
    assert code not in codes(lexicon, text, language)


def test_the_longest_form_wins(lexicon: Lexicon) -> None:
    assert codes(lexicon, "日本語", "ja") == {"language:ja"}


def test_a_compound_is_the_sum_of_its_codes(lexicon: Lexicon) -> None:
    (match,) = lexicon.scan(fold("女子高"), "ja")

    assert [set(sense.codes) for sense in match.senses] == [{"composition:girls", "level:senior_high"}]


def test_what_lies_near_is_just_above_or_beside_but_not_half_the_world(lexicon: Lexicon) -> None:
    assert "v:calligraphy" in lexicon.near("v:four_treasures")
    assert set(lexicon.related("v:four_treasures")) <= set(lexicon.near("v:four_treasures"))
    assert "v:sports" in lexicon.concepts["v:badminton"].broader
    assert "v:sports" not in lexicon.near("v:badminton")
    assert lexicon.near("v:no_such") == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Schulgarten", {"v:garden"}),
        ("Partnerchor", {"v:choir"}),
        ("Bienenvölker", {"v:bees"}),
        ("Schachbrett", {"v:chess"}),
        ("unser Schachschwerpunkt", {"v:chess"}),
        ("natürlich", set()),
        ("künstliche", set()),
        ("Interessen", set()),
        ("vorbereiten", set()),
    ],
)
def test_a_long_german_word_says_what_its_known_parts_say(lexicon: Lexicon, text: str, found: set[str]) -> None:
    assert codes(lexicon, text, "de") == found
    assert codes(lexicon, text, "en") == set()


def test_where_the_language_is_not_known_all_parts_of_a_long_word_have_to_be(lexicon: Lexicon) -> None:
    assert codes(lexicon, "Partnerchor") == {"v:choir"}
    assert codes(lexicon, "Schachschwerpunkt") == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Chúng em thích múa", {"v:dance"}),
        ("mùa này", set()),
        ("giáo dục", set()),
        ("hoạ sĩ và hoá chất", set()),
        ("xoè Thái", {"v:traditional_dance", "v:dance"}),
    ],
)
def test_short_vietnamese_words_are_told_apart_by_their_marks(lexicon: Lexicon, text: str, found: set[str]) -> None:
    said = lexicon.mentions_as_written(fold_with_offsets(text))

    assert {"v:dance", "v:flowers", "country:DE", "v:traditional_dance"} & set(said) - found == set()
    assert found <= set(said)


def test_an_ambiguous_word_keeps_both_meanings(lexicon: Lexicon) -> None:
    (match,) = lexicon.scan(fold("German"), "en")

    assert {sense.codes for sense in match.senses} == {("language:de",), ("country:DE",)}


def test_a_county_counts_for_its_country_and_its_part_of_the_island(lexicon: Lexicon) -> None:
    assert lexicon.expand(["county:TTT"]) == {"county:TTT", "area:tw_east", "country:TW"}


def test_a_word_in_kana_is_found_by_its_reading(lexicon: Lexicon) -> None:
    for kana in ("さどう", "おちゃ", "ホームステイ", "ほーむすてい"):
        assert lexicon.by_reading(kana), kana
    assert lexicon.by_reading("さどうぶかつ") == ()


@pytest.mark.parametrize(
    ("typed", "meant"), [("studnet", "student"), ("famly", "family"), ("basball", "baseball"), ("tiawan", "taiwan")]
)
def test_a_slip_finds_the_word(lexicon: Lexicon, typed: str, meant: str) -> None:
    assert meant in lexicon.corrections(typed)


def test_short_words_and_wide_ones_are_taken_as_they_are(lexicon: Lexicon) -> None:
    assert lexicon.corrections("tee") == ()
    assert lexicon.corrections("茶道") == ()
    assert [slips_allowed(word) for word in ("abc", "abcd", "abcdefg", "abcdefgh", "a1b2c3")] == [0, 1, 1, 2, 0]


@pytest.mark.parametrize(
    ("left", "right", "slips"), [("ab", "ba", 1), ("kitten", "sitting", 3), ("same", "same", 0), ("abcd", "abxcd", 1)]
)
def test_neighbours_swapped_count_once(left: str, right: str, slips: int) -> None:
    assert distance(left, right, 5) == slips


def test_completion_goes_on_with_names_in_any_language(lexicon: Lexicon) -> None:
    assert "type:sister_school" in {row.code for row in lexicon.complete("sister")}
    assert "county:TNN" in {row.code for row in lexicon.complete("台南")}
    assert "country:DE" in {row.code for row in lexicon.complete("독일")}
    assert lexicon.complete("  ") == ()


def test_the_version_changes_with_a_word(lexicon: Lexicon) -> None:
    changed = Lexicon({**lexicon.forms, "zorblax": ()}, lexicon.concepts, marks=lexicon.marks)

    assert changed.version != lexicon.version
    same = Lexicon(dict(reversed(lexicon.forms.items())), lexicon.concepts, marks=lexicon.marks)
    assert same.version == lexicon.version
    assert replace(lexicon, marks={**lexicon.marks, "zorb": frozenset({""})}).version != lexicon.version
