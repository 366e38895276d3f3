"""What every page owes its readers: no inline code, one heading, labels, a way to ask, honest errors."""

import re

import pytest
from werkzeug.test import TestResponse
from werkzeug.wrappers import Request

from iew.domain.actors import Role
from iew.errors import Text
from iew.web.errors import STATUS_OF, TITLES
from iew.web.errors import page as error_page
from tests.pages.browser import Browser, HtmlPage
from tests.world import World

OPEN = ("", "search", "directory", "how", "about", "privacy", "accessibility", "sign-up", "sign-up?country=JP",
        "sign-up?country=IS", "sign-in", "forgotten", "questions/new", "no-such-page", "account")  # fmt: skip
SIGNED_IN = ("", "account", "questions", "questions/new", "search", "directory")


def check(page: HtmlPage) -> None:
    """The rules that hold for every page."""
    assert len(list(page.all("h1"))) == 1
    assert next(page.all("html")).attributes["lang"]
    assert next(page.all("title")).text.strip()
    assert not list(page.all("style")), "a style sheet is a file"
    for element in page.elements:
        assert "style" not in element.attributes, element
        assert not [name for name in element.attributes if name.startswith("on")], element
        if element.tag == "script":
            assert element.attributes.get("src", "").startswith("/static/"), element
        if element.tag in ("img", "link", "script", "use"):
            address = element.attributes.get("src") or element.attributes.get("href") or ""
            assert address.startswith("/"), f"{address} is of another site"
    _check_ids(page)
    _check_forms(page)


def _check_ids(page: HtmlPage) -> None:
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids)), sorted(ids)
    pointed = [element.attributes[name] for element in page.elements for name in ("for", "aria-labelledby", "list")
               if name in element.attributes]  # fmt: skip
    described = [part for element in page.elements for part in element.attributes.get("aria-describedby", "").split()]
    assert set(pointed + described) <= set(ids)


def _check_forms(page: HtmlPage) -> None:
    for form in page.forms:
        assert form.action.startswith("/")
        if form.method == "post":
            assert form.fields.get("csrf_token"), form.action


@pytest.mark.parametrize("language", ["zh-Hant", "en", "ja", "ko"])
@pytest.mark.parametrize("path", OPEN)
def test_open_pages_keep_the_rules(browser: Browser, world: World, language: str, path: str) -> None:
    check(browser.open(f"/{language}/{path}"))


@pytest.mark.parametrize("role", Role)
def test_pages_for_every_role_keep_the_rules(browser: Browser, world: World, role: Role) -> None:
    people = {
        Role.SCHOOL: world.osaka,
        Role.IERC: world.ierc_tainan,
        Role.OFFICE: world.office_osaka,
        Role.IEW_ADMIN: world.admin,
        Role.SYSTEM_ADMIN: world.system_admin,
    }
    browser.sign_in(people[role])

    for path in SIGNED_IN:
        check(browser.open(path))


@pytest.mark.parametrize("path", OPEN)
def test_every_page_has_the_box_to_ask_the_administrator(browser: Browser, world: World, path: str) -> None:
    page = browser.open(path)

    assert any(link.startswith("/en/questions/new") for link in page.links())


def test_the_navigation_offers_nothing_one_may_not_open(browser: Browser, world: World) -> None:
    for person in (None, world.osaka, world.ierc_tainan, world.office_osaka, world.admin, world.system_admin):
        one = Browser(world.app)
        if person:
            one.sign_in(person)
        bar = re.search(r'<nav class="site-nav".*?</nav>', one.open("").text, re.S)
        assert bar
        for link in re.findall(r'href="([^"]+)"', bar[0]):
            assert one.open(link).status == 200, (person and person.role, link)


@pytest.mark.parametrize(("path", "status"), [("/en/no-such-page", 404), ("/en/account", 401)])
def test_an_error_is_a_kind_page(browser: Browser, path: str, status: int) -> None:
    page = browser.open(path)

    assert page.status == status
    assert page.reply.mimetype == "text/html"
    assert "Traceback" not in page.text


@pytest.mark.parametrize("language", ["zh-Hant", "en", "ja", "ko"])
@pytest.mark.parametrize("status", sorted(TITLES))
def test_every_error_has_a_page_in_every_language(world: World, language: str, status: int) -> None:
    code = next((code for code, known in STATUS_OF.items() if known == status), "error")
    with world.app.test_request_context(f"/{language}/nowhere"):
        reply = error_page(status, code, Text("You may not do this."), errors={"title": ["This is needed."]})

    page = HtmlPage(TestResponse([reply.get_data()], f"{status} X", reply.headers, Request({})))
    check(page)
    assert page.heading


def test_robots_and_icon_are_there(browser: Browser) -> None:
    assert "Disallow: /api/" in browser.open("/robots.txt").text
    assert browser.open("/favicon.ico").reply.mimetype == "image/svg+xml"


def test_the_directory_names_every_centre_and_office(browser: Browser, world: World) -> None:
    page = browser.open("/zh-Hant/directory")

    assert "臺南市國際教育資源中心" in page.words and "國教署東區" in page.words
    assert "駐洛杉磯臺北經濟文化辦事處教育組" in page.words


def test_files_are_kept_for_long_since_their_address_changes_with_them(browser: Browser) -> None:
    sheet = next(link for link in re.findall(r'href="(/static/iew\.css[^"]*)"', browser.open("").text))

    assert "immutable" in browser.open(sheet).reply.headers["Cache-Control"]
    assert "immutable" not in browser.open("/static/iew.css").reply.headers.get("Cache-Control", "")
    assert "immutable" not in browser.open("/static/none.css?v=1").reply.headers.get("Cache-Control", "")
