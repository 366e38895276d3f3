"""What a reader waits for after each key: completion through the API, over ten thousand posts in many languages."""

import json
import random
import statistics
import time
from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import sessionmaker

from config.settings import SAMPLES_DIR
from iew.db import make_engine
from iew.services import catalog, exchange
from tests.databases import created_database, prepare
from tests.parts import parts_for_tests
from tests.story.running import installation, world_of
from tests.world import Client, World

POSTS = 10_000
SCHOOLS = 2_000
BATCH = 1_000
KEYS = 600
LANGUAGES = ("zh-Hant", "en", "ja", "ko")


def run() -> None:
    """Type the beginnings of titles, names and terms, a key at a time, and take the time of every answer."""
    parts = parts_for_tests()
    chance = random.Random(20261124)
    samples = [json.loads(line) for line in (SAMPLES_DIR / "invitations.ndjson").read_text("utf-8").splitlines()]
    with created_database(parts) as url:
        _fill(url, samples)
        with installation(parts, url) as running:
            house = running.house
            assert house.searcher is not None
            catalog.rebuild(house.unit_of_work, catalog.writer_of(house.searcher))
            visitor = world_of(running).as_(None)
            typed = [_beginning(chance, samples) for _ in range(KEYS)]
            _ask(visitor, typed[:20])  # the words are loaded, the connections are open
            seconds = sorted(_ask(visitor, typed))
    p50, p95 = statistics.median(seconds), seconds[int(len(seconds) * 0.95) - 1]
    print(f"complete, {POSTS} posts, {KEYS} keys: p50 {p50 * 1e3:.1f} ms, p95 {p95 * 1e3:.1f} ms (goal: p95 < 50 ms)")


def _fill(url: str, samples: list[dict[str, Any]]) -> None:
    prepare(url)
    engine = make_engine(url, statement_seconds=120)
    world = World(sessionmaker(engine, expire_on_commit=False))
    rows = list(_rows(samples))
    for first in range(0, POSTS, BATCH):
        with world.unit_of_work() as uow:
            lines = [exchange.Line(first + at, row) for at, row in enumerate(rows[first : first + BATCH])]
            exchange.import_invitations(uow, lines, publish=True)
    engine.dispose()


def _rows(samples: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The sample posts over and over, their titles mixed and their schools numbered."""
    for at in range(POSTS):
        sample, other = samples[at % len(samples)], samples[(at * 7 + at // len(samples)) % len(samples)]
        school = dict(sample["school"]) | {"ref": f"bench-{at % SCHOOLS}"}
        school["name"] = f"{school['name']} {at % SCHOOLS}"
        yield sample | {"ref": f"bench-{at}", "school": school, "title": f"{sample['title']} / {other['title']}"}


def _beginning(chance: random.Random, samples: list[dict[str, Any]]) -> tuple[str, str]:
    """The first letters of a title, a school or a topic, and the language of the reader."""
    sample = chance.choice(samples)
    texts = [sample["title"], sample["school"]["name"], sample["school"].get("name_en") or "", *sample["topics"]]
    text = chance.choice([text for text in texts if text])
    return text[: chance.randint(1, 8)], chance.choice(LANGUAGES)


def _ask(visitor: Client, typed: list[tuple[str, str]]) -> list[float]:
    seconds = []
    for words, language in typed:
        began = time.monotonic()
        reply = visitor.get("/search/complete", query_string={"q": words, "lang": language})
        seconds.append(time.monotonic() - began)
        assert reply.status_code == 200, reply.json
    return seconds
