"""Totals and counts of every facet against a count by hand, over random documents and random requests."""

import random
from collections import Counter
from dataclasses import replace
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
NOBODYS = "wyxprt"
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
        text=" ".join(some(chance, (*WORDS, NOBODYS), 2)) if chance.random() < 0.6 else "",
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


def overlaps(document: Document, start: date | None, end: date | None) -> bool:
    return any((start is None or each.end >= start) and (end is None or each.start <= end) for each in document.periods)


def passes(document: Document, asked: Request, *, without: str | None = None) -> bool:
    """Whether the document passes every filter but the one named."""
    for facet, codes in asked.facets.items():
        if codes and facet != without and not set(document.facets.get(facet, ())) & set(codes):
            return False
    start = None if without == "from" else asked.start
    end = None if without == "to" else asked.end
    if (start or end) and not overlaps(document, start, end):
        return False
    fits = document.students is not None and asked.students is not None and document.students <= asked.students
    return asked.students is None or without == "students" or fits


def narrowed_by(asked: Request) -> set[str]:
    """The parameters that narrow a request."""
    others = {"from": asked.start, "to": asked.end, "students": asked.students}
    return {facet for facet, codes in asked.facets.items() if codes} | {
        name for name, value in others.items() if value is not None
    }


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
    totals = {name: sum(passes(each, asked, without=name) for each in met) for name in narrowed_by(asked)}
    assert dict(found.relax) == {name: total for name, total in totals.items() if total > found.total}
    assert [total for _, total in found.relax] == sorted((total for _, total in found.relax), reverse=True)
    public = {word for each in stock if is_public(each) for text in each.texts for word in text.title.split()}
    public |= {word for each in stock if is_public(each) for text in each.texts for word in text.body.split()}
    assert set(found.unmatched) == set(asked.text.split()) - public


@pytest.mark.parametrize("seed", range(100, 115))
def test_what_loosening_is_said_to_gain_is_what_it_gains(reader: Reader, seed: int) -> None:
    asked = request(random.Random(seed))

    for name, total in reader.search(asked).relax:
        changed: dict[str, Any] = {"from": {"start": None}, "to": {"end": None}, "students": {"students": None}}.get(
            name, {"facets": {facet: codes for facet, codes in asked.facets.items() if facet != name}}
        )
        assert reader.search(replace(asked, **changed)).total == total, name


@pytest.mark.parametrize("seed", range(200, 212))
def test_page_by_page_everything_comes_once_and_in_the_order_of_the_whole_list(reader: Reader, seed: int) -> None:
    asked = replace(request(random.Random(seed)), limit=100, facets={})
    whole, after = [], None
    while True:
        page = reader.search(replace(asked, after=after))
        whole += [(hit.id, hit.meets_all) for hit in page.hits]
        if page.next is None:
            break
        after = page.next
    short: list[tuple[str, bool]] = []
    after = None
    while True:
        page = reader.search(replace(asked, limit=7, after=after))
        assert page.total == len(whole)
        short += [(hit.id, hit.meets_all) for hit in page.hits]
        if page.next is None:
            break
        after = page.next

    assert short == whole
    assert len({key for key, _ in whole}) == len(whole)
    if asked.sort == "relevance":
        assert [meets for _, meets in whole] == sorted((meets for _, meets in whole), reverse=True)
