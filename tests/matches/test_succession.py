"""People come and go: the unit has the case, its log tells a successor, and nothing is lost with a person."""

from datetime import timedelta

from iew.db import SessionFactory
from iew.domain.actors import Role
from iew.duties import run_due
from iew.models import User
from tests.pages.browser import Browser
from tests.workshop import Workshop
from tests.world import World


def act(world, user, match, action, **body):
    reply = world.as_(user).post(f"/matches/{match.id}/actions/{action}", body)
    assert reply.status_code == 200, reply.text
    return reply.json


def leave(world, user):
    with world.unit_of_work() as uow:
        uow.get(User, user.id).disabled_at = uow.now


def test_a_person_who_leaves_takes_no_case_along(world: World, session_factory: SessionFactory):
    workshop = Workshop(session_factory)
    match = world.match(world.tainan, via="assisted", status="routed", handler="JP-OSA")
    act(world, world.office_osaka, match, "accept")
    leave(world, world.office_osaka)

    row = world.now_is(match)
    assert (row.status, row.handler_kind, row.handler_code) == ("in_progress", "office", "JP-OSA")
    assert world.as_(world.office_osaka).get(f"/matches/{match.id}").status_code == 401

    successor = world.user(Role.OFFICE, unit="JP-OSA")
    assert [item["subject"]["id"] for item in world.as_(successor).get("/inbox").json["items"]] == [match.id]
    act(world, successor, match, "propose", school_id=world.osaka.school_id)
    act(world, world.osaka, match, "accept")
    workshop.work_off()
    assert [mail.address for mail in workshop.deliveries("match_agreed_for_unit")] == [successor.email]


def test_a_unit_without_people_is_told_at_its_address_and_its_case_becomes_overdue_at_the_administrator(
    world: World, session_factory: SessionFactory
):
    workshop = Workshop(session_factory)
    world.admin.email  # noqa: B018 - there is an administrator
    match = world.match(world.tainan, via="assisted", status="routed", handler="JP-OSA")
    act(world, world.office_osaka, match, "accept")
    leave(world, world.office_osaka)
    world.as_(world.tainan).post(f"/matches/{match.id}/messages", {"text": "Is anybody there?"})
    run_due(lambda at: world.unit_of_work(at), world.now_is(match).due_at + timedelta(hours=1))
    workshop.work_off()

    assert world.now_is(match).overdue and world.now_is(match).handler_code == "JP-OSA"
    assert [mail.unit_code for mail in workshop.deliveries("message_written")] == ["JP-OSA"]
    assert [mail.address for mail in workshop.deliveries("match_overdue")] == [world.admin.email]


def test_a_school_whose_person_left_goes_on_with_a_colleague(world: World):
    match = world.match(status="agreed")
    leave(world, world.osaka)
    with world.unit_of_work() as uow:
        school = uow.get(User, world.osaka.id).school
    colleague = world.user(school=school)

    report = {"summary": "Good", "held_on": "2026-05-01", "students": 20, "teachers": 2}
    assert act(world, colleague, match, "report", **report)["status"] == "completed"


def test_a_successor_reads_who_had_the_case_when_and_why_it_moved(world: World):
    match = world.match(world.tainan, via="assisted", status="routed", handler="KR-SEL")
    act(world, world.office_seoul, match, "hand_back", reason="This school looks for a partner in Osaka.")
    act(world, world.admin, match, "route", handler={"kind": "office", "code": "JP-OSA"})
    act(world, world.office_osaka, match, "accept")
    act(world, world.office_osaka, match, "propose", school_id=world.osaka.school_id, note="They have a taiko club.")
    act(world, world.osaka, match, "decline", reason_code="dates", note="We have exams then.")

    steps = world.as_(world.office_osaka).get(f"/matches/{match.id}").json["timeline"]

    told = [(step["action"], (step["by"] or {}).get("code"), (step["unit"] or {}).get("code"),
             (step["school"] or {}).get("code"), step["reason"]) for step in steps]  # fmt: skip
    assert told[1:] == [
        ("hand_back", "KR-SEL", None, None, "This school looks for a partner in Osaka."),
        ("route", None, "JP-OSA", None, None),
        ("accept", "JP-OSA", None, None, None),
        ("propose", "JP-OSA", None, world.osaka.school_id, "They have a taiko club."),
        ("decline", world.osaka.school_id, None, None, "We have exams then."),
    ]
    assert all(step["at"] for step in steps)
    page = Browser(world.app).sign_in(world.office_osaka).open(f"matches/{match.id}")
    assert "Given to the unit: " in page.words and "Osaka" in page.words
