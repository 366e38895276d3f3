"""The way to the search engine, and when to stop trying.

A web page waits for a search two seconds at most; after five failures in a row nobody asks for half a minute, so that
an engine that hangs does not hang the whole service with it.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from opensearchpy import OpenSearch
from opensearchpy.exceptions import HTTP_EXCEPTIONS, NotFoundError, OpenSearchException, RequestError, TransportError

from search_index.errors import IndexMissing, PluginMissing, SearchBusy, SearchUnavailable
from search_index.mapping import PLUGINS

SEARCH_SECONDS: Final = 2.0
INDEX_SECONDS: Final = 10.0
BUILD_SECONDS: Final = 60.0
TOO_MANY_REQUESTS: Final = 429
SHORTEST_WAIT_SECONDS: Final = 0.1
FAILURES_TO_OPEN: Final = 5
OPEN_SECONDS: Final = 30.0

Reply = TypeVar("Reply")


@dataclass(frozen=True, slots=True)
class Names:
    """What the indices are called: the alias everybody uses, and dated indices behind it."""

    prefix: str = ""
    noun: str = "documents"

    @property
    def alias(self) -> str:
        return f"{self.prefix}-{self.noun}" if self.prefix else self.noun

    def dated(self, stamp: str) -> str:
        return f"{self.alias}-{stamp}"

    @property
    def pattern(self) -> str:
        """Matches the dated indices and nothing else."""
        return f"{self.alias}-2*"


class CircuitBreaker:
    """Lets calls through until several have failed in a row, then none for a while, then one to try.

    clock: seconds, of any steady origin.
    """

    def __init__(
        self,
        *,
        failures_to_open: int = FAILURES_TO_OPEN,
        open_seconds: float = OPEN_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures_to_open = failures_to_open
        self._open_seconds = open_seconds
        self._clock = clock
        self._failures = 0
        self._opened_at = 0.0
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise SearchUnavailable while the circuit is open; let one caller through when the time is over."""
        with self._lock:
            if self._failures < self._failures_to_open:
                return
            left = self._opened_at + self._open_seconds - self._clock()
            if left > 0:
                raise SearchUnavailable("the search engine failed several times", retry_after_seconds=int(left) + 1)
            self._opened_at = self._clock()

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= self._failures_to_open:
                self._opened_at = self._clock()

    @property
    def is_open(self) -> bool:
        with self._lock:
            return self._failures >= self._failures_to_open and self._clock() < self._opened_at + self._open_seconds


class Cluster:
    """One or several nodes of the engine, and the names of our indices on them."""

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "",
        noun: str = "documents",
        search_seconds: float = SEARCH_SECONDS,
        index_seconds: float = INDEX_SECONDS,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        """url: as in the settings, several nodes separated by commas. noun: what the indices hold."""
        self.url = url
        self.names = Names(prefix, noun)
        self.search_seconds = search_seconds
        self.index_seconds = index_seconds
        self.breaker = breaker or CircuitBreaker()
        hosts = [part.strip() for part in url.split(",") if part.strip()]
        self.client = OpenSearch(hosts=hosts, max_retries=len(hosts) - 1, retry_on_timeout=False, retry_on_status=())

    def close(self) -> None:
        self.client.close()

    def beside(self, name: str) -> "Cluster":
        """The same nodes with indices of their own, which nobody else sees."""
        return Cluster(self.url, prefix=f"{self.names.prefix}-{name}", search_seconds=self.index_seconds)

    def holding(self, noun: str) -> "Cluster":
        """The same nodes, with the indices that hold something else; no reader of a page waits for those."""
        return Cluster(
            self.url,
            prefix=self.names.prefix,
            noun=noun,
            search_seconds=self.index_seconds,
            index_seconds=self.index_seconds,
            breaker=self.breaker,
        )

    def search(
        self, body: Mapping[str, Any], *, index: str | None = None, until: float | None = None
    ) -> dict[str, Any]:
        """One search under the alias. Raises SearchUnavailable, also for a reply that not every shard took part in.

        until: when whoever waits gives up, by `time.monotonic`; several searches for one reader share one such moment.
        """
        seconds = self.search_seconds if until is None else max(until - time.monotonic(), SHORTEST_WAIT_SECONDS)
        reply = self.ask(
            lambda: self.client.search(
                index=index or self.names.alias,
                body=body,
                params={"request_timeout": seconds, "allow_partial_search_results": "false"},
            )
        )
        if reply.get("timed_out") or reply.get("_shards", {}).get("failed"):
            raise SearchUnavailable("only a part of the search engine answered")
        return dict(reply)

    def search_many(
        self, bodies: Sequence[Mapping[str, Any]], *, index: str | None = None, until: float | None = None
    ) -> list[dict[str, Any]]:
        """Several searches at once, their replies in the same order. Raises as `search`."""
        if len(bodies) == 1:
            return [self.search(bodies[0], index=index, until=until)]
        seconds = self.search_seconds if until is None else max(until - time.monotonic(), SHORTEST_WAIT_SECONDS)
        head = {"index": index or self.names.alias, "allow_partial_search_results": False}
        lines = [line for body in bodies for line in (head, body)]
        reply = self.ask(lambda: _checked(self.client.msearch(body=lines, params={"request_timeout": seconds})))
        for each in reply:
            if each.get("timed_out") or each.get("_shards", {}).get("failed"):
                raise SearchUnavailable("only a part of the search engine answered")
        return reply

    def ask(self, call: Callable[[], Reply]) -> Reply:
        """Make a call through the circuit breaker; what the engine's absence raises becomes SearchUnavailable.

        A request that the engine understood and refused (400) is our own mistake and passes through.
        """
        self.breaker.check()
        try:
            reply = call()
        except NotFoundError as fault:
            self.breaker.succeeded()
            raise IndexMissing from fault
        except RequestError:
            self.breaker.succeeded()
            raise
        except OpenSearchException as fault:
            self.breaker.failed()
            if isinstance(fault, TransportError) and fault.status_code == TOO_MANY_REQUESTS:
                raise SearchBusy from fault
            raise SearchUnavailable(_reason(fault)) from fault
        self.breaker.succeeded()
        return reply

    def check_plugins(self) -> None:
        """Raises PluginMissing with the name of each analyser that the engine lacks."""
        missing = tuple(plugin for plugin, tokenizer in PLUGINS.items() if not self._has_tokenizer(tokenizer))
        if missing:
            raise PluginMissing(missing)

    def _has_tokenizer(self, tokenizer: str) -> bool:
        body = {"tokenizer": tokenizer, "text": "x"}
        try:
            self.ask(lambda: self.client.indices.analyze(body=body, params={"request_timeout": self.index_seconds}))
        except RequestError:
            return False
        return True

    def meta_of(self, index: str) -> dict[str, str]:
        """What was noted when an index was built, by its name or the alias. Raises SearchUnavailable, IndexMissing."""
        reply = self.ask(
            lambda: self.client.indices.get_mapping(
                index=index, params={"request_timeout": self.index_seconds, "filter_path": "*.mappings._meta"}
            )
        )
        if not reply:
            return {}
        return dict(next(iter(reply.values()))["mappings"]["_meta"])

    def index_behind_alias(self) -> str | None:
        """The dated index that the alias points to, None where there is none."""
        try:
            reply = self.client.indices.get_alias(name=self.names.alias, params={"request_timeout": self.index_seconds})
        except NotFoundError:
            return None
        except OpenSearchException as fault:
            self.breaker.failed()
            if isinstance(fault, TransportError) and fault.status_code == TOO_MANY_REQUESTS:
                raise SearchBusy from fault
            raise SearchUnavailable(_reason(fault)) from fault
        return str(max(reply))


def _checked(reply: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The replies of several searches; the first that failed raises what it would have raised alone."""
    for each in reply["responses"]:
        if "error" in each:
            status = int(each.get("status", 500))
            raise HTTP_EXCEPTIONS.get(status, TransportError)(status, each["error"].get("type", "error"), each)
    return list(reply["responses"])


def _reason(fault: OpenSearchException) -> str:
    if isinstance(fault, TransportError):
        return f"the search engine does not answer ({fault.status_code})"
    return f"the search engine does not answer ({type(fault).__name__})"
