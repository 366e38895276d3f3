"""`/api/v1/saved-searches`: one's own alone, read as strictly as a search itself."""

from typing import Any

import pytest

from iew.services.saved_searches import MOST_KEPT
from tests.searches.conftest import keep
from tests.world import World, problem

BODY: dict[str, Any] = {
    "name": "Robots in Japan",
    "params": {"q": "robots", "country": ["JP"], "from": "2027-04-01", "students": 30},
    "frequency": "weekly",
    "paused": False,
}


def test_what_is_kept_comes_back_as_it_was_said(world: World) -> None:
    client = world.as_(world.osaka)
    made = client.post("/saved-searches", BODY).json

    assert {name: made[name] for name in BODY} == BODY
    assert (made["version"], made["last_alert_at"]) == (1, None)
    listed = client.get("/saved-searches").json
    assert listed == {"items": [made], "next_cursor": None, "total": 1}
    assert client.get(f"/saved-searches/{made['id']}").json == made
    assert [row["name"] for row in client.get("/me/data").json["saved_searches"]] == ["Robots in Japan"]


def test_single_codes_and_nothing_are_read_kindly(world: World) -> None:
    params = {"q": " ", "country": "jp", "type": None, "students": None, "level": []}
    made = world.as_(world.osaka).post("/saved-searches", {"name": "x", "params": params}).json
    assert (made["params"], made["frequency"], made["paused"]) == ({"country": ["JP"]}, "daily", False)


def test_the_list_comes_in_pages(world: World) -> None:
    kept = [keep(world, world.osaka, name=f"n{number}").id for number in range(3)]
    client = world.as_(world.osaka)
    first = client.get("/saved-searches?limit=2").json
    rest = client.get(f"/saved-searches?limit=2&cursor={first['next_cursor']}").json
    assert sorted(item["id"] for item in first["items"] + rest["items"]) == sorted(kept)
    assert (first["total"], rest["next_cursor"]) == (3, None)


def test_a_change_needs_the_version_that_was_seen(world: World) -> None:
    client, path = world.as_(world.osaka), f"/saved-searches/{keep(world, world.osaka).id}"
    assert problem(client.patch(path, {"paused": True})) == (428, "version_missing")
    changed = client.patch(path, {"paused": True, "frequency": "daily"}, version=1).json
    assert (changed["paused"], changed["frequency"], changed["version"]) == (True, "daily", 2)
    assert problem(client.patch(path, {"paused": False}, version=1)) == (412, "changed_meanwhile")
    assert client.delete(path).status_code == 204
    assert problem(client.get(path)) == (404, "not_found")
    assert problem(client.delete(path)) == (404, "not_found")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"params": {"colour": "red"}}, "params.colour"),
        ({"params": {"cursor": "x"}}, "params.cursor"),
        ({"params": {"from": "2027-13-01"}}, "params.from"),
        ({"params": {"from": "2027-05-01", "to": "2027-04-01"}}, "params.to"),
        ({"params": {"students": -1}}, "params.students"),
        ({"params": {"students": True}}, "params.students"),
        ({"params": {"students": "many"}}, "params.students"),
        ({"params": {"q": "\ud800"}}, "params.q"),
        ({"params": {"q": ["robots"]}}, "params.q"),
        ({"params": {"country": {"$ne": "JP"}}}, "params.country"),
        ({"params": {"country": ["J\0P"]}}, "params.country"),
        ({"params": {"country": ["JP"] * 51}}, "params.country"),
        ({"params": {"sort": "best"}}, "params.sort"),
        ({"params": ["q"]}, "params"),
        ({"params": None}, "params"),
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"frequency": "hourly"}, "frequency"),
        ({"paused": "yes"}, "paused"),
        ({"user_id": "somebody"}, "user_id"),
        ({"version": 9}, "version"),
    ],
)
def test_bad_input_is_refused_where_it_stands(world: World, change: dict[str, Any], field: str) -> None:
    reply = world.as_(world.osaka).post("/saved-searches", BODY | change)
    assert problem(reply) == (422, "invalid")
    assert [name.split("-")[0] for name in _flat(reply.json["errors"])] == [field]
    assert world.as_(world.osaka).get("/saved-searches").json["total"] == 0


def _flat(errors: Any, path: str = "") -> list[str]:
    if isinstance(errors, dict):
        return [name for key, inner in errors.items() for name in _flat(inner, f"{path}.{key}" if path else key)]
    return [path]


def test_words_are_words_whatever_they_look_like(world: World) -> None:
    words = '"} OR 1=1; drop table users -- *:* <script> (("'
    made = world.as_(world.osaka).post("/saved-searches", BODY | {"params": {"q": words}})
    assert made.json["params"] == {"q": words}


def test_nobody_keeps_more_than_the_limit(world: World) -> None:
    client = world.as_(world.osaka)
    for number in range(MOST_KEPT):
        assert client.post("/saved-searches", BODY | {"name": f"n{number}"}).status_code == 201
    assert problem(client.post("/saved-searches", BODY)) == (409, "too_many_searches")
    assert world.as_(world.tainan).post("/saved-searches", BODY).status_code == 201


def test_a_school_that_waits_for_approval_keeps_none(world: World) -> None:
    waiting = world.user(school=world.school("JP", status="pending"))
    assert problem(world.as_(waiting).post("/saved-searches", BODY)) == (403, "school_unverified")
