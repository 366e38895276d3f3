"""The reply of `GET /search` against a count by hand over the rows of the database itself."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from iew.db import SessionFactory
from iew.models import Invitation
from iew.services import catalog
from search_index.document import FACETS
from search_index.lexicon import Lexicon
from search_index.reader import Reader
from search_index.writer import Writer
from tests.parts import Parts
from tests.search.conftest import own_cluster
from tests.web.houses import world_with_web
from tests.world import World

POSTS = 120
WORDS = ("zorblax", "quondle", "fribnik", "mulvate")
NOBODYS = "wyxprt"
TODAY = datetime.now(UTC).date()
CODES: Mapping[str, tuple[str, ...]] = {
    "language": ("en", "ja", "ko"),
    "country": ("TW", "JP", "KR", "FR"),
    "type": ("online_exchange", "homestay", "sister_school"),
    "level": ("senior_high_general", "primary"),
    "wanted_level": ("primary", "junior_high", "cross_level"),
    "ownership": ("public", "private"),
    "composition": ("girls", "coed"),
    "affiliation": ("bilingual", "religious"),
    "channel": ("general", "educational_travel"),
    "county": ("TPE", "TNN", "KHH"),
    "side": ("domestic", "overseas"),
}
READ: Mapping[str, Callable[[Invitation], Any]] = {
    "language": lambda post: post.languages,
    "country": lambda post: [post.school.country],
    "type": lambda post: post.exchange_types,
    "level": lambda post: [post.school.level],
    "wanted_level": lambda post: post.levels,
    "ownership": lambda post: [post.school.ownership],
    "composition": lambda post: [post.school.composition],
    "affiliation": lambda post: post.school.affiliations,
    "channel": lambda post: [post.channel],
    "county": lambda post: [post.school.county] if post.school.county else [],
    "side": lambda post: ["domestic" if post.school.country == "TW" else "overseas"],
}


@pytest.fixture(scope="module")
def reader(parts: Parts, lexicon: Lexicon) -> Iterator[Reader]:
    cluster = own_cluster(parts)
    yield Reader(cluster, lexicon)
    Writer(cluster, lexicon).drop_everything()
    cluster.close()


def some(chance: random.Random, codes: tuple[str, ...], least: int = 0) -> list[str]:
    return chance.sample(codes, chance.randint(least, min(3, len(codes))))


def fill(world: World, chance: random.Random) -> None:
    """Posts of all kinds and states, with words that no list knows."""
    schools = [
        world.school(
            chance.choice(CODES["country"]),
            status="approved" if at else "pending",
            level=chance.choice(CODES["level"]),
            ownership=chance.choice(CODES["ownership"]),
            composition=chance.choice(CODES["composition"]),
            affiliations=some(chance, CODES["affiliation"]),
            county=None,
        )
        for at in range(12)
    ]
    with world.unit_of_work() as uow:
        for school in schools:
            merged = uow.session.merge(school)
            if merged.country == "TW":
                merged.county = chance.choice(CODES["county"])
    for at in range(POSTS):
        start = date(2027, 1, 1) + timedelta(days=chance.randint(0, 200))
        end = start + timedelta(days=chance.choice((0, 5, 60)))
        students = chance.choice((None, 0, 10, 24, 40))
        world.invitation(
            school=chance.choice(schools),
            status=chance.choice(("published",) * 8 + ("draft", "withdrawn")),
            title=" ".join(some(chance, WORDS)) or f"Post {at}",
            description="Plain.",
            topics=[],
            languages=some(chance, CODES["language"], 1),
            exchange_types=some(chance, CODES["type"], 1),
            levels=some(chance, CODES["wanted_level"], 1),
            channel=chance.choice(CODES["channel"]),
            group=None if students is None else {"students": students, "male": None, "female": None, "teachers": 1},
            periods=[{"start": start.isoformat(), "end": end.isoformat()}],
            expires_on=(TODAY + timedelta(days=chance.choice((-2, 0, 30, 300)))).isoformat(),
        )


def asked(chance: random.Random) -> list[tuple[str, str]]:
    pairs = [(name, code) for name, codes in CODES.items() if chance.random() < 0.2 for code in some(chance, codes)]
    if chance.random() < 0.6:
        pairs.append(("q", " ".join(some(chance, (*WORDS, NOBODYS), 1))))
    if chance.random() < 0.3:
        pairs.append(("from", (date(2027, 1, 1) + timedelta(days=chance.randint(0, 200))).isoformat()))
    if chance.random() < 0.3:
        pairs.append(("to", (date(2027, 7, 1) + timedelta(days=chance.randint(0, 100))).isoformat()))
    if chance.random() < 0.3:
        pairs.append(("students", str(chance.choice((0, 10, 30)))))
    return pairs


def passes(post: Invitation, pairs: list[tuple[str, str]], *, without: str | None = None) -> bool:
    given = {name: value for name, value in pairs if name != without}
    for facet, read in READ.items():
        codes = {value for name, value in pairs if name == facet and name != without}
        if codes and not codes & set(read(post)):
            return False
    if "from" in given or "to" in given:
        start, end = given.get("from", "0000"), given.get("to", "9999")
        if not any(each["end"] >= start and each["start"] <= end for each in post.periods):
            return False
    if "students" in given:
        students = (post.group or {}).get("students")
        return students is not None and students <= int(given["students"])
    return True


def test_every_number_of_the_reply_is_that_of_a_count_by_hand(
    session_factory: SessionFactory, parts: Parts, reader: Reader
) -> None:
    world = world_with_web(session_factory, parts, open_searcher=lambda: reader)
    chance = random.Random(20261124)
    fill(world, chance)
    catalog.rebuild(world.unit_of_work, catalog.writer_of(reader))
    with world.unit_of_work() as uow:
        found = uow.session.scalars(select(Invitation).options(joinedload(Invitation.school))).all()
        public = [post for post in found if post.is_open_to_all(uow.today)]
    assert 30 < len(public) < POSTS
    for _ in range(25):
        check(world, public, asked(chance))


def check(world: World, public: list[Invitation], pairs: list[tuple[str, str]]) -> None:
    reply = world.as_(None).get(f"/search?{urlencode([*pairs, ('limit', '100')])}").get_json()
    words = set(dict(pairs).get("q", "").split())
    met = {post.id: len(words & set(post.title.split())) for post in public}
    met = {key: count for key, count in met.items() if count or not words}
    posts = [post for post in public if post.id in met]
    expected = {post.id for post in posts if passes(post, pairs)}

    assert reply["total"] == len(expected), pairs
    assert {item["id"] for item in reply["items"]} == expected or len(expected) > 100
    assert reply["total_all"] == sum(met[key] == len(words) for key in expected)
    assert {item["id"] for item in reply["items"] if item["match"] == "all"} <= {
        key for key in expected if met[key] == len(words)
    }
    assert set(reply["unmatched"]) == words - {word for post in public for word in post.title.split()}
    for facet in FACETS:
        others = [post for post in posts if passes(post, pairs, without=facet)]
        by_hand = Counter(code for post in others for code in READ[facet](post))
        assert {row["code"]: row["count"] for row in reply["facets"][facet] if row["count"]} == dict(by_hand), facet
        chosen = {value for name, value in pairs if name == facet}
        assert {row["code"] for row in reply["facets"][facet] if row["selected"]} == chosen, facet
    narrowed = {name for name, _ in pairs} - {"q"}
    totals = {name: sum(passes(post, pairs, without=name) for post in posts) for name in narrowed}
    gains = {name: total for name, total in totals.items() if total > len(expected)}
    assert {way["param"]: way["total"] for way in reply["relax"]} == gains, pairs
