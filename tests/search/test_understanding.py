"""How a query is read."""

import pytest

from search_index.lexicon import Lexicon
from search_index.understanding import LENGTH_USED, UNITS_USED, Plan, understand


def read(lexicon: Lexicon, text: str, language: str | None = None) -> list[tuple[str, tuple[str, ...]]]:
    return [(unit.text, unit.codes) for unit in understand(text, lexicon, language=language).units]


def test_words_become_codes_and_keep_how_they_were_typed(lexicon: Lexicon) -> None:
    assert read(lexicon, "日本の高校 オンライン交流") == [
        ("日本", ("country:JP",)),
        ("高校", ("level:senior_high",)),
        ("オンライン交流", ("type:online_exchange",)),
    ]


def test_words_that_say_nothing_here_are_left_out(lexicon: Lexicon) -> None:
    assert read(lexicon, "We are looking for a partner school for robotics") == [("robotics", ("v:robotics",))]
    assert [text for text, _ in read(lexicon, "想找機器人學校交流")] == ["機器人"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("friendship", ["friendship"]),
        ("想找學校交流", ["想找", "學校", "交流"]),
        ("We are looking for a school", ["looking", "school"]),
        ("米の学校", ["米"]),
        ("a", ["a"]),
        ("あ", ["あ"]),
    ],
)
def test_where_nothing_else_was_typed_the_words_are_taken_as_they_are(
    lexicon: Lexicon, text: str, words: list[str]
) -> None:
    assert read(lexicon, text) == [(word, ()) for word in words]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("森の中で学ぶ", "v:forest"),
        ("森の学校", "v:forest"),
        ("山の学校", "v:mountain"),
        ("雪 の 学校", "v:snow"),
        ("きれいな海", "v:ocean"),
    ],
)
def test_a_single_character_between_kana_counts_if_it_is_known(lexicon: Lexicon, text: str, code: str) -> None:
    assert [codes for _, codes in read(lexicon, text)] == [(code,)]


def test_a_single_character_that_begins_another_word_does_not(lexicon: Lexicon) -> None:
    assert all(codes != ("v:forest",) for _, codes in read(lexicon, "森田さんの茶碗"))


def test_what_is_glued_to_a_known_word_of_hangul_may_begin_with_another(lexicon: Lexicon) -> None:
    assert read(lexicon, "자전거여행대만동해안") == [
        ("자전거여행", ("v:cycling",)),
        ("대만", ("country:TW",)),
        ("동해안", ()),
    ]
    assert read(lexicon, "서핑인도적") == [("서핑", ("v:surfing",))]


def test_abroad_is_a_wish_and_all_there_is_only_alone(lexicon: Lexicon) -> None:
    for text in ("國外原住民學校", "國外學校 原住民", "海外的原住民"):
        plan = understand(text, lexicon, language="zh")
        assert set(plan.codes) == {"side:overseas", "v:indigenous"}
        assert [plan.units[at].codes for (at,) in plan.needed] == [("v:indigenous",)]
        assert [plan.units[at].codes for (at,) in plan.wished] == [("side:overseas",)]
    alone = understand("國外", lexicon)
    assert (alone.codes, alone.needed, alone.wished) == (("side:overseas",), ((0,),), ())


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("英語週 不說中文 機器人", "zh"),
        ("no Chinese please, robots", "zh"),
        ("日本語なし ロボット", "ja"),
        ("영어 없이 로봇", "en"),
    ],
)
def test_a_language_that_is_refused_is_no_wish_for_it(lexicon: Lexicon, text: str, refused: str) -> None:
    said = understand(text, lexicon).codes

    assert "v:robotics" in said
    assert f"language:{refused}" not in said


def test_a_word_that_ends_like_a_refusal_is_none(lexicon: Lexicon) -> None:
    assert "language:ja" in understand("casino Japanese", lexicon).codes


def test_a_short_vietnamese_word_has_the_marks_it_was_typed_with_or_none(lexicon: Lexicon) -> None:
    assert "v:dance" in understand("nhóm múa", lexicon).codes
    assert "v:dance" in understand("mua", lexicon).codes
    assert "v:dance" not in understand("mùa trung học", lexicon).codes


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("fermented", "v:fermentation"),
        ("dancers", "v:dance"),
        ("swimmers", "v:swimming"),
        ("journalist", "v:journalism"),
        ("painted", "v:painting"),
    ],
)
def test_an_english_word_is_understood_by_its_kin(lexicon: Lexicon, text: str, code: str) -> None:
    assert read(lexicon, text, "en") == [(text, (code,))]


@pytest.mark.parametrize("text", ["corner", "customers", "number", "master"])
def test_a_word_that_only_looks_like_kin_is_none(lexicon: Lexicon, text: str) -> None:
    assert read(lexicon, text, "en") == [(text, ())]


def test_abroad_as_seen_from_abroad_is_no_side(lexicon: Lexicon) -> None:
    assert understand("海外の学校 音楽", lexicon).codes == ("v:music",)
    assert understand("해외 학교 음악", lexicon).codes == ("v:music",)


def test_schools_in_taiwan_are_a_place_which_a_post_may_wish_for(lexicon: Lexicon) -> None:
    assert understand("visiting schools in Taiwan", lexicon).codes == ("country:TW",)


def test_a_plain_word_stays_a_word(lexicon: Lexicon) -> None:
    assert read(lexicon, "zorblax") == [("zorblax", ())]
    assert read(lexicon, "飀颺學校") == [("飀颺", ())]


def test_quotes_of_all_kinds_mark_a_phrase(lexicon: Lexicon) -> None:
    for quoted in (
        '"blue whale"',
        "“blue whale”",
        "「blue whale」",
        "『blue whale』",
        "«blue whale»",
        "＂blue whale＂",
    ):
        (unit,) = understand(quoted, lexicon).units
        assert (unit.words, unit.phrase, unit.codes) == ("blue whale", True, ())


@pytest.mark.parametrize("text", ['"', '"" ""', '"unfinished', "((", "*", "?*", "~", "\\", "OR AND NOT", "a", "　"])
def test_signs_are_no_syntax(lexicon: Lexicon, text: str) -> None:
    assert all(not unit.phrase for unit in understand(text, lexicon).units)


def test_only_the_beginning_is_read(lexicon: Lexicon) -> None:
    plan = understand("x" * LENGTH_USED + " robotics", lexicon)

    assert plan.typed == "x" * LENGTH_USED
    assert "v:robotics" not in plan.codes


def test_the_number_of_units_is_bounded(lexicon: Lexicon) -> None:
    words = " ".join(f"q{number}z" for number in range(60))

    assert len(understand(words, lexicon).units) == UNITS_USED


def test_countries_side_by_side_are_alternatives_but_home_and_abroad_a_pair(lexicon: Lexicon) -> None:
    def groups(text: str) -> list[set[str]]:
        plan = understand(text, lexicon)
        return [{plan.units[at].text for at in group} for group in plan.groups]

    assert groups("澳洲 紐西蘭 寄宿家庭") == [{"澳洲", "紐西蘭"}, {"寄宿家庭"}]
    assert groups("Taiwan Japan") == [{"Taiwan"}, {"Japan"}]
    assert groups("English Japanese robots") == [{"English"}, {"Japanese"}, {"robots"}]


def test_the_same_thing_said_twice_counts_once(lexicon: Lexicon) -> None:
    assert len(understand("robotics 機器人 ロボット", lexicon).units) == 1


def test_the_readers_language_decides_where_the_word_is_of_two(lexicon: Lexicon) -> None:
    assert dict(read(lexicon, "中学", "ja"))["中学"] == ("level:junior_high",)
    assert dict(read(lexicon, "中学", "zh"))["中学"] == ("level:secondary",)
    assert set(dict(read(lexicon, "中学"))["中学"]) == {"level:junior_high", "level:secondary"}


def test_endings_are_no_words(lexicon: Lexicon) -> None:
    assert read(lexicon, "서핑하는 고등학교") == [("서핑", ("v:surfing",)), ("고등학교", ("level:senior_high",))]
    assert [text for text, _ in read(lexicon, "平和を学ぶ")] == ["平和"]


def test_a_query_in_kana_is_read_by_its_sound(lexicon: Lexicon) -> None:
    assert [codes for _, codes in read(lexicon, "さどう　おちゃ　こうりゅう")] == [("v:tea_ceremony",), ("v:tea",)]


def test_a_correction_is_read_instead_and_shown(lexicon: Lexicon) -> None:
    plan = understand("Basball camp", lexicon, corrections={"basball": "baseball"})

    assert plan.units[0].codes == ("v:baseball",)
    assert plan.units[0].text == "Basball"
    assert plan.corrected == "baseball camp"
    assert understand("Baseball camp", lexicon).corrected is None


def test_an_empty_query_has_no_units(lexicon: Lexicon) -> None:
    for text in ("", "   ", "!!!", "。、"):
        assert understand(text, lexicon) == Plan(text, None)
