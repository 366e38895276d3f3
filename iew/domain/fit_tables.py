"""How every post of one list fits every post of another: the decisions of `fit`, taken once for posts that are alike.

Five hundred posts against five hundred are a quarter of a million pairs, more than a request has time to compare one by
one. But a rule reads little of a post, and few posts differ in it; so each rule is asked once for each two different
values, and its answers are spread over the table. The rules themselves stand in `fit` alone.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from iew.domain.fit import ASPECTS, RULES, WEIGHTS, Aspect, Post, in_full
from iew.domain.pairings import IMPOSSIBLE
from iew.domain.schools import Side

Scores = NDArray[np.int16]
"""Rows: posts in Taiwan; columns: posts abroad. Ten-thousandths of a score, or IMPOSSIBLE."""
UNITS: Final = 10_000
"""A score of 1."""


def scores_of(domestic: Sequence[Post], overseas: Sequence[Post]) -> Scores:
    """The score of each pair, the same that `fit` gives; IMPOSSIBLE where a hard rule forbids it."""
    if not domestic or not overseas:
        return np.full((len(domestic), len(overseas)), IMPOSSIBLE, dtype=np.int16)
    possible = np.outer(_public(domestic, Side.DOMESTIC), _public(overseas, Side.OVERSEAS))
    for rule in RULES:
        possible &= _spread(domestic, overseas, possible, rule.reads, rule.holds).astype(bool)
    weighed = np.zeros(possible.shape)
    for name, aspect in ASPECTS.items():
        weighed += WEIGHTS[name] * _spread(domestic, overseas, possible, aspect.reads, _value_of(aspect))
    different, places = np.unique(weighed, return_inverse=True)
    rounded = np.array([round(in_full(float(value)) * UNITS) for value in different], dtype=np.int16)
    scores: Scores = np.where(possible, rounded[places].reshape(weighed.shape), IMPOSSIBLE).astype(np.int16)
    return scores


def _public(posts: Sequence[Post], side: Side) -> NDArray[np.bool_]:
    return np.array([post.public and post.side is side for post in posts], dtype=bool)


@dataclass(frozen=True)
class _Kinds:
    """The different kinds of posts to a rule: one post of each, and which kind each post is."""

    one_of_each: list[Post]
    kind_of: NDArray[np.intp]


def _kinds(posts: Sequence[Post], reads: Callable[[Post], Hashable]) -> _Kinds:
    numbers: dict[Hashable, int] = {}
    one_of_each: list[Post] = []
    kind_of = []
    for post in posts:
        number = numbers.setdefault(reads(post), len(numbers))
        if number == len(one_of_each):
            one_of_each.append(post)
        kind_of.append(number)
    return _Kinds(one_of_each, np.array(kind_of, dtype=np.intp))


def _spread(
    domestic: Sequence[Post],
    overseas: Sequence[Post],
    asked: NDArray[np.bool_],
    reads: Callable[[Post], Hashable],
    decide: Callable[[Post, Post], float],
) -> NDArray[np.float64]:
    """What `decide` says of each pair that is asked about; 0 elsewhere, where nothing else brings the answer along."""
    rows, columns = _kinds(domestic, reads), _kinds(overseas, reads)
    decided = np.zeros((len(rows.one_of_each), len(columns.one_of_each)))
    wanted = np.zeros(decided.shape, dtype=bool)
    pairs = np.nonzero(asked)
    wanted[rows.kind_of[pairs[0]], columns.kind_of[pairs[1]]] = True
    for row, column in np.argwhere(wanted).tolist():
        decided[row, column] = decide(rows.one_of_each[row], columns.one_of_each[column])
    spread: NDArray[np.float64] = decided[np.ix_(rows.kind_of, columns.kind_of)]
    return spread


def _value_of(aspect: Aspect) -> Callable[[Post, Post], float]:
    return lambda one, other: aspect.measure(one, other)[0]
