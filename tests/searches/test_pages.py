"""Keeping a search from the page of its results, and the list of what one keeps."""

from typing import Any

import pytest
from sqlalchemy import select

from iew.models import SavedSearch
from tests.pages.browser import Browser, HtmlPage
from tests.searches.conftest import keep
from tests.world import PASSWORD, World

LANGUAGES = ("zh-Hant", "en", "ja", "ko")


def kept(world: World) -> list[dict[str, Any]]:
    with world.unit_of_work() as uow:
        rows = uow.session.scalars(select(SavedSearch).order_by(SavedSearch.created_at))
        return [{name: getattr(row, name) for name in ("name", "params", "frequency", "paused")} for row in rows]


def link_to_save(page: HtmlPage) -> str:
    return next(link for link in page.links() if "/saved-searches/new" in link)


def test_the_search_in_the_address_is_kept_with_a_name(world: World, browser: Browser) -> None:
    browser.sign_in(world.osaka)
    found = browser.open("search?q=robots&country=TW&country=KR&students=30&from=2027-04-01&utm_source=x")

    form = browser.open(link_to_save(found)).form_to("/saved-searches/new")
    assert form.fields["name"].startswith("robots")
    done = browser.send(form, name="Partners", frequency="weekly")

    listed = browser.follow(done)
    params = {"q": "robots", "lang": "en", "country": ["TW", "KR"], "from": "2027-04-01", "students": 30}
    assert kept(world) == [{"name": "Partners", "params": params, "frequency": "weekly", "paused": False}]
    assert "Partners" in listed.words and "Taiwan" in listed.words and "Korea" in listed.words
    address = next(link for link in listed.links() if "q=robots" in link)
    again = browser.open(address)
    assert again.status == 200 and "country=KR" in address and "students=30" in address


def test_a_visitor_signs_in_and_comes_back(world: World, browser: Browser) -> None:
    asked = browser.open(link_to_save(browser.open("search?q=robots")))
    assert asked.status == 401
    page = browser.follow(browser.send(asked.form_to("/sign-in"), email=world.osaka.email, password=PASSWORD))
    assert page.form_to("/saved-searches/new").fields["params.q"] == "robots"


def test_a_refused_form_comes_back_filled(world: World, browser: Browser) -> None:
    form = browser.sign_in(world.osaka).open("saved-searches/new?q=robots&language=ja").form_to("/saved-searches/new")
    page = browser.send(form, name="", frequency="weekly")
    assert page.status == 422 and page.fault_at("name")
    again = page.form_to("/saved-searches/new")
    assert (again.fields["params.q"], again.fields["params.language"]) == ("robots", "ja")
    assert again.fields["frequency"] == "weekly"
    assert kept(world) == []


def test_what_makes_no_sense_in_the_address_is_left_out(world: World, browser: Browser) -> None:
    page = browser.sign_in(world.osaka).open("saved-searches/new?q=robots&students=many")
    assert page.status == 200
    assert "params.students" not in page.form_to("/saved-searches/new").fields


def test_how_often_pausing_and_deleting(world: World, browser: Browser) -> None:
    search = keep(world, world.osaka, "daily")
    browser.sign_in(world.osaka)

    def page() -> HtmlPage:
        return browser.open("saved-searches")

    rhythm, pause = (form for form in page().forms if form.action.endswith(search.id))
    assert browser.send(rhythm, frequency="instant").status == 302
    assert browser.send(pause).status == 412  # made from the version before
    pause = [form for form in page().forms if form.action.endswith(search.id)][1]
    assert browser.send(pause).status == 302
    assert [(row["frequency"], row["paused"]) for row in kept(world)] == [("instant", True)]
    resume = [form for form in page().forms if form.action.endswith(search.id)][1]
    browser.send(resume)
    assert kept(world)[0]["paused"] is False
    browser.send(page().form_to("/delete"))
    assert kept(world) == []
    assert "No search is saved yet" in page().words


def test_the_list_of_somebody_else_is_not_to_be_had(world: World, browser: Browser) -> None:
    search = keep(world, world.osaka)
    browser.sign_in(world.tainan)
    assert "My robots" not in browser.open("saved-searches").words
    form = browser.open("saved-searches/new?q=x").form_to("/saved-searches/new")
    form.action = f"/en/saved-searches/{search.id}/delete"
    assert browser.send(form).status == 404
    assert len(kept(world)) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_in_every_language_with_hostile_names(world: World, browser: Browser, language: str) -> None:
    keep(world, world.osaka, name="<script>alert(1)</script>", q='"><img src=x>', country=["JP"])
    browser.sign_in(world.osaka)
    for path in ("saved-searches", "saved-searches/new?q=%3Cscript%3E&country=JP", "account"):
        page = browser.open(f"/{language}/{path}")
        assert page.status == 200
        assert "<script>alert" not in page.text and "<img src=x" not in page.text
    assert Browser(world.app).open(f"/{language}/saved-searches").status == 401
