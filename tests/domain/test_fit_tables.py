"""A table of scores says of each pair what the rules say of it alone."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iew.domain.fit import ASPECTS, COMPATIBLE, RULES, Post, Topic, fit
from iew.domain.fit_tables import UNITS, scores_of
from iew.domain.pairings import IMPOSSIBLE

TYPES = sorted(COMPATIBLE)
LEVELS = ["primary", "junior_high", "senior_high_general", "senior_high_technical", "cross_level"]
COUNTIES = ["TPE", "TNN"]
days = st.integers(0, 40).map(lambda number: date(2027, 4, 1) + timedelta(days=number))
periods = st.lists(
    st.tuples(days, st.integers(0, 20)).map(lambda found: (found[0], found[0] + timedelta(days=found[1]))), max_size=2
).map(tuple)
topics = st.lists(
    st.sampled_from(["robots", "tea", "haiku"]).map(lambda word: Topic(word, frozenset({word, f"v:{word[0]}"}))),
    max_size=2,
    unique=True,
).map(tuple)


def some(codes: list[Any], least: int = 0, most: int = 2) -> st.SearchStrategy[frozenset[Any]]:
    return st.frozensets(st.sampled_from(codes), min_size=least, max_size=most)


def posts(countries: list[str]) -> st.SearchStrategy[Post]:
    return st.builds(
        Post,
        id=st.just("post"),
        country=st.sampled_from(countries),
        level=st.sampled_from(LEVELS),
        public=st.sampled_from([True, True, True, False]),
        county=st.sampled_from([*COUNTIES, None]) if "TW" in countries else st.none(),
        exchange_types=some(TYPES),
        languages=some(["en", "ja", "other"]),
        levels=some(LEVELS),
        grades=some([9, 10, 11]),
        countries=some(["TW", "JP", "KR"]),
        counties=some(COUNTIES),
        topics=topics,
        periods=periods,
        students=st.sampled_from([None, 0, 20, 30, 90]),
        homestay=st.sampled_from(["none", "wanted", "offered"]),
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(posts(["TW"]), min_size=1, max_size=6), st.lists(posts(["JP", "KR"]), min_size=1, max_size=6))
def test_the_table_says_what_the_rules_say_of_each_pair(here: list[Post], abroad: list[Post]) -> None:
    scores = scores_of(here, abroad)
    for row, post in enumerate(here):
        for column, other in enumerate(abroad):
            alone = fit(post, other)
            assert scores[row, column] == (IMPOSSIBLE if alone is None else round(alone.score * UNITS))


def test_posts_on_the_wrong_side_fit_nothing() -> None:
    here = Post("here", "TW", "primary", public=True, exchange_types=frozenset({"joint_class"}))
    there = Post("there", "JP", "primary", public=True, exchange_types=frozenset({"joint_class"}))
    assert scores_of([here], [there])[0, 0] > 0
    assert scores_of([there], [here])[0, 0] == IMPOSSIBLE


@pytest.mark.parametrize("sides", [(0, 3), (3, 0), (0, 0)])
def test_an_empty_side_makes_an_empty_table(sides: tuple[int, int]) -> None:
    post = Post("here", "TW", "primary", public=True)
    assert scores_of([post] * sides[0], [post] * sides[1]).shape == sides


@dataclass
class Watched:
    """A post that notes what is read of it."""

    post: Post
    read: set[str]

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return getattr(self.post, name)


RICH = Post(
    "rich", "TW", "primary", public=True, county="TNN", exchange_types=frozenset({"homestay"}),
    languages=frozenset({"en"}), levels=frozenset({"primary"}), grades=frozenset({5}), countries=frozenset({"JP"}),
    counties=frozenset({"TNN"}), topics=(Topic("tea", frozenset({"tea"})),),
    periods=((date(2027, 4, 1), date(2027, 4, 2)),), students=20, homestay="offered",
)  # fmt: skip
THERE = Post(
    "there", "JP", "primary", public=True, exchange_types=frozenset({"homestay"}), languages=frozenset({"en"}),
    levels=frozenset({"primary"}), grades=frozenset({5}), countries=frozenset({"TW"}), counties=frozenset({"TNN"}),
    topics=(Topic("tea", frozenset({"tea"})),), periods=((date(2027, 4, 1), date(2027, 4, 2)),), students=20,
    homestay="wanted",
)  # fmt: skip


@pytest.mark.parametrize(
    ("reads", "decide"),
    [*((aspect.reads, aspect.measure) for aspect in ASPECTS.values()), *((rule.reads, rule.holds) for rule in RULES)],
)
def test_a_rule_looks_at_nothing_that_it_does_not_name(
    reads: Callable[[Any], object], decide: Callable[[Any, Any], object]
) -> None:
    """Posts that agree in what a rule names share its answer; so it must name all it looks at."""
    one, other = Watched(RICH, set()), Watched(THERE, set())
    decide(one, other)
    looked_at = (one.read | other.read) & ({field.name for field in fields(Post)} | {"side"})
    named = Watched(RICH, set())
    reads(named)
    known = named.read | ({"side"} if "country" in named.read else set())
    assert looked_at <= known
