"""PostgreSQL as a search engine, given the same start: what the lexicon found in each post as ready lexemes, in a GIN
index, beside the codes of all facets. What it is measured for is the list, the total and all facet counts of a query.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from psycopg import Connection, sql

from search_index.document import Document
from search_index.understanding import understand
from search_index.writer import Writer
from tests.bench.installed import Installed

TABLE: Final = "crowd_words"
_ASK: Final = """
with wanted as materialized (
    select id, facets, ts_rank(words, %(query)s::tsquery) as rank from crowd_words
    where words @@ %(query)s::tsquery {narrowed}
)
select 'hit' as kind, id as code, 0 as count from (select id from wanted order by rank desc, id limit 21) as page
union all
select 'facet', code, count(*) from wanted cross join unnest(facets) as code group by code
union all
select 'total', '', count(*) from wanted
"""


class RecordingWriter(Writer):
    """A writer that also copies what it writes into the table, so that both hold the same."""

    copy: Any = None

    def source_of(self, entry: Document) -> dict[str, Any]:
        source = super().source_of(entry)
        if self.copy is not None:
            self.copy.write_row((entry.id, source["met"], source["facets"]))
        return source


@contextmanager
def recording(installed: Installed) -> Iterator[RecordingWriter]:
    """A writer that fills the table while it fills the index."""
    writer = installed.writer
    recorder = RecordingWriter(writer.cluster, writer.lexicon)
    with _connection(installed) as connection, connection.cursor() as cursor:
        cursor.execute(f"drop table if exists {TABLE}")
        cursor.execute(f"create unlogged table {TABLE} (id text, met text[], facets text[])")
        with cursor.copy(f"copy {TABLE} from stdin") as copy:
            recorder.copy = copy
            yield recorder


def index(installed: Installed) -> None:
    """Give the table its lexemes and its indices."""
    with _connection(installed) as connection:
        connection.execute("set maintenance_work_mem = '1GB'")
        connection.execute(
            f"alter table {TABLE} add words tsvector generated always as (array_to_tsvector(met)) stored"
        )
        connection.execute(f"create index on {TABLE} using gin (words)")
        connection.execute(f"create index on {TABLE} using gin (facets)")
        connection.execute(f"analyze {TABLE}")


@contextmanager
def asking(installed: Installed) -> Iterator[Callable[[str, Mapping[str, Sequence[str]]], list[Any]]]:
    """A function that answers a query with its chosen facets: hits, total, counts."""
    with _connection(installed) as connection:

        def ask(typed: str, facets: Mapping[str, Sequence[str]]) -> list[Any]:
            plan = understand(typed, installed.crowd.lexicon, language="en")
            lexemes = [sql.Literal(code).as_string(None) for code in plan.codes] or ["'nothing'"]
            chosen = [[f"{facet}:{code}" for code in codes] for facet, codes in facets.items()]
            narrowed = " ".join(f"and facets && %(chosen{at})s" for at in range(len(chosen)))
            given = {"query": " | ".join(lexemes), **{f"chosen{at}": codes for at, codes in enumerate(chosen)}}
            return connection.execute(_ASK.format(narrowed=narrowed), given).fetchall()

        yield ask


@contextmanager
def _connection(installed: Installed) -> Iterator[Connection[Any]]:
    """A connection of psycopg, committed at the end."""
    assert installed.house.engine is not None
    url = installed.house.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with Connection.connect(url) as connection:
        connection.execute("set statement_timeout = 0")  # a copy runs as long as the rebuild beside it
        yield connection
