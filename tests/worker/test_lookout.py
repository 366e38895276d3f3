"""An index that was thrown away comes back by itself, with everything that is public, and what was owed meanwhile."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from config.settings import REFERENCE_DIR
from iew.domain.actors import SYSTEM
from iew.models import Invitation
from iew.outbox import REBUILD_INDEX
from iew.uow import UnitOfWork
from search_index import wordlists
from search_index.cluster import Cluster
from search_index.reader import Reader
from search_index.searches import SearchWriter
from search_index.writer import Writer
from tests.parts import Parts
from tests.workshop import Workshop
from tests.world import World
from worker.lookout import look_for_indices

NOW = datetime.now(UTC)


@pytest.fixture
def writer(parts: Parts) -> Iterator[Writer]:
    cluster = Cluster(parts.opensearch_url, prefix=f"lookout-{uuid4().hex[:8]}")
    writer = Writer(cluster, wordlists.load(REFERENCE_DIR / "lexicon"))
    yield writer
    writer.drop_everything()
    SearchWriter(cluster, writer.lexicon).drop_everything()
    cluster.close()


@pytest.fixture
def shop(committed: Workshop, writer: Writer) -> Workshop:
    """A workshop that works on the engine, as a worker does."""
    committed.index, committed.searches = writer, SearchWriter(writer.cluster, writer.lexicon)
    return committed


def look(shop: Workshop, cluster: Cluster) -> bool:
    def open_unit_of_work(now: datetime) -> UnitOfWork:
        return UnitOfWork(shop.session_factory, now=now)

    return look_for_indices(open_unit_of_work, [cluster, cluster.holding("searches")], NOW)


def rebuilds(shop: Workshop) -> int:
    return [row.job for row in shop.rows()].count(REBUILD_INDEX)


def imported(world: World, title: str) -> Invitation:
    """A public post whose writing is owed."""
    post = world.invitation(world.osaka, title=title)
    with world.unit_of_work() as uow:
        uow.record("InvitationImported", uow.get(Invitation, post.id), SYSTEM, action="import")
    return post


def test_where_both_indices_are_there_nothing_is_owed(shop: Workshop, writer: Writer) -> None:
    writer.ensure(now=NOW)
    shop.searches.ensure(now=NOW)
    assert look(shop, writer.cluster) is False
    assert rebuilds(shop) == 0


@pytest.mark.parametrize("lost", ["documents", "searches"])
def test_a_lost_one_is_owed_once(shop: Workshop, writer: Writer, lost: str) -> None:
    (shop.searches if lost == "documents" else writer).ensure(now=NOW)
    assert [look(shop, writer.cluster) for _ in range(2)] == [True, False]
    assert rebuilds(shop) == 1


def test_an_engine_that_is_away_has_lost_nothing(shop: Workshop) -> None:
    assert look(shop, Cluster("http://127.0.0.1:9")) is False
    assert rebuilds(shop) == 0


def test_an_index_that_was_dropped_comes_back_whole(shop: Workshop, writer: Writer) -> None:
    world, reader = World(shop.session_factory), Reader(writer.cluster, writer.lexicon)
    posts = [world.invitation(world.osaka, title=f"Post {at}") for at in range(3)]
    look(shop, writer.cluster)
    shop.work_off(skip=("suggest_partners",))
    whole = {held.id for held in reader.held()}
    assert {post.id for post in posts} <= whole

    for cluster in (writer.cluster, writer.cluster.holding("searches")):
        cluster.client.indices.delete(index=cluster.index_behind_alias())
    late = imported(world, "Published while there was no index")
    shop.work_off(skip=("suggest_partners",))
    waiting = [row.job for row in shop.rows() if row.job in ("index_invitation", "announce_to_searches")]
    assert sorted(waiting) == ["announce_to_searches", "index_invitation"]

    assert look(shop, writer.cluster) is True
    for _ in range(2):  # what waited is tried again
        shop.work_off(skip=("suggest_partners",))
    assert {held.id for held in reader.held()} == whole | {late.id}
    assert [row.job for row in shop.rows() if row.job != "suggest_partners"] == []
    assert look(shop, writer.cluster) is False


def test_a_worker_waits_where_the_index_has_other_words_and_catches_up_after_the_rebuild(
    shop: Workshop, writer: Writer
) -> None:
    world, reader = World(shop.session_factory), Reader(writer.cluster, writer.lexicon)
    writer.ensure(now=NOW)
    meta = writer.cluster.meta_of(writer.cluster.names.alias) | {"lexicon": "older"}
    writer.cluster.client.indices.put_mapping(index=writer.cluster.index_behind_alias(), body={"_meta": meta})
    post = imported(world, "Of words that changed")
    (row,) = [row for row in shop.rows() if row.job == "index_invitation"]

    shop.perform(row.id)

    waiting = shop.row(row.id)
    assert (waiting.done_at, waiting.parked_at, waiting.attempts) == (None, None, 1)
    assert "iew search rebuild" in (waiting.last_error or "")
    writer.rebuild(list, lambda moment: [], lambda: NOW)
    shop.perform(row.id)
    assert shop.row(row.id).done_at is not None
    writer._refresh(writer.cluster.names.alias)
    assert [held.id for held in reader.held()] == [post.id]
