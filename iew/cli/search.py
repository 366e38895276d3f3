"""`iew search`: asking, explaining, rebuilding, comparing, judging."""

import csv
import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from iew.app import House
from iew.cli.settings import house
from iew.errors import IewError
from iew.i18n import LANGUAGES
from iew.schemas.search import FACETS, SearchQuery, SearchView
from iew.services import catalog

_PLURALS: Final = {
    "languages": "language",
    "countries": "country",
    "exchange_types": "type",
    "levels": "level",
    "counties": "county",
    "wanted_levels": "wanted_level",
    "ownerships": "ownership",
    "compositions": "composition",
    "affiliations": "affiliation",
    "channels": "channel",
    "sides": "side",
}
"""How judged queries name the filters -> the parameter of a search."""


@click.group()
def search() -> None:
    """The search index, and asking it."""


@search.command()
@click.argument("text")
@click.option("--filter", "filters", multiple=True, metavar="NAME=CODE", help="A facet and a code; may be repeated.")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Of the labels.")
@click.option("--limit", type=click.IntRange(1, 100), default=10, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The reply as the API gives it.")
def query(text: str, filters: tuple[str, ...], lang: str, limit: int, as_json: bool) -> None:
    """Search for TEXT as everybody can."""
    wanted = catalog.Wanted(text=text, facets=_facets_of(filters), limit=limit, labels_in=lang)
    building = _house_with_index()
    with building.unit_of_work() as uow:
        found = catalog.search(uow, building.searcher, wanted, labels=building.labels, secret_key=building.secret_key)
        shown = SearchView().dump(found)
    click.echo(json.dumps(shown, ensure_ascii=False, indent=2)) if as_json else _print(shown)


def _house_with_index() -> House:
    """The house, its index built with the words and the mapping of this program. Raises Unavailable."""
    building = house()
    catalog.check_current(catalog.writer_of(building.searcher))
    return building


def _facets_of(filters: Iterable[str]) -> dict[str, list[str]]:
    facets: dict[str, list[str]] = {}
    for pair in filters:
        name, equals, code = pair.partition("=")
        if not equals or name not in FACETS:
            raise click.UsageError(f"--filter {pair}: write NAME=CODE, NAME one of {', '.join(FACETS)}")
        facets.setdefault(name, []).append(code)
    read = SearchQuery().load(facets)
    return {name: read[name] for name in FACETS}


def _print(shown: Mapping[str, Any]) -> None:
    click.echo(f"{shown['total']} posts, {shown['total_all']} meet everything")
    for item in shown["items"]:
        click.echo(
            f"{item['number']}  {item['match']:4}  {item['score']:7.3f}  {item['school']['country']}  {item['title']}"
        )
    for word in shown["unmatched"]:
        click.echo(f"no post has: {word}")
    if shown["did_you_mean"]:
        click.echo(f"read as: {shown['did_you_mean']}")
    for way in shown["relax"]:
        click.echo(f"without {way['param']}: {way['total']}")


@search.command()
@click.argument("text")
@click.option("--lang", type=click.Choice(LANGUAGES), default=None, help="Of the reader.")
def explain(text: str, lang: str | None) -> None:
    """How the query TEXT is understood: its units, what each stands for, how many posts meet it, what it weighs."""
    building = _house_with_index()
    with building.unit_of_work() as uow:
        explained = catalog.explain(uow, building.searcher, text, language=lang)
    click.echo(f"language: {explained.plan.language or 'any'}; posts: {explained.total}; clauses: {explained.clauses}")
    for unit in explained.units:
        codes = " ".join(unit.codes) or "-"
        click.echo(f"{unit.kind:8} {unit.text}  {codes}  met by {unit.count}, weight {unit.weight}")
    for word, better in explained.corrections.items():
        click.echo(f"read {word} as {better}")


@search.command()
def rebuild() -> None:
    """Make a new index from the database and put it behind the alias, with no downtime."""
    building = house()
    writer = catalog.writer_of(building.searcher)
    with building.unit_of_work() as uow:
        expected = catalog.ever_public(uow)
    with click.progressbar(length=expected, label="posts") as bar:
        rebuilt = catalog.rebuild(building.unit_of_work, writer, told=bar.update)
    click.echo(f"{rebuilt.index} holds {rebuilt.written.taken} posts; dropped {len(rebuilt.dropped)}")
    kept = catalog.rebuild_searches(building.unit_of_work, catalog.search_writer_of(building.searcher))
    click.echo(f"{kept.index} holds {kept.written.taken} saved searches")


@search.command(hidden=True)
def ensure() -> None:
    """Make and fill an index where there is none, or where it is older than the words or the mapping."""
    building = house()
    made = catalog.ensure(building.unit_of_work, catalog.writer_of(building.searcher), outdated=True)
    searches = catalog.search_writer_of(building.searcher)
    catalog.ensure_searches(building.unit_of_work, searches, outdated=True)
    click.echo("the index was made" if made else "the index is there")


@search.command()
@click.option("--repair", is_flag=True, help="Owe a writing for every difference; workers do it at once.")
def reconcile(repair: bool) -> None:
    """Compare database and index; exit status 1 on any difference that is not repaired."""
    building = _house_with_index()
    catalog.check_current(catalog.search_writer_of(building.searcher))
    with building.unit_of_work() as uow:
        differences = catalog.reconcile(uow, catalog.writer_of(building.searcher), repair=repair)
        searches = catalog.search_writer_of(building.searcher)
        differing = catalog.reconcile_searches(building.unit_of_work, uow, searches, repair=repair)
    for found in differences:
        click.echo(f"{found.kind}  {found.id}  database {found.database_version}  index {found.index_version}")
    if differences and not repair:
        raise IewError(f"database and index differ in {len(differences)} posts; run `iew search reconcile --repair`")
    if differing and not repair:
        raise IewError(f"{differing} saved searches differ; run `iew search reconcile --repair`")
    click.echo(f"{len(differences) + differing} differences{', each owed to the workers' if differences else ''}")


@search.command()
def status() -> None:
    """Where the index stands; exit status 1 where it needs a rebuild."""
    building = house()
    with building.unit_of_work() as uow:
        found = catalog.status(uow, building.searcher)
    click.echo(f"index: {found.index or 'none'}")
    click.echo(f"findable: {found.visible} of {found.public} public posts; on their way: {found.waiting}")
    for name, part in (("words", "lexicon"), ("mapping", "form")):
        current = found.index is not None and part not in found.differs
        click.echo(f"{name}: {'current' if current else 'changed since the index was built'}")
    catalog.check_current(catalog.writer_of(building.searcher))


@search.command()
@click.option("--posts", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--queries", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--qrels", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--verbose", is_flag=True, help="Also each query, as it was understood.")
def evaluate(posts: Path, queries: Path, qrels: Path, verbose: bool) -> None:
    """Relevance figures on judged data, by kind of query: nDCG@10, recall@20, MRR.

    The posts go into an index of their own, which is dropped afterwards; the database is not touched.
    """
    building = house()
    answers, figures = catalog.judge(
        building.searcher,
        _rows(posts),
        _rows(queries),
        _grades(qrels),
        _PLURALS,
        datetime.now(UTC),
        secrets.token_hex(4),
    )
    if verbose:
        for answer in answers:
            _print_answer(answer)
    click.echo(f"{'kind':16} {'queries':>7} {'nDCG@10':>8} {'recall@20':>9} {'MRR':>6} {'hits':>6} {'all':>6}")
    for row in figures:
        numbers = " ".join(
            f"{'-' if value is None else format(value, '.3f'):>8}" for value in (row.ndcg, row.recall, row.mrr)
        )
        click.echo(f"{row.kind:16} {row.queries:>7} {numbers} {row.hits:6.1f} {row.hits_all:6.1f}")


def _print_answer(answer: Any) -> None:
    question = answer.question
    units = "; ".join(f"{unit.text} -> {' '.join(unit.codes) or 'text'}" for unit in answer.plan.units)
    ndcg = "-" if answer.ndcg is None else f"{answer.ndcg:.3f}"
    click.echo(f"{question.id} [{question.kind}] {ndcg}  {question.text}\n    {units}")
    click.echo(f"    {' '.join(f'{name}:{grade}' for name, grade in answer.ranked[:10])}")
    if answer.missed:
        click.echo(f"    missed: {' '.join(answer.missed)}")


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def _grades(path: Path) -> dict[str, dict[str, int]]:
    """query id -> post id -> grade, from tab-separated lines with or without a heading."""
    grades: dict[str, dict[str, int]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.reader(lines, delimiter="\t"):
            if len(row) >= 3 and row[-1].strip().isdigit():
                grades.setdefault(row[0], {})[row[-2]] = int(row[-1])
    return grades
