"""Asking the administrator from a page, and the thread that comes of it."""

from typing import Any

import pytest

from iew.models import Question
from iew.services import links
from iew.services.links import Purpose
from tests.pages.browser import Browser
from tests.web.houses import SECRET
from tests.world import World

WORDS = "How long does the check of a school take?"


def ask(browser: Browser, **fields: str) -> Any:
    return browser.send(browser.open("questions/new").form_to("/questions/new"), text=WORDS, **fields)


def the_question(world: World) -> Question:
    from sqlalchemy import select

    with world.unit_of_work() as uow:
        found = uow.session.scalar(select(Question))
        assert found is not None
        return found


def key_for(world: World, question: Question) -> str:
    with world.unit_of_work() as uow:
        link = links.issue(
            uow,
            Purpose.READ_QUESTION,
            address=question.email or "",
            subject_type="question",
            subject_id=question.id,
        )
        return links.signed(SECRET, link)


def test_a_visitor_says_where_to_answer(browser: Browser, world: World) -> None:
    page = ask(browser)

    assert page.status == 422
    assert page.fault_at("email") == "Say where we can answer you."
    assert page.form_to("/questions/new").fields["text"] == WORDS


def test_a_visitor_gets_a_number(browser: Browser, world: World) -> None:
    page = ask(browser, email="parent@home.example")

    assert page.status == 200
    assert the_question(world).number in page.words


def test_a_school_asks_and_the_administrator_answers(browser: Browser, world: World) -> None:
    thread = browser.follow(ask(browser.sign_in(world.osaka)))
    assert WORDS in thread.words and "Waits for the administrator" in thread.words
    question = the_question(world)
    admin = Browser(world.app).sign_in(world.admin)

    form = admin.open(f"questions/{question.id}").form_to(f"/questions/{question.id}")
    answered = admin.follow(admin.send(form, text="Three working days."))

    assert "Answered" in answered.words
    assert "Three working days." in browser.open(f"questions/{question.id}").words
    assert question.number in browser.open("questions").words


def test_an_empty_message_is_not_sent(browser: Browser, world: World) -> None:
    browser.follow(ask(browser.sign_in(world.osaka)))
    path = f"questions/{the_question(world).id}"

    page = browser.send(browser.open(path).form_to(path), text="   ")

    assert page.status == 422 and page.fault_at("text")


def test_the_asker_can_close_it(browser: Browser, world: World) -> None:
    browser.follow(ask(browser.sign_in(world.osaka)))
    question = the_question(world)

    page = browser.follow(browser.send(browser.open(f"questions/{question.id}").form_to("/close")))

    assert "This question is closed." in page.words
    assert world.now_is(question).status == "closed"


def test_a_visitor_reads_and_goes_on_by_the_link_of_the_mail(browser: Browser, world: World) -> None:
    ask(browser, email="parent@home.example")
    question = the_question(world)
    path = f"questions/{question.id}?key={key_for(world, question)}"

    page = browser.open(path)
    again = browser.follow(browser.send(page.form_to("/by-link"), text="And on holidays?"))

    assert WORDS in page.words
    assert "And on holidays?" in again.words


def test_a_link_opens_its_own_thread_alone(browser: Browser, world: World) -> None:
    ask(browser, email="parent@home.example")
    key = key_for(world, the_question(world))
    ask(browser.sign_in(world.osaka))
    from sqlalchemy import select

    with world.unit_of_work() as uow:
        other = uow.session.scalar(select(Question).where(Question.asker_id == world.osaka.id))
        assert other is not None

    assert Browser(world.app).open(f"questions/{other.id}?key={key}").status == 404


@pytest.mark.parametrize("key", ["", "?key=rubbish"])
def test_a_stranger_reads_no_thread(browser: Browser, world: World, key: str) -> None:
    ask(browser, email="parent@home.example")

    page = browser.open(f"questions/{the_question(world).id}{key}")

    assert page.status in (401, 404)
    assert WORDS not in page.text


def test_another_school_reads_no_thread(browser: Browser, world: World) -> None:
    ask(browser.sign_in(world.osaka))

    page = Browser(world.app).sign_in(world.taipei).open(f"questions/{the_question(world).id}")

    assert page.status == 404 and WORDS not in page.text
