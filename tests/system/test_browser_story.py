"""The story as people live it: in a browser, on the product as `iew up` starts it, wide and narrow."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.system.conftest import free_port

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
PASSWORD = "correct horse battery"
START_SECONDS = 240
MAIL_SECONDS = 120
STAFF = {
    "office@people.example": ("office", "--unit", "JP-OSA"),
    "admin@people.example": ("iew_admin",),
}


@dataclass
class Window:
    """A running product: its address, its home, and the page of its mail catcher."""

    url: str
    home: Path
    mail_page: str

    def iew(self, *words: str, standard_input: str | None = None) -> str:
        command = [sys.executable, "-m", "iew", "--home", str(self.home), *words]
        done = subprocess.run(command, cwd=ROOT, input=standard_input, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def add_user(self, email: str, role: str, *more: str) -> None:
        self.iew("users", "add", "--email", email, "--role", role, "--password", PASSWORD, *more)

    def link_mailed_to(self, address: str, pattern: str) -> str:
        """A link that stands in a mail to somebody, once it has arrived."""
        until = time.monotonic() + MAIL_SECONDS
        while time.monotonic() < until:
            with urllib.request.urlopen(f"{self.mail_page}messages.json") as reply:
                mails = json.load(reply)
            texts = [json.dumps(mail) for mail in mails if address in json.dumps(mail)]
            if found := re.search(pattern, " ".join(texts)):
                return found[0]
            time.sleep(0.5)
        raise AssertionError(f"no mail to {address} with {pattern}")


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    home, port = tmp_path_factory.mktemp("window"), free_port()
    command = [sys.executable, "-m", "iew", "up", "--home", str(home), "--port", str(port), "--no-sample"]
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("IEW_")}
    log = (home / "up.log").open("w")
    process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, env=quiet)
    try:
        _wait_for(f"http://127.0.0.1:{port}/en/", process, home / "up.log")
        variables = json.loads((home / "parts.json").read_text())
        made = Window(f"http://127.0.0.1:{port}", home, variables["IEW_MAIL_PAGE"])
        for email, (role, *body) in STAFF.items():
            made.iew(
                "users", "add", "--email", email, "--role", role, *body, "--language", "en", "--password", PASSWORD
            )
        yield made
    finally:
        process.terminate()
        process.wait(60)
        log.close()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url) as reply:
                assert reply.status == 200
                return
        except OSError:
            time.sleep(0.3)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


class Person:
    """Somebody at a browser of their own; whatever the console or the layout complains of is kept."""

    def __init__(self, chromium: Browser, window: Window, width: int) -> None:
        self.window = window
        self.page: Page = chromium.new_context(viewport={"width": width, "height": 900}).new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self._hear(message.type, message.text))
        self.page.on("pageerror", lambda fault: self.complaints.append(str(fault)))

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error" and "status of 4" not in text:  # a refused form is no fault of the page
            self.complaints.append(text)

    def open(self, path: str) -> "Person":
        self.page.goto(path if path.startswith("http") else self.window.url + path)
        return self.fits()

    def fits(self) -> "Person":
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            self.complaints.append(f"{self.page.url} is {wide} pixels wider than the window")
        return self

    def fill(self, **fields: Any) -> "Person":
        """Fill fields by name; `__` stands for a dot, a list ticks boxes, a tuple chooses of a list."""
        for name, value in fields.items():
            path = name.replace("__", ".")
            if isinstance(value, list):
                for code in value:
                    self.page.check(f'main [name="{path}"][value="{code}"]')
            elif isinstance(value, tuple):
                self.page.select_option(f'main select[name="{path}"]', value[0])
            else:
                self.page.fill(f'main :is(input,textarea)[name="{path}"]:not([type=hidden])', value)
        return self

    def press(self, selector: str) -> "Person":
        self.page.click(f"main {selector}")
        self.page.wait_for_load_state()
        return self.fits()

    def open_details_of(self, action: str) -> "Person":
        """Unfold the form of an action."""
        self.page.locator(f'main details:has(form[action$="/{action}"]) > summary').first.click()
        return self

    def sign_in(self, email: str, language: str = "en") -> "Person":
        self.open(f"/{language}/sign-in").fill(email=email, password=PASSWORD)
        return self.press('form[action*="sign-in"] button[type=submit]')

    def words(self) -> str:
        return self.page.inner_text("main")


def send(action: str) -> str:
    return f'form[action$="/{action}"] button[type=submit]'


@pytest.mark.timeout(900)
@pytest.mark.parametrize("width", [1280, 390])
def test_the_story_in_a_browser(window: Window, chromium: Browser, width: int) -> None:
    people = {name: Person(chromium, window, width) for name in ("osaka", "office", "admin", "tainan")}
    osaka, office, admin, tainan = people.values()
    email = f"osaka{width}@people.example"
    school = _a_school_signs_up(osaka, window, email, f"大阪府立みなと台高等学校 {width}")
    office.sign_in("office@people.example")
    _the_office_approves(office, school)
    title = f"ロボットで会いましょう {width}"
    number = _the_school_posts(osaka, email, title, width)
    _the_administrator_returns_and_publishes(admin, osaka, number, title)
    _tainan_asks_for_help(tainan, window, width, title)
    _the_case_ends_well(office, tainan, school)
    assert {name: person.complaints for name, person in people.items() if person.complaints} == {}


def _a_school_signs_up(osaka: Person, window: Window, email: str, name: str) -> str:
    osaka.open("/ja/sign-up?country=JP&subdivision=JP-27")
    osaka.fill(school__name=name, school__level=("senior_high_general",), user__name="岡田みのり", user__email=email)
    osaka.fill(user__password=PASSWORD).press('form[action*="sign-up"][method=post] button[type=submit]')
    link = window.link_mailed_to(email, rf"{re.escape(window.url)}/ja/confirm/[\w.~%-]+")
    osaka.open(link).press("form[method=post] button[type=submit]")
    return name


def _the_office_approves(office: Person, school: str) -> None:
    office.open("/en/schools?status=pending")
    office.page.get_by_role("link", name=school).first.click()
    office.press(send("approve"))
    assert school in office.words()


def _the_school_posts(osaka: Person, email: str, title: str, width: int) -> str:
    osaka.sign_in(email, "ja").open("/ja/posts/new?channel=general")
    osaka.fill(title=title, content_language=("ja",), description="台湾の高校生と二足歩行ロボットを作りたいです。")
    osaka.press('form[action$="/posts/new"] button[type=submit]')
    osaka.page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")
    osaka.fill(exchange_types=["online_exchange"], languages=["en", "ja"], levels=["senior_high_general"])
    last_day = (datetime.now(UTC) + timedelta(days=200)).date().isoformat()
    osaka.fill(expires_on=last_day, contact__name="岡田みのり", contact__email=f"okada{width}@people.example")
    osaka.fill(**{"translations-0__language": ("zh-Hant",), "translations-0__title": f"一起做二足機器人 {width}"})
    osaka.press('button[name="then"][value="submit"]')
    found = re.search(r"IEW-\d{4}-\d{6}", osaka.page.content())
    assert found, osaka.words()
    return found[0]


def _the_administrator_returns_and_publishes(admin: Person, osaka: Person, number: str, title: str) -> None:
    admin.sign_in("admin@people.example").open("/en/review")
    admin.page.get_by_role("link", name=number).click()
    admin.open_details_of("return").fill(reason="Please say how many students.")
    admin.press(send("return"))
    osaka.open("/ja/posts")
    osaka.page.get_by_role("link", name=title).first.click()
    osaka.page.goto(re.sub(r"(/posts/\w+).*", r"\1/edit", osaka.page.url))
    assert "Please say how many students." in osaka.words()
    osaka.page.evaluate("document.querySelectorAll('main details').forEach(each => each.open = true)")
    osaka.fill(group__students="24").press('button[name="then"][value="submit"]')
    admin.open("/en/review")
    admin.page.get_by_role("link", name=number).click()
    admin.press(send("publish"))


def _tainan_asks_for_help(tainan: Person, window: Window, width: int, title: str) -> None:
    email = f"tainan{width}@people.example"
    row = {"ref": f"tainan-{width}", "name": f"臺南市立曦光高級中學 {width}", "country": "TW", "county": "TNN"}
    row |= {"level": "senior_high_general", "ownership": "public"}
    window.iew("import", "schools", "-", standard_input=json.dumps(row) + "\n")
    window.iew(
        "users", "add", "--email", email, "--role", "school", "--school", f"tainan-{width}", "--password", PASSWORD
    )
    tainan.sign_in(email, "zh-Hant")
    until = time.monotonic() + MAIL_SECONDS
    while time.monotonic() < until:
        tainan.open("/zh-Hant/search?q=%E6%A9%9F%E5%99%A8%E4%BA%BA")
        if tainan.page.get_by_role("link", name=str(width)).count():
            break
        time.sleep(0.3)
    tainan.page.get_by_role("link", name=str(width)).first.click()
    tainan.page.wait_for_load_state()
    assert title in tainan.page.content() or str(width) in tainan.words()
    tainan.press('a[href*="via=assisted"]').fill(message="我們也做機器人，想一起合作。").press(send("ask"))
    assert "M-" in tainan.words()


def _the_case_ends_well(office: Person, tainan: Person, school: str) -> None:
    office.open("/en/inbox")
    office.page.locator('main a[href*="/matches/"]').first.click()
    office.page.wait_for_load_state()
    office.press(send("accept")).open_details_of("agree")
    office.page.select_option('main form[action$="/agree"] select[name="school_id"]', label=school)
    office.press(send("agree"))
    case = re.search(r"/matches/(\w+)", office.page.url)
    assert case
    tainan.open(f"/zh-Hant/matches/{case[1]}").press('form[action*="/contacts"] button[type=submit]')
    assert "okada" in tainan.words()
    tainan.open_details_of("report")
    held_on = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    tainan.fill(held_on=held_on, students="48", teachers="4", summary="兩校一起完成了機器人。").press(send("report"))
    assert "48" in tainan.words()
