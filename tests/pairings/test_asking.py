"""Which posts are brought together, and what is refused about them; who sees what."""

from typing import Any

import pytest

from iew.app import LEXICON_DIR
from iew.models import Pairing, Unit, User
from iew.web.context import EXTENSION
from search_index import wordlists
from search_index.query import Request
from search_index.reader import Found, Hit
from search_index.understanding import Plan
from tests.pairings.conftest import Bring, District, ids_of, pairs_of
from tests.world import World, problem


def pairings_in(world: World) -> int:
    with world.unit_of_work() as uow:
        return uow.session.query(Pairing).count()


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"name": None}, {"name"}),
        ({"name": "  "}, {"name"}),
        ({"name": "x" * 101}, {"name"}),
        ({"domestic": None}, {"domestic"}),
        ({"domestic": "all"}, {"domestic"}),
        ({"domestic": []}, {"domestic"}),
        ({"domestic": [7]}, {"domestic"}),
        ({"domestic": ["nobody"]}, {"domestic"}),
        ({"domestic": ["a\0b"]}, {"domestic"}),
        ({"domestic": ["x" * 65]}, {"domestic"}),
        ({"domestic": ["nobody"], "overseas": []}, {"domestic", "overseas"}),
        ({"domestic": [f"{number:032x}" for number in range(501)]}, {"domestic"}),
        ({"domestic": {"colour": "red"}}, {"domestic.colour"}),
        ({"domestic": {"students": -1}}, {"domestic.students"}),
        ({"domestic": {"side": "overseas"}}, {"domestic.side"}),
        ({"max_per_school": 0}, {"max_per_school"}),
        ({"max_per_school": 11}, {"max_per_school"}),
        ({"max_per_school": "two"}, {"max_per_school"}),
        ({"unit": "TPE"}, {"unit"}),
        ({"colour": "red"}, {"colour"}),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(
    world: World, district: District, changes: dict[str, Any], fields: set[str]
) -> None:
    reply = world.as_(world.ierc_tainan).post("/pairings", district.body(**changes))
    assert reply.status_code == 422
    assert set(reply.json["errors"]) == fields
    assert pairings_in(world) == 0


def test_a_post_of_the_other_side_is_named(world: World, district: District) -> None:
    body = district.body(domestic=ids_of([*district.domestic, district.overseas[0]]))
    reply = world.as_(world.ierc_tainan).post("/pairings", body)
    assert problem(reply) == (422, "same_side")
    assert district.overseas[0].number in reply.json["errors"]["domestic"][0]


@pytest.mark.parametrize("status", ["draft", "submitted", "withdrawn", "expired", "closed"])
def test_a_post_that_is_not_public_is_as_unknown_as_one_that_is_not_there(
    world: World, district: District, status: str
) -> None:
    hidden = world.invitation(world.tainan, status=status)
    reply = world.as_(world.ierc_tainan).post("/pairings", district.body(domestic=[hidden.id]))
    assert problem(reply) == (422, "invalid")
    assert reply.json["errors"]["domestic"] == [reply.json["errors"]["domestic"][0].replace("nobody", hidden.id)]
    assert hidden.title not in reply.text


def test_a_post_named_twice_counts_once(district: District) -> None:
    made = district.make(domestic=ids_of([district.domestic[0]] * 3))
    assert len(made["domestic"]) == 1


def test_the_administrator_cannot_name_a_unit_that_is_closed_or_none(world: World, district: District) -> None:
    with world.unit_of_work() as uow:
        uow.get(Unit, "KR-SEL").enabled = False
    for code in ("KR-SEL", "XX"):
        reply = world.as_(world.admin).post("/pairings", district.body(unit=code))
        assert problem(reply) == (422, "invalid")
        assert list(reply.json["errors"]) == ["unit"]


def test_the_usual_size_is_ready_in_the_reply(bring: Bring) -> None:
    made = bring(30, 25).make()
    assert len(made["pairs"]) == 25
    assert made["scores_total"] == 750


# by a search


class Searcher:
    """An index that finds what it was told to, and remembers what it was asked."""

    def __init__(self, world: World, *hits: tuple[str, bool]) -> None:
        self.hits, self.asked = hits, list[Request]()
        self.lexicon = wordlists.load(LEXICON_DIR)
        world.app.extensions[EXTENSION].open_searcher = lambda: self

    def search(self, request: Request) -> Found:
        self.asked.append(request)
        hits = tuple(Hit(each, 1.0, all_of_it) for each, all_of_it in self.hits)[: request.limit]
        return Found(hits, len(self.hits), len(self.hits), {}, Plan(request.text, None))


def test_a_search_brings_the_public_posts_that_meet_all_of_it(world: World, district: District) -> None:
    hidden = world.invitation(world.tainan, status="draft")
    found = [(post.id, True) for post in district.domestic[:2]]
    searcher = Searcher(world, *found, (district.domestic[2].id, False), (hidden.id, True))

    made = district.make(domestic={"q": "robots", "level": "senior_high_general", "country": ["tw"]})

    assert [post["id"] for post in made["domestic"]] == ids_of(district.domestic[:2])
    (request,) = searcher.asked
    assert request.text == "robots"
    assert request.facets == {"level": ("senior_high_general",), "country": ("TW",), "side": ("domestic",)}
    assert request.limit == 501


def test_a_search_may_say_how_many(world: World, district: District) -> None:
    searcher = Searcher(world, *((post.id, True) for post in district.domestic))
    made = district.make(domestic={"limit": 2, "from": "2027-01-01"})
    assert len(made["domestic"]) == 2
    assert searcher.asked[0].limit == 2
    assert str(searcher.asked[0].start) == "2027-01-01"


def test_a_search_that_finds_nothing_is_told_at_its_side(world: World, district: District) -> None:
    Searcher(world)
    reply = world.as_(world.ierc_tainan).post("/pairings", district.body(overseas={"q": "nothing"}))
    assert problem(reply) == (422, "invalid")
    assert list(reply.json["errors"]) == ["overseas"]


def test_while_search_is_away_a_search_waits_and_ids_do_not(world: World, district: District) -> None:
    reply = world.as_(world.ierc_tainan).post("/pairings", district.body(overseas={"q": "robots"}))
    assert problem(reply) == (503, "search_unavailable")
    assert pairings_in(world) == 0
    assert district.make()["pairs"]


# who sees what


def test_a_unit_sees_its_own_and_the_administrator_all(world: World, district: District) -> None:
    own, other = district.make(), district.make(world.office_osaka)

    def seen_by(user: User) -> list[str]:
        document = world.as_(user).get("/pairings").json
        assert document["total"] == len(document["items"])
        return [line["id"] for line in document["items"]]

    assert seen_by(world.ierc_tainan) == [own["id"]]
    assert seen_by(world.office_osaka) == [other["id"]]
    assert seen_by(world.ierc_taipei) == []
    assert seen_by(world.admin) == [other["id"], own["id"]]
    line = world.as_(world.admin).get("/pairings").json["items"][1]
    assert (line["domestic"], line["overseas"], line["pairs"]) == (3, 3, 3)
    assert line["total_score"] == own["total_score"]


@pytest.mark.parametrize("action", ["solve", "pin", "forbid", "release", "accept"])
def test_another_unit_learns_nothing_of_it(world: World, district: District, action: str) -> None:
    made = district.make()
    body = {"domestic": district.domestic[0].id, "overseas": district.overseas[0].id}
    sent = body if action in ("pin", "forbid", "release") else {}
    assert problem(district.act(made, action, world.ierc_taipei, **sent)) == (404, "not_found")
    assert problem(world.as_(world.ierc_taipei).get(f"/pairings/{made['id']}")) == (404, "not_found")
    assert problem(world.as_(world.ierc_taipei).get(f"/pairings/{made['id']}/scores")) == (404, "not_found")
    assert problem(world.as_(world.tainan).get(f"/pairings/{made['id']}")) == (403, "not_allowed")
    assert problem(world.as_(None).get(f"/pairings/{made['id']}")) == (401, "not_signed_in")
    assert district.look(made) == made


def test_a_repeated_call_with_its_key_makes_one_pairing(world: World, district: District) -> None:
    client = world.as_(world.ierc_tainan)
    replies = [client.post("/pairings", district.body(), headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [201, 201]
    assert replies[0].json["id"] == replies[1].json["id"]
    assert pairings_in(world) == 1
    assert pairs_of(replies[0].json) == pairs_of(replies[1].json)


def test_every_step_stands_in_the_history(world: World, district: District) -> None:
    made = district.make()
    two = {"domestic": district.domestic[0].id, "overseas": district.overseas[1].id}
    for action, body in (("pin", two), ("release", two), ("forbid", two), ("solve", {}), ("accept", {})):
        assert district.act(made, action, **body).status_code == 200
    with world.unit_of_work() as uow:
        history = world.events_of(uow.get(Pairing, made["id"]))
    assert [event.action for event in history] == ["make_pairing", "pin", "release", "forbid", "solve", "accept"]
    assert history[0].details == {"name": "Tainan and Osaka 2027", "domestic": 3, "overseas": 3}
    assert history[1].details == two
    assert {event.actor_body for event in history} == {"TNN"}
    assert (history[-1].before, history[-1].after) == ("proposed", "accepted")
