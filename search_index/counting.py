"""How many documents meet a clause, and counts of whole searches: remembered where counting anew would take long.

How rare a word is decides what it weighs, so every query asks for it. A large count hardly moves in minutes and is kept
that long; a small one is asked anew each time, since between one and none lies all the difference to a reader.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from search_index.cluster import Cluster
from search_index.errors import SearchUnavailable
from search_index.query import Body, counting_body

KEPT_FROM: Final = 1000
"""A count from here on is kept."""
KEPT_SECONDS: Final = 300.0
MOST_KEPT: Final = 20_000

MANY: Final = 50_000
SLOW_MS: Final = 50
"""Counts over so many documents that took the engine this long are kept for a moment: both, since a busy engine is slow
over a few documents too, and there every count shall be that of the moment."""
FRESH_SECONDS: Final = 1.5
STALE_SECONDS: Final = 4.0
"""Counts older than this are shown to nobody; older than fresh, they are shown once more while new ones are made."""
MOST_RECENT: Final = 500

Reply = Mapping[str, Any]


class Counts:
    """Counts of single clauses. clock: seconds, of any steady origin."""

    def __init__(self, cluster: Cluster, index: str | None = None, *, clock: Callable[[], float] = time.monotonic):
        self._cluster, self._index, self._clock = cluster, index, clock
        self._kept: dict[str, tuple[int, float]] = {}

    def of(self, clauses: Sequence[Body | None], today: date, until: float | None = None) -> list[int]:
        """How many visible documents meet each clause; None: how many there are. Raises SearchUnavailable."""
        bodies = {_key(body): body for body in (counting_body(today, clause) for clause in clauses)}
        known = {key: count for key in bodies if (count := self._remembered(key)) is not None}
        unknown = [key for key in bodies if key not in known]
        if unknown:
            replies = self._cluster.search_many([bodies[key] for key in unknown], index=self._index, until=until)
            for key, reply in zip(unknown, replies, strict=True):
                known[key] = int(reply["hits"]["total"]["value"])
                self._keep(key, known[key])
        return [known[_key(counting_body(today, clause))] for clause in clauses]

    def _remembered(self, key: str) -> int | None:
        count, at = self._kept.get(key, (None, 0.0))
        return count if count is not None and self._clock() - at < KEPT_SECONDS else None

    def _keep(self, key: str, count: int) -> None:
        if count >= KEPT_FROM:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key] = (count, self._clock())


@dataclass
class _Recent:
    reply: Reply
    asked_at: float
    being_renewed: bool = False


class RecentReplies:
    """Replies to counting bodies that took long, kept for a few seconds. clock: seconds, of any steady origin."""

    def __init__(self, cluster: Cluster, index: str | None = None, *, clock: Callable[[], float] = time.monotonic):
        self._cluster, self._index, self._clock = cluster, index, clock
        self._kept: dict[str, _Recent] = {}
        self._lock = threading.Lock()

    def recall(self, body: Body) -> Reply | None:
        """The reply to this body, where a recent one is kept; one that grows old is renewed behind the back."""
        key, now = _key(body), self._clock()
        with self._lock:
            found = self._kept.get(key)
            if found is None or now - found.asked_at > STALE_SECONDS:
                return None
            renew = now - found.asked_at > FRESH_SECONDS and not found.being_renewed
            found.being_renewed |= renew
        if renew:
            threading.Thread(target=self._renew, args=(key, body), name="renew-counts", daemon=True).start()
        return found.reply

    def keep(self, body: Body, reply: Reply, asked_at: float) -> None:
        """Keep a reply over many documents that took the engine long. asked_at: by the clock, before it was asked."""
        counted = max(int(group["doc_count"]) for group in reply["aggregations"].values())
        if counted < MANY or int(reply["took"]) < SLOW_MS:
            return
        with self._lock:
            if len(self._kept) >= MOST_RECENT:
                self._kept.clear()
            self._kept[_key(body)] = _Recent(reply, asked_at)

    def now(self) -> float:
        return self._clock()

    def _renew(self, key: str, body: Body) -> None:
        asked_at = self._clock()
        with suppress(SearchUnavailable):  # whoever comes when the kept one is too old asks, and is told
            self.keep(body, self._cluster.search(body, index=self._index), asked_at)
        with self._lock:
            if key in self._kept:
                self._kept[key].being_renewed = False


def _key(body: Body) -> str:
    return json.dumps(body, sort_keys=True, ensure_ascii=False)
