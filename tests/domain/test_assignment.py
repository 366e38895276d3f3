"""The pairs that are proposed have the greatest sum there is, under pins, bans and places."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from iew.domain.assignment import Pair, best_pairs
from iew.domain.pairings import Schools

Weights = NDArray[np.int64]


def keeps_to(pairs: list[Pair], schools: Schools, most_each: int) -> bool:
    """No school in more pairs than it may be, and no two schools together twice."""
    between = [(schools.of_rows[row], schools.of_columns[column]) for row, column in pairs]
    counts = [sum(pair[side] == school for pair in between) for side in (0, 1) for school in range(9)]
    return len(set(between)) == len(between) and max(counts, default=0) <= most_each


def worth(pairs: list[Pair], weights: Weights) -> int:
    return sum(max(int(weights[pair]), 0) for pair in pairs)


def best_of_all(weights: Weights, schools: Schools, most_each: int, fixed: list[Pair]) -> int:
    """The greatest sum, by trying every set of pairs."""
    cells = [pair for pair in product(*map(range, weights.shape)) if weights[pair] > 0 and pair not in fixed]
    sets = (
        [*fixed, *chosen]
        for size in range(len(cells) + 1)
        for chosen in combinations(cells, size)
    )  # fmt: skip
    return max(worth(pairs, weights) for pairs in sets if keeps_to(pairs, schools, most_each))


def by_milp(weights: Weights, schools: Schools, most_each: int) -> int:
    """The greatest sum, by another solver: whole numbers, one for each pair of posts, no columns left out."""
    cells = np.argwhere(weights > 0)
    if not len(cells):
        return 0
    rows = [[schools.of_rows[row] == school for row, _ in cells] for school in range(max(schools.of_rows) + 1)]
    columns = [
        [schools.of_columns[column] == each for _, column in cells] for each in range(max(schools.of_columns) + 1)
    ]
    both = [np.logical_and(row, column) for row in rows for column in columns if np.logical_and(row, column).sum() > 1]
    limits = [LinearConstraint(np.array([*rows, *columns], dtype=float), ub=most_each)]
    limits += [LinearConstraint(np.array(both, dtype=float), ub=1)] if both else []
    found = milp(
        -weights[weights > 0].astype(float), integrality=np.ones(len(cells)), bounds=Bounds(0, 1), constraints=limits
    )
    return round(-found.fun)


@st.composite
def tasks(draw: st.DrawFn, most: int, kinds: int = 4) -> tuple[Weights, Schools]:
    rows, columns = draw(st.integers(1, most)), draw(st.integers(1, most))
    cell = st.integers(-1, kinds) if draw(st.booleans()) else st.integers(-1, 10_000)
    table = draw(st.lists(st.lists(cell, min_size=columns, max_size=columns), min_size=rows, max_size=rows))
    of_rows = draw(st.lists(st.integers(0, rows - 1), min_size=rows, max_size=rows))
    of_columns = draw(st.lists(st.integers(0, columns - 1), min_size=columns, max_size=columns))
    return np.array(table), Schools(of_rows, of_columns)


@settings(max_examples=200, deadline=None)
@given(tasks(3), st.integers(1, 3), st.data())
def test_no_other_set_of_pairs_has_a_greater_sum(
    task: tuple[Weights, Schools], most_each: int, data: st.DataObject
) -> None:
    weights, schools = task
    possible = [(int(row), int(column)) for row, column in np.argwhere(weights >= 0)]
    fixed: list[Pair] = []
    for pair in data.draw(st.lists(st.sampled_from(possible), unique=True, max_size=2)) if possible else []:
        fixed += [pair] if keeps_to([*fixed, pair], schools, most_each) else []

    pairs = best_pairs(weights, schools, most_each, fixed)

    assert keeps_to(pairs, schools, most_each)
    assert set(fixed) <= set(pairs)
    assert all(weights[pair] > 0 for pair in set(pairs) - set(fixed))
    assert worth(pairs, weights) == best_of_all(weights, schools, most_each, fixed)


@settings(max_examples=60, deadline=None)
@given(tasks(14), st.integers(1, 4))
def test_another_solver_finds_no_greater_sum(task: tuple[Weights, Schools], most_each: int) -> None:
    weights, schools = task
    pairs = best_pairs(weights, schools, most_each)
    assert keeps_to(pairs, schools, most_each)
    assert worth(pairs, weights) == by_milp(weights, schools, most_each)


@pytest.mark.parametrize("most_each", [1, 2, 5])
def test_columns_that_were_not_written_down_at_first_are_not_lost(most_each: int) -> None:
    """Sixty schools that all like the same few best: the first columns of the programme cannot be enough."""
    weights = np.tile(np.arange(60) + 1, (60, 1))
    schools = Schools(range(60), range(60))
    assert worth(best_pairs(weights, schools, most_each), weights) == most_each * int(weights[0].sum())


def test_two_schools_come_together_once_however_many_posts_speak_for_them() -> None:
    weights = np.array([[90, 80], [70, 60]])
    assert best_pairs(weights, Schools([0, 0], [0, 0]), 2) == [(0, 0)]


def test_the_greedy_choice_is_not_the_best() -> None:
    weights = np.array([[10, 9], [9, 1]])
    assert best_pairs(weights, Schools([0, 1], [0, 1]), 1) == [(0, 1), (1, 0)]


def test_nothing_possible_makes_no_pair() -> None:
    assert best_pairs(np.full((2, 3), -1), Schools([0, 1], [0, 1, 2]), 2) == []
    assert best_pairs(np.full((0, 3), -1), Schools([], [0, 1, 2]), 1) == []
