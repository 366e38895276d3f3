"""Counts that are remembered: large ones of single clauses, and those of whole searches that took long."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from search_index.counting import (
    FRESH_SECONDS,
    KEPT_FROM,
    KEPT_SECONDS,
    MANY,
    SLOW_MS,
    STALE_SECONDS,
    Counts,
    RecentReplies,
)
from search_index.errors import SearchUnavailable
from tests.search.conftest import TODAY

CLAUSE = {"term": {"met": {"value": "country:JP"}}}
BODY = {"size": 0, "query": {"match_all": {}}}


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Counting:
    """Stands for the cluster: answers each body with the next of `totals`."""

    def __init__(self, *totals: int, took: int = SLOW_MS, counted: int = MANY) -> None:
        self.totals, self.took, self.counted, self.asked = list(totals), took, counted, 0
        self.away = False

    def search(self, body: Mapping[str, Any], **_options: Any) -> dict[str, Any]:
        self.asked += 1
        if self.away:
            raise SearchUnavailable("away")
        counted = {"hits": {"doc_count": self.counted}, "all": {"doc_count": 0}}
        return {"took": self.took, "hits": {"total": {"value": self.totals.pop(0)}}, "aggregations": counted}

    def search_many(self, bodies: Sequence[Mapping[str, Any]], **options: Any) -> list[dict[str, Any]]:
        return [self.search(body, **options) for body in bodies]


def waited_for(renewing: Callable[[], Any]) -> Any:
    """What `renewing` gives, after the threads that it started have ended."""
    found = renewing()
    for thread in threading.enumerate():
        if thread.name == "renew-counts":
            thread.join(5)
    return found


def test_a_small_count_is_asked_for_each_time() -> None:
    counts = Counts(Counting(KEPT_FROM - 1, 0))  # type: ignore[arg-type]

    assert counts.of([CLAUSE], TODAY) == [KEPT_FROM - 1]
    assert counts.of([CLAUSE], TODAY) == [0]


def test_a_large_count_is_kept_for_minutes() -> None:
    clock, engine = Clock(), Counting(KEPT_FROM, KEPT_FROM + 5)
    counts = Counts(engine, clock=clock)  # type: ignore[arg-type]

    assert counts.of([CLAUSE], TODAY) == counts.of([CLAUSE], TODAY) == [KEPT_FROM]
    clock.now += KEPT_SECONDS
    assert counts.of([CLAUSE], TODAY) == [KEPT_FROM + 5]
    assert engine.asked == 2


def test_one_clause_asked_for_twice_is_counted_once() -> None:
    engine = Counting(7, 3)
    counts = Counts(engine)  # type: ignore[arg-type]

    assert counts.of([None, CLAUSE, CLAUSE], TODAY) == [7, 3, 3]
    assert engine.asked == 2


@pytest.mark.parametrize("short", [{"took": SLOW_MS - 1}, {"counted": MANY - 1}])
def test_counts_that_came_quickly_or_over_few_documents_are_never_kept(short: dict[str, int]) -> None:
    engine = Counting(1, **short)
    recent = RecentReplies(engine)  # type: ignore[arg-type]

    recent.keep(BODY, engine.search(BODY), recent.now())

    assert recent.recall(BODY) is None


def test_slow_counts_of_a_search_are_renewed_before_they_are_too_old() -> None:
    clock, engine = Clock(), Counting(1, 2)
    recent = RecentReplies(engine, clock=clock)  # type: ignore[arg-type]
    first = engine.search(BODY)
    recent.keep(BODY, first, recent.now())

    clock.now += FRESH_SECONDS
    assert waited_for(lambda: recent.recall(BODY)) is first
    assert engine.asked == 1
    clock.now += 0.1
    assert waited_for(lambda: recent.recall(BODY)) is first
    renewed = recent.recall(BODY)
    assert renewed is not None and renewed["hits"]["total"]["value"] == 2
    clock.now += STALE_SECONDS + 0.1
    assert recent.recall(BODY) is None


@pytest.mark.parametrize("away", [True, False])
def test_counts_that_cannot_be_renewed_grow_too_old_for_all(away: bool) -> None:
    clock, engine = Clock(), Counting(1, 2)
    recent = RecentReplies(engine, clock=clock)  # type: ignore[arg-type]
    recent.keep(BODY, engine.search(BODY), recent.now())
    engine.away = away

    clock.now += STALE_SECONDS - 0.1
    waited_for(lambda: recent.recall(BODY))
    clock.now += 0.2

    assert (recent.recall(BODY) is None) is away
