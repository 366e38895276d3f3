"""Searches over a million posts through the API, against the engine's own answer and against PostgreSQL's full text.

Every figure is measured in one run on one machine and told beside its yardstick. The bodies that the engine is asked
directly are the very ones that the API sends for the same query, as many of them, at the same time.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle
from threading import Event, Thread
from typing import Any, Final

import requests

from iew.services import catalog
from search_index.query import Request, counts_body, hits_body
from tests.bench import full_text
from tests.bench.crowd import queries
from tests.bench.installed import Installed

ASKED: Final = 200
CLIENTS: Final = (1, 16)
BROWSING_SECONDS: Final = 30
UNCACHED_ASKED: Final = 10
PAGE: Final = 20

Facets = Mapping[str, Sequence[str]]
Query = tuple[str, Facets]


@dataclass(frozen=True)
class Times:
    """Seconds that each of many calls took."""

    seconds: Sequence[float]

    @property
    def p50(self) -> float:
        return statistics.median(self.seconds)

    @property
    def p95(self) -> float:
        return sorted(self.seconds)[int(len(self.seconds) * 0.95)]

    def __str__(self) -> str:
        return f"p50 {self.p50 * 1000:.0f} ms, p95 {self.p95 * 1000:.0f} ms"


def timed(calls: Sequence[Callable[[], object]], clients: int = 1) -> Times:
    """Make each call once, `clients` at a time."""

    def one(call: Callable[[], object]) -> float:
        began = time.perf_counter()
        call()
        return time.perf_counter() - began

    with ThreadPoolExecutor(clients) as pool:
        return Times(list(pool.map(one, calls)))


def measure(installed: Installed, address: str) -> Times:
    """Print the figures of faceted search; comes back with the times of one client through the API."""
    asked = queries(installed.crowd.lexicon, ASKED)
    through_api = [api_call(address, query) for query in asked]
    engine = [engine_call(installed, query) for query in asked]
    timed(through_api), timed(engine)  # once for all that warms up
    first = None
    for clients in CLIENTS:
        forget(installed)
        own = timed(engine, clients)
        forget(installed)
        api = timed(through_api, clients)
        first = first or api
        print(
            f"search, {installed.crowd.count:,} posts, {clients} clients: API {api}; the engine itself {own}; "
            f"p50 {api.p50 / own.p50:.2f} x, p95 {api.p95 / own.p95:.2f} x (goal 1.4 x)",
            flush=True,
        )
    assert first is not None
    return first


def against_full_text(installed: Installed, api: Times) -> None:
    """Print how much longer PostgreSQL takes for the same queries with the same counts."""
    asked = queries(installed.crowd.lexicon, ASKED)
    with full_text.asking(installed) as ask:
        own = timed([lambda query=query: ask(*query) for query in asked[: ASKED // 4]])  # type: ignore[misc]
    print(f"search against PostgreSQL full text: {own}; p50 {own.p50 / api.p50:.1f} x (goal 10 x)", flush=True)


def browsing(installed: Installed, address: str) -> None:
    """Print the figures of a list without words while one post a second is published."""
    session = requests.Session()
    call = api_call(address, ("", {}), session)
    reader = installed.reader
    request = Request(today=datetime.now(UTC).date(), limit=PAGE)
    bodies = bodies_of(installed, request)
    own = timed([lambda: (forget(installed), reader.cluster.search_many(bodies))] * UNCACHED_ASKED)
    with _published_each_second(installed) as published:
        call()
        times, lags = [], []
        end = time.monotonic() + BROWSING_SECONDS
        while time.monotonic() < end:
            began = time.perf_counter()
            sides = call()["facets"][
                "side"
            ]  # the total leaves out what the database does not hold, and these it does not
            times.append(time.perf_counter() - began)
            lags.append(_lag(published, sum(row["count"] for row in sides), installed.crowd.count))
    seen = Times(times)
    print(
        f"browsing, {installed.crowd.count:,} posts, one publication a second: API {seen}; the engine uncached {own}; "
        f"{own.p50 / seen.p50:.1f} x (goal 6 x); counts at most {max(lags):.1f} s old (goal 5 s)",
        flush=True,
    )


def forget(installed: Installed) -> None:
    """Take from the engine the replies that it keeps until the index changes: nobody's figure comes from them."""
    cluster = installed.reader.cluster
    cluster.client.indices.clear_cache(index=cluster.names.alias, params={"request": "true"})


def api_call(address: str, query: Query, session: requests.Session | None = None) -> Callable[[], Any]:
    """One search through the API."""
    text, facets = query
    params: dict[str, Any] = {"q": text, "lang": "en", "limit": PAGE, **facets}
    ask = (session or requests.Session()).get

    def call() -> Any:
        reply = ask(f"{address}/api/v1/search", params=params, timeout=30)
        assert reply.status_code == 200, reply.text
        return reply.json()

    return call


def bodies_of(installed: Installed, request: Request) -> list[dict[str, Any]]:
    plan, figures = installed.reader.understand(request)
    lexicon = installed.reader.lexicon
    return [hits_body(request, plan, figures, lexicon), counts_body(request, plan, figures, lexicon)]


def engine_call(installed: Installed, query: Query) -> Callable[[], Any]:
    """The bodies that the API sends for a query, sent to the engine alone."""
    text, facets = query
    request = Request(
        today=datetime.now(UTC).date(),
        text=text,
        facets={name: tuple(codes) for name, codes in facets.items()},
        limit=PAGE,
        language="en",
    )
    bodies = bodies_of(installed, request)
    return lambda: installed.reader.cluster.search_many(bodies)


def _lag(published: Sequence[float], total: int, before: int) -> float:
    """How long the oldest post that is not counted yet has been findable."""
    missing = published[total - before :]
    return max(0.0, time.monotonic() - missing[0]) if missing else 0.0


@contextmanager
def _published_each_second(installed: Installed) -> Iterator[list[float]]:
    """Writes one new document a second; the moments at which each was findable."""
    moments: list[float] = []
    over = Event()
    documents = (
        catalog.described(f"new-{at}", 1, body, school, published_at=datetime.now(UTC))
        for at, (body, school) in enumerate(installed.crowd.post(place) for place in cycle(range(1000)))
    )

    def publish() -> None:
        writer = installed.writer
        while not over.wait(1.0):
            writer.write(next(documents), wait=True)
            moments.append(time.monotonic())

    thread = Thread(target=publish, daemon=True)
    thread.start()
    try:
        yield moments
    finally:
        over.set()
        thread.join()
