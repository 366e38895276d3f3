"""A web and a workshop on indices of these tests alone."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from iew.app import LEXICON_DIR
from iew.db import SessionFactory
from iew.duties import run_due
from iew.models import Invitation, SavedSearch, User
from iew.uow import UnitOfWork
from search_index import wordlists
from search_index.cluster import Cluster
from search_index.reader import Reader
from search_index.searches import SearchWriter
from search_index.writer import Writer
from tests.parts import Parts
from tests.web.houses import world_with_web
from tests.workshop import Workshop
from tests.world import World

Tick = Callable[[datetime], None]


@pytest.fixture(scope="session")
def reader(parts: Parts) -> Iterator[Reader]:
    """An empty index of documents, by which words are understood."""
    cluster = Cluster(parts.opensearch_url, prefix=f"searches-{uuid4().hex[:8]}", search_seconds=20, index_seconds=30)
    reader = Reader(cluster, wordlists.load(LEXICON_DIR))
    writer = Writer(cluster, reader.lexicon)
    writer.ensure(now=datetime.now(UTC))
    yield reader
    writer.drop_everything()
    cluster.close()


@pytest.fixture
def searches(reader: Reader) -> Iterator[SearchWriter]:
    writer = SearchWriter(reader.cluster, reader.lexicon)
    writer.drop_everything()
    writer.ensure(now=datetime.now(UTC))
    yield writer
    writer.drop_everything()
    writer.cluster.close()


@pytest.fixture
def world(session_factory: SessionFactory, parts: Parts, reader: Reader) -> World:
    return world_with_web(session_factory, parts, open_searcher=lambda: reader)


@pytest.fixture
def workshop(session_factory: SessionFactory, searches: SearchWriter) -> Workshop:
    return Workshop(session_factory, searches=searches)


@pytest.fixture
def tick(session_factory: SessionFactory) -> Tick:
    def tick(now: datetime) -> None:
        run_due(lambda moment: UnitOfWork(session_factory, now=moment), now)

    return tick


def keep(world: World, user: User, frequency: str = "instant", name: str = "My robots", **params: Any) -> SavedSearch:
    """A search that somebody keeps, over the API."""
    body = {"name": name, "params": params or {"q": "robots"}, "frequency": frequency, "paused": False}
    reply = world.as_(user).post("/saved-searches", body)
    assert reply.status_code == 201, reply.text
    with world.unit_of_work() as uow:
        return uow.get(SavedSearch, reply.json["id"])


def publish(world: World, by: User | None = None, **changes: Any) -> Invitation:
    """A post that becomes public in the way of the use cases."""
    invitation = world.invitation(by or world.osaka, status="submitted", **changes)
    with world.unit_of_work() as uow:
        found = uow.get(Invitation, invitation.id)
        uow.transition(found, "publish", world.actor(world.admin))
        found.published_at = uow.now
    return invitation
