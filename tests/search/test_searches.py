"""Stored searches: a document meets exactly those that would have found it."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from search_index.cluster import Cluster
from search_index.document import Document, Period, Text
from search_index.lexicon import Lexicon
from search_index.query import Request
from search_index.reader import Reader
from search_index.searches import SearchWriter, StoredSearch
from tests.search.conftest import NOW, TODAY, a_document, asking, filled

WORDS = (
    ("en", "robots and sea turtles", "robotics"),
    ("en", "film club looks for a sister school", "homestay with families"),
    ("ja", "姉妹校を探しています", "ロボット部と英語で交流"),
    ("ko", "자매학교를 찾습니다", "홈스테이 환영"),
    ("zh-Hant", "機器人社找夥伴", "臺南的姊妹校交流"),
)
TYPED = (
    "", "robots", "robotcs", "turtles sea", "sister school", "姊妹校", "자매학교", "Japan", "日本 robots",
    '"film club"', "homestay", "台南", "cloud zzzq", "japanese", "october", "高中", "film clubs",
)  # fmt: skip
COUNTRIES, TYPES, LANGUAGES = ("TW", "JP", "KR"), ("joint_class", "homestay", "sister_school"), ("en", "ja", "zh")


@pytest.fixture
def searches(cluster: Cluster, lexicon: Lexicon) -> Iterator[SearchWriter]:
    writer = SearchWriter(cluster, lexicon)
    writer.drop_everything()
    writer.ensure(now=NOW)
    yield writer
    writer.drop_everything()
    writer.cluster.close()


def some_document(dice: random.Random, number: int) -> Document:
    language, title, body = dice.choice(WORDS)
    start = date(2027, 1, 1) + timedelta(days=dice.randrange(300))
    return a_document(
        f"d{number:03}",
        texts=(Text(language, title, dice.choice((body, "", dice.choice(WORDS)[2]))),),
        keys=(f"E-2026-{number:06}",),
        facets={
            "country": (dice.choice(COUNTRIES),),
            "type": tuple(dice.sample(TYPES, dice.randint(1, 2))),
            "language": tuple(dice.sample(LANGUAGES, dice.randint(1, 2))),
        },
        wished={"country": (dice.choice(COUNTRIES),)},
        periods=(Period(start, start + timedelta(days=dice.choice((5, 60)))),) if dice.random() < 0.7 else (),
        students=dice.choice((None, 0, 12, 40)),
    )


def some_request(dice: random.Random, number: int) -> Request:
    asked: dict[str, Any] = {"text": dice.choice((*TYPED, f"E-2026-{number:06}"))}
    facets = {
        name: tuple(dice.sample(codes, dice.randint(1, 2)))
        for name, codes in (("country", COUNTRIES), ("type", TYPES), ("language", LANGUAGES))
        if dice.random() < 0.3
    }
    if dice.random() < 0.2:
        asked["start"] = date(2027, dice.randint(1, 12), 1)
    if dice.random() < 0.2:
        asked["end"] = date(2027, dice.randint(1, 12), 20)
    if dice.random() < 0.2:
        asked["students"] = dice.choice((0, 12, 30))
    return Request(today=TODAY, facets=facets, language=dice.choice((None, "en", "ja", "zh", "ko")), **asked)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_stored_search_is_met_by_what_it_finds_and_by_nothing_else(
    cluster: Cluster, lexicon: Lexicon, searches: SearchWriter, seed: int
) -> None:
    dice = random.Random(seed)
    documents = [some_document(dice, number) for number in range(50)]
    reader = filled(cluster, lexicon, documents)
    requests = {f"s{number:03}": some_request(dice, number) for number in range(60)}
    for name, request in requests.items():
        assert searches.put(StoredSearch(name, 1, request))

    found = {
        name: {hit.id for hit in asking(reader)(**_options(request)).hits if hit.meets_all}
        for name, request in requests.items()
    }
    met: dict[str, set[str]] = {name: set() for name in requests}
    for document in documents:
        for name in searches.ask(document):
            met[name].add(document.id)
    assert met == found
    assert sum(map(len, found.values())) > 100
    assert any(not ids for ids in found.values())


def _options(request: Request) -> dict[str, Any]:
    return {name: getattr(request, name) for name in ("text", "facets", "start", "end", "students", "language")}


def test_a_search_that_changed_or_went_is_met_no_more(
    cluster: Cluster, lexicon: Lexicon, searches: SearchWriter
) -> None:
    filled(cluster, lexicon, [a_document("one", "Robots")])
    robots, turtles = Request(today=TODAY, text="robots"), Request(today=TODAY, text="turtles")
    document = a_document("two", "Robots again")
    assert searches.put(StoredSearch("a", 1, robots)) and searches.put(StoredSearch("b", 3, robots))
    assert searches.ask(document) == {"a", "b"}
    assert searches.ask(document, among=["b"]) == {"b"}
    assert searches.ask(document, among=[]) == frozenset()

    searches.put(StoredSearch("a", 2, turtles))
    assert not searches.put(StoredSearch("a", 1, robots))
    searches.remove("b")
    assert not searches.put(StoredSearch("b", 4, robots))
    assert searches.ask(document) == frozenset()


def test_a_tombstone_of_a_document_meets_nothing(cluster: Cluster, lexicon: Lexicon, searches: SearchWriter) -> None:
    filled(cluster, lexicon, [])
    searches.put(StoredSearch("all", 1, Request(today=TODAY)))
    assert searches.ask(Document("x", 2, visible=False)) == frozenset()
    assert searches.ask(a_document("x")) == {"all"}


def test_stored_searches_and_documents_live_apart(cluster: Cluster, lexicon: Lexicon, searches: SearchWriter) -> None:
    reader: Reader = filled(cluster, lexicon, [a_document("one")])
    searches.put(StoredSearch("s", 1, Request(today=TODAY)))
    assert [held.id for held in reader.held()] == ["one"]
    assert [held.id for held in searches.held()] == ["s"]
