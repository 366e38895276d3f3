"""A rebuild of the whole index from the database, against documents that lie ready and need only be sent."""

import time
from datetime import UTC, datetime
from typing import Final

from iew.services import catalog
from search_index.writer import BUILD_BATCH, Writer
from tests.bench import full_text
from tests.bench.installed import Installed

READY: Final = 60_000
"""Documents made beforehand for the yardstick; its pace does not depend on how many follow."""


def measure(installed: Installed) -> None:
    """Rebuild the index of a crowd and print the pace; the words are kept for `full_text` on the way."""
    raw = _raw_pace(installed)
    with full_text.recording(installed) as writer:
        began = time.monotonic()
        rebuilt = catalog.rebuild(installed.open_uow, writer)
        seconds = time.monotonic() - began
        writer.copy = None
    pace = rebuilt.written.taken / seconds
    print(
        f"rebuild, {installed.crowd.count:,} posts: {pace:,.0f} posts/s ({seconds:.0f} s); "
        f"raw _bulk {raw:,.0f} posts/s; {pace / raw:.2f} x (goal 0.6 x)",
        flush=True,
    )


def _raw_pace(installed: Installed) -> float:
    """Documents a second of `_bulk` alone, into an index with the same mapping, in batches of the same size."""
    writer = installed.writer
    beside = Writer(writer.cluster.beside("raw"), writer.lexicon)
    crowd = installed.crowd
    documents = [
        catalog.described(post["id"], 1, post, school, published_at=crowd.published_at(at))
        for at, (post, school) in ((at, crowd.post(at)) for at in range(min(READY, crowd.count)))
    ]
    batches = [beside.lines_of(documents[at : at + BUILD_BATCH]) for at in range(0, len(documents), BUILD_BATCH)]
    index = beside.create_unrefreshed(datetime.now(UTC))
    try:
        began = time.monotonic()
        for lines in batches:
            beside.send(index, lines)
        return len(documents) / (time.monotonic() - began)
    finally:
        beside.drop_everything()
