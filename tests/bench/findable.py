"""From the click on "publish" to the first search that finds the post, on real servers."""

import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from iew.models import Invitation
from tests.databases import created_database, prepare
from tests.parts import parts_for_tests
from tests.story.running import installation, world_of
from tests.world import Client, World

POSTS = 50
GIVEN_UP_SECONDS = 30
POLL_SECONDS = 0.02
CROWDED_POSTS = 400
CROWDED_RATE = 20
"""Publications a second."""
CROWDED_CLIENTS = 40
CROWDED_POLL_SECONDS = 0.2
"""Asked less often, or the asking would be what is measured."""


def run() -> None:
    """Publish fifty posts one after the other, and wait for each; then twenty a second."""
    with _ready() as (world, admin, visitor):
        posts = [world.invitation(world.osaka, status="submitted", title=f"Findable kite {n:03}") for n in range(POSTS)]
        waits = sorted(
            _wait(admin, visitor, post.id, f"IEW-{post.created_at.year}-{post.serial:06d}") for post in posts
        )
        crowd = [
            world.invitation(world.osaka, status="submitted", title=f"Crowded kite {n:03}")
            for n in range(CROWDED_POSTS)
        ]
        crowded = _at_a_rate(world, crowd)
    _tell(f"publish -> findable, {POSTS} posts one by one", waits)
    _tell(f"publish -> findable, {CROWDED_POSTS} posts at {CROWDED_RATE} a second", crowded)


def _tell(what: str, waits: list[float]) -> None:
    p95 = waits[int(len(waits) * 0.95) - 1]
    print(f"{what}: median {statistics.median(waits):.2f} s, p95 {p95:.2f} s (promise: 2 s)", flush=True)


def _at_a_rate(world: World, posts: list[Invitation]) -> list[float]:
    """Publish each at its moment, many at a time; how long each took to be found."""
    began = time.monotonic()

    def one(at: int) -> float:
        time.sleep(max(0.0, began + at / CROWDED_RATE - time.monotonic()))
        post = posts[at]
        number = f"IEW-{post.created_at.year}-{post.serial:06d}"
        return _wait(world.as_(world.admin), world.as_(None), post.id, number, CROWDED_POLL_SECONDS)

    with ThreadPoolExecutor(CROWDED_CLIENTS) as pool:
        return sorted(pool.map(one, range(len(posts))))


@contextmanager
def _ready() -> Iterator[tuple[World, Client, Client]]:
    parts = parts_for_tests()
    with created_database(parts) as url:
        prepare(url)
        with installation(parts, url) as running:
            running.start("relay", "worker")
            world = world_of(running)
            yield world, world.as_(world.admin), world.as_(None)


def _wait(admin: Client, visitor: Client, post_id: str, number: str, poll_seconds: float = POLL_SECONDS) -> float:
    began = time.monotonic()
    reply = admin.post(f"/invitations/{post_id}/actions/publish")
    assert reply.status_code == 200, reply.json
    while time.monotonic() - began < GIVEN_UP_SECONDS:
        if visitor.get("/search", query_string={"q": number}).json["total"]:
            return time.monotonic() - began
        time.sleep(poll_seconds)
    raise RuntimeError(f"{number} was not found within {GIVEN_UP_SECONDS} s")
