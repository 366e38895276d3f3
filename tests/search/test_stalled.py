"""An engine that takes questions and does not answer: readers wait a moment and get a list, and nothing is lost."""

import time
from collections.abc import Iterator
from uuid import uuid4

import pytest

from iew.db import SessionFactory
from iew.domain.actors import SYSTEM
from iew.models import Invitation
from iew.services import catalog
from search_index.cluster import Cluster
from search_index.lexicon import Lexicon
from search_index.reader import Reader
from search_index.writer import Writer
from tests.pages.browser import Browser
from tests.parts import Parts
from tests.search.stalling import Proxy, stalling
from tests.web.houses import world_with_web
from tests.workshop import Workshop
from tests.world import World

SECONDS = 3.0


@pytest.fixture
def proxy(parts: Parts) -> Iterator[Proxy]:
    with stalling(parts.opensearch_url) as proxy:
        yield proxy


@pytest.fixture
def writer(proxy: Proxy, lexicon: Lexicon) -> Iterator[Writer]:
    cluster = Cluster(proxy.url, prefix=f"stalled-{uuid4().hex[:8]}", search_seconds=SECONDS, index_seconds=5 * SECONDS)
    yield Writer(cluster, lexicon)
    proxy.flow()
    Writer(cluster, lexicon).drop_everything()
    cluster.close()


@pytest.fixture
def world(session_factory: SessionFactory, parts: Parts, writer: Writer) -> World:
    """A post that can be found, while the engine answers."""
    reader = Reader(writer.cluster, writer.lexicon)
    world = world_with_web(session_factory, parts, open_searcher=lambda: reader)
    world.invitation(world.osaka, title="Zorblax of the sea")
    catalog.rebuild(world.unit_of_work, writer)
    return world


def test_pages_and_api_give_up_in_time_and_come_back(world: World, proxy: Proxy) -> None:
    browser = Browser(world.app)
    assert "of the sea" in browser.open("search?q=zorblax").text
    proxy.stall()
    began = time.monotonic()

    page = browser.open("search?q=zorblax&country=JP")
    waited = time.monotonic() - began
    reply = world.as_(None).get("/search?q=zorblax")
    completion = world.as_(None).get("/search/complete?q=zor")

    assert page.status == 200
    assert "The search does not answer at the moment" in page.words and "Zorblax of the sea" in page.text
    assert waited < SECONDS + 2
    for refused in (reply, completion):
        assert (refused.status_code, refused.get_json()["code"]) == (503, "search_unavailable")
        assert int(refused.headers["Retry-After"]) > 0
    proxy.flow()
    assert "The search does not answer at the moment" not in browser.open("search?q=zorblax").words


def test_what_is_published_meanwhile_waits_and_is_found_afterwards(
    world: World, session_factory: SessionFactory, proxy: Proxy, writer: Writer
) -> None:
    impatient = Writer(Cluster(proxy.url, prefix=writer.cluster.names.prefix, index_seconds=SECONDS), writer.lexicon)
    workshop = Workshop(session_factory, index=impatient)
    post = world.invitation(world.osaka, title="Quondle of the river")
    with world.unit_of_work() as uow:
        uow.record("IndexDiffers", uow.get(Invitation, post.id), SYSTEM, action="index")
    (row,) = workshop.rows()
    proxy.stall()

    workshop.perform(row.id)
    waiting = workshop.row(row.id)
    assert (waiting.done_at, waiting.parked_at, waiting.attempts) == (None, None, 1)

    proxy.flow()
    workshop.perform(row.id)
    assert workshop.row(row.id).done_at is not None
    impatient._refresh(impatient.cluster.names.alias)
    assert world.as_(None).get("/search?q=quondle").get_json()["total"] == 1
    impatient.cluster.close()
