"""The page of a post: who sees it, in which language, and what stays hidden."""

import pytest

from tests.pages.browser import Browser
from tests.world import World

CANARIES = ("canary@contact.example", "5550 0199", "Mika Canary")


def test_everybody_reads_a_published_post(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka)

    page = browser.open(f"invitations/{post.id}")

    assert page.heading == "Robots that greet each other"
    assert "Minatodai High School" in page.words and "Online exchange" in page.words
    assert "24 students, 2 teachers" in page.words


@pytest.mark.parametrize("status", ["draft", "submitted", "returned", "rejected", "withdrawn", "closed", "expired"])
def test_a_post_that_is_not_public_is_not_there(browser: Browser, world: World, status: str) -> None:
    post = world.invitation(world.osaka, status=status)

    assert browser.open(f"invitations/{post.id}").status == 404


def test_the_choices_are_shown_in_the_readers_language(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka)

    assert "オンライン交流" in browser.open(f"/ja/invitations/{post.id}").words
    assert "網路交流" in browser.open(f"/zh-Hant/invitations/{post.id}").words
    assert "온라인 교류" in browser.open(f"/ko/invitations/{post.id}").words


def test_the_text_is_shown_in_the_readers_language_where_there_is_one(browser: Browser, world: World) -> None:
    translation = {"language": "ja", "title": "あいさつするロボット", "description": "一緒に作りませんか。"}
    post = world.invitation(world.osaka, translations=[translation])

    japanese = browser.open(f"/ja/invitations/{post.id}")
    assert japanese.heading == "あいさつするロボット"
    assert next(japanese.all("h1")).attributes["lang"] == "ja"
    assert browser.open(f"/ko/invitations/{post.id}").heading == "Robots that greet each other"
    assert browser.open(f"/ko/invitations/{post.id}?text=ja").heading == "あいさつするロボット"
    assert browser.open(f"/ko/invitations/{post.id}?text=xx").heading == "Robots that greet each other"


def test_what_somebody_wrote_is_never_markup(browser: Browser, world: World) -> None:
    nasty = "<script>alert(1)</script><img src=x onerror=y> {{ 7*7 }}"
    post = world.invitation(world.osaka, title=nasty, description=nasty, topics=[nasty])

    page = browser.open(f"invitations/{post.id}")

    assert page.heading == nasty
    assert "<script>alert" not in page.text and "<img src=x" not in page.text and "49" not in page.heading


@pytest.mark.parametrize("visibility", ["approved_schools", "after_agreement"])
def test_no_page_carries_the_contact_by_itself(browser: Browser, world: World, visibility: str) -> None:
    post = world.invitation(world.osaka, contact_visibility=visibility)

    for reader in (None, world.taipei, world.admin, world.osaka, world.office_osaka):
        one = Browser(world.app)
        page = (one.sign_in(reader) if reader else one).open(f"invitations/{post.id}")
        assert page.status == 200
        assert not any(canary in page.text for canary in CANARIES)


def test_an_approved_school_shows_itself_the_contact_and_that_is_noted(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka, contact_visibility="approved_schools")
    page = browser.sign_in(world.taipei).open(f"invitations/{post.id}")

    shown = browser.send(page.form_to("/contact"))

    assert all(canary in shown.text for canary in CANARIES)
    account = Browser(world.app).sign_in(world.osaka).open("account")
    assert post.number in account.words


def test_the_contact_after_agreement_is_offered_to_nobody_before(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka)

    page = browser.sign_in(world.taipei).open(f"invitations/{post.id}")

    assert not [form for form in page.forms if form.action.endswith("/contact")]


def test_an_administrator_gives_a_reason(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka)
    form = browser.sign_in(world.admin).open(f"invitations/{post.id}").form_to("/contact")

    without = browser.send(form)
    assert without.status == 422 and CANARIES[0] not in without.text

    assert CANARIES[0] in browser.send(form, reason="The school does not answer").text


def test_a_visitor_is_led_to_sign_in_and_back(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka)

    page = browser.open(f"invitations/{post.id}")

    assert f"/en/sign-in?next=/en/invitations/{post.id}" in page.links()


def test_a_question_about_it_knows_what_it_is_about(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka)

    page = browser.open(f"questions/new?about=invitation:{post.id}")

    assert post.number in page.words and post.title in page.words
    assert f"/en/questions/new?about=invitation:{post.id}" in browser.open(f"invitations/{post.id}").links()


def test_a_question_about_what_one_may_not_see_says_nothing_of_it(browser: Browser, world: World) -> None:
    post = world.invitation(world.osaka, status="draft", title="Secret plan")

    page = browser.open(f"questions/new?about=invitation:{post.id}")

    assert page.status == 200 and "Secret plan" not in page.text
