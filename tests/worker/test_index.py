"""The index follows the database: in bursts together, in faults apart, from the commit to the search in no time."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis

from config.settings import REFERENCE_DIR
from iew.domain.actors import SYSTEM
from iew.embedded.valkey import Valkey
from iew.models import Invitation, OutboxRow
from search_index import wordlists
from search_index.cluster import Cluster
from search_index.document import Document
from search_index.errors import SearchUnavailable, WriteRefused
from search_index.query import Request
from search_index.reader import Reader
from search_index.writer import Writer
from tests.parts import Parts
from tests.workshop import Workshop
from tests.world import World
from worker.jobs.index import MOST_AT_ONCE

ROOT = Path(__file__).parents[2]


@dataclass
class Index:
    """Takes documents, and refuses those whose ids a test names."""

    taken: list[list[Document]] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    away: bool = False

    def write_many(self, documents: Iterable[Document], *, wait: bool = False) -> None:
        batch = list(documents)
        if self.away:
            raise SearchUnavailable("away")
        if any(document.id in self.refuses for document in batch):
            raise WriteRefused("bad")
        self.taken.append(batch)

    @property
    def written(self) -> dict[str, bool]:
        """Id -> whether it can be found, as last written."""
        return {document.id: document.visible for batch in self.taken for document in batch}


@pytest.fixture
def indexing(workshop: Workshop) -> Workshop:
    workshop.index = Index()
    return workshop


def publish(world: World, count: int = 1) -> list[Invitation]:
    """Posts whose publication owes their writing."""
    posts = [world.invitation(world.osaka) for _ in range(count)]
    with world.unit_of_work() as uow:
        merged = [uow.session.merge(post) for post in posts]
        uow.record_all("IndexDiffers", merged, SYSTEM, action="index")
    return posts


def index_rows(workshop: Workshop) -> list[OutboxRow]:
    return [row for row in workshop.rows() if row.job == "index_invitation"]


def test_a_burst_is_written_together(world: World, indexing: Workshop) -> None:
    posts = publish(world, 7)
    first, *_ = index_rows(indexing)
    indexing.perform(first.id)
    assert index_rows(indexing) == []
    assert [len(batch) for batch in indexing.index.taken] == [7]
    assert indexing.index.written == {post.id: True for post in posts}


def test_a_job_takes_no_more_along_than_it_can_carry(world: World, indexing: Workshop) -> None:
    publish(world, MOST_AT_ONCE + 5)
    indexing.perform(index_rows(indexing)[0].id)
    assert len(index_rows(indexing)) == 5


def test_of_a_burst_with_one_bad_document_all_others_are_written(world: World, indexing: Workshop) -> None:
    good, bad, other = publish(world, 3)
    indexing.index.refuses = {bad.id}
    for row in index_rows(indexing):
        indexing.perform(row.id)
    assert set(indexing.index.written) == {good.id, other.id}
    parked = [row.subject_id for row in indexing.rows(everything=True) if row.parked_at]
    assert parked == [bad.id]


def test_while_the_engine_is_away_all_rows_wait(world: World, indexing: Workshop) -> None:
    publish(world, 2)
    indexing.index.away = True
    for row in index_rows(indexing):
        indexing.perform(row.id)
    assert [(row.attempts, row.parked_at) for row in index_rows(indexing)] == [(1, None), (1, None)]


def test_the_present_state_is_written_whatever_was_true_when_it_was_owed(world: World, indexing: Workshop) -> None:
    (post,) = publish(world)
    with world.unit_of_work() as uow:
        uow.transition(uow.get(Invitation, post.id), "withdraw", world.actor(world.osaka))
    for row in index_rows(indexing):
        indexing.perform(row.id)
    assert indexing.index.written == {post.id: False}


def test_a_changed_school_has_all_its_posts_written(world: World, indexing: Workshop) -> None:
    posts = [world.invitation(world.osaka) for _ in range(2)]
    with world.unit_of_work() as uow:
        uow.record("SchoolChanged", uow.session.merge(posts[0]).school, action="change")
    indexing.work_off(skip=("suggest_partners",))
    assert set(indexing.index.written) == {post.id for post in posts}
    assert sorted((row.job, row.subject_id) for row in indexing.rows()) == sorted(
        ("suggest_partners", post.id) for post in posts
    )


@pytest.fixture
def engine(parts: Parts) -> Iterator[tuple[Writer, str]]:
    """The real engine, with an index of its own."""
    prefix = f"worker{os.getpid()}"
    cluster, words = Cluster(parts.opensearch_url, prefix=prefix), wordlists.load(REFERENCE_DIR / "lexicon")
    writer = Writer(cluster, words)
    writer.ensure(now=datetime.now(UTC))
    yield writer, prefix
    writer.drop_everything()
    cluster.close()


def test_a_post_is_found_within_two_seconds_of_its_commit(
    committed: Workshop,
    worker_database_url: str,
    redis: Redis,
    valkey: Valkey,
    parts: Parts,
    engine: tuple[Writer, str],
) -> None:
    writer, prefix = engine
    variables = {
        "IEW_DATABASE_URL": worker_database_url,
        "IEW_REDIS_URL": valkey.url,
        "IEW_OPENSEARCH_URL": parts.opensearch_url,
        "IEW_SMTP_URL": parts.smtp_url,
        "IEW_BASE_URL": "http://localhost:8000",
        "IEW_INDEX_PREFIX": prefix,
        "IEW_SECRET_KEY": "a secret key of the tests",
        "IEW_MAIL_FROM": "window@iew.example",
    }
    outside = {name: value for name, value in os.environ.items() if not name.startswith("IEW_")}
    processes = [
        subprocess.Popen([sys.executable, "-m", "worker", part], cwd=ROOT, env=outside | variables)
        for part in ("relay", "worker")
    ]
    try:
        world, reader, waited = World(committed.session_factory), Reader(writer.cluster, writer.lexicon), []
        while redis.scard("rq:workers") < 1:
            time.sleep(0.05)
        for _ in range(5):
            (post,) = publish(world)
            begun = time.monotonic()
            while post.id not in {
                hit.id for hit in reader.search(Request(today=post.created_at.date(), limit=100)).hits
            }:
                assert time.monotonic() - begun < 30, "it is not found at all"
                time.sleep(0.02)
            waited.append(time.monotonic() - begun)
        assert sorted(waited)[2] < 2, waited
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(20)
