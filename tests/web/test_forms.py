"""What the frame does for the forms of pages: forgery, repetition, errors as pages."""

import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.accounts.bodies import GOOD_PASSWORD
from tests.world import PASSWORD, World


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return found[1]


@pytest.fixture
def browser(world: World) -> FlaskClient:
    return world.app.test_client()


def sign_up(browser: FlaskClient, **frame: str) -> TestResponse:
    typed = {
        "school.name": "Newcomer",
        "school.country": "JP",
        "school.level": "senior_high_general",
        "user.email": "newcomer@school.example",
        "user.password": GOOD_PASSWORD,
        "user.name": "Ms New",
    }
    return browser.post("/en/sign-up", data=typed | frame)


def form_of(browser: FlaskClient) -> dict[str, str]:
    page = browser.get("/en/sign-up?country=AQ").text
    return {name: hidden(page, name) for name in ("csrf_token", "idempotency_key")}


def test_a_form_without_its_token_is_refused_as_a_page(world: World, browser: FlaskClient) -> None:
    before = world.snapshot()

    reply = sign_up(browser)

    assert (reply.status_code, reply.mimetype) == (403, "text/html")
    assert world.snapshot() == before


def test_a_token_of_another_browser_is_none(world: World, browser: FlaskClient) -> None:
    theirs = form_of(world.app.test_client())
    form_of(browser)

    assert sign_up(browser, csrf_token=theirs["csrf_token"]).status_code == 403


def test_a_form_sent_twice_is_done_once(world: World, browser: FlaskClient) -> None:
    frame = form_of(browser)
    first = sign_up(browser, **frame)
    before = world.snapshot()

    second = sign_up(browser, **frame)

    assert (first.status_code, first.location) == (second.status_code, second.location)
    assert first.status_code in (302, 303)
    assert world.snapshot() == before


def test_every_form_has_a_key_of_its_own(browser: FlaskClient) -> None:
    assert form_of(browser)["idempotency_key"] != form_of(browser)["idempotency_key"]


def test_a_page_for_people_who_are_signed_in_asks_for_it(browser: FlaskClient) -> None:
    reply = browser.get("/en/account")

    assert (reply.status_code, reply.mimetype) == (401, "text/html")
    assert "sign-in" in reply.text


def test_pages_and_api_share_one_sign_in(world: World, browser: FlaskClient) -> None:
    browser.post("/api/v1/session", json={"email": world.osaka.email, "password": PASSWORD})

    assert browser.get("/en/account").status_code == 200
    assert browser.get("/api/v1/me").json["email"] == world.osaka.email


def test_a_file_with_its_fingerprint_is_kept_for_long(browser: FlaskClient) -> None:
    page = browser.get("/en/sign-in").text
    address = re.search(r'href="(/static/iew\.css\?v=[0-9a-f]+)"', page)
    assert address is not None

    with browser.get(address[1]) as kept, browser.get("/static/iew.css") as asked_again:
        assert "immutable" in kept.headers["Cache-Control"]
        assert asked_again.headers["Cache-Control"] == "no-cache"
