"""A new post against a hundred thousand searches that people keep, against running each of them."""

import time
from datetime import UTC, datetime
from typing import Final

from iew.services import catalog
from search_index.query import Request
from search_index.searches import SearchWriter, StoredSearch
from tests.bench.crowd import queries
from tests.bench.installed import Installed
from tests.bench.searching import Times, timed

KEPT: Final = 100_000
RUN: Final = 200
POSTS: Final = 50


def measure(installed: Installed) -> None:
    """Keep the searches, then ask which of them new posts answer."""
    today = datetime.now(UTC).date()
    asked = [
        Request(today, text, {name: tuple(codes) for name, codes in facets.items()}, language="en")
        for text, facets in queries(installed.crowd.lexicon, KEPT)
    ]
    searches = SearchWriter(installed.reader.cluster, installed.reader.lexicon)
    began = time.monotonic()
    searches.rebuild(
        lambda: (StoredSearch(f"search-{at}", 1, request) for at, request in enumerate(asked)),
        lambda moment: (),
        lambda: datetime.now(UTC),
    )
    print(f"   ({KEPT:,} searches kept in {time.monotonic() - began:.0f} s)", flush=True)
    running = timed([lambda request=request: installed.reader.search(request) for request in asked[:RUN]])  # type: ignore[misc]
    crowd = installed.crowd
    new = [
        catalog.described(f"new-{at}", 1, *crowd.post(crowd.count + at), published_at=datetime.now(UTC))
        for at in range(POSTS)
    ]
    met = [len(searches.ask(document)) for document in new[:5]]
    asking: Times = timed([lambda document=document: searches.ask(document) for document in new])  # type: ignore[misc]
    each = sum(running.seconds) / len(running.seconds) * KEPT
    print(
        f"alerts, a post against {KEPT:,} searches: {asking}, {max(met)} met; running each {each:,.0f} s; "
        f"{each / asking.p50:,.0f} x (goal 50 x)",
        flush=True,
    )
    searches.drop_everything()
