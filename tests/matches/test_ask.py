"""Asking: who may, about what, and where the case goes."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from iew.models import Match, Unit
from tests.world import World, problem


def direct(invitation, **changes):
    return {"invitation_id": invitation.id, "via": "direct", "message": "Shall we build robots together?"} | changes


def assisted(invitation, **changes):
    return direct(invitation, via="assisted") | changes


def wish(**told):
    return {"via": "assisted", "message": "Who would like to sing with us?", "wish": told}


def ask(world, user, body):
    reply = world.as_(user).post("/matches", body)
    assert reply.status_code == 201, reply.text
    return reply.json


def jobs_of(world, match_id):
    return [job for job, subject in world.jobs() if subject == match_id]


# directly


def test_a_direct_request_waits_for_the_posting_school(world: World):
    post = world.invitation(world.osaka)

    found = ask(world, world.tainan, direct(post))

    assert (found["status"], found["via"], found["direction"]) == ("requested", "direct", "outbound")
    assert found["handler"] is None
    assert found["available_actions"] == ["cancel"]
    assert found["asking_school"]["id"] == world.tainan.school_id
    assert found["invitation"]["id"] == post.id
    assert jobs_of(world, found["id"]) == ["notify_match_requested"]


def test_a_direct_request_is_due_after_fourteen_days(world: World):
    found = ask(world, world.tainan, direct(world.invitation(world.osaka)))

    since, due = datetime.fromisoformat(found["since"]), datetime.fromisoformat(found["due_at"])
    assert due - since == timedelta(days=14)
    assert found["overdue"] is False


def test_an_overseas_school_asks_inbound(world: World):
    assert ask(world, world.osaka, direct(world.invitation(world.tainan)))["direction"] == "inbound"


def test_a_request_can_name_the_asking_schools_own_post(world: World):
    own = world.invitation(world.tainan)

    found = ask(world, world.tainan, direct(world.invitation(world.osaka), from_invitation_id=own.id))

    assert found["from_invitation"]["id"] == own.id


@pytest.mark.parametrize("status", ["draft", "submitted", "returned", "closed", "withdrawn", "expired"])
def test_the_own_post_must_be_public(world: World, status):
    own = world.invitation(world.tainan, status=status)
    before = world.snapshot()

    reply = world.as_(world.tainan).post("/matches", direct(world.invitation(world.osaka), from_invitation_id=own.id))

    assert problem(reply) == (422, "invalid")
    assert "from_invitation_id" in reply.json["errors"]
    assert world.snapshot()["matches"] == before["matches"]


def test_the_own_post_must_be_ones_own(world: World):
    body = direct(world.invitation(world.osaka), from_invitation_id=world.invitation(world.taipei).id)

    assert "from_invitation_id" in world.as_(world.tainan).post("/matches", body).json["errors"]


# with help


def test_an_outbound_case_goes_to_the_office_that_covers_the_place(world: World):
    found = ask(world, world.tainan, assisted(world.invitation(world.osaka)))

    assert (found["status"], found["direction"]) == ("routed", "outbound")
    assert (found["handler"]["kind"], found["handler"]["code"]) == ("office", "JP-OSA")
    assert found["handler"]["name"]
    assert jobs_of(world, found["id"]) == ["notify_match_requested", "notify_match_routed"]
    assert [step["action"] for step in found["timeline"]] == ["ask", "route"]
    assert [step["by"]["kind"] for step in found["timeline"]] == ["school", "system"]


def test_an_inbound_case_goes_to_the_centre_of_the_county(world: World):
    found = ask(world, world.osaka, assisted(world.invitation(world.tainan)))

    assert (found["status"], found["direction"]) == ("routed", "inbound")
    assert (found["handler"]["kind"], found["handler"]["code"]) == ("ierc", "TNN")


def test_a_national_senior_high_school_belongs_to_its_zone(world: World):
    school = world.school("TW", county="TNN", ownership="national", level="senior_high_technical")

    found = ask(world, world.osaka, assisted(world.invitation(school=school)))

    assert found["handler"]["code"] == "K12-3"


def test_an_unconfirmed_office_is_suggested_to_the_administrator_alone(world: World):
    post = world.invitation(school=world.school("FR"))

    found = ask(world, world.tainan, assisted(post))

    assert found["status"] == "requested"
    assert (found["handler"]["kind"], found["handler"]["code"]) == ("admin", None)
    assert "suggested_handler" not in found
    seen = world.as_(world.admin).get(f"/matches/{found['id']}").json
    assert (seen["suggested_handler"]["kind"], seen["suggested_handler"]["code"]) == ("office", "FR-PAR")
    assert jobs_of(world, found["id"]) == ["notify_match_requested"]


def test_a_disabled_office_is_suggested_and_gets_no_case(world: World):
    with world.unit_of_work() as uow:
        uow.session.execute(update(Unit).where(Unit.code == "JP-OSA").values(enabled=False))

    found = ask(world, world.tainan, assisted(world.invitation(world.osaka)))

    assert (found["status"], found["handler"]["kind"]) == ("requested", "admin")
    seen = world.as_(world.admin).get(f"/matches/{found['id']}").json
    assert seen["suggested_handler"]["code"] == "JP-OSA"


def test_a_place_that_nobody_covers_lies_with_the_administrator_without_a_suggestion(world: World):
    found = ask(world, world.tainan, assisted(world.invitation(school=world.school("BR"))))

    assert found["handler"]["kind"] == "admin"
    assert world.as_(world.admin).get(f"/matches/{found['id']}").json["suggested_handler"] is None


def test_a_unit_has_seven_days_to_take_a_case_up_and_the_administrator_too(world: World):
    routed = ask(world, world.tainan, assisted(world.invitation(world.osaka)))
    queued = ask(world, world.tainan, wish())

    for found in (routed, queued):
        since, due = datetime.fromisoformat(found["since"]), datetime.fromisoformat(found["due_at"])
        assert due - since == timedelta(days=7)


def test_the_posting_school_of_an_assisted_request_learns_of_it_only_when_it_is_asked(world: World):
    found = ask(world, world.tainan, assisted(world.invitation(world.osaka)))

    assert problem(world.as_(world.osaka).get(f"/matches/{found['id']}")) == (404, "not_found")
    assert world.as_(world.osaka).get("/matches").json["total"] == 0


# a wish


@pytest.mark.parametrize(
    ("told", "handler"),
    [
        ({"country": "JP", "subdivision": "JP-27"}, ("office", "JP-OSA")),
        ({"country": "JP"}, ("office", "JP-TYO")),
        ({"subdivision": "US-CA"}, ("office", "US-LAX")),
        ({"country": "KR", "levels": ["primary"], "languages": ["ko"]}, ("office", "KR-SEL")),
        ({"country": "FR"}, ("admin", None)),
        ({"country": "BR"}, ("admin", None)),
        ({"exchange_types": ["homestay"]}, ("admin", None)),
        ({}, ("admin", None)),
    ],
)
def test_an_outbound_wish_goes_by_country_and_subdivision(world: World, told, handler):
    found = ask(world, world.tainan, wish(**told))

    assert found["direction"] == "outbound"
    assert (found["handler"]["kind"], found["handler"]["code"]) == handler
    assert found["status"] == ("requested" if handler[0] == "admin" else "routed")
    assert found["invitation"] is None


@pytest.mark.parametrize(
    ("told", "handler"),
    [
        ({"county": "HUA"}, ("ierc", "HUA")),
        ({"country": "TW", "county": "TPE"}, ("ierc", "TPE")),
        ({"country": "TW"}, ("admin", None)),
        ({"country": None, "county": None}, ("admin", None)),
    ],
)
def test_an_inbound_wish_goes_by_county(world: World, told, handler):
    found = ask(world, world.osaka, wish(**told))

    assert found["direction"] == "inbound"
    assert (found["handler"]["kind"], found["handler"]["code"]) == handler


@pytest.mark.parametrize(
    ("who", "told", "field"),
    [
        ("tainan", {"country": "JP", "subdivision": "US-CA"}, "wish.subdivision"),
        ("tainan", {"country": "JP", "county": "TPE"}, "wish.county"),
        ("osaka", {"county": "XXX"}, "wish.county"),
        ("osaka", {"country": "TW", "subdivision": "TW-TPE"}, "wish.subdivision"),
        ("osaka", {"county": "K12-1"}, "wish.county"),
        ("tainan", {"country": "XX"}, "wish.country"),
        ("tainan", {"country": "jp"}, "wish.country"),
        ("tainan", {"levels": ["kindergarten"]}, "wish.levels.0"),
        ("tainan", {"levels": "primary"}, "wish.levels"),
        ("tainan", {"town": "Kobe"}, "wish.town"),
    ],
)
def test_a_wish_names_places_that_fit_together(world: World, who, told, field):
    reply = world.as_(getattr(world, who)).post("/matches", wish(**told))

    assert problem(reply) == (422, "invalid")
    assert field in reply.json["errors"]


# refused


@pytest.mark.parametrize("via", ["direct", "assisted"])
def test_two_schools_of_one_side_are_not_joined(world: World, via):
    for asking, other in ((world.tainan, world.taipei), (world.osaka, world.seoul), (world.tainan, world.tainan)):
        reply = world.as_(asking).post("/matches", direct(world.invitation(other), via=via))
        assert problem(reply) == (422, "same_side")


@pytest.mark.parametrize(("who", "told"), [("tainan", {"country": "TW"}), ("osaka", {"country": "KR"})])
def test_a_wish_for_the_own_side_is_refused(world: World, who, told):
    assert problem(world.as_(getattr(world, who)).post("/matches", wish(**told))) == (422, "same_side")


@pytest.mark.parametrize("via", ["direct", "assisted"])
@pytest.mark.parametrize("status", ["draft", "submitted", "returned", "rejected", "closed", "withdrawn", "expired"])
def test_a_hidden_post_is_not_there(world: World, status, via):
    post = world.invitation(world.osaka, status=status)

    assert problem(world.as_(world.tainan).post("/matches", direct(post, via=via))) == (404, "not_found")


def test_a_post_past_its_last_day_is_not_there_even_before_the_tick(world: World):
    yesterday = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    post = world.invitation(world.osaka, expires_on=yesterday)

    assert problem(world.as_(world.tainan).post("/matches", direct(post))) == (404, "not_found")


def test_a_post_that_one_knows_but_that_left_the_public_takes_no_request(world: World):
    post = world.invitation(world.osaka, status="closed")
    world.match(world.tainan, post, status="declined")

    assert problem(world.as_(world.tainan).post("/matches", direct(post))) == (409, "invalid_transition")


@pytest.mark.parametrize("given", ["0" * 32, "nothing"])
def test_a_post_that_does_not_exist_is_not_there(world: World, given):
    body = {"invitation_id": given, "via": "direct", "message": "Hello"}

    assert problem(world.as_(world.tainan).post("/matches", body)) == (404, "not_found")


@pytest.mark.parametrize("change", ["via", "message"])
def test_what_is_needed_is_named(world: World, change):
    body = direct(world.invitation(world.osaka))
    del body[change]

    assert change in world.as_(world.tainan).post("/matches", body).json["errors"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"message": ""}, "message"),
        ({"message": "   \n"}, "message"),
        ({"message": "x" * 5001}, "message"),
        ({"message": "a\0b"}, "message"),
        ({"message": 5}, "message"),
        ({"via": "carrier pigeon"}, "via"),
        ({"status": "agreed"}, "status"),
        ({"asking_school_id": "x"}, "asking_school_id"),
        ({"handler": {"kind": "ierc", "code": "TNN"}}, "handler"),
        ({"wish": {"country": "JP"}}, "wish"),
    ],
)
def test_a_request_says_what_it_should_and_no_more(world: World, changes, field):
    reply = world.as_(world.tainan).post("/matches", direct(world.invitation(world.osaka), **changes))

    assert problem(reply) == (422, "invalid")
    assert field in reply.json["errors"]


@pytest.mark.parametrize("body", [{"via": "direct", "message": "x"}, {"via": "assisted", "message": "x"},
                                  {"via": "direct", "message": "x", "wish": {"country": "JP"}}])  # fmt: skip
def test_a_request_is_about_a_post_or_is_an_assisted_wish(world: World, body):
    assert problem(world.as_(world.tainan).post("/matches", body)) == (422, "invalid")


@pytest.mark.parametrize("who", ["admin", "system_admin", "ierc_tainan", "office_osaka"])
def test_only_schools_ask(world: World, who):
    reply = world.as_(getattr(world, who)).post("/matches", direct(world.invitation(world.osaka)))

    assert problem(reply) == (403, "not_allowed")


def test_a_visitor_signs_in_first(world: World):
    for post in (world.invitation(world.osaka), world.invitation(world.osaka, status="draft")):
        assert problem(world.as_(None).post("/matches", direct(post))) == (401, "not_signed_in")


@pytest.mark.parametrize("status", ["pending", "asked", "rejected"])
def test_a_school_that_is_not_approved_cannot_ask(world: World, status):
    user = world.user(school=world.school("TW", status=status))

    assert problem(world.as_(user).post("/matches", direct(world.invitation(world.osaka)))) == (
        403,
        "school_unverified",
    )


def test_an_unconfirmed_address_cannot_ask(world: World):
    user = world.user(school=world.school("TW"), email_confirmed_at=None)

    assert problem(world.as_(user).post("/matches", direct(world.invitation(world.osaka)))) == (403, "email_unverified")


# one at a time


@pytest.mark.parametrize("status", ["requested", "routed", "in_progress", "agreed"])
def test_a_second_open_case_on_one_post_is_refused(world: World, status):
    post = world.invitation(world.osaka)
    via = "assisted" if status in ("routed", "in_progress") else "direct"
    world.match(world.tainan, post, via=via, status=status, handler="JP-OSA" if via == "assisted" else None)
    before = world.snapshot()

    for body in (direct(post), assisted(post)):
        assert problem(world.as_(world.tainan).post("/matches", body)) == (409, "already_open")
    assert world.snapshot()["matches"] == before["matches"]


@pytest.mark.parametrize("status", ["declined", "not_found", "no_reply", "cancelled", "completed"])
def test_after_the_end_one_can_ask_again(world: World, status):
    post = world.invitation(world.osaka)
    world.match(world.tainan, post, status=status)

    assert ask(world, world.tainan, direct(post))["status"] == "requested"


def test_another_school_and_another_post_are_another_case(world: World):
    post = world.invitation(world.osaka)
    ask(world, world.tainan, direct(post))

    assert ask(world, world.taipei, direct(post))["status"] == "requested"
    assert ask(world, world.tainan, direct(world.invitation(world.osaka)))["status"] == "requested"
    assert ask(world, world.tainan, wish(country="JP"))["status"] == "routed"
    assert ask(world, world.tainan, wish(country="JP"))["status"] == "routed"


def test_a_repeated_key_makes_one_case(world: World):
    body, headers = direct(world.invitation(world.osaka)), {"Idempotency-Key": "once"}

    first = world.as_(world.tainan).post("/matches", body, headers=headers)
    second = world.as_(world.tainan).post("/matches", body, headers=headers)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json["id"] == second.json["id"]
    assert len(world.jobs()) == 1


def test_the_case_keeps_who_asked(world: World):
    found = ask(world, world.tainan, direct(world.invitation(world.osaka)))

    with world.unit_of_work() as uow:
        assert uow.get(Match, found["id"]).asked_by_id == world.tainan.id
