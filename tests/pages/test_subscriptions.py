"""Stopping a digest by the link in its mail."""

from typing import Any

from iew.models import User
from iew.services import subscriptions
from tests.pages.browser import Browser
from tests.web.houses import SECRET
from tests.world import World


def path_for(user: User) -> str:
    return f"/unsubscribe/{subscriptions.key_of(SECRET, user.id)}"


def stopped(world: World) -> Any:
    with world.unit_of_work() as uow:
        return uow.get(User, world.office_osaka.id).digest_stopped_at


def test_opening_the_link_stops_nothing_its_button_does_and_takes_back(browser: Browser, world: World) -> None:
    page = browser.open(path_for(world.office_osaka))
    assert stopped(world) is None

    done = browser.send(page.forms[-1])
    assert done.status == 200 and stopped(world) is not None

    browser.send(done.forms[-1])
    assert stopped(world) is None


def test_one_click_of_a_mail_program_is_enough_and_does_no_harm_twice(browser: Browser, world: World) -> None:
    for _ in range(2):
        reply = browser.client.post(path_for(world.office_osaka), data={"List-Unsubscribe": "One-Click"})
        assert reply.status_code == 200

    assert stopped(world) is not None


def test_a_made_up_link_leads_nowhere(browser: Browser) -> None:
    assert browser.open("/unsubscribe/ImFiYyI.AAAA").status == 404
    assert browser.client.post("/unsubscribe/rubbish").status_code == 404
