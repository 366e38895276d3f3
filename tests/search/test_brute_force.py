"""Totals and counts of every facet against a count by hand, over random documents and random requests."""

import random
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest

from search_index.cluster import Cluster
from search_index.document import FACETS, Document, Period
from search_index.lexicon import Lexicon
from search_index.query import Request
from search_index.reader import Reader
from tests.search.conftest import TODAY, a_document, filled

CODES = {
    "language": ("en", "ja", "ko", "zh"),
    "country": ("TW", "JP", "KR", "DE", "US"),
    "type": ("online_exchange", "homestay", "sister_school"),
    "level": ("primary", "junior_high"),
    "wanted_level": ("primary", "junior_high", "cross_level"),
    "ownership": ("public", "private"),
    "composition": ("girls", "coed"),
    "affiliation": ("bilingual", "religious", "other"),
    "channel": ("general", "educational_travel"),
    "county": ("TPE", "TTT", "KHH"),
    "side": ("domestic", "overseas"),
}
WORDS = ("zorblax", "quondle", "fribnik", "mulvate", "drasgor")
FIRST_DAY = date(2027, 1, 1)


def some(chance: random.Random, codes: tuple[str, ...], most: int = 3) -> tuple[str, ...]:
    return tuple(chance.sample(codes, chance.randint(0, min(most, len(codes)))))


def period(chance: random.Random) -> Period:
    start = FIRST_DAY + timedelta(days=chance.randint(0, 300))
    return Period(start, start + timedelta(days=chance.choice((0, 3, 20, 90))))


def documents(chance: random.Random) -> list[Document]:
    return [
        a_document(
            f"doc-{at:03}",
            " ".join(some(chance, WORDS)) or "nothing",
            " ".join(some(chance, WORDS, 2)),
            visible=chance.random() > 0.1,
            facets={facet: some(chance, codes) for facet, codes in CODES.items()},
            periods=tuple(period(chance) for _ in range(chance.randint(0, 3))),
            students=chance.choice((None, 0, 10, 24, 40, 80)),
            expires_on=TODAY + timedelta(days=chance.randint(-3, 30)),
        )
        for at in range(200)
    ]


def request(chance: random.Random) -> Request:
    facets = {facet: some(chance, (*codes, "nobody")) for facet, codes in CODES.items() if chance.random() < 0.2}
    start = chance.choice((None, None, period(chance).start))
    end = chance.choice((None, None, (start or FIRST_DAY) + timedelta(days=chance.randint(0, 60))))
    return Request(
        today=TODAY,
        text=" ".join(some(chance, WORDS, 2)) if chance.random() < 0.6 else "",
        facets=facets,
        start=start,
        end=end,
        students=chance.choice((None, None, None, 0, 24, 50)),
        sort=chance.choice(("relevance", "newest", "expiring")),
        limit=100,
    )


def is_public(document: Document) -> bool:
    assert document.expires_on is not None
    return document.visible and document.expires_on >= TODAY


def words_met(document: Document, asked: Request) -> int:
    said = {word for text in document.texts for word in f"{text.title} {text.body}".split()}
    return len(said & set(asked.text.split()))


def overlaps(document: Document, asked: Request) -> bool:
    return any(
        (asked.start is None or each.end >= asked.start) and (asked.end is None or each.start <= asked.end)
        for each in document.periods
    )


def passes(document: Document, asked: Request, *, without: str | None = None) -> bool:
    """Whether the document passes every filter but the one named."""
    for facet, codes in asked.facets.items():
        if codes and facet != without and not set(document.facets.get(facet, ())) & set(codes):
            return False
    if (asked.start or asked.end) and not overlaps(document, asked):
        return False
    fits = document.students is not None and asked.students is not None and document.students <= asked.students
    return asked.students is None or without == "students" or fits


@pytest.fixture(scope="module")
def stock() -> list[Document]:
    return documents(random.Random(20261124))


@pytest.fixture(scope="module")
def reader(cluster: Cluster, lexicon: Lexicon, stock: list[Document]) -> Reader:
    return filled(cluster, lexicon, stock)


@pytest.mark.parametrize("seed", range(60))
def test_totals_and_counts_are_those_of_a_count_by_hand(reader: Reader, stock: list[Document], seed: int) -> None:
    asked = request(random.Random(seed))
    found = reader.search(asked)
    wanted = len(set(asked.text.split()))
    met = [each for each in stock if is_public(each) and (not wanted or words_met(each, asked))]
    expected = [each for each in met if passes(each, asked)]
    complete = [each for each in expected if not wanted or words_met(each, asked) == wanted]

    assert found.total == len(expected)
    assert found.total_all == len(complete)
    assert {hit.id for hit in found.hits} == {each.id for each in expected} or found.total > 100
    assert {hit.id for hit in found.hits if hit.meets_all} <= {each.id for each in complete}
    for facet in FACETS:
        others = [each for each in met if passes(each, asked, without=facet)]
        by_hand: Counter[str] = Counter(code for each in others for code in each.facets.get(facet, ()))
        assert {row.code: row.count for row in found.facets[facet] if row.count} == dict(by_hand), facet
        chosen = {row.code for row in found.facets[facet] if row.selected}
        assert chosen == set(asked.facets.get(facet, ())), facet
    relaxed: dict[str, Any] = dict(found.relax)
    for facet in asked.facets:
        total = sum(passes(each, asked, without=facet) for each in met)
        assert relaxed.get(facet) == (total if asked.facets[facet] and total > found.total else None), facet
