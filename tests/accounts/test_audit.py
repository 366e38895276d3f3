"""The record of who did what: who reads it, how it is asked."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.world import World, problem


@pytest.fixture
def busy(world: World) -> World:
    """A world in which something happened."""
    client = world.as_(world.osaka)
    client.patch(f"/schools/{world.osaka.school_id}", {"about": "1"}, version=1)
    client.patch(f"/schools/{world.osaka.school_id}", {"about": "2"}, version=2)
    world.as_(world.tainan).get("/audit")
    return world


def test_each_administrator_reads_one_half(busy: World) -> None:
    domain = busy.as_(busy.admin).get("/audit?limit=100").json["items"]
    machine = busy.as_(busy.system_admin).get("/audit?limit=100").json["items"]

    assert {row["subject"]["type"] for row in domain} == {"school"}
    assert {row["subject"]["type"] for row in machine} <= {"user", "permission"}
    assert "denied" in {row["action"] for row in machine}
    assert not {row["id"] for row in domain} & {row["id"] for row in machine}


def test_a_line_says_who_did_what_to_what(busy: World) -> None:
    line = busy.as_(busy.admin).get(f"/audit?subject=school:{busy.osaka.school_id}").json["items"][0]

    assert line["action"] == "change"
    assert line["actor"] == {"id": busy.osaka.id, "role": "school", "body": busy.osaka.school_id}
    assert line["subject"] == {"type": "school", "id": busy.osaka.school_id}
    assert line["details"] == {"fields": ["about"]}
    assert line["at"].endswith("+00:00")


@pytest.mark.parametrize("by", ["id", "email", "role", "body"])
def test_the_actor_is_named_in_any_way(busy: World, by: str) -> None:
    name = {
        "id": busy.osaka.id,
        "email": busy.osaka.email,
        "role": "school",
        "body": busy.osaka.school_id,
    }[by]

    reply = busy.as_(busy.admin).get("/audit", query_string={"actor": name}).json

    assert [row["action"] for row in reply["items"]] == ["change", "change"]


def test_a_period_is_asked_by_day_or_by_moment(busy: World) -> None:
    client = busy.as_(busy.admin)
    today, tomorrow = datetime.now(UTC).date(), datetime.now(UTC).date() + timedelta(days=1)

    def total(**period: str) -> int:
        return int(client.get("/audit", query_string={"actor": "school", **period}).json["total"])

    assert total(**{"from": today.isoformat()}) == 2
    assert total(**{"from": tomorrow.isoformat()}) == 0
    assert total(to=today.isoformat()) == 2
    assert total(**{"from": (datetime.now(UTC) + timedelta(minutes=1)).isoformat()}) == 0
    assert total(to=(datetime.now(UTC) - timedelta(hours=1)).isoformat()) == 0


def test_it_is_read_in_pieces_latest_first_while_more_happens(busy: World) -> None:
    client = busy.as_(busy.admin)
    first = client.get("/audit?limit=1&subject=school").json
    busy.as_(busy.osaka).patch(f"/schools/{busy.osaka.school_id}", {"about": "3"}, version=3)

    second = client.get(f"/audit?limit=1&subject=school&cursor={first['next_cursor']}").json

    assert int(second["items"][0]["id"]) < int(first["items"][0]["id"])


@pytest.mark.parametrize("who", [None, "osaka", "ierc_tainan", "office_osaka"])
def test_nobody_else_reads_it(world: World, who: str | None) -> None:
    reply = world.as_(getattr(world, who) if who else None).get("/audit")

    assert problem(reply) == ((401, "not_signed_in") if who is None else (403, "not_allowed"))


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT", "POST"])
def test_nobody_changes_it(world: World, method: str) -> None:
    for path in ("/audit", "/audit/1"):
        reply = world.as_(world.system_admin).call(method, path, json={})
        assert reply.status_code in (404, 405)
