"""An engine that is away, hangs, answers in part, or lacks an analyser."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opensearchpy.exceptions import ConnectionTimeout, NotFoundError, RequestError, TransportError

from search_index.cluster import CircuitBreaker, Cluster
from search_index.errors import PluginMissing, SearchUnavailable
from search_index.lexicon import Lexicon
from search_index.reader import Reader
from tests.search.conftest import TODAY, asking


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def failing() -> Any:
    raise ConnectionTimeout("N/A", "slow", None)


class TestCircuitBreaker:
    def cluster(self, clock: Clock) -> Cluster:
        return Cluster("http://127.0.0.1:1", breaker=CircuitBreaker(clock=clock))

    def fail(self, cluster: Cluster, times: int) -> None:
        for _ in range(times):
            with pytest.raises(SearchUnavailable):
                cluster.ask(failing)

    def test_five_failures_in_a_row_open_it_for_half_a_minute(self) -> None:
        clock = Clock()
        cluster = self.cluster(clock)
        self.fail(cluster, 5)

        with pytest.raises(SearchUnavailable) as refused:
            cluster.ask(lambda: pytest.fail("the engine was asked"))
        assert refused.value.retry_after_seconds == 31
        assert cluster.breaker.is_open

    def test_after_that_one_may_try_and_closes_it(self) -> None:
        clock = Clock()
        cluster = self.cluster(clock)
        self.fail(cluster, 5)
        clock.now += 30

        assert cluster.ask(lambda: "well") == "well"
        assert cluster.ask(lambda: "still well") == "still well"

    def test_one_more_failure_opens_it_again_and_nobody_else_tries_meanwhile(self) -> None:
        clock = Clock()
        cluster = self.cluster(clock)
        self.fail(cluster, 5)
        clock.now += 30
        self.fail(cluster, 1)

        with pytest.raises(SearchUnavailable):
            cluster.ask(lambda: pytest.fail("the engine was asked"))

    def test_a_success_between_failures_starts_the_count_anew(self) -> None:
        cluster = self.cluster(Clock())
        self.fail(cluster, 4)
        cluster.ask(lambda: "well")
        self.fail(cluster, 4)

        assert not cluster.breaker.is_open

    def test_our_own_mistake_is_no_failure_of_the_engine(self) -> None:
        cluster = self.cluster(Clock())

        def refused() -> Any:
            raise RequestError(400, "parsing_exception", {})

        for _ in range(6):
            with pytest.raises(RequestError):
                cluster.ask(refused)
        assert not cluster.breaker.is_open

    @pytest.mark.parametrize(
        "fault", [NotFoundError(404, "index_not_found_exception", {}), TransportError(429, "x", {})]
    )
    def test_what_is_not_there_is_an_absence(self, fault: Exception) -> None:
        def call() -> Any:
            raise fault

        with pytest.raises(SearchUnavailable):
            self.cluster(Clock()).ask(call)


@contextmanager
def hanging_server() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield f"http://127.0.0.1:{door.getsockname()[1]}"


@contextmanager
def server_saying(*replies: bytes) -> Iterator[str]:
    """Answers each request with the next reply."""
    door = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for reply in replies:
            talk, _ = door.accept()
            with talk:
                talk.recv(65536)
                head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                talk.sendall(head + b"Content-Length: %d\r\n\r\n" % len(reply) + reply)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{door.getsockname()[1]}"
    thread.join(5)
    door.close()


def test_an_engine_that_hangs_is_given_up_in_time(lexicon: Lexicon) -> None:
    with hanging_server() as url:
        cluster = Cluster(url, search_seconds=0.3)
        began = time.monotonic()
        with pytest.raises(SearchUnavailable):
            asking(Reader(cluster, lexicon))("tea")
        assert time.monotonic() - began < 1.5
        cluster.close()


def test_an_engine_that_is_not_there_is_an_absence(lexicon: Lexicon) -> None:
    cluster = Cluster("http://127.0.0.1:1")

    for call in (cluster.index_behind_alias, cluster.check_plugins, lambda: asking(Reader(cluster, lexicon))()):
        with pytest.raises(SearchUnavailable):
            call()
    cluster.close()


@pytest.mark.parametrize(
    "reply",
    [
        b'{"timed_out": true, "took": 1, "_shards": {"failed": 0}, "hits": {"total": {"value": 0}, "hits": []}}',
        b'{"timed_out": false, "took": 1, "_shards": {"failed": 1}, "hits": {"total": {"value": 0}, "hits": []}}',
    ],
)
def test_an_answer_in_part_is_not_fewer_hits(lexicon: Lexicon, reply: bytes) -> None:
    several = b'{"took": 1, "responses": [' + reply + b", " + reply + b"]}"
    for said, ask in (
        (reply, lambda cluster: Reader(cluster, lexicon).count_visible(TODAY)),
        (several, lambda cluster: asking(Reader(cluster, lexicon))()),
    ):
        with server_saying(said) as url:
            cluster = Cluster(url)
            with pytest.raises(SearchUnavailable):
                ask(cluster)
            cluster.close()


@pytest.mark.parametrize("status", [404, 429, 503])
def test_one_of_several_searches_that_fails_is_an_absence(lexicon: Lexicon, status: int) -> None:
    failed = b'{"error": {"type": "index_not_found_exception"}, "status": %d}' % status
    with server_saying(b'{"took": 1, "responses": [{"took": 1, "hits": {"hits": []}}, ' + failed + b"]}") as url:
        cluster = Cluster(url)
        with pytest.raises(SearchUnavailable):
            asking(Reader(cluster, lexicon))()
        cluster.close()


def test_a_second_node_is_asked_where_the_first_is_away(cluster: Cluster) -> None:
    both = Cluster(f"http://127.0.0.1:1,{cluster.url}")

    for _ in range(4):
        both.check_plugins()
    both.close()


def test_each_missing_analyser_is_named(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "search_index.cluster.PLUGINS", {"analysis-icu": "icu_tokenizer", "analysis-klingon": "klingon_tokenizer"}
    )

    with pytest.raises(PluginMissing, match="analysis-klingon") as fault:
        cluster.check_plugins()
    assert fault.value.missing == ("analysis-klingon",)


def test_the_engine_of_the_tests_has_all_analysers(cluster: Cluster) -> None:
    cluster.check_plugins()
