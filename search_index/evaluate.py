"""How good the ranking is, on judged data: a list of queries, and for each the documents that answer it.

Gain 2^grade - 1; figures by kind of query and overall. Queries that nothing answers have no ranking: for them it is
counted how many hits are shown, and how many claim to meet everything.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from search_index.reader import Found
from search_index.understanding import Plan

RANKS: Final = 10
RECALLED: Final = 20


@dataclass(frozen=True, slots=True)
class Question:
    """A judged query. facets: codes it is narrowed to, by facet name."""

    id: str
    text: str
    kind: str
    language: str | None = None
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """The figures of one query; plan: how it was read, slips of the pen corrected; ranked: ids with their grades, best
    first."""

    question: Question
    plan: Plan
    ndcg: float | None
    recall: float | None
    reciprocal_rank: float | None
    ranked: tuple[tuple[str, int], ...]
    missed: tuple[str, ...]
    total: int
    total_all: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Means over the answerable queries of one kind; for unanswerable ones the mean number of hits."""

    kind: str
    queries: int
    ndcg: float | None
    recall: float | None
    mrr: float | None
    hits: float
    hits_all: float


def evaluate(
    questions: Iterable[Question],
    grades: Mapping[str, Mapping[str, int]],
    ask: Callable[[Question], Found],
) -> tuple[list[Answer], list[Figures]]:
    """Ask every question; figures of each, then by kind, then of all (`overall`)."""
    answers = [_answer(question, grades.get(question.id, {}), ask(question)) for question in questions]
    by_kind: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_kind[answer.question.kind].append(answer)
    figures = [_figures(kind, found) for kind, found in by_kind.items()]
    answerable = [answer for answer in answers if answer.ndcg is not None]
    return answers, [*figures, _figures("overall", answerable)]


def _answer(question: Question, grades: Mapping[str, int], found: Found) -> Answer:
    ids = [hit.id for hit in found.hits]
    relevant = {name for name, grade in grades.items() if grade > 0}
    ranked = tuple((name, grades.get(name, 0)) for name in ids[:RECALLED])
    if not relevant:
        return Answer(question, found.plan, None, None, None, ranked, (), found.total, found.total_all)
    first = next((rank for rank, name in enumerate(ids, 1) if name in relevant), None)
    return Answer(
        question,
        found.plan,
        ndcg(ids, grades),
        len(relevant & set(ids[:RECALLED])) / len(relevant),
        1 / first if first else 0.0,
        ranked,
        tuple(sorted(relevant - set(ids[:RANKS]))),
        found.total,
        found.total_all,
    )


def ndcg(ids: Sequence[str], grades: Mapping[str, int], ranks: int = RANKS) -> float:
    """Normalised discounted cumulative gain of the first ids."""
    ideal = _gain(sorted(grades.values(), reverse=True)[:ranks])
    return _gain([grades.get(name, 0) for name in ids[:ranks]]) / ideal if ideal else 0.0


def _gain(grades: Sequence[int]) -> float:
    return math.fsum((2**grade - 1) / math.log2(rank + 1) for rank, grade in enumerate(grades, 1))


def _figures(kind: str, answers: Sequence[Answer]) -> Figures:
    return Figures(
        kind,
        len(answers),
        _mean([answer.ndcg for answer in answers]),
        _mean([answer.recall for answer in answers]),
        _mean([answer.reciprocal_rank for answer in answers]),
        _mean([float(answer.total) for answer in answers]) or 0.0,
        _mean([float(answer.total_all) for answer in answers]) or 0.0,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
