"""The search within a case: what the wish says is filled in, several schools are asked together, each once."""

from typing import Any

import pytest

from iew.models import Match, School
from iew.web.pages import candidates as pages
from tests.pages.browser import Browser
from tests.world import World


@pytest.fixture
def match(world: World) -> Match:
    wish = {"country": "JP", "exchange_types": ["online_exchange"], "languages": ["en"], "levels": ["primary"]}
    return world.match(via="assisted", status="in_progress", handler="JP-OSA", wish=wish)


@pytest.fixture
def found(world: World, monkeypatch: pytest.MonkeyPatch) -> list[School]:
    """Three schools that the engine finds; what was asked of it stands in `asked`."""
    posts = [world.invitation(school=world.school("JP")) for _ in range(3)]
    with world.unit_of_work() as uow:
        schools = [uow.get(School, post.school_id) for post in posts]

    def search(uow: Any, params: Any, *, limit: int) -> dict[str, Any]:
        asked.append(dict(params))
        items = [
            {"id": post.id, "title": post.title, "school": {"id": school.id, "name": school.name, "country": "JP",
             "level": school.level}, "exchange_types": [], "languages": [], "periods": []}
            for post, school in zip(posts, schools, strict=True)
        ]  # fmt: skip
        return {"items": items, "total": 3}

    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(pages, "search_by", search)
    search.asked = asked  # type: ignore[attr-defined]
    return schools


def test_the_wish_is_filled_in_and_only_the_other_side_is_searched(
    world: World, match: Match, found: list[School]
) -> None:
    browser = Browser(world.app).sign_in(world.office_osaka)

    page = browser.open(f"matches/{match.id}/candidates")
    browser.open(f"matches/{match.id}/candidates?q=taiko&side=domestic")

    form = page.form_to("/candidates")
    assert form.fields["country"] == "JP" and form.fields.getlist("type") == ["", "online_exchange"]
    assert form.fields.getlist("level") == ["", "primary"] and form.fields.getlist("language") == ["", "en"]
    first, second = pages.search_by.asked  # type: ignore[attr-defined]
    assert first["country"] == ["JP"] and first["side"] == second["side"] == ["overseas"]
    assert (second["q"], second["country"]) == ("taiko", [])


def test_several_schools_are_asked_at_once_and_each_answers_for_itself(
    world: World, match: Match, found: list[School]
) -> None:
    browser = Browser(world.app).sign_in(world.office_osaka)
    form = browser.open(f"matches/{match.id}/candidates").forms[-1]
    people = [world.user(school=school) for school in found]

    done = browser.send(form, school_ids=[found[0].id, found[1].id], note="Would this suit you?")

    assert "2 schools are asked" in browser.follow(done).words
    with world.unit_of_work() as uow:
        proposals = {p.school_id: (p.status, p.note) for p in uow.get(Match, match.id).proposals}
    assert proposals == {found[0].id: ("open", "Would this suit you?"), found[1].id: ("open", "Would this suit you?")}
    page = browser.open(f"matches/{match.id}/candidates")
    boxes = {box.attributes["value"]: box.attributes for box in page.all("input", name="school_ids", type="checkbox")}
    assert ["disabled" in boxes[school.id] for school in found] == [True, True, False]

    assert (
        world.as_(people[0]).post(f"/matches/{match.id}/actions/decline", {"reason_code": "dates"}).status_code == 200
    )
    assert world.as_(people[1]).post(f"/matches/{match.id}/actions/accept").json["status"] == "agreed"
    assert world.as_(people[0]).post(f"/matches/{match.id}/actions/accept").status_code == 409


def test_all_are_asked_or_none(world: World, match: Match, found: list[School]) -> None:
    browser = Browser(world.app).sign_in(world.office_osaka)
    form = browser.open(f"matches/{match.id}/candidates").forms[-1]
    before = world.snapshot()

    page = browser.send(form, school_ids=[found[0].id, world.tainan.school_id or ""], note="Hello")
    nobody = browser.send(form, school_ids=[""])

    assert page.status == nobody.status == 422 and "Choose at least one school" in nobody.words
    assert page.forms[-1].fields["note"] == "Hello"
    assert world.snapshot()["proposals"] == before["proposals"] and world.now_is(match).version == match.version


def test_only_the_unit_that_has_the_case_searches_within_it(world: World, match: Match, found: list[School]) -> None:
    assert Browser(world.app).sign_in(world.tainan).open(f"matches/{match.id}/candidates").status == 403
    assert Browser(world.app).sign_in(world.office_seoul).open(f"matches/{match.id}/candidates").status == 404


def test_without_the_engine_the_page_says_so(world: World, match: Match) -> None:
    page = Browser(world.app).sign_in(world.office_osaka).open(f"matches/{match.id}/candidates")

    assert page.status == 200 and "The search does not answer at the moment" in page.words
