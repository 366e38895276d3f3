"""The search within a case on the real engine: the wish is filled in, and its unit changes what it likes."""

from typing import Any

import pytest

from iew.db import SessionFactory
from iew.models import Match, SearchCount
from iew.services import catalog
from search_index.cluster import Cluster
from search_index.lexicon import Lexicon
from search_index.reader import Reader
from tests.pages.browser import Browser
from tests.parts import Parts
from tests.search.conftest import fresh_cluster, lexicon
from tests.web.houses import world_with_web
from tests.world import World, problem

__all__ = ["fresh_cluster", "lexicon"]

PLAIN: dict[str, Any] = {"topics": [], "description": "Plain."}


@pytest.fixture
def world(session_factory: SessionFactory, parts: Parts, fresh_cluster: Cluster, lexicon: Lexicon) -> World:
    """Posts on both sides, in the index."""
    reader = Reader(fresh_cluster, lexicon)
    world = world_with_web(session_factory, parts, open_searcher=lambda: reader)
    for ref, country, changes in (
        ("fits", "JP", {"title": "Robots from Osaka"}),
        ("taiko", "JP", {"title": "Taiko drums", "exchange_types": ["homestay"]}),
        ("german", "JP", {"title": "Robots speak German", "languages": ["de"]}),
        ("korea", "KR", {"title": "Robots of Seoul"}),
        ("here", "TW", {"title": "Robots of Taiwan"}),
        ("hidden", "JP", {"title": "Robots that nobody sees", "status": "draft"}),
    ):
        world.invitation(school=world.school(country), ref=ref, **(PLAIN | changes))
    catalog.rebuild(world.unit_of_work, catalog.writer_of(reader))
    return world


@pytest.fixture
def match(world: World) -> Match:
    """The school in Tainan seeks online exchange in English in Japan."""
    wish = {"country": "JP", "exchange_types": ["online_exchange"], "languages": ["en"]}
    return world.match(world.tainan, via="assisted", status="in_progress", handler="JP-OSA", wish=wish)


def search(world: World, match: Match, query: str = "") -> dict[str, Any]:
    reply = world.as_(world.office_osaka).get(f"/matches/{match.id}/candidates{query}")
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json
    return found


def refs(found: dict[str, Any]) -> set[str]:
    assert found["total"] == len(found["items"])
    return {item["ref"] for item in found["items"]}


def test_the_wish_is_searched_by_and_shown(world: World, match: Match) -> None:
    found = search(world, match)

    assert refs(found) == {"fits"}
    assert found["asked_by"] == {
        "q": "", "country": ["JP"], "county": [], "type": ["online_exchange"], "level": [], "language": ["en"],
        "side": ["overseas"],
    }  # fmt: skip
    assert {code["code"] for code in found["facets"]["country"] if code["selected"]} == {"JP"}


@pytest.mark.parametrize(
    ("query", "refs_found"),
    [
        ("?country=KR", {"korea"}),
        ("?country=JP&country=KR", {"fits", "korea"}),
        ("?language=de", {"german"}),
        ("?language=", {"fits", "german"}),
        ("?type=&language=&country=", {"fits", "taiko", "german", "korea"}),
        ("?q=drums&type=", {"taiko"}),
        ("?q=drums", set()),
        ("?country=TW", set()),
    ],
)
def test_what_is_named_takes_the_place_of_the_wish_and_the_side_stays(
    world: World, match: Match, query: str, refs_found: set[str]
) -> None:
    assert refs(search(world, match, query)) == refs_found


def test_the_page_finds_the_same(world: World, match: Match) -> None:
    page = Browser(world.app).sign_in(world.office_osaka).open(f"matches/{match.id}/candidates")

    boxes = {box.attributes["value"] for box in page.all("input", name="school_ids", type="checkbox")}

    assert boxes == {item["school"]["id"] for item in search(world, match)["items"]}


def test_who_was_asked_already_is_told(world: World, match: Match) -> None:
    school_id = search(world, match)["items"][0]["school"]["id"]
    assert search(world, match)["items"][0]["proposal"] is None

    world.as_(world.office_osaka).post(f"/matches/{match.id}/actions/propose", {"school_id": school_id})

    assert search(world, match, "?language=")["items"] and {
        item["ref"]: item["proposal"] for item in search(world, match, "?language=")["items"]
    } == {"fits": "open", "german": None}


def test_the_wish_goes_along_from_page_to_page(world: World, match: Match) -> None:
    first = search(world, match, "?language=&limit=1")
    second = search(world, match, f"?language=&limit=1&cursor={first['next_cursor']}")

    assert {first["items"][0]["ref"], second["items"][0]["ref"]} == {"fits", "german"}
    assert second["next_cursor"] is None


def test_words_are_counted_as_in_any_search(world: World, match: Match) -> None:
    search(world, match, "?q=drums")

    with world.unit_of_work() as uow:
        assert [(row.count, row.found) for row in uow.session.query(SearchCount)] == [(1, 0)]


@pytest.mark.parametrize("query", ["?side=domestic", "?colour=red", "?limit=0", "?from=soon"])
def test_what_no_search_within_a_case_knows_is_refused_at_its_field(world: World, match: Match, query: str) -> None:
    reply = world.as_(world.office_osaka).get(f"/matches/{match.id}/candidates{query}")

    assert problem(reply) == (422, "invalid")
    assert list(reply.json["errors"]) == [query[1:].partition("=")[0]]
