"""Every number equals the list behind it, on data at random, for whoever asks."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import event

from iew.domain.statistics import GROUPS, SEVERAL, Measure
from iew.models import SearchCount, User
from tests.statistics.crowd import TAIPEI, Codes, Crowd, median_of
from tests.world import Client, World, problem

MEASURES = [measure.value for measure in Measure]
SINGLE = [(measure.value, group) for measure, groups in GROUPS.items() for group in groups]
CROSSED = [
    ("invitations", "month,country"), ("invitations", "type,language,level"), ("matches", "unit,status"),
    ("matches", "via,origin"), ("matches", "school_year,origin,unit"),
    ("matches", "school_year,type"), ("matches", "country,county,direction"), ("searches", "month,country,found"),
]  # fmt: skip


def ask(client: Client, measure: str, group_by: str = "", **more: Any) -> dict[str, Any]:
    reply = client.get("/statistics", query_string={"measure": measure, "group_by": group_by, **more})
    assert reply.status_code == 200, reply.text
    return dict(reply.json)


def cells_of(things: list[tuple[Any, Codes]], groups: list[str]) -> dict[tuple[str | None, ...], list[Any]]:
    found: dict[tuple[str | None, ...], list[Any]] = defaultdict(list)
    for thing, codes in things:
        for key in product(*(codes[group] for group in groups)):
            found[key].append(thing)
    return dict(found)


def size(things: list[Any]) -> int:
    return sum(getattr(thing, "count", 1) for thing in things)


def check(reply: dict[str, Any], things: list[tuple[Any, Codes]], groups: list[str]) -> None:
    told = {tuple(item[group] for group in groups): item["count"] for item in reply["items"]}
    assert told == {key: size(cell) for key, cell in cells_of(things, groups).items()}
    assert reply["total"] == reply["totals"]["count"] == size([thing for thing, _ in things])


@pytest.mark.parametrize("who", ["visitor", "admin"])
def test_each_number_is_that_of_its_things(crowd: Crowd, who: str) -> None:
    client = crowd.world.as_(crowd.world.admin if who == "admin" else None)
    for measure, groups in [*SINGLE, *CROSSED]:
        check(ask(client, measure, groups), crowd.things(measure), groups.split(","))


@pytest.mark.parametrize("measure", ["invitations", "matches"])
@pytest.mark.parametrize("who", ["ierc_tainan", "office_osaka", "office_seoul"])
def test_a_unit_gets_the_numbers_of_its_area(crowd: Crowd, measure: str, who: str) -> None:
    user: User = getattr(crowd.world, who)
    inside = crowd.in_area(measure, user.unit_code or "")
    own = [(thing, codes) for thing, codes in crowd.things(measure) if inside(thing)]
    client = crowd.world.as_(user)
    assert 0 < len(own) < len(crowd.things(measure))
    check(ask(client, measure, "month,country"), own, ["month", "country"])
    check(ask(client, measure, "country", scope="public"), crowd.things(measure), ["country"])


def test_the_unit_of_a_post_is_the_one_in_whose_area_it_lies(crowd: Crowd) -> None:
    everywhere = ask(crowd.world.as_(crowd.world.admin), "invitations", "unit")["items"]
    counts = {item["unit"]: item["count"] for item in everywhere}
    for user in (crowd.world.ierc_tainan, crowd.world.office_osaka, crowd.world.office_seoul):
        assert ask(crowd.world.as_(user), "invitations")["total"] == counts.get(user.unit_code, 0)


@pytest.mark.parametrize("measure", MEASURES)
def test_the_days_count_where_the_service_is(crowd: Crowd, measure: str) -> None:
    since, until = date(2025, 2, 10), date(2025, 11, 3)

    def inside(thing: Any) -> bool:
        if measure == "searches":
            return "2025-02" <= thing.month <= "2025-11"
        at: datetime = thing.published_at if measure == "invitations" else thing.created_at
        return since <= at.astimezone(TAIPEI).date() <= until

    reply = ask(crowd.world.as_(None), measure, "month", **{"from": since, "to": until})
    own = [(thing, codes) for thing, codes in crowd.things(measure) if inside(thing)]
    assert own
    check(reply, own, ["month"])
    whole = measure == "searches"
    assert (reply["from"], reply["to"]) == (("2025-02-01", "2025-11-30") if whole else ("2025-02-10", "2025-11-03"))


def test_a_school_year_begins_at_midnight_in_taiwan(world: World) -> None:
    midnight = datetime.combine(date(2025, 8, 1), time(), TAIPEI)
    for moment in (midnight - timedelta(seconds=1), midnight):
        post = world.invitation()
        with world.unit_of_work() as uow:
            uow.get(type(post), post.id).published_at = moment
    items = ask(world.as_(None), "invitations", "school_year,month")["items"]
    assert [(item["school_year"], item["month"]) for item in items] == [
        ("2024-2025", "2025-07"),
        ("2025-2026", "2025-08"),
    ]


def test_cases_tell_persons_and_times_of_answer(crowd: Crowd) -> None:
    reply = ask(crowd.world.as_(crowd.world.admin), "matches", "status")
    cells = cells_of(crowd.things("matches"), ["status"])
    for item in [*reply["items"], {"status": None, **reply["totals"]}]:
        cell = cells[item["status"],] if item["status"] else crowd.matches
        days = [crowd.answer_days(match) for match in cell]
        assert item["persons"] == sum(map(crowd.persons, cell))
        assert item["suppressed"] is False
        assert item["answered"] == len([day for day in days if day is not None])
        assert item["answer_days_median"] == pytest.approx(median_of(days), abs=0.011)
        assert item["answer_days_p90"] >= item["answer_days_median"]


class TestTheListBehind:
    """Every number for who may see its list leads there, and the list is as long as the number says."""

    @pytest.mark.parametrize("who", ["admin", "ierc_tainan"])
    def test_is_as_long_as_its_number(self, crowd: Crowd, who: str) -> None:
        client = crowd.world.as_(getattr(crowd.world, who))
        for measure, groups in [pair for pair in [*SINGLE, *CROSSED] if pair[0] != "searches"]:
            items = ask(client, measure, groups)["items"]
            assert items
            for item in crowd.chance.sample(items, min(2, len(items))):
                found = client.get(item["href"])
                assert (found.status_code, found.json["total"]) == (200, item["count"]), item

    def test_holds_exactly_the_things_of_the_cell(self, crowd: Crowd) -> None:
        client = crowd.world.as_(crowd.world.admin)
        for item in ask(client, "matches", "month,type")["items"][:6]:
            told = client.get(item["href"] + "&limit=100").json["items"]
            cell = cells_of(crowd.things("matches"), ["month", "type"])[item["month"], item["type"]]
            assert {line["id"] for line in told} == {match.id for match in cell}
            assert sum(line["persons"] or 0 for line in told) == item["persons"]

    def test_keeps_what_the_figures_were_narrowed_to(self, crowd: Crowd) -> None:
        client = crowd.world.as_(crowd.world.admin)
        narrowed = {"type": ["homestay", "joint_class", "none"], "channel": "general", "from": "2024-09-01"}
        items = ask(client, "invitations", "type", **narrowed)["items"]
        assert {item["type"] for item in items} <= {"homestay", "joint_class", None}
        for item in items:
            assert client.get(item["href"]).json["total"] == item["count"] > 0

    def test_says_no_more_than_the_figures_of_what_the_asker_may_not_open(self, world: World) -> None:
        direct = world.match()
        handled = world.match(world.osaka, world.invitation(world.tainan), via="assisted", handler="TNN")
        client = world.as_(world.ierc_tainan)
        lines = client.get("/statistics/list?measure=matches").json["items"]
        assert {(line["id"], line["number"], line["title"]) for line in lines} == {
            (handled.id, handled.number, "Robots that greet each other"),
            (None, None, None),
        }
        assert direct.id not in client.get("/statistics/list?measure=matches").text

    def test_pages_by_cursor(self, crowd: Crowd) -> None:
        client, seen, cursor = crowd.world.as_(crowd.world.admin), [], ""
        while True:
            page = client.get(f"/statistics/list?measure=matches&limit=40{cursor}").json
            seen += [line["id"] for line in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        newest = sorted(crowd.matches, key=lambda match: (match.created_at, match.id), reverse=True)
        assert seen == [match.id for match in newest]

    def test_of_open_posts_is_the_search(self, world: World) -> None:
        world.invitation()
        world.invitation(status="withdrawn", published_at=datetime.now(TAIPEI))
        (item,) = ask(world.as_(None), "invitations", "country", state="open")["items"]
        assert (item["count"], item["href"]) == (1, "/api/v1/search?country=JP")

    def test_of_searches_is_what_the_operators_read(self, world: World) -> None:
        with world.unit_of_work() as uow:
            uow.session.add(
                SearchCount(
                    month="2026-03",
                    language="ja",
                    words="x",
                    country="JP|KR",
                    found=True,
                    count=7,
                    days=1,
                    last_day=date(2026, 3, 1),
                )
            )
        items = ask(world.as_(world.admin), "searches", "month,country")["items"]
        assert [item["href"] for item in items] == [
            f"/zh-Hant/admin/searches?found=all&month=2026-03&country={code}" for code in ("JP", "KR")
        ]
        assert {item["href"] for item in ask(world.as_(None), "searches", "month")["items"]} == {None}


class TestBadQuestions:
    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("", "measure"),
            ("measure=visits", "measure"),
            ("measure=matches&group_by=moon", "group_by"),
            ("measure=matches&group_by=month,,country", "group_by"),
            ("measure=matches&group_by=month,month", "group_by"),
            ("measure=matches&group_by=month,country,county,level", "group_by"),
            ("measure=searches&group_by=county", "group_by"),
            ("measure=searches&county=TNN", "county"),
            ("measure=matches&from=yesterday", "from"),
            ("measure=matches&from=2026-02-02&to=2026-02-01", "to"),
            ("measure=matches&state=open", "state"),
            ("measure=matches&colour=red", "colour"),
            ("measure=matches&scope=world", "scope"),
        ],
    )
    def test_are_refused_by_the_name_of_the_field(self, world: World, query: str, field: str) -> None:
        reply = world.as_(None).get(f"/statistics?{query}")
        assert problem(reply) == (422, "invalid")
        assert list(reply.json["errors"]) == [field]

    def test_an_unknown_code_finds_nothing(self, world: World) -> None:
        world.invitation()
        assert ask(world.as_(None), "invitations", "country", country="XX")["items"] == []

    def test_searches_have_no_such_list(self, world: World) -> None:
        assert problem(world.as_(world.admin).get("/statistics/list?measure=searches")) == (422, "invalid")


def statements_of(world: World, call: Callable[[], Any]) -> int:
    counted: list[str] = []
    with world.unit_of_work() as uow:
        engine = uow.session.get_bind().engine

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE")):
            counted.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        call()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(counted)


def test_the_number_of_statements_does_not_grow(crowd: Crowd) -> None:
    for who in (None, crowd.world.admin, crowd.world.ierc_tainan):
        client = crowd.world.as_(who)
        ask(client, "matches")
        few = statements_of(crowd.world, lambda: ask(client, "matches", "direction"))  # noqa: B023
        many = statements_of(crowd.world, lambda: ask(client, "matches", "month,type,country"))  # noqa: B023
        assert few == many < 20
    admin = crowd.world.as_(crowd.world.admin)
    short = statements_of(crowd.world, lambda: admin.get("/statistics/list?measure=matches&limit=2"))
    assert short == statements_of(crowd.world, lambda: admin.get("/statistics/list?measure=matches&limit=80"))


def test_groups_with_several_codes_are_those_that_say_so() -> None:
    assert {measure: SEVERAL[measure] & set(GROUPS[measure]) for measure in Measure} == dict(SEVERAL)
