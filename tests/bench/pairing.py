"""Five hundred posts against five hundred: comparing them, the best choice, and the same total by another solver."""

import random
import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Final, TypeVar

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_matrix

from iew.domain.assignment import Weights, best_pairs
from iew.domain.fit import COMPATIBLE, Post, Topic
from iew.domain.fit_tables import UNITS, scores_of
from iew.domain.pairings import Schools

POSTS: Final = 500
PLACES: Final = (1, 3, 10)
PROMISED_SECONDS: Final = 2
_LEVELS: Final = ("primary", "junior_high", "senior_high_general", "senior_high_technical", "cross_level")
_TYPES: Final = tuple(sorted(COMPATIBLE))
_COUNTIES: Final = ("TPE", "TNN", "KHH", "TXG")

Found = TypeVar("Found")


def run() -> None:
    """As measured for pairs that differ as widely as posts do, and for pairs of which hundreds are alike."""
    chance = random.Random(2027)
    here, there = ([_post(chance, "TW") for _ in range(POSTS)], [_post(chance, "JP") for _ in range(POSTS)])
    scores, took = _timed(lambda: scores_of(here, there))
    print(f"compare {POSTS} × {POSTS} posts: {took}; {(scores >= 0).mean():.0%} of the pairs are possible")
    schools = Schools(range(POSTS), range(POSTS))
    several = Schools([n % 300 for n in range(POSTS)], [n % 350 for n in range(POSTS)])
    alike = (scores.astype(int) // 1000 * 1000).astype(np.int64)
    for name, weights, of in (
        ("a school a post", scores, schools),
        ("several posts a school", scores, several),
        ("many alike", alike, schools),
    ):
        for places in PLACES:
            _measure(name, weights, of, places)


def _measure(name: str, weights: Weights, schools: Schools, places: int) -> None:
    pairs, took = _timed(lambda: best_pairs(weights, schools, places))
    total = sum(int(weights[pair]) for pair in pairs)
    other, others = _timed(lambda: _by_milp(weights, schools, places))
    agree = "the same total" if total == other else f"ANOTHER TOTAL, {other / UNITS:.4f},"
    print(
        f"solve {POSTS} × {POSTS}, {name}, {places} a school: {took} (promise: {PROMISED_SECONDS} s), "
        f"{len(pairs)} pairs, total {total / UNITS:.4f}; {agree} by an integer programme in {others}"
    )


def _by_milp(weights: Weights, schools: Schools, places: int) -> int:
    """The greatest sum by HiGHS, with a whole number for each two schools and nothing left out."""
    best = np.zeros((max(schools.of_rows) + 1, max(schools.of_columns) + 1), dtype=np.int64)
    np.maximum.at(best, np.ix_(schools.of_rows, schools.of_columns), weights)
    rows, columns = np.nonzero(best > 0)
    used = np.concatenate([rows, best.shape[0] + columns])
    uses = csc_matrix((np.ones(2 * rows.size), (used, np.tile(np.arange(rows.size), 2))))
    found = milp(
        -best[rows, columns].astype(float),
        integrality=np.ones(rows.size),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(uses, ub=places),
    )
    return round(-found.fun)


def _timed(work: Callable[[], Found]) -> tuple[Found, str]:
    """What came out, and how long it took; where a machine is busy otherwise, the two times differ."""
    began, worked = time.perf_counter(), time.process_time()
    found = work()
    return found, f"{time.perf_counter() - began:.2f} s, {time.process_time() - worked:.2f} s of them at work"


def _post(chance: random.Random, country: str) -> Post:
    start = date(2027, 1, 1) + timedelta(days=chance.randrange(300))
    topics = chance.sample(range(60), chance.randint(0, 4))
    return Post(
        id="post",
        country=country,
        level=chance.choice(_LEVELS),
        public=True,
        county=chance.choice(_COUNTIES) if country == "TW" else None,
        exchange_types=_some(chance, _TYPES, 1, 4),
        languages=_some(chance, ("en", "ja", "zh", "ko"), 1, 2),
        levels=_some(chance, _LEVELS, 0, 4),
        grades=frozenset(chance.sample(range(7, 13), chance.randint(0, 4))),
        countries=_some(chance, ("TW", "JP"), 0, 2) | {"TW", "JP"},
        counties=_some(chance, _COUNTIES, 0, 2) if country != "TW" and chance.random() < 0.3 else frozenset(),
        topics=tuple(Topic(str(topic), frozenset({str(topic), f"v:{topic % 20}"})) for topic in topics),
        periods=((start, start + timedelta(days=chance.randint(30, 250))),) if chance.random() < 0.7 else (),
        students=chance.choice((None, 12, 20, 28, 40)),
        homestay=chance.choice(("none", "none", "none", "wanted", "offered")),
    )


def _some(chance: random.Random, codes: Sequence[str], least: int, most: int) -> frozenset[str]:
    return frozenset(chance.sample(codes, chance.randint(least, most)))
