"""The web while the search engine is away, and districts to pair."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import pytest

from iew.db import SessionFactory
from iew.models import Invitation, School, User
from tests.pages.conftest import reader_away
from tests.parts import Parts
from tests.web.houses import world_with_web
from tests.world import World

Made = dict[str, Any]
_reader = cache(reader_away)  # its word lists take seconds to read


@pytest.fixture
def world(session_factory: SessionFactory, parts: Parts) -> World:
    """Things made in a line each, and the web that serves them while the search engine is away."""
    return world_with_web(session_factory, parts, open_searcher=_reader)


class District:
    """Posts on both sides, each of a school of its own, that differ in what they fit."""

    def __init__(self, world: World, domestic: int = 3, overseas: int = 3) -> None:
        self.world = world
        self.domestic = [self.post("TW", number) for number in range(domestic)]
        self.overseas = [self.post("JP", number) for number in range(overseas)]

    def post(self, country: str, number: int, **changes: Any) -> Invitation:
        """The same number fits best: it shares the subject, the grade and the size of the group."""
        told: dict[str, Any] = {
            "title": f"Post {number} of {country}",
            "topics": [f"subject {number}"],
            "grades": [7 + number % 6],
            "group": {"students": 10 + 3 * number, "teachers": 1},
        }
        school = changes.pop("school", None) or self.world.school(country, county="TNN" if country == "TW" else None)
        return self.world.invitation(school=school, **(told | changes))

    def body(self, **changes: Any) -> Made:
        told = {
            "name": "Tainan and Osaka 2027",
            "domestic": ids_of(self.domestic),
            "overseas": ids_of(self.overseas),
            "max_per_school": 1,
        }
        return told | changes

    def make(self, user: User | None = None, **changes: Any) -> Made:
        reply = self.world.as_(user or self.world.ierc_tainan).post("/pairings", self.body(**changes))
        assert reply.status_code == 201, reply.text
        made: Made = reply.json
        return made

    def act(self, made: Made, action: str, user: User | None = None, **body: Any) -> Any:
        client = self.world.as_(user or self.world.ierc_tainan)
        return client.post(f"/pairings/{made['id']}/actions/{action}", body, headers={"Accept-Language": "en"})

    def look(self, made: Made, user: User | None = None) -> Made:
        reply = self.world.as_(user or self.world.ierc_tainan).get(f"/pairings/{made['id']}")
        assert reply.status_code == 200, reply.text
        found: Made = reply.json
        return found


@pytest.fixture
def district(world: World) -> District:
    return District(world)


Bring = Callable[..., District]


@pytest.fixture
def bring(world: World) -> Bring:
    """So many posts of each side."""
    return lambda domestic, overseas: District(world, domestic, overseas)


def school_of(world: World, school_id: str) -> School:
    with world.unit_of_work() as uow:
        return uow.get(School, school_id)


def ids_of(posts: Sequence[Invitation]) -> list[str]:
    return [post.id for post in posts]


def pair(domestic: Invitation, overseas: Invitation) -> dict[str, str]:
    """What `pin`, `forbid` and `release` take."""
    return {"domestic": domestic.id, "overseas": overseas.id}


def pairs_of(made: Made) -> set[tuple[str, str]]:
    return {(each["domestic"], each["overseas"]) for each in made["pairs"]}
