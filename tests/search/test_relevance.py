"""The ranking on judged data: it may get better, and must not get worse.

The figures are floors with some air under what was measured, so that a change of the words can be told from a fault of
the ranking.
"""

from pathlib import Path

import pytest

from search_index.cluster import Cluster
from search_index.evaluate import Figures, Question, evaluate, ndcg
from search_index.lexicon import Lexicon
from search_index.query import Request
from search_index.reader import Found
from tests.search import judged
from tests.search.conftest import TODAY, filled

ROOT = Path(__file__).parent.parent.parent
SHARED = ROOT.parent / "shared" / "data" / "relevance"
OWN = Path(__file__).parent / "own"
FLOORS_SHARED = {"same_language": 0.92, "cross_language": 0.92, "label": 0.94, "variant": 0.94}
SETS = Path(__file__).parent / "sets"
FLOORS_SETS = {"same_language": 0.89, "cross_language": 0.89, "label": 0.90, "variant": 0.93}
FLOORS_OWN = {"same_language": 0.85, "cross_language": 0.70, "label": 0.84, "variant": 0.90}


def figures(cluster: Cluster, lexicon: Lexicon, posts: Path, folder: Path) -> dict[str, Figures]:
    reader = filled(cluster, lexicon, [judged.document(post) for post in judged.lines(posts)])

    def ask(question: Question) -> Found:
        return reader.search(
            Request(today=TODAY, text=question.text, facets=question.facets, language=question.language)
        )

    _, found = evaluate(judged.questions(folder), judged.grades(folder), ask)
    return {row.kind: row for row in found}


def below(found: dict[str, Figures], floors: dict[str, float]) -> dict[str, float | None]:
    return {kind: found[kind].ndcg for kind, floor in floors.items() if (found[kind].ndcg or 0) < floor}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the judged data is not beside the repository")
def test_the_shared_questions_are_answered_well(cluster: Cluster, lexicon: Lexicon) -> None:
    found = figures(cluster, lexicon, SHARED / "invitations.ndjson", SHARED)

    assert below(found, FLOORS_SHARED) == {}
    assert found["negative"].hits_all == 0


def test_our_own_questions_on_the_sample_posts_are_answered_well(cluster: Cluster, lexicon: Lexicon) -> None:
    found = figures(cluster, lexicon, ROOT / "config" / "samples" / "invitations.ndjson", OWN)

    assert below(found, FLOORS_OWN) == {}


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in SETS.glob("*/qrels.tsv")), ids=lambda folder: folder.name
)
def test_questions_of_others_on_posts_of_others_are_answered_well(
    cluster: Cluster, lexicon: Lexicon, folder: Path
) -> None:
    found = figures(cluster, lexicon, folder / "invitations.ndjson", folder)

    assert below(found, FLOORS_SETS) == {}
    assert found["negative"].hits_all == 0


def test_what_is_counted_is_what_the_pages_hold(cluster: Cluster, lexicon: Lexicon) -> None:
    posts = judged.lines(ROOT / "config" / "samples" / "invitations.ndjson")
    reader = filled(cluster, lexicon, [judged.document(post) for post in posts])
    typed = [question.text for question in judged.questions(OWN)]
    typed += ["robotcis", '"sister school"', "茶 xyzzy", "로봇 고등학교", "女子高 陶芸", "IEW-2026-000001"]

    for text in typed:
        found = reader.search(Request(today=TODAY, text=text, limit=500, language="en"))
        assert (found.total, found.total_all) == (len(found.hits), sum(hit.meets_all for hit in found.hits)), text


def test_gain_counts_grades_and_ranks() -> None:
    grades = {"a": 2, "b": 1}

    assert ndcg(["a", "b"], grades) == pytest.approx(1)
    assert ndcg(["b", "a"], grades) == pytest.approx((1 + 3 / 1.58496) / (3 + 1 / 1.58496), abs=1e-4)
    assert ndcg(["x"] * 10 + ["a"], grades) == 0
    assert ndcg([], {}) == 0
