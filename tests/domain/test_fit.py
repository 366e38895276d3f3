"""Which posts can be one exchange, how well, and that both sides are told the same."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iew.domain.fit import COMPATIBLE, WEIGHTS, Fit, Post, Topic, counterparts_of, fit, possible
from iew.domain.schools import Side

APRIL = (date(2027, 4, 1), date(2027, 4, 30))
LATE_APRIL = (date(2027, 4, 20), date(2027, 5, 20))
JUNE = (date(2027, 6, 1), date(2027, 6, 30))
HERE = Post(
    "here", "TW", "senior_high_general", public=True, county="TNN", exchange_types=frozenset({"online_exchange"})
)
THERE = Post(
    "there", "JP", "senior_high_general", public=True, exchange_types=frozenset({"online_exchange"})
)  # fmt: skip


def a(post: Post, **changes: Any) -> Post:
    """The post with other values; sets are written as lists."""
    return replace(post, **{k: frozenset(v) if isinstance(v, list) else v for k, v in changes.items()})


def types(*codes: str, **more: Any) -> dict[str, Any]:
    """What a post is about."""
    return {"exchange_types": list(codes), **more}


def codes(found: Fit | None) -> list[str]:
    assert found is not None
    return [reason.code for reason in found.reasons]


RULES = [
    ("nothing said", {}, {}, True),
    ("both at home", {}, {"country": "TW", "county": "TPE"}, False),
    ("both abroad", {"country": "KR", "county": None}, {}, False),
    ("ours is not public", {"public": False}, {}, False),
    ("theirs is not public", {}, {"public": False}, False),
    ("a group that comes meets a host", types("inbound_visit"), types("inbound_visit"), True),
    ("a group that comes meets host families", types("homestay"), types("inbound_visit"), True),
    ("educational travel to Taiwan meets a host", types("inbound_visit"), types("educational_travel"), True),
    ("educational travel to Taiwan, host goes abroad", types("outbound_visit"), types("educational_travel"), False),
    ("educational travel from Taiwan meets a host", types("educational_travel"), types("outbound_visit"), True),
    ("educational travel from Taiwan, host comes", types("educational_travel"), types("inbound_visit"), False),
    ("in and out", types("inbound_visit"), types("outbound_visit"), False),
    ("online and a joint class", {}, types("joint_class"), True),
    ("online and a visit", {}, types("inbound_visit"), False),
    ("teachers and pupils", types("teacher_exchange"), types("student_exchange"), False),
    ("one of several types", types("online_exchange", "inbound_visit"), types("inbound_visit"), True),
    ("the country we look for", {"countries": ["JP"]}, {}, True),
    ("another country than we look for", {"countries": ["KR", "DE"]}, {}, False),
    ("they look for Taiwan", {}, {"countries": ["TW"]}, True),
    ("they look for another country", {}, {"countries": ["KR"]}, False),
    ("the county they look for", {}, {"counties": ["TNN", "TPE"]}, True),
    ("another county than they look for", {}, {"counties": ["TPE"]}, False),
    ("a county wished for of a school that says none", {"county": None}, {"counties": ["TPE"]}, False),
    ("a county means nothing abroad", {"counties": ["TPE"]}, {}, True),
    ("the level we look for", {"levels": ["senior_high_general"]}, {}, True),
    ("another level than we look for", {"levels": ["primary"]}, {}, False),
    ("another level than they look for", {}, {"levels": ["primary"]}, False),
    ("a school of several levels", {"levels": ["primary"]}, {"level": "cross_level"}, True),
    ("any level is fine", {"levels": ["cross_level"]}, {"level": "primary"}, True),
    ("days that meet", {"periods": (APRIL,)}, {"periods": (JUNE, LATE_APRIL)}, True),
    ("days that never meet", {"periods": (APRIL,)}, {"periods": (JUNE,)}, False),
    ("days of one side", {"periods": (APRIL,)}, {}, True),
    ("wanted and offered", {"homestay": "wanted"}, {"homestay": "offered"}, True),
    ("wanted, and nothing said", {"homestay": "wanted"}, {}, True),
    ("both want host families", {"homestay": "wanted"}, {"homestay": "wanted"}, False),
    ("nothing but homestay, and nobody hosts", types("homestay", homestay="wanted"), types("homestay"), False),
    ("nothing but homestay, and somebody hosts", types("homestay", homestay="wanted"),
     types("homestay", homestay="offered"), True),
]  # fmt: skip


@pytest.mark.parametrize(("ours", "theirs", "fits"), [row[1:] for row in RULES], ids=[row[0] for row in RULES])
def test_hard_rules_hold_from_either_side(ours: dict[str, Any], theirs: dict[str, Any], fits: bool) -> None:
    here, there = a(HERE, **ours), a(THERE, **theirs)
    assert (possible(here, there), possible(there, here)) == (fits, fits)
    assert (fit(here, there) is not None) is fits


def test_every_type_has_a_counterpart_on_both_sides() -> None:
    for exchange_type in COMPATIBLE:
        assert counterparts_of(frozenset({exchange_type}), Side.DOMESTIC), exchange_type
        assert counterparts_of(frozenset({exchange_type}), Side.OVERSEAS), exchange_type


def test_the_weights_are_shares_of_a_hundred() -> None:
    assert sum(WEIGHTS.values()) == 100


def rich(post: Post) -> Post:
    """A post that says everything."""
    return a(
        post,
        languages=["en", "ja"],
        grades=[10, 11],
        topics=(Topic("Robots", frozenset({"v:robot"})), Topic("Tea", frozenset({"tea"}))),
        periods=(APRIL,),
        students=20,
        countries=["TW", "JP"],
    )


def test_a_pair_that_agrees_in_everything_scores_one_with_all_reasons() -> None:
    found = fit(a(rich(HERE), homestay="offered"), a(rich(THERE), homestay="wanted"))
    assert found is not None and found.score == 1
    assert set(codes(found)) == {
        "shared_language", "same_level", "grades_overlap", "topic_shared", "type_fits", "dates_meet", "group_size",
        "wished_country", "wishes_country", "homestay_fits",
    }  # fmt: skip


def test_what_weighs_most_is_said_first() -> None:
    assert codes(fit(rich(HERE), rich(THERE)))[:2] == ["shared_language", "topic_shared"]


def test_a_topic_on_each_side_says_more_than_what_the_texts_speak_of() -> None:
    tea = (Topic("茶", frozenset({"v:tea", "茶"})),)
    text = frozenset({"v:tea"})
    both, mixed, texts = (
        fit(a(HERE, **ours), a(THERE, **theirs))
        for ours, theirs in (
            ({"topics": tea, "themes": text}, {"topics": tea, "themes": text}),
            ({"topics": tea}, {"themes": text}),
            ({"themes": text}, {"themes": text}),
        )
    )
    assert both is not None and mixed is not None and texts is not None
    assert "theme_shared" not in codes(both) and "topic_shared" in codes(both)
    assert "theme_shared" in codes(mixed)
    assert both.score > mixed.score == texts.score
    nothing = fit(HERE, THERE)
    assert nothing is not None and texts.score > nothing.score


SPEAKS = [
    ("shared_language", {"languages": ["en", "zh"]}, {"languages": ["en", "ja"]}, ("en",)),
    ("near_level", {}, {"level": "senior_high_technical"}, ("senior_high_technical",)),
    ("grades_overlap", {"grades": [9, 10]}, {"grades": [10, 11]}, (10,)),
    ("topic_shared", {"topics": (Topic("機器人", frozenset({"v:robot", "機器人"})),)},
     {"topics": (Topic("Robots", frozenset({"v:robot", "robots"})), Topic("Tea", frozenset({"tea"})))}, ("Robots",)),
    ("theme_shared", {"themes": frozenset({"v:ocean", "v:kites"})}, {"themes": frozenset({"v:tea", "v:ocean"})},
     ("v:ocean",)),
    ("type_fits", {}, types("joint_class", "homestay"), ("joint_class",)),
    ("dates_meet", {"periods": (APRIL,)}, {"periods": (LATE_APRIL,)}, ("2027-04-20", "2027-04-30")),
    ("group_size", {"students": 30}, {"students": 20}, (20,)),
    ("wished_country", {"countries": ["JP"]}, {}, ("JP",)),
    ("wishes_county", {}, {"counties": ["TNN"], "countries": ["TW"]}, ("TNN",)),
    ("homestay_fits", {"homestay": "wanted"}, {"homestay": "offered"}, ("offered",)),
]  # fmt: skip


@pytest.mark.parametrize(("code", "ours", "theirs", "values"), SPEAKS, ids=[row[0] for row in SPEAKS])
def test_a_reason_names_what_it_is_about_and_counts(
    code: str, ours: dict[str, Any], theirs: dict[str, Any], values: tuple[Any, ...]
) -> None:
    poor = a(THERE, level="primary")
    found, without = fit(a(HERE, **ours), a(poor, **theirs)), fit(HERE, poor)
    assert found is not None and without is not None
    assert [reason.values for reason in found.reasons if reason.code == code] == [values]
    if code != "type_fits":
        assert found.score > without.score


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"languages": ["other"]}, {"languages": ["other"]}),
        ({"students": 10}, {"students": 30}),
        ({"students": 0}, {"students": 0}),
    ],
)
def test_what_only_looks_alike_speaks_for_nothing(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert codes(fit(a(HERE, **ours), a(THERE, **theirs))) == ["same_level", "type_fits"]


_types = st.frozensets(st.sampled_from(sorted(COMPATIBLE)), min_size=1)
_codes = st.frozensets(st.sampled_from(["en", "ja", "other"]))
_days = st.sampled_from([APRIL, LATE_APRIL, JUNE])
_topics = st.lists(st.sampled_from(["a", "b", "c"]), unique=True)


@st.composite
def posts(draw: st.DrawFn) -> Post:
    return Post(
        draw(st.sampled_from(["one", "two"])),
        draw(st.sampled_from(["TW", "JP", "KR"])),
        draw(st.sampled_from(["primary", "senior_high_general", "senior_high_technical", "cross_level"])),
        public=draw(st.booleans()),
        county=draw(st.sampled_from([None, "TNN", "TPE"])),
        exchange_types=draw(_types),
        languages=draw(_codes),
        levels=draw(st.frozensets(st.sampled_from(["primary", "senior_high_general", "cross_level"]))),
        grades=draw(st.frozensets(st.integers(1, 4))),
        countries=draw(st.frozensets(st.sampled_from(["TW", "JP"]))),
        counties=draw(st.frozensets(st.sampled_from(["TNN"]))),
        topics=tuple(Topic(each, frozenset({each, "x"})) for each in draw(_topics)),
        periods=tuple(draw(st.lists(_days, unique=True))),
        students=draw(st.none() | st.integers(0, 40)),
        homestay=draw(st.sampled_from(["none", "wanted", "offered"])),
    )


@given(posts(), posts())
def test_both_sides_get_one_score_and_nobody_of_the_own_side(one: Post, other: Post) -> None:
    here, there = fit(one, other), fit(other, one)
    assert (here is None) == (there is None)
    if here is not None and there is not None:
        assert here.score == there.score
        assert 0 <= here.score <= 1
        assert one.side is not other.side and one.public and other.public
        assert all(reason.values for reason in (*here.reasons, *there.reasons))
