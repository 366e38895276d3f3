"""How a query was understood, and the figures of judged queries."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime

from iew.services.catalog.absence import said, unavailable
from iew.services.catalog.documents import Row, described
from iew.uow import UnitOfWork
from search_index.errors import SearchUnavailable
from search_index.evaluate import RECALLED, Answer, Figures, Question, evaluate
from search_index.mapping import subtag
from search_index.query import Request
from search_index.reader import Explained, Found, Reader
from search_index.writer import Writer


def explain(uow: UnitOfWork, reader: Reader, typed: str, *, language: str | None) -> Explained:
    """How a query is understood, and what each of its units weighs. language: of the reader. Raises Unavailable."""
    try:
        return reader.explain(typed, today=uow.today, language=subtag(language) if language else None)
    except SearchUnavailable as absence:
        raise unavailable(absence) from absence


def judge(
    reader: Reader,
    posts: Iterable[Row],
    queries: Iterable[Row],
    grades: Mapping[str, Mapping[str, int]],
    parameter_of: Mapping[str, str],
    now: datetime,
    name: str,
) -> tuple[list[Answer], list[Figures]]:
    """The figures of judged queries over posts shaped like rows of an import file; `ref` is the id.

    parameter_of: name of a filter in the queries -> facet. name: makes the index of this run one of its own. Raises
    Unavailable.
    """
    cluster = reader.cluster.beside(name)
    writer = Writer(cluster, reader.lexicon)
    judged = [described(str(row["ref"]), 1, row, row["school"], published_at=now) for row in posts]
    try:
        writer.ensure(now=now)
        writer.write_many(judged, wait=True)
        asked = Reader(cluster, reader.lexicon)
        return evaluate(
            [_question(row, parameter_of) for row in queries], grades, lambda question: _ask(asked, question, now)
        )
    except SearchUnavailable as absence:
        raise said(absence) from absence
    finally:
        with suppress(SearchUnavailable):  # whoever cannot be asked to drop it has said so above
            writer.drop_everything()


def _question(row: Row, parameter_of: Mapping[str, str]) -> Question:
    filters = row.get("filters") or {}
    facets = {parameter_of.get(name, name): tuple(codes) for name, codes in filters.items() if codes}
    return Question(row["qid"], row["text"], row["kind"], subtag(row.get("ui_language") or "") or None, facets)


def _ask(reader: Reader, question: Question, now: datetime) -> Found:
    request = Request(
        today=now.date(), text=question.text, facets=question.facets, language=question.language, limit=RECALLED
    )
    return reader.search(request)
