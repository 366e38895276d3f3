"""Who goes with whom, so that the sum of all scores is the greatest there can be.

A school goes into so many pairs at most and two schools come together once at most, whichever of their posts speak for
them. With one partner a school this is the assignment problem. With several it is not: copies of a school would be
given to the same partner twice. It is then a transport of single goods, whose linear programme has whole numbers at its
corners; of its columns only those are written down that could matter, and the prices of the solved part prove that none
of the others does.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from iew.domain.pairings import Schools

Pair = tuple[int, int]
"""Row and column."""
Numbers = NDArray[np.int64]
Weights = NDArray[np.int16] | Numbers
_FIRST_OF_EACH: Final = 12
"""Best columns of each school that the programme begins with, beside those that it may take."""
_MORE_OF_EACH: Final = 20
_NOTHING_TO_GAIN: Final = 1e-6
"""In units of the weights, which are whole."""


def best_pairs(
    weights: Weights,
    schools: Schools,
    most_each: int,
    fixed: Collection[Pair] = (),
) -> list[Pair]:
    """The pairs with the greatest sum of weights, `fixed` ones among them, in order.

    weights: whole numbers; a pair at or below 0 is not made unless it is fixed. most_each: pairs a school goes into at
    most; `fixed` keeps to it, and names two schools once.
    """
    rows, columns = np.asarray(schools.of_rows, dtype=np.int64), np.asarray(schools.of_columns, dtype=np.int64)
    if not rows.size or not columns.size:
        return sorted(fixed)
    between = between_schools(weights, schools)
    free_rows, free_columns = np.full(between.shape[0], most_each), np.full(between.shape[1], most_each)
    for row, column in fixed:
        between[rows[row], columns[column]] = 0
        free_rows[rows[row]] -= 1
        free_columns[columns[column]] -= 1
    between[free_rows <= 0, :] = 0
    between[:, free_columns <= 0] = 0
    found = _assign(between) if most_each == 1 else _transport(between, free_rows, free_columns)
    return sorted([*fixed, *(_best_posts(weights, rows, columns, pair) for pair in found)])


def between_schools(weights: Weights, schools: Schools) -> Numbers:
    """The best weight of each two schools, over all of their posts; 0 where there is none."""
    shape = (max(schools.of_rows) + 1, max(schools.of_columns) + 1)
    best = np.zeros(shape, dtype=np.int64)
    np.maximum.at(best, np.ix_(schools.of_rows, schools.of_columns), weights)
    return best


def _best_posts(
    weights: Weights,
    rows: Numbers,
    columns: Numbers,
    pair: Pair,
) -> Pair:
    """The posts of two schools that fit best, the first ones where several do."""
    own, other = np.flatnonzero(rows == pair[0]), np.flatnonzero(columns == pair[1])
    place = int(np.argmax(weights[np.ix_(own, other)]))
    return int(own[place // other.size]), int(other[place % other.size])


def _assign(between: Numbers) -> list[Pair]:
    from scipy.optimize import linear_sum_assignment  # loaded by whoever solves; it is as large as the program itself

    chosen = zip(*linear_sum_assignment(between, maximize=True), strict=True)
    return [(int(row), int(column)) for row, column in chosen if between[row, column] > 0]


def _transport(between: Numbers, free_rows: Numbers, free_columns: Numbers) -> list[Pair]:
    worth = between > 0
    written = worth & (
        _largest(between, free_rows.max() + _FIRST_OF_EACH) | _largest(between.T, free_columns.max() + _FIRST_OF_EACH).T
    )
    while written.any():
        pairs = np.nonzero(written)
        solved = _programme(between, pairs, np.concatenate([free_rows, free_columns]))
        gain = between - solved.prices[: between.shape[0], None] - solved.prices[None, between.shape[0] :]
        missed = worth & ~written & (gain > _NOTHING_TO_GAIN)
        if not missed.any():
            return [
                (int(row), int(column))
                for row, column in zip(pairs[0][solved.taken], pairs[1][solved.taken], strict=True)
            ]
        written |= missed & _largest(np.where(missed, gain, -1), _MORE_OF_EACH)
    return []


@dataclass(frozen=True)
class _Solved:
    """taken: which of the pairs. prices: what one more place of each school would add to the sum."""

    taken: NDArray[np.bool_]
    prices: NDArray[np.float64]


def _programme(between: Numbers, pairs: tuple[Numbers, ...], places: Numbers) -> _Solved:
    from scipy.optimize import linprog
    from scipy.sparse import csc_matrix

    count = pairs[0].size
    used = np.concatenate([pairs[0], between.shape[0] + pairs[1]])
    uses = csc_matrix((np.ones(2 * count), (used, np.tile(np.arange(count), 2))), shape=(places.size, count))
    reply = linprog(-between[pairs], A_ub=uses, b_ub=places, bounds=(0, 1), method="highs-ds")
    if reply.status != 0:
        raise ArithmeticError(f"the solver stopped: {reply.message}")
    return _Solved(reply.x > 0.5, -reply.ineqlin.marginals)


def _largest(values: NDArray[np.generic], count: int) -> NDArray[np.bool_]:
    """Where the largest values of each row stand."""
    chosen = np.zeros(values.shape, dtype=bool)
    count = min(int(count), values.shape[1])
    places = np.argpartition(values, values.shape[1] - count, axis=1)[:, values.shape[1] - count :]
    np.put_along_axis(chosen, places, True, axis=1)
    return chosen
