"""Answering a case from a mail: one form that works without a session, once, and never by opening it."""

from typing import Any

import pytest

from iew.models import MailLink, Match, User
from iew.services import links
from iew.services.links import Purpose
from tests.pages.browser import Browser, HtmlPage
from tests.web.houses import SECRET
from tests.world import World


def link_to(world: World, user: User, match: Match) -> str:
    with world.unit_of_work() as uow:
        link = links.issue(
            uow, Purpose.ACT, address=user.email, user_id=user.id, subject_type="match", subject_id=match.id
        )
        return f"act/{links.signed(SECRET, link)}"


def answer(browser: Browser, path: str, **fields: Any) -> HtmlPage:
    page = browser.open(path)
    return browser.send(page.form_to(path.rpartition("/")[2]), headers={"Sec-Fetch-Site": "cross-site"}, **fields)


def used(world: World) -> bool:
    from sqlalchemy import select

    with world.unit_of_work() as uow:
        return uow.session.scalar(select(MailLink).where(MailLink.used_at.is_not(None))) is not None


def test_opening_the_link_shows_the_case_and_changes_nothing(browser: Browser, world: World) -> None:
    match = world.match()
    path = link_to(world, world.osaka, match)
    before = world.snapshot()

    pages = [browser.open(path) for _ in range(3)]

    assert "Xiguang Senior High School" in pages[-1].words and match.message in pages[-1].words
    assert pages[-1].form_to(path.rpartition("/")[2]).options["action"] == ["accept", "decline"]
    assert world.snapshot() == before and not used(world)


def test_a_yes_is_an_agreement_and_uses_the_link_up(browser: Browser, world: World) -> None:
    match = world.match()
    path = link_to(world, world.osaka, match)

    done = answer(browser, path, action="accept")

    assert "Thank you" in done.heading
    assert world.now_is(match).status == "agreed" and used(world)
    assert browser.open(path).status == 410


def test_the_same_form_sent_twice_does_one_thing(browser: Browser, world: World) -> None:
    match = world.match()
    path = link_to(world, world.osaka, match)
    form = browser.open(path).form_to(path.rpartition("/")[2])

    first, second = browser.send(form, action="accept"), browser.send(form, action="decline", reason_code="dates")

    assert (first.status, second.status) == (200, 410)
    assert world.now_is(match).status == "agreed"


def test_a_no_needs_a_reason_and_nothing_is_lost(browser: Browser, world: World) -> None:
    match = world.match()
    path = link_to(world, world.osaka, match)

    page = answer(browser, path, action="decline", note="We are rebuilding the school.")

    assert page.status == 422 and page.fault_at("reason_code")
    form = page.form_to(path.rpartition("/")[2])
    assert form.fields["note"] == "We are rebuilding the school." and form.fields["action"] == "decline"
    assert world.now_is(match).status == "requested" and not used(world)

    browser.send(form, reason_code="capacity")
    assert world.now_is(match).status == "declined"


def test_without_a_choice_nothing_happens(browser: Browser, world: World) -> None:
    match = world.match()

    page = answer(browser, link_to(world, world.osaka, match))

    assert page.status == 422 and page.fault_at("action") == "This is needed."
    assert world.now_is(match).status == "requested"


def test_a_unit_takes_a_case_up_or_hands_it_back(browser: Browser, world: World) -> None:
    taken = world.match(via="assisted", status="routed", handler="JP-OSA")
    answer(browser, link_to(world, world.office_osaka, taken), action="accept")
    assert world.now_is(taken).status == "in_progress"

    back = world.match(asked_by=world.taipei, via="assisted", status="routed", handler="JP-OSA")
    path = link_to(world, world.office_osaka, back)
    assert answer(browser, path, action="hand_back").fault_at("note") == "This is needed."
    answer(browser, path, action="hand_back", note="This prefecture is served from Tokyo.")
    assert world.now_is(back).status == "requested"


def test_a_case_that_went_on_offers_no_answer(browser: Browser, world: World) -> None:
    match = world.match(status="cancelled")

    page = browser.open(link_to(world, world.osaka, match))

    assert page.status == 200 and "nothing left to answer" in page.words


def test_the_link_speaks_with_the_rights_its_person_has_now(browser: Browser, world: World) -> None:
    match = world.match(via="assisted", status="routed", handler="JP-OSA")
    path = link_to(world, world.office_osaka, match)
    with world.unit_of_work() as uow:
        uow.get(User, world.office_osaka.id).unit_code = "KR-SEL"

    assert browser.open(path).status == 404
    assert world.now_is(match).status == "routed"


def test_a_disabled_person_opens_nothing(browser: Browser, world: World) -> None:
    match = world.match()
    path = link_to(world, world.osaka, match)
    with world.unit_of_work() as uow:
        uow.get(User, world.osaka.id).disabled_at = uow.now

    assert browser.open(path).status == 410


@pytest.mark.parametrize("token", ["x", "ImFiYyI.AAAA", "%00", "a" * 3000])
def test_a_made_up_link_leads_nowhere(browser: Browser, token: str) -> None:
    assert browser.open(f"act/{token}").status == 404


def test_the_result_is_told_from_the_mail_in_one_form(browser: Browser, world: World) -> None:
    match = world.match(status="agreed")
    path = link_to(world, world.osaka, match)
    before = world.snapshot()
    assert "Five minutes are enough" in browser.open(path).words and world.snapshot() == before

    refused = answer(browser, path, held_on="2026-05-01", students="24", teachers="", summary="We built two robots.")
    assert refused.status == 422 and refused.fault_at("teachers") and not used(world)
    form = refused.form_to(path.rpartition("/")[2])
    assert (form.fields["students"], form.fields["summary"]) == ("24", "We built two robots.")
    done = browser.send(form, teachers="2")

    assert "Your report is saved" in done.words and used(world)
    assert world.now_is(match).status == "completed"


def test_the_other_school_adds_its_report_and_none_adds_two(browser: Browser, world: World) -> None:
    match = world.match(status="agreed")
    told = {"summary": "Good", "held_on": "2026-05-01", "students": 20, "teachers": 2}
    world.as_(world.osaka).post(f"/matches/{match.id}/actions/report", told)

    mine = answer(browser, link_to(world, world.tainan, match), held_on="2026-05-01", students="9", teachers="1",
                  summary="Good too")  # fmt: skip
    theirs = browser.open(link_to(world, world.osaka, match))

    assert "Your report is saved" in mine.words
    assert "There is nothing left to answer" in theirs.words


def test_after_a_silence_help_is_one_click_away_with_the_words_kept(browser: Browser, world: World) -> None:
    match = world.match(status="no_reply", message="Our robots want to meet yours.")
    other = world.invitation(school=world.school("JP"), title="Robots of another school")
    path = link_to(world, world.tainan, match)

    page = browser.open(path)
    assert other.title in page.words
    done = answer(browser, path)

    assert "on its way to those who can help" in done.words and used(world)
    (asked,) = (m for m in world.as_(world.tainan).get("/matches?via=assisted").json["items"])
    assert (asked["message"], asked["invitation"]["id"]) == (match.message, match.invitation_id)
    assert asked["handler"]["kind"] == "office"


def test_the_invited_school_of_a_case_that_ended_is_offered_nothing(browser: Browser, world: World) -> None:
    match = world.match(status="no_reply")

    page = browser.open(link_to(world, world.osaka, match))

    assert "There is nothing left to answer" in page.words
