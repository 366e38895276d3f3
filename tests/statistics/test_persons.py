"""Few persons are told to nobody who may not read the case, and no arithmetic uncovers them."""

import random
from collections.abc import Iterator
from datetime import date, datetime
from itertools import combinations
from typing import Any

import pytest

from iew.db import new_id
from iew.domain.statistics import LEAST_PERSONS, Block, for_everybody
from iew.models import Match, Report, User
from tests.statistics.crowd import TAIPEI, Crowd
from tests.statistics.test_figures import ask
from tests.world import World


def completed(world: World, by: User, students: int, teachers: int, at: datetime | None = None) -> Match:
    """A case of this school that took place, told of by one report."""
    post = world.invitation(world.osaka if by is not world.osaka else world.tainan)
    match = world.match(by, post, status="completed")
    with world.unit_of_work() as uow:
        if at is not None:
            uow.get(Match, match.id).created_at = at
        report(uow.session, match, students, teachers)
    return match


def report(session: Any, match: Match, students: int, teachers: int, school_id: str = "") -> None:
    session.add(
        Report(
            id=new_id(), match_id=match.id, school_id=school_id or match.asking_school_id, summary="s",
            held_on=date(2026, 1, 1), students=students, teachers=teachers, created_at=match.since,
        )
    )  # fmt: skip


def persons(reply: dict[str, Any], group: str) -> dict[str, tuple[int | None, bool]]:
    return {item[group]: (item["persons"], item["suppressed"]) for item in reply["items"]}


def test_a_cell_below_five_is_empty_for_everybody_and_so_is_the_total_that_would_uncover_it(world: World) -> None:
    completed(world, world.tainan, 24, 2)
    completed(world, world.taipei, 3, 1)
    for who in (None, world.osaka, world.system_admin):
        reply = ask(world.as_(who), "matches", "county")
        assert persons(reply, "county") == {"TNN": (26, False), "TPE": (None, True)}
        assert reply["totals"]["persons"] is None and reply["totals"]["suppressed"] is True
        assert reply["totals"]["persons_at_least"] == 26
        assert '"persons":4' not in world.as_(who).get("/statistics?measure=matches&group_by=county").text


def test_five_persons_are_told(world: World) -> None:
    completed(world, world.tainan, 3, 2)
    assert persons(ask(world.as_(None), "matches", "county"), "county") == {"TNN": (5, False)}


def test_who_may_read_the_cases_gets_every_number(world: World) -> None:
    completed(world, world.tainan, 24, 2)
    completed(world, world.taipei, 3, 1)
    assert persons(ask(world.as_(world.admin), "matches", "county"), "county") == {
        "TNN": (26, False),
        "TPE": (4, False),
    }
    assert persons(ask(world.as_(world.ierc_taipei), "matches", "county"), "county") == {"TPE": (4, False)}
    public = ask(world.as_(world.ierc_taipei), "matches", "county", scope="public")
    assert persons(public, "county")["TPE"] == (None, True)


def test_several_small_cases_are_told_together_or_not_at_all(world: World) -> None:
    for by in (world.tainan, world.tainan, world.taipei):
        completed(world, by, 3, 0)
    reply = ask(world.as_(None), "matches", "county")
    assert persons(reply, "county") == {"TNN": (None, True), "TPE": (None, True)}
    assert reply["totals"]["persons"] == 9


def test_a_shorter_time_uncovers_nothing(world: World) -> None:
    completed(world, world.tainan, 24, 2, datetime(2026, 9, 10, tzinfo=TAIPEI))
    for day in (11, 12):
        completed(world, world.tainan, 4, 0, datetime(2026, 9, day, tzinfo=TAIPEI))
    visitor = world.as_(None)
    assert ask(visitor, "matches")["totals"]["persons"] == 34
    assert ask(visitor, "matches", to="2026-09-10")["totals"]["persons"] == 26
    cut = ask(visitor, "matches", to="2026-09-11")["totals"]
    assert (cut["persons"], cut["suppressed"], cut["persons_at_least"]) == (None, True, 26)


def test_two_reports_of_one_case_tell_of_the_same_people(world: World) -> None:
    match = completed(world, world.tainan, 24, 2)
    with world.unit_of_work() as uow:
        report(uow.session, match, 25, 2, str(match.partner_school_id))
    assert ask(world.as_(world.admin), "matches")["totals"]["persons"] == 27


def told(crowd: Crowd) -> Iterator[tuple[frozenset[str], int]]:
    """Every set of cases whose persons everybody is told, with the number."""
    visitor = crowd.world.as_(None)
    things = crowd.things("matches")
    for groups in ("", "month", "school_year", "county", "type", "status,via", "school_year,county", "country,level"):
        for more in ({}, {"to": "2025-07-31"}, {"channel": "general"}, {"status": ["completed", "declined"]}):
            names = groups.split(",") if groups else []
            for item in ask(visitor, "matches", groups, **more)["items"]:
                cell = [
                    match
                    for match, codes in things
                    if all(item[name] in codes[name] for name in names)
                    and ("to" not in more or match.created_at.astimezone(TAIPEI).date() <= date(2025, 7, 31))
                    and all(set(codes[name]) & set(wanted if isinstance(wanted, list) else [wanted])
                            for name, wanted in more.items() if name != "to")
                ]  # fmt: skip
                assert len(cell) == item["count"]
                if item["persons"] is not None:
                    assert item["persons"] == sum(map(crowd.persons, cell)) >= LEAST_PERSONS
                    yield frozenset(match.id for match in cell), item["persons"]
                assert item["suppressed"] is (item["persons"] is None)


def test_no_subtraction_of_anything_that_is_told_uncovers_few_persons(crowd: Crowd) -> None:
    few = {match.id for match in crowd.matches if 0 < crowd.persons(match) < LEAST_PERSONS}
    known = dict(told(crowd))
    assert len(known) > 10 and any(cell & few for cell in known), "nothing was tried"
    for one, other in combinations(known, 2):
        if one < other or other < one:
            difference = abs(known[one] - known[other])
            assert difference == 0 or difference >= LEAST_PERSONS, one ^ other
        overlap = known[one] + known[other] - known.get(one | other, -(10**9))
        if one | other in known and one & other:
            assert overlap == 0 or overlap >= LEAST_PERSONS


@pytest.mark.parametrize("seed", range(30))
def test_whatever_is_told_consists_of_whole_blocks(seed: int) -> None:
    """The rule alone: the small cases in two told cells differ by whole years of them."""
    chance = random.Random(seed)
    cases = [(chance.choice(["2024-2025", "2025-2026"]), chance.choice([0, 1, 2, 4, 5, 30])) for _ in range(14)]

    def small(cell: frozenset[int]) -> dict[str, Block]:
        found: dict[str, Block] = {}
        for year in {cases[i][0] for i in cell if 0 < cases[i][1] < LEAST_PERSONS}:
            few = [cases[i][1] for i in cell if cases[i][0] == year and 0 < cases[i][1] < LEAST_PERSONS]
            found[year] = Block(len(few), sum(few))
        return found

    everything = small(frozenset(range(14)))
    for _ in range(200):
        cell = frozenset(chance.sample(range(14), chance.randint(1, 14)))
        large = sum(cases[i][1] for i in cell if cases[i][1] >= LEAST_PERSONS)
        answer = for_everybody(large, small(cell), everything)
        if answer.number is not None:
            assert answer.number == sum(cases[i][1] for i in cell) >= LEAST_PERSONS
            assert all(everything[year] == block for year, block in small(cell).items())
        assert answer.at_least == (answer.number if answer.number is not None else large)
