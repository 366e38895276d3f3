"""Who reads whom to write to: the pure rule row by row, and the call with its record."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from iew.domain.actors import SYSTEM, VISITOR, Actor, Role
from iew.domain.contacts import Case, Ground, ground_for
from iew.domain.matches import OPEN, Status
from iew.models import Match, User
from tests.invitations.bodies import TRAVEL, drafted
from tests.world import World, problem

NOW = datetime(2027, 3, 1, tzinfo=UTC)
OWNER = Actor(user_id="o", role=Role.SCHOOL, school_id="owner", school_approved=True)
OTHER = Actor(user_id="p", role=Role.SCHOOL, school_id="partner", school_approved=True)
STRANGER = Actor(user_id="s", role=Role.SCHOOL, school_id="stranger", school_approved=True)
NEWCOMER = Actor(user_id="n", role=Role.SCHOOL, school_id="newcomer", school_approved=False)
CENTRE = Actor(user_id="c", role=Role.IERC, unit_code="TNN")
OTHER_CENTRE = Actor(user_id="d", role=Role.IERC, unit_code="TPE")
OFFICE = Actor(user_id="f", role=Role.OFFICE, unit_code="TNN")  # a code that only another kind of unit has
ADMIN = Actor(user_id="a", role=Role.IEW_ADMIN)
MACHINIST = Actor(user_id="m", role=Role.SYSTEM_ADMIN)


def case(status: str, **changes: Any) -> Case:
    values: dict[str, Any] = {
        "status": status,
        "asking_school_id": "partner",
        "partner_school_id": "owner" if status in (Status.AGREED, Status.COMPLETED) else None,
        "handler_kind": "ierc",
        "handler_code": "TNN",
        "ended_at": NOW if status == Status.COMPLETED else None,
    }
    return Case(**(values | changes))


def ground(actor: Actor, *cases: Case, shown: bool = False, now: datetime = NOW) -> Ground | None:
    return ground_for(
        actor, owner_school_id="owner", shown_to_approved_schools=shown, cases=cases, now=now, days_after_end=90
    )


def test_without_a_match_only_the_owner_and_the_administrator_read() -> None:
    people = (OWNER, OTHER, STRANGER, NEWCOMER, CENTRE, OFFICE, ADMIN, MACHINIST, VISITOR, SYSTEM)
    assert {actor: found for actor in people if (found := ground(actor))} == {OWNER: Ground.OWN, ADMIN: Ground.ADMIN}


def test_what_is_shown_to_approved_schools_is_shown_to_nobody_else() -> None:
    people = (OTHER, STRANGER, NEWCOMER, CENTRE, OFFICE, MACHINIST, VISITOR)
    assert {actor for actor in people if ground(actor, shown=True)} == {OTHER, STRANGER}


@pytest.mark.parametrize("status", Status)
def test_the_other_school_reads_from_the_agreement_on(status: Status) -> None:
    expected = Ground.AGREED if status in (Status.AGREED, Status.COMPLETED) else None
    whole = case(status, partner_school_id="owner")

    assert ground(OTHER, whole) == expected
    assert ground(STRANGER, whole) is None


def test_the_grant_ends_some_time_after_the_match() -> None:
    ended = case(Status.COMPLETED)
    assert ground(OTHER, ended, now=NOW + timedelta(days=90) - timedelta(seconds=1)) == Ground.AGREED
    assert ground(OTHER, ended, now=NOW + timedelta(days=90)) is None


def test_an_agreement_between_others_opens_nothing() -> None:
    assert ground(OTHER, case(Status.AGREED, partner_school_id="third")) is None
    assert ground(STRANGER, case(Status.AGREED, asking_school_id="owner", partner_school_id="third")) is None


def test_the_owner_who_asked_is_read_by_the_partner() -> None:
    assert ground(OTHER, case(Status.AGREED, asking_school_id="owner", partner_school_id="partner")) == Ground.AGREED


@pytest.mark.parametrize("status", Status)
def test_the_unit_reads_while_the_case_lies_with_it(status: Status) -> None:
    assert ground(CENTRE, case(status)) == (Ground.HANDLER if status in OPEN else None)
    assert ground(OTHER_CENTRE, case(status)) is None
    assert ground(OFFICE, case(status)) is None


@pytest.fixture
def people(world: World) -> dict[str, User | None]:
    return {
        "anon": None,
        "ovs": world.osaka,
        "dom": world.tainan,
        "oth": world.taipei,
        "ierc_a": world.ierc_tainan,
        "ierc_b": world.ierc_taipei,
        "off_a": world.office_osaka,
        "iew": world.admin,
        "sys": world.system_admin,
    }


MATRIX = {
    # columns: anon ovs dom oth ierc_a ierc_b off_a iew sys; L: read, and one line for the owner to see
    "C01 no match": "401 403 ok 403 403 403 403 L 403",
    "C02 routed": "401 403 ok 403 L 403 403 L 403",
    "C02 in progress": "401 403 ok 403 L 403 403 L 403",
    "C03 agreed": "401 L ok 403 L 403 403 L 403",
    "C04 agreed on the post from abroad": "401 ok L 403 L 403 403 L 403",
    "C05 cancelled after agreement": "401 403 ok 403 403 403 403 L 403",
    "C06 outbound, agreed": "401 ok L 403 403 403 L L 403",
    "C07 ended 90 days ago": "401 403 ok 403 403 403 403 L 403",
    "C08 ended 89 days ago": "401 L ok 403 403 403 403 L 403",
    "C09 shown to approved schools": "401 L ok L 403 403 403 L 403",
}


def arranged(world: World, name: str) -> Any:
    """The post to read, with its match around it; D is Tainan, O is Osaka."""
    now = datetime.now(UTC)
    if name == "C09 shown to approved schools":
        return world.invitation(world.tainan, contact_visibility="approved_schools")
    if name in ("C04 agreed on the post from abroad", "C06 outbound, agreed"):
        post = world.invitation(world.osaka)
        handler = "TNN" if name.startswith("C04") else "JP-OSA"
        world.match(world.tainan, post, via="assisted", status="agreed", handler=handler)
        return post
    post = world.invitation(world.tainan)
    asked: dict[str, dict[str, Any]] = {
        "C01 no match": {},
        "C02 routed": {"status": "routed"},
        "C02 in progress": {"status": "in_progress"},
        "C03 agreed": {"status": "agreed"},
        "C05 cancelled after agreement": {"status": "cancelled", "partner_school_id": post.school_id, "ended_at": now},
        "C07 ended 90 days ago": {"status": "completed", "ended_at": now - timedelta(days=90, seconds=5)},
        "C08 ended 89 days ago": {"status": "completed", "ended_at": now - timedelta(days=89)},
    }
    if asked[name]:
        world.match(world.osaka, post, via="assisted", handler="TNN", **asked[name])
    return post


@pytest.mark.parametrize("name", MATRIX)
def test_rights_on_contacts(world: World, people: dict[str, User | None], name: str) -> None:
    post = arranged(world, name)

    for (column, who), expected in zip(people.items(), MATRIX[name].split(), strict=True):
        lines = len(world.events_of(post))
        reason = "?reason=the+school+asked" if column == "iew" else ""
        reply = world.as_(who).get(f"/invitations/{post.id}/contact{reason}")
        read = [event for event in world.events_of(post)[lines:] if event.action == "contact_read"]
        if expected in ("ok", "L"):
            assert reply.status_code == 200, (column, reply.json)
            assert reply.json == {
                "name": "Mika Canary",
                "role": "Teacher of physics",
                "email": "canary@contact.example",
                "phone": "+81 6 5550 0199",
            }
            assert len(read) == (1 if expected == "L" else 0), column
            continue
        assert problem(reply)[0] == int(expected), column
        assert "Canary" not in reply.text
        assert read == []


def test_a_reading_says_who_why_and_for_whom(world: World) -> None:
    post = world.invitation(world.tainan)
    world.as_(world.admin).get(f"/invitations/{post.id}/contact?reason=The+school+called")

    line = world.events_of(post)[-1]

    assert (line.action, line.actor_id, line.fact) == ("contact_read", world.admin.id, None)
    assert line.details["reason"] == "The school called"
    assert (line.details["ground"], line.details["school_id"]) == ("admin", post.school_id)
    assert "canary" not in str(line.details).lower()


@pytest.mark.parametrize("query", ["", "?reason=", "?reason=%20%20"])
def test_an_administrator_says_why(world: World, query: str) -> None:
    post = world.invitation(world.tainan)

    reply = world.as_(world.admin).get(f"/invitations/{post.id}/contact{query}")

    assert problem(reply) == (422, "invalid")
    assert list(reply.json["errors"]) == ["reason"]
    assert len(world.events_of(post)) == 1


@pytest.mark.parametrize("who", ["visitor", "tainan", "ierc_tainan", "admin", "system_admin"])
def test_of_a_hidden_post_not_even_the_contact_exists(world: World, who: str) -> None:
    post = world.invitation(world.osaka, status="draft")
    reader = None if who == "visitor" else getattr(world, who)

    assert problem(world.as_(reader).get(f"/invitations/{post.id}/contact?reason=x")) == (404, "not_found")


def test_a_post_without_a_contact_says_so(world: World) -> None:
    post = world.invitation(world.osaka, contact=None)

    for who in (world.osaka, world.admin):
        reply = world.as_(who).get(f"/invitations/{post.id}/contact?reason=x")
        assert problem(reply) == (404, "no_contact")
    assert problem(world.as_(world.tainan).get(f"/invitations/{post.id}/contact")) == (403, "not_allowed")
    assert [event.action for event in world.events_of(post)] == ["create"]


def test_the_agents_contact_is_in_no_reply_of_this_call(world: World) -> None:
    post = drafted(world, world.osaka, travel=TRAVEL)

    reply = world.as_(world.osaka).get(f"/invitations/{post['id']}/contact")

    assert sorted(reply.json) == ["email", "name", "phone", "role"]


def test_who_had_the_case_before_loses_the_contact_at_once(world: World) -> None:
    """T09: a case moved from one centre to another."""
    post = world.invitation(world.tainan)
    match = world.match(world.osaka, post, via="assisted", status="routed", handler="TNN")
    path = f"/invitations/{post.id}/contact"
    assert world.as_(world.ierc_tainan).get(path).status_code == 200

    with world.unit_of_work() as uow:
        uow.get(Match, match.id).handler_code = "TPE"

    assert problem(world.as_(world.ierc_tainan).get(path)) == (403, "not_allowed")
    assert world.as_(world.ierc_taipei).get(path).status_code == 200


def test_a_post_that_ended_keeps_its_contact_for_the_agreed_school(world: World) -> None:
    post = world.invitation(world.tainan, status="closed")
    world.match(world.osaka, post, status="agreed")

    assert world.as_(world.osaka).get(f"/invitations/{post.id}/contact").status_code == 200
    assert problem(world.as_(world.seoul).get(f"/invitations/{post.id}/contact")) == (404, "not_found")


def test_the_owner_sees_who_read_its_contact(world: World) -> None:
    post = world.invitation(world.tainan)
    world.match(world.osaka, post, status="agreed")
    world.as_(world.osaka).get(f"/invitations/{post.id}/contact")
    world.as_(world.admin).get(f"/invitations/{post.id}/contact?reason=The+school+called")

    log = world.as_(world.tainan).get("/me/contact-access-log").json

    assert log["total"] == 2
    assert "The school called" in str(log["items"])
    assert world.admin.name not in str(log)
    assert world.as_(world.taipei).get("/me/contact-access-log").json["total"] == 0
