"""The digest before it comes: the page shows what the mail then holds, and looking at it changes nothing."""

from datetime import UTC, datetime, timedelta

from iew.db import SessionFactory
from iew.duties import run_due
from iew.models import Event, Unit
from iew.uow import UnitOfWork
from tests.pages.browser import Browser
from tests.workshop import Workshop
from tests.world import World


def test_the_page_shows_what_the_mail_then_holds(
    browser: Browser, world: World, session_factory: SessionFactory
) -> None:
    reader, workshop = world.user("ierc", unit="TNN", language="en"), Workshop(session_factory)
    wanted = world.invitation(world.osaka, title="For Tainan", target_counties=["TNN"])
    world.invitation(world.osaka, title="For Taipei", target_counties=["TPE"])
    own = world.invitation(world.tainan, title="By our own school", target_countries=["JP"])
    case = world.match(world.osaka, via="assisted", wish={"county": "TNN"}, status="routed", handler="TNN")
    browser.sign_in(reader)

    page = browser.open("unit/digest")

    run_due(lambda moment: UnitOfWork(session_factory, now=moment), datetime.now(UTC) + timedelta(days=1))
    workshop.work_off()
    (mail,) = workshop.deliveries("digest")
    for line in (wanted.title, own.title, case.number):
        assert line in page.words and line in (mail.text or "")
    assert "For Taipei" not in page.words + (mail.text or "")
    assert f"/en/invitations/{wanted.id}/pass-on" in page.links()
    assert f"/en/invitations/{own.id}/pass-on" not in page.links()
    assert "Goes to1 person" in page.words


def test_looking_changes_nothing(browser: Browser, world: World) -> None:
    world.invitation(world.osaka)
    browser.sign_in(world.ierc_tainan)
    with world.unit_of_work() as uow:
        before = uow.session.query(Event).count()
    first, second = browser.open("unit/digest"), browser.open("unit/digest")
    assert first.words == second.words
    with world.unit_of_work() as uow:
        assert uow.session.query(Event).count() == before


def test_an_empty_one_says_that_no_mail_will_come(browser: Browser, world: World) -> None:
    browser.sign_in(world.ierc_tainan)
    assert "If it stays so, no mail is sent." in browser.open("unit/digest").words


def test_a_pause_is_shown(browser: Browser, world: World) -> None:
    with world.unit_of_work() as uow:
        uow.get(Unit, "TNN").digest_frequency = "paused"
    browser.sign_in(world.ierc_tainan)
    assert "not while it is paused" in browser.open("unit/digest").words


def test_the_page_of_the_unit_says_who_chose(browser: Browser, world: World) -> None:
    browser.sign_in(world.ierc_tainan)
    browser.send(browser.open("unit").form_to("/unit"), frequency="weekly")
    words = browser.open("unit").words
    assert "Who chose this" in words and f"{world.ierc_tainan.name}: On Mondays" in words
