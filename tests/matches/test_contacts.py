"""When both sides' contacts are released, to whom, and what trace a reading leaves."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.houses import school_of
from tests.world import World, problem


def read(world, user, match, **query):
    return world.as_(user).get(f"/matches/{match.id}/contacts", query_string=query)


def readings(world, match):
    return [event for event in world.events_of(match) if event.action == "contact_read"]


def test_both_schools_read_both_contacts_once_they_agreed(world: World):
    own = world.invitation(world.tainan, contact={"name": "Lin", "role": None, "email": "lin@contact.example",
                                                  "phone": None})  # fmt: skip
    match = world.match(from_invitation_id=own.id)
    assert problem(read(world, world.tainan, match)) == (403, "not_allowed")
    world.as_(world.osaka).post(f"/matches/{match.id}/actions/accept")

    for user in (world.tainan, world.osaka):
        reply = read(world, user, match)
        assert (reply.status_code, reply.json["total"], reply.json["next_cursor"]) == (200, 2, None)
        assert [(item["side"], item["school"]["id"], item["name"], item["email"]) for item in reply.json["items"]] == [
            ("asking", world.tainan.school_id, "Lin", "lin@contact.example"),
            ("partner", world.osaka.school_id, "Mika Canary", "canary@contact.example"),
        ]


def test_without_a_post_the_contact_is_the_person_who_asked_or_agreed(world: World):
    match = world.match(world.tainan, via="assisted", status="in_progress", handler="KR-SEL", wish={"country": "KR"})
    colleague = world.user(school=school_of(world, world.seoul))
    world.as_(world.office_seoul).post(f"/matches/{match.id}/actions/propose", {"school_id": world.seoul.school_id})
    world.as_(colleague).post(f"/matches/{match.id}/actions/accept")

    items = read(world, world.tainan, match).json["items"]

    assert [(item["name"], item["email"]) for item in items] == [
        (world.tainan.name, world.tainan.email),
        (colleague.name, colleague.email),
    ]


def test_where_the_unit_agreed_the_contact_is_of_the_school_and_not_of_the_unit(world: World):
    post = world.invitation(world.osaka, contact=None)
    match = world.match(world.tainan, post, via="assisted", status="in_progress", handler="JP-OSA")
    world.as_(world.office_osaka).post(f"/matches/{match.id}/actions/agree", {"school_id": world.osaka.school_id})

    items = read(world, world.tainan, match).json["items"]

    assert items[1]["email"] == world.osaka.email


@pytest.mark.parametrize("status", ["requested", "declined", "no_reply", "cancelled"])
def test_the_schools_read_no_contact_without_an_agreement(world: World, status):
    match = world.match(status=status)

    for user in (world.tainan, world.osaka):
        assert problem(read(world, user, match)) == (403, "not_allowed")
    assert readings(world, match) == []


@pytest.mark.parametrize(("days", "status"), [(0, 200), (89, 200), (91, 403)])
def test_after_the_end_contacts_stay_open_for_ninety_days(world: World, days, status):
    match = world.match(status="completed", ended_at=datetime.now(UTC) - timedelta(days=days))

    for user in (world.tainan, world.osaka):
        assert read(world, user, match).status_code == status


@pytest.mark.parametrize("who", ["seoul", "taipei", "office_osaka", "ierc_tainan", "system_admin"])
def test_strangers_are_told_nothing(world: World, who):
    match = world.match(status="agreed")

    assert problem(read(world, getattr(world, who), match)) == (404, "not_found")
    assert problem(read(world, getattr(world, who), match, reason="curious")) == (404, "not_found")


def test_a_proposed_school_reads_no_contact(world: World):
    match = world.match(world.tainan, via="assisted", status="in_progress", handler="JP-OSA",
                        proposed=(school_of(world, world.seoul),))  # fmt: skip

    assert problem(read(world, world.seoul, match)) == (403, "not_allowed")


def test_a_school_that_was_not_first_reads_no_contact(world: World):
    match = world.match(world.tainan, via="assisted", status="in_progress", handler="JP-OSA",
                        proposed=(school_of(world, world.seoul), school_of(world, world.osaka)))  # fmt: skip
    world.as_(world.osaka).post(f"/matches/{match.id}/actions/accept")

    assert problem(read(world, world.seoul, match)) == (403, "not_allowed")
    assert read(world, world.osaka, match).status_code == 200


@pytest.mark.parametrize("status", ["routed", "in_progress", "agreed"])
def test_the_unit_reads_the_contacts_of_its_open_case(world: World, status):
    match = world.match(world.tainan, via="assisted", status=status, handler="JP-OSA")

    reply = read(world, world.office_osaka, match)

    assert [item["side"] for item in reply.json["items"]] == ["asking", "partner"]
    assert [event.details["school_id"] for event in readings(world, match)] == [
        world.tainan.school_id,
        world.osaka.school_id,
    ]


def test_the_unit_reads_them_no_more_once_the_case_is_over(world: World):
    match = world.match(world.tainan, via="assisted", status="not_found", handler="JP-OSA")

    assert problem(read(world, world.office_osaka, match)) == (403, "not_allowed")


def test_each_reading_is_written_down_for_the_owner(world: World):
    match = world.match(status="agreed")

    read(world, world.tainan, match)

    (event,) = readings(world, match)
    assert (event.actor_id, event.details["school_id"]) == (world.tainan.id, world.osaka.school_id)
    assert (event.details["invitation_id"], event.details["ground"]) == (match.invitation_id, "agreed")
    assert "canary" not in str(event.details)


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_the_administrator_says_why(world: World, reason):
    match = world.match()
    query = {} if reason is None else {"reason": reason}

    reply = read(world, world.admin, match, **query)

    assert problem(reply) == (422, "invalid")
    assert "reason" in reply.json["errors"]
    assert readings(world, match) == []


def test_the_administrators_reason_is_written_down(world: World):
    match = world.match()

    assert read(world, world.admin, match, reason="The school asked us to call.").status_code == 200
    assert {event.details["reason"] for event in readings(world, match)} == {"The school asked us to call."}


def test_the_owner_finds_who_read_its_contact_in_its_own_log(world: World):
    match = world.match(world.tainan, via="assisted", status="agreed", handler="JP-OSA")
    read(world, world.tainan, match)
    read(world, world.office_osaka, match)
    read(world, world.admin, match, reason="A complaint")

    osaka = world.as_(world.osaka).get("/me/contact-access-log").json
    tainan = world.as_(world.tainan).get("/me/contact-access-log").json

    assert (osaka["total"], tainan["total"]) == (3, 2)
