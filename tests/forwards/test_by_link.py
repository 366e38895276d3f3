"""Passing a post on from a digest: one click, a page that asks, once, and never by opening it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from iew.db import SessionFactory
from iew.duties import run_due
from iew.models import Forward, Invitation, MailLink, School, User
from iew.services import links
from iew.services.links import Purpose
from iew.uow import UnitOfWork
from tests.pages.browser import Browser, HtmlPage
from tests.web.houses import SECRET
from tests.workshop import Workshop
from tests.world import World

Sent = list[tuple[str, str | None, str]]


@pytest.fixture
def schools(world: World) -> list[School]:
    """Two schools in Tainan, and one elsewhere."""
    here = [world.school("TW", level=level) for level in ("junior_high", "primary")]
    world.school("TW", county="TPE")
    return here


@pytest.fixture
def post(world: World) -> Invitation:
    return world.invitation(world.osaka, title="Robots for Tainan")


def link_to(world: World, user: User, post: Invitation, *, age_days: int = 0) -> str:
    with world.unit_of_work(datetime.now(UTC) - timedelta(days=age_days)) as uow:
        link = links.issue(
            uow, Purpose.PASS_ON, address=user.email, user_id=user.id, subject_type="invitation", subject_id=post.id
        )
        return f"pass-on/{links.signed(SECRET, link)}"


def press(browser: Browser, path: str, **fields: Any) -> HtmlPage:
    form = browser.open(path).form_to(path.rpartition("/")[2])
    return browser.send(form, headers={"Sec-Fetch-Site": "cross-site"}, **fields)


def sent(world: World) -> Sent:
    with world.unit_of_work() as uow:
        rows = uow.session.scalars(select(Forward).order_by(Forward.school_id))
        return [(row.school_id, row.note, row.user_id) for row in rows]


def test_the_digest_offers_it_for_what_may_be_passed_on(
    world: World, workshop: Workshop, session_factory: SessionFactory, post: Invitation, schools: list[School]
) -> None:
    reader = world.user("ierc", unit="TNN", language="en")
    own = world.invitation(world.tainan, title="By a school of our own")
    run_due(lambda moment: UnitOfWork(session_factory, now=moment), datetime.now(UTC) + timedelta(days=1))
    workshop.work_off()

    (mail,) = workshop.deliveries("digest")

    text = mail.text or ""
    (path,) = re.findall(r"https://window\.example/en/(pass-on/\S+)", text)
    assert "Pass it on to schools of your area: https://" in text and own.title in text
    assert path in (mail.html or "")
    assert post.title in Browser(world.app).open(path).words
    assert reader.email == mail.address


def test_opening_it_shows_the_post_and_changes_nothing(
    world: World, browser: Browser, post: Invitation, schools: list[School]
) -> None:
    path = link_to(world, world.ierc_tainan, post)
    before = world.snapshot()
    pages = [browser.open(path) for _ in range(3)]
    assert pages[-1].status == 200
    assert post.title in pages[-1].words and "Nothing has been sent yet" in pages[-1].words
    assert "that have not had it: 2" in pages[-1].words
    assert world.snapshot() == before and sent(world) == []
    with world.unit_of_work() as uow:
        assert uow.session.scalar(select(MailLink.used_at)) is None


def test_one_click_passes_it_on_to_all_without_a_session(
    world: World, browser: Browser, post: Invitation, schools: list[School]
) -> None:
    path = link_to(world, world.ierc_tainan, post)

    done = press(browser, path, note="Worth a look.")

    assert done.status == 200 and "Passed on to 2 schools." in done.words
    ids = sorted(school.id for school in schools)
    assert sent(world) == [(school_id, "Worth a look.", world.ierc_tainan.id) for school_id in ids]
    assert browser.open(path).status == 410


def test_the_choice_can_be_narrowed(world: World, browser: Browser, post: Invitation, schools: list[School]) -> None:
    press(browser, link_to(world, world.ierc_tainan, post), to="levels", levels=["", "primary"])
    assert [school_id for school_id, _note, _user in sent(world)] == [schools[1].id]


def test_a_form_that_is_sent_twice_passes_on_once(
    world: World, browser: Browser, post: Invitation, schools: list[School]
) -> None:
    path = link_to(world, world.ierc_tainan, post)
    form = browser.open(path).form_to(path.rpartition("/")[2])
    assert [browser.send(form).status, browser.send(form, idempotency_key="another").status] == [200, 410]
    assert len(sent(world)) == 2


def test_a_choice_of_nobody_comes_back_and_leaves_the_link_alive(
    world: World, browser: Browser, post: Invitation, schools: list[School]
) -> None:
    path = link_to(world, world.ierc_tainan, post)
    page = press(browser, path, to="chosen", note="Keep me")
    assert page.status == 422 and page.fault_at("schools")
    assert page.forms[-1].fields["note"] == "Keep me"
    assert sent(world) == [] and browser.open(path).status == 200


@pytest.mark.parametrize("wrong", ["old", "forged", "closed account", "of another purpose"])
def test_a_link_that_does_not_hold_opens_nothing(
    world: World, browser: Browser, post: Invitation, schools: list[School], wrong: str
) -> None:
    path = link_to(world, world.ierc_tainan, post, age_days=15 if wrong == "old" else 0)
    if wrong == "forged":
        path += "x"
    if wrong == "closed account":
        with world.unit_of_work() as uow:
            uow.get(User, world.ierc_tainan.id).disabled_at = uow.now
    if wrong == "of another purpose":
        path = path.replace("pass-on", "act")
    status = 404 if wrong in ("forged", "of another purpose") else 410
    assert browser.open(path).status == status
    reply = browser.client.post(f"/en/{path}", data={"to": "all"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert reply.status_code == status
    assert sent(world) == []


def test_what_left_the_public_meanwhile_is_said_and_not_sent(
    world: World, browser: Browser, post: Invitation, schools: list[School]
) -> None:
    path = link_to(world, world.ierc_tainan, post)
    with world.unit_of_work() as uow:
        uow.transition(uow.get(Invitation, post.id), "withdraw", world.actor(world.osaka))
    assert browser.open(path).status == 404
    reply = browser.client.post(f"/en/{path}", data={"to": "all"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert reply.status_code == 404 and sent(world) == []


def test_somebody_who_left_the_unit_speaks_for_it_no_more(
    world: World, browser: Browser, post: Invitation, schools: list[School]
) -> None:
    path = link_to(world, world.ierc_tainan, post)
    with world.unit_of_work() as uow:
        user = uow.get(User, world.ierc_tainan.id)
        user.role, user.unit_code = "school", None
    assert browser.open(path).status == 401
    assert sent(world) == []
