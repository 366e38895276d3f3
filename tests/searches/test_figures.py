"""What was looked for is counted, and tells of nobody."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from iew.models import SearchCount, User
from iew.services import search_figures
from iew.services.search_figures import Asked, kept_words
from tests.pages.browser import Browser
from tests.world import World

NOW = datetime(2027, 3, 10, 4, tzinfo=UTC)


def rows(world: World) -> list[tuple[Any, ...]]:
    with world.unit_of_work() as uow:
        found = uow.session.scalars(select(SearchCount).order_by(SearchCount.words, SearchCount.language))
        return [(row.words, row.language, row.country, row.found, row.count, row.days) for row in found]


def ask(world: World, text: str, *, days: int = 0, found: bool = False, country: str = "") -> None:
    with world.unit_of_work(NOW + timedelta(days=days)) as uow:
        search_figures.note(uow, Asked(text, "ja", [country] if country else [], found))


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Sister   SCHOOL ", "sister school"),
        ("姊妹校", "姊妹校"),
        ("ＡＢＣ", "abc"),
        ("grade 10", "grade 10"),
        ("x" * 200, "x" * 80),
        ("call 0912-345-678", ""),
        ("+81 6 55", ""),
        ("０９１２", ""),
        ("mika@school.example", ""),
        ("https://example.org", ""),
        ("E-2026-000123", ""),
    ],
)
def test_words_that_may_tell_of_somebody_are_not_kept(typed: str, kept: str) -> None:
    assert kept_words(typed) == kept


def test_every_search_by_words_is_counted_once_and_its_further_pages_are_not(world: World) -> None:
    visitor = world.as_(None)
    for _ in range(2):
        assert visitor.get("/search?q=Robots&lang=ja&country=JP&country=KR&country=zz9").status_code == 200
    assert visitor.get("/search?country=JP").status_code == 200
    assert visitor.get("/search?q=%20").status_code == 200
    assert visitor.get("/search?q=Robots&cursor=x").status_code == 400
    assert Browser(world.app).open("/zh-Hant/search?q=robots").status == 200
    assert rows(world) == [("robots", "ja", "JP|KR", False, 2, 1), ("robots", "zh-Hant", "", False, 1, 1)]


def test_a_figure_that_fails_costs_nobody_the_results(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("insert", {}, Exception("gone"))

    monkeypatch.setattr(search_figures, "note", fail)
    assert world.as_(None).get("/search?q=robots").status_code == 200
    assert rows(world) == []


def test_days_are_counted_apart(world: World) -> None:
    for days in (0, 0, 1, 1, 2):
        ask(world, "kites", days=days)
    assert rows(world) == [("kites", "ja", "", False, 5, 3)]


def test_words_are_shown_only_after_three_days(world: World) -> None:
    for days in (0, 1, 2):
        ask(world, "kites", days=days, country="KR")
    for _ in range(9):
        ask(world, "Mr Tanaka", country="KR")
    ask(world, "me@example.org", country="KR")
    ask(world, "robots", found=True)
    with world.unit_of_work() as uow:
        lines = [(line.words, line.count) for line in search_figures.lines(uow)]
        assert lines == [(None, 10), ("kites", 3)]
        assert len(search_figures.lines(uow, country="KR", language="ja", month="2027-03")) == 2
        for nothing in ({"country": "JP"}, {"language": "en"}, {"month": "2027-04"}):
            assert search_figures.lines(uow, **nothing) == []  # type: ignore[arg-type]  # each is one of the filters
        assert [line.count for line in search_figures.lines(uow, found=True)] == [1]
        assert search_figures.months(uow) == ["2027-03"]


class TestThePage:
    @pytest.mark.parametrize("language", ["zh-Hant", "en", "ja", "ko"])
    def test_operators_read_what_was_not_found(self, world: World, browser: Browser, language: str) -> None:
        for days in (0, 1, 2):
            ask(world, "<b>kites</b>", days=days, country="KR")
        browser.sign_in(world.admin)
        page = browser.open(f"/{language}/admin/searches?country=KR")
        assert page.status == 200
        assert "<b>kites</b>" in page.words and "<b>kites" not in page.text
        assert "<b>kites</b>" not in browser.open(f"/{language}/admin/searches?found=yes").words

    @pytest.mark.parametrize("who", ["osaka", "ierc_tainan"])
    def test_nobody_else_does(self, world: World, browser: Browser, who: str) -> None:
        user: User = getattr(world, who)
        assert browser.sign_in(user).open("admin/searches").status == 403

    def test_a_filter_that_makes_no_sense_is_refused(self, world: World, browser: Browser) -> None:
        assert browser.sign_in(world.admin).open("admin/searches?month=now").status == 422
