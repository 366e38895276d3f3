"""Accepting makes all cases or none, each as if its unit had taken it up and asked the partner, each mail once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from iew.domain.matches import Status
from iew.models import EmailDelivery, Event, Invitation, Match, Pairing, PairingPair, User
from iew.services import pairings, usage
from tests.pages.browser import Browser
from tests.pairings.conftest import Bring, District, Made, ids_of, pair, school_of
from tests.workshop import Workshop
from tests.world import World, problem


def cases(world: World) -> list[Match]:
    with world.unit_of_work() as uow:
        found = uow.session.query(Match).order_by(Match.serial).all()
        for match in found:
            assert [proposal.status for proposal in match.proposals] == ["open"]
        return found


def staff(world: World, district: District) -> dict[str, User]:
    """School -> somebody who works there."""
    posts = [*district.domestic, *district.overseas]
    return {post.school_id: world.user(school=school_of(world, post.school_id)) for post in posts}


def test_each_pair_becomes_a_case_that_the_unit_has_and_the_partner_is_asked(world: World, district: District) -> None:
    made = district.make()

    reply = district.act(made, "accept")

    accepted = reply.json
    assert (reply.status_code, accepted["status"], accepted["version"]) == (200, "accepted", 2)
    assert accepted["accepted_at"]
    assert accepted["available_actions"] == []
    found = {match.id: match for match in cases(world)}
    assert len(found) == 3
    for each in accepted["pairs"]:
        match = found[each["match_id"]]
        assert (match.via, match.status, match.version) == ("assisted", Status.IN_PROGRESS, 1)
        assert (match.handler_kind, match.handler_code, match.direction) == ("ierc", "TNN", "inbound")
        assert (match.from_invitation_id, match.invitation_id) == (each["overseas"], each["domestic"])
        assert match.proposal_of(match.posting_school_id) is not None
        assert match.due_at and match.due_at > match.since
        assert "Tainan and Osaka 2027" in match.message
        history = world.events_of(match)
        assert [(event.action, event.fact) for event in history] == [
            ("pair", "MatchPaired"),
            ("propose", "SchoolProposed"),
        ]
        assert history[0].details == {"pairing_id": made["id"], "pairing": "Tainan and Osaka 2027"}
        assert history[1].details == {"school_id": match.posting_school_id}
    assert len({match.posting_school_id for match in found.values()}) == 3


def test_the_figures_tell_them_from_what_schools_asked(world: World, district: District) -> None:
    asked = world.match(world.osaka, world.invitation(world.tainan), via="assisted", handler="TNN")
    world.match(world.tainan)
    district.act(district.make(), "accept")
    admin = world.as_(world.admin)
    paired = {match.id for match in cases_of(world, "paired")}

    items = admin.get("/statistics?measure=matches&group_by=via,origin").json["items"]

    assert {(item["via"], item["origin"]): item["count"] for item in items} == {
        ("assisted", "asked"): 1, ("assisted", "paired"): 3, ("direct", "asked"): 1,
    }  # fmt: skip
    for item in items:
        assert admin.get(item["href"]).json["total"] == item["count"]
    assert len(paired) == 3 and asked.id in {match.id for match in cases_of(world, "asked")}
    today = datetime.now(UTC).date()
    with world.unit_of_work() as uow:
        used = usage.counts(uow, today - timedelta(days=1), today + timedelta(days=1), world.actor(world.admin))
    assert (used["direct"], used["assisted"], used["paired"], used["proposals"]) == (1, 1, 3, 3)
    page = Browser(world.app).sign_in(world.admin).open("statistics?measure=matches&group_by=origin")
    assert "Brought together in a pairing" in page.words and "Asked for by a school" in page.words


def cases_of(world: World, origin: str) -> list[Match]:
    """The cases in the list behind a figure."""
    lines = world.as_(world.admin).get(f"/statistics/list?measure=matches&origin={origin}").json["items"]
    with world.unit_of_work() as uow:
        return [uow.get(Match, line["id"]) for line in lines]


def test_the_cases_go_on_as_any_other(world: World, district: District) -> None:
    people = staff(world, district)
    accepted = district.act(district.make(), "accept").json
    case = next(match for match in cases(world) if match.id == accepted["pairs"][0]["match_id"])

    seen = world.as_(people[case.posting_school_id or ""]).get(f"/matches/{case.id}").json
    assert seen["available_actions"] == ["accept", "decline"]
    timeline = world.as_(people[case.asking_school_id]).get(f"/matches/{case.id}").json["timeline"]
    assert [step["action"] for step in timeline] == ["pair", "propose"]
    reply = world.as_(people[case.posting_school_id or ""]).post(f"/matches/{case.id}/actions/accept")
    assert (reply.status_code, reply.json["status"]) == (200, "agreed")
    contacts = world.as_(people[case.asking_school_id]).get(f"/matches/{case.id}/contacts").json["items"]
    assert {contact["email"] for contact in contacts} == {"canary@contact.example"}


def test_an_office_has_its_cases_asked_from_taiwan(world: World, district: District) -> None:
    made = district.make(world.office_osaka)
    district.act(made, "accept", world.office_osaka)
    assert {(match.direction, match.handler_kind, match.handler_code) for match in cases(world)} == {
        ("outbound", "office", "JP-OSA")
    }
    assert {match.invitation_id for match in cases(world)} == set(ids_of(district.overseas))


def test_the_administrator_leaves_the_cases_to_the_centre_of_the_county(world: World, district: District) -> None:
    made = district.make(world.admin)
    assert made["unit"] is None
    district.act(made, "accept", world.admin)
    assert {(match.direction, match.handler_code) for match in cases(world)} == {("inbound", "TNN")}


def test_the_administrator_names_the_unit(world: World, district: District) -> None:
    made = district.make(world.admin, unit="KR-SEL")
    assert made["unit"]["code"] == "KR-SEL"
    assert district.look(made, world.office_seoul)["id"] == made["id"]
    district.act(made, "accept", world.admin)
    assert {(match.direction, match.handler_code) for match in cases(world)} == {("outbound", "KR-SEL")}


def test_where_no_unit_covers_a_pair_the_administrator_has_the_case(world: World, bring: Bring) -> None:
    district = bring(1, 0)
    nowhere = district.post("AQ", 0)
    with world.unit_of_work() as uow:
        school = uow.get(Invitation, district.domestic[0].id).school
        school.county = None
    made = district.make(world.admin, overseas=[nowhere.id])
    district.act(made, "accept", world.admin)
    (case,) = cases(world)
    assert (case.handler_kind, case.handler_code) == ("admin", None)
    seen = world.as_(world.admin).get(f"/matches/{case.id}").json
    assert "route" in seen["available_actions"]


@pytest.mark.parametrize("action", ["accept", "solve", "pin", "forbid", "release"])
def test_an_accepted_pairing_is_settled(world: World, district: District, action: str) -> None:
    made = district.make()
    district.act(made, "accept")
    before, board = world.snapshot(), district.look(made)
    body = pair(district.domestic[0], district.overseas[0]) if action in ("pin", "forbid") else {}

    assert problem(district.act(made, action, **body)) == (409, "invalid_transition")

    assert world.snapshot() == before
    assert district.look(made) == board


def test_a_repeated_acceptance_with_its_key_is_the_first_one(world: World, district: District) -> None:
    made = district.make()
    path = f"/pairings/{made['id']}/actions/accept"
    client = world.as_(world.ierc_tainan)
    replies = [client.post(path, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert replies[0].json == replies[1].json
    assert len(cases(world)) == 3


def test_who_saw_an_older_state_is_told_so(world: World, district: District) -> None:
    made = district.make()
    district.act(made, "pin", **pair(district.domestic[0], district.overseas[1]))
    client, path = world.as_(world.ierc_tainan), f"/pairings/{made['id']}/actions/accept"
    assert problem(client.post(path, headers={"If-Match": '"1"'})) == (412, "changed_meanwhile")
    assert cases(world) == []
    assert client.post(path, headers={"If-Match": '"2"'}).status_code == 200


def withdraw(world: World, district: District) -> None:
    with world.unit_of_work() as uow:
        post = uow.get(Invitation, district.overseas[1].id)
        uow.transition(post, "withdraw", world.actor(world.admin), reason="gone")


def ask(world: World, district: District) -> None:
    """A school of a pair asks the other by itself."""
    asker = world.user(school=school_of(world, district.overseas[1].school_id))
    reply = world.as_(asker).post(
        "/matches", {"invitation_id": district.domestic[1].id, "via": "direct", "message": "We would like to."}
    )
    assert reply.status_code == 201


@pytest.mark.parametrize("meanwhile", [withdraw, ask])
def test_where_one_pair_cannot_be_made_any_more_none_is(world: World, district: District, meanwhile: Any) -> None:
    made = district.make()
    meanwhile(world, district)
    before = world.snapshot()

    reply = district.act(made, "accept")

    assert problem(reply) == (409, "pairs_changed")
    assert district.domestic[1].number in reply.json["detail"]
    assert world.snapshot() == before
    assert district.act(made, "solve").status_code == 200
    assert district.act(made, "accept").status_code == 200


def test_a_fault_in_the_middle_leaves_nothing(
    world: World, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = district.make()
    before = world.snapshot()

    def break_down(*_: object) -> None:
        raise RuntimeError("the light went out")

    monkeypatch.setattr(pairings, "_ask_partners", break_down)
    reply = district.act(made, "accept")

    assert reply.status_code == 500
    assert world.snapshot() == before
    assert district.look(made) == made
    with world.unit_of_work() as uow:
        assert uow.get(Pairing, made["id"]).status == "proposed"
        assert uow.session.query(Event).filter(Event.action == "pair").count() == 0


def test_without_a_pair_there_is_nothing_to_accept(world: World, district: District) -> None:
    stranger = district.post("JP", 0, exchange_types=["teacher_exchange"])
    made = district.make(overseas=[stranger.id])
    assert problem(district.act(made, "accept")) == (409, "no_pairs")
    assert cases(world) == []


def test_the_same_schools_in_a_second_pairing_are_not_brought_together_again(world: World, district: District) -> None:
    first, second = district.make(), district.make(world.office_osaka)
    assert district.act(first, "accept").status_code == 200
    assert problem(district.act(second, "accept", world.office_osaka)) == (409, "pairs_changed")
    assert len(cases(world)) == 3


def test_many_places_make_many_cases(world: World, bring: Bring) -> None:
    district = bring(4, 3)
    accepted = district.act(district.make(max_per_school=2), "accept").json
    assert len(accepted["pairs"]) == 6
    assert len(cases(world)) == 6
    with world.unit_of_work() as uow:
        assert uow.session.query(PairingPair).filter(PairingPair.match_id.is_(None)).count() == 0


# mails


def told(world: World) -> set[tuple[str, str, str]]:
    with world.unit_of_work() as uow:
        return {(mail.kind, mail.address, mail.language) for mail in uow.session.query(EmailDelivery)}


def test_both_schools_of_each_case_are_told_once(world: World, district: District, workshop: Workshop) -> None:
    people = staff(world, district)
    district.act(district.make(), "accept")

    workshop.work_off()
    workshop.work_off()

    asked = {("school_proposed", people[post.school_id].email, "zh-Hant") for post in district.domestic}
    asking = {("match_paired", people[post.school_id].email, "ja") for post in district.overseas}
    assert told(world) == asked | asking
    assert len(workshop.postbox.sent) == 6


def test_a_job_that_runs_twice_tells_nobody_twice(world: World, district: District, workshop: Workshop) -> None:
    staff(world, district)
    district.act(district.make(), "accept")
    for row in workshop.rows():
        workshop.perform(row.id)
    with world.unit_of_work() as uow:
        for row in workshop.rows(everything=True):
            uow.get(type(row), row.id).done_at = None
    workshop.work_off()
    assert len(workshop.deliveries()) == 6


def test_a_unit_that_got_cases_from_the_administrator_is_told_how_many(
    world: World, district: District, workshop: Workshop
) -> None:
    centre, other = world.ierc_tainan, world.ierc_taipei
    district.act(district.make(world.admin), "accept", world.admin)
    workshop.work_off()
    mails = workshop.deliveries("pairing_accepted")
    assert [mail.address for mail in mails] == [centre.email]
    assert "3" in mails[0].text
    assert other.email not in {mail.address for mail in workshop.deliveries()}


def test_a_school_that_called_off_hears_no_more_of_it(world: World, district: District, workshop: Workshop) -> None:
    people = staff(world, district)
    accepted: Made = district.act(district.make(), "accept").json
    case = next(match for match in cases(world) if match.id == accepted["pairs"][0]["match_id"])
    asker = people[case.asking_school_id]
    assert world.as_(asker).post(f"/matches/{case.id}/actions/cancel").status_code == 200
    workshop.work_off()
    assert ("match_paired", asker.email, "ja") not in told(world)
