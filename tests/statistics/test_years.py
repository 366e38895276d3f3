"""The figures of a closed year stay as they were, and what is corrected later is shown beside."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from iew.domain.statistics import days_of, school_year_of
from iew.errors import InvalidTransition, NotFound
from iew.models import ClosedYear, Event, Invitation
from iew.services import statistics
from tests.statistics.crowd import Crowd
from tests.statistics.test_figures import ask
from tests.world import World, problem

LAST_YEAR = datetime(2026, 3, 1, tzinfo=UTC)


def post_of_last_year(world: World) -> Invitation:
    post = world.invitation()
    with world.unit_of_work() as uow:
        uow.get(Invitation, post.id).published_at = LAST_YEAR
    return post


def figure(document: dict[str, Any], *key: str) -> dict[str, Any]:
    return next(each for each in document["figures"] if (each["measure"], each["group"], each["code"]) == key)


def test_every_figure_is_frozen_as_it_was_counted(crowd: Crowd) -> None:
    admin = crowd.world.as_(crowd.world.admin)
    closed = admin.post("/statistics/years/2024-2025/actions/close")
    assert closed.status_code == 200, closed.text
    assert closed.json["intact"] is True and len(closed.json["stamp"]) == 64
    assert not any(each["corrected"] for each in closed.json["figures"])
    assert all(each["frozen"] == each["now"] for each in closed.json["figures"] if each["measure"] == "matches")
    for measure, group in (("invitations", "country"), ("matches", "unit"), ("searches", "language")):
        counted = ask(admin, measure, group, school_year="2024-2025")["items"]
        kept = {each["code"]: each["frozen"]["count"] for each in closed.json["figures"]
                if (each["measure"], each["group"]) == (measure, group)}  # fmt: skip
        assert kept == {item[group] or "": item["count"] for item in counted} != {}


def test_a_later_correction_is_shown_and_changes_nothing_that_was_frozen(world: World) -> None:
    post_of_last_year(world)
    admin = world.as_(world.admin)
    before = admin.post("/statistics/years/2025-2026/actions/close").json
    post_of_last_year(world)

    after = admin.get("/statistics/years/2025-2026").json
    assert (after["stamp"], after["closed_at"], after["intact"]) == (before["stamp"], before["closed_at"], True)
    whole = figure(after, "invitations", "", "")
    assert (whole["frozen"]["count"], whole["now"]["count"], whole["corrected"]) == (1, 2, True)
    assert figure(after, "matches", "", "")["corrected"] is False
    (item,) = ask(world.as_(None), "invitations", "school_year")["items"]
    assert (item["count"], item["frozen"]["count"], item["frozen"]["stamp"]) == (2, 1, before["stamp"])


def test_a_cell_that_is_new_or_gone_is_a_correction(world: World) -> None:
    post = post_of_last_year(world)
    admin = world.as_(world.admin)
    admin.post("/statistics/years/2025-2026/actions/close")
    with world.unit_of_work() as uow:
        uow.get(Invitation, post.id).channel = "educational_travel"
    after = admin.get("/statistics/years/2025-2026").json
    gone, new = (figure(after, "invitations", "channel", code) for code in ("general", "educational_travel"))
    assert (gone["now"], gone["corrected"]) == (None, True)
    assert (new["frozen"], new["corrected"]) == (None, True)


@pytest.mark.parametrize(("school_year", "expected"), [("next", 409), ("2025-2027", 404), ("x", 404)])
def test_only_a_year_that_is_over_can_be_closed(world: World, school_year: str, expected: int) -> None:
    with world.unit_of_work() as uow:
        running = school_year_of(uow.today)
    path = f"/statistics/years/{running if school_year == 'next' else school_year}/actions/close"
    assert problem(world.as_(world.admin).post(path))[0] == expected
    with world.unit_of_work() as uow:
        assert uow.session.query(ClosedYear).count() == 0


def test_a_year_is_over_when_its_last_day_is(world: World) -> None:
    admin = world.actor(world.admin)
    with world.unit_of_work(datetime(2026, 7, 31, 15, 59, tzinfo=UTC)) as uow, pytest.raises(InvalidTransition):
        statistics.close(uow, "2025-2026", admin)
    with world.unit_of_work(datetime(2026, 7, 31, 16, 0, tzinfo=UTC)) as uow:
        assert statistics.close(uow, "2025-2026", admin).id == "2025-2026"


def test_a_year_is_closed_once_and_the_record_says_by_whom(world: World) -> None:
    admin = world.as_(world.admin)
    path = "/statistics/years/2025-2026/actions/close"
    assert admin.post(path).status_code == 200
    assert problem(admin.post(path)) == (409, "invalid_transition")
    with world.unit_of_work() as uow:
        (line,) = uow.session.query(Event).filter(Event.subject_type == "school_year").all()
        assert (line.action, line.subject_id, line.actor_id) == ("close", "2025-2026", world.admin.id)


@pytest.mark.parametrize(
    "change",
    ["update closed_years set stamp = 'x'", "delete from frozen_figures", "update frozen_figures set count = 9"],
)
def test_the_database_refuses_a_change_of_what_is_frozen(world: World, change: str) -> None:
    world.as_(world.admin).post("/statistics/years/2025-2026/actions/close")
    with pytest.raises(DatabaseError, match="append-only"), world.unit_of_work() as uow:
        uow.session.execute(text(change))


def test_the_years_begin_with_the_first_figure(world: World) -> None:
    post_of_last_year(world)
    with world.unit_of_work(datetime(2026, 11, 1, tzinfo=UTC)) as uow:
        found = statistics.years(uow, world.actor(world.admin))
    assert [(year.school_year, year.over, year.closed) for year in found] == [
        ("2026-2027", False, None),
        ("2025-2026", True, None),
    ]


def test_a_school_year_has_its_days() -> None:
    assert days_of("2025-2026") == (date(2025, 8, 1), date(2026, 7, 31))
    assert {school_year_of(day) for day in days_of("2025-2026")} == {"2025-2026"}
    for wrong in ("2025", "2025-2025", "0000-0001", "٢٠٢٥-٢٠٢٦", "2025-2026 "):
        with pytest.raises(ValueError):
            days_of(wrong)


def test_nobody_but_the_administrator_sees_years(world: World) -> None:
    with world.unit_of_work() as uow, pytest.raises(NotFound):
        statistics.year(uow, "2025", world.actor(world.admin))
