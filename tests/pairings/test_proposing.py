"""What a pairing proposes: the best choice under scores, pins, bans and places, of posts that may come together."""

from itertools import permutations
from typing import Any

import pytest

from iew.domain.matches import ProposalStatus, Status, Via
from iew.models import Invitation, Match, SuggestionDismissal
from tests.pairings.conftest import Bring, District, Made, ids_of, pair, pairs_of, school_of
from tests.world import World, problem


def best_sum(made: Made, banned: set[tuple[str, str]] | None = None) -> float:
    """The greatest sum of one partner each, by trying all; from the scores that the reply shows."""
    scores = {(each["domestic"], each["overseas"]): each["score"] for each in made["scores"]}
    scores = {places: score for places, score in scores.items() if places not in (banned or set())}
    here, there = ids_in(made, "domestic"), ids_in(made, "overseas")
    short, long, turned = (here, there, False) if len(here) <= len(there) else (there, here, True)
    sums = (
        sum(scores.get((two, one) if turned else (one, two), 0) for one, two in zip(short, order, strict=True))
        for order in permutations(long, len(short))
    )
    return max(sums)


def ids_in(made: Made, side: str) -> list[str]:
    return [post["id"] for post in made[side]]


def test_the_reply_has_scores_with_reasons_and_the_best_pairs(world: World, district: District) -> None:
    client = world.as_(world.ierc_tainan)
    reply = client.post("/pairings", district.body(), headers={"Accept-Language": "en"})

    made = reply.json
    assert (reply.status_code, reply.headers["ETag"]) == (201, '"1"')
    assert (made["status"], made["version"], made["ref"]) == ("proposed", 1, None)
    assert made["unit"] == {"kind": "ierc", "code": "TNN", "name": made["unit"]["name"]}
    assert made["available_actions"] == ["solve", "pin", "forbid", "release", "accept"]
    assert len(made["scores"]) == made["scores_total"] == 9
    assert made["scores_complete"] is True
    assert pairs_of(made) == {
        (here.id, there.id) for here, there in zip(district.domestic, district.overseas, strict=True)
    }
    assert made["total_score"] == pytest.approx(sum(each["score"] for each in made["pairs"]))
    assert made["total_score"] == pytest.approx(best_sum(made))
    best = made["scores"][0]
    assert best["score"] == max(each["score"] for each in made["scores"])
    labels = {reason["code"]: reason["label"] for reason in made["pairs"][0]["reasons"]}
    assert labels["shared_language"] == "Shared language: English"
    assert labels["topic_shared"].startswith("Same topics: subject")
    assert made["unpaired"] == {"domestic": [], "overseas": []}
    assert not any("contact" in post for post in made["domestic"])


def test_it_is_read_again_as_it_was_made(district: District) -> None:
    made = district.make()
    assert district.look(made) == made


@pytest.mark.parametrize(("domestic", "overseas"), [(2, 4), (4, 2), (1, 1)])
def test_who_is_left_over_is_named(bring: Bring, domestic: int, overseas: int) -> None:
    made = bring(domestic, overseas).make()
    assert len(made["pairs"]) == min(domestic, overseas)
    alone = [len(made["unpaired"][side]) for side in ("domestic", "overseas")]
    assert alone == [domestic - len(made["pairs"]), overseas - len(made["pairs"])]
    assert made["total_score"] == pytest.approx(best_sum(made))


def test_a_pair_that_a_hard_rule_excludes_is_never_proposed(world: World, district: District) -> None:
    stranger = district.post("JP", 0, exchange_types=["teacher_exchange"])
    made = district.make(overseas=[stranger.id])
    assert (made["pairs"], made["scores"], made["total_score"]) == ([], [], 0)


def test_schools_with_a_case_or_a_no_between_them_stay_apart(world: World, district: District) -> None:
    here, there = district.domestic, district.overseas
    asker = world.user(school=school_of(world, here[0].school_id))
    world.match(asker, there[0], status=Status.AGREED)
    declining = world.user(school=school_of(world, here[1].school_id))
    case = world.match(declining, there[2], via=Via.ASSISTED, handler="JP-OSA", status=Status.IN_PROGRESS,
                       proposed=(school_of(world, there[1].school_id),))  # fmt: skip
    with world.unit_of_work() as uow:
        (proposal,) = uow.get(Match, case.id).proposals
        proposal.status = ProposalStatus.DECLINED.value
        no = SuggestionDismissal(invitation_id=there[2].id, other_id=here[2].id, by_user=asker.id, at=uow.now)
        uow.session.add(no)

    made = district.make()

    apart = {(here[0].id, there[0].id), (here[1].id, there[1].id), (here[1].id, there[2].id), (here[2].id, there[2].id)}
    shown = {(each["domestic"], each["overseas"]) for each in made["scores"]}
    assert not apart & shown
    assert not apart & pairs_of(made)
    assert len(shown) == 9 - len(apart)


def test_a_school_with_several_posts_has_no_more_places_than_others(world: World, district: District) -> None:
    school = world.school("TW")
    posts = [district.post("TW", number, school=school) for number in range(3)]
    one = district.make(domestic=ids_of(posts))
    two = district.make(domestic=ids_of(posts), max_per_school=2)
    assert len(one["pairs"]) == 1
    assert len(two["pairs"]) == 2
    assert len({each["overseas"] for each in two["pairs"]}) == 2
    assert one["total_score"] == max(each["score"] for each in one["scores"])


def test_two_schools_come_together_once_by_the_posts_that_fit_best(world: World, district: District) -> None:
    here, there = world.school("TW"), world.school("JP")
    own = [district.post("TW", number, school=here) for number in (0, 1)]
    theirs = [district.post("JP", number, school=there) for number in (1, 4)]
    made = district.make(domestic=ids_of(own), overseas=ids_of(theirs), max_per_school=3)
    assert pairs_of(made) == {(own[1].id, theirs[0].id)}
    assert len(made["scores"]) == 1

    banned = district.act(made, "forbid", **pair(own[1], theirs[0])).json

    assert len(banned["pairs"]) == 1
    assert pairs_of(banned) != pairs_of(made)
    assert banned["total_score"] < made["total_score"]


# pins and bans


def test_a_pin_comes_first_and_the_rest_is_the_best_around_it(district: District) -> None:
    made = district.make()
    here, there = district.domestic[0], district.overseas[2]

    pinned = district.act(made, "pin", **pair(here, there)).json

    assert (here.id, there.id) in pairs_of(pinned)
    assert len(pinned["pairs"]) == 3
    assert pinned["pins"] == [pair(here, there)]
    assert [each["pinned"] for each in pinned["pairs"] if each["domestic"] == here.id] == [True]
    assert pinned["total_score"] < made["total_score"]
    assert pinned["version"] == 2
    rest = {places for places in pairs_of(pinned) if places != (here.id, there.id)}
    assert rest == {
        (district.domestic[1].id, district.overseas[1].id),
        (district.domestic[2].id, district.overseas[0].id),
    }


def test_a_ban_keeps_two_posts_apart_and_the_rest_is_the_best(district: District) -> None:
    made = district.make()
    here, there = district.domestic[1], district.overseas[1]

    banned = district.act(made, "forbid", **pair(here, there)).json

    assert (here.id, there.id) not in pairs_of(banned)
    assert banned["bans"] == [pair(here, there)]
    assert banned["total_score"] == pytest.approx(best_sum(made, {(here.id, there.id)}))
    shown = [each for each in banned["scores"] if (each["domestic"], each["overseas"]) == (here.id, there.id)]
    assert [each["held"] for each in shown] == ["ban"]


def test_a_pin_takes_the_place_of_a_ban_and_the_other_way_round(district: District) -> None:
    made = district.make()
    two = pair(district.domestic[0], district.overseas[1])
    assert district.act(made, "forbid", **two).json["bans"] == [two]
    pinned = district.act(made, "pin", **two).json
    assert (pinned["pins"], pinned["bans"]) == ([two], [])
    banned = district.act(made, "forbid", **two).json
    assert (banned["pins"], banned["bans"]) == ([], [two])


def test_a_release_brings_the_first_proposal_back(district: District) -> None:
    made = district.make()
    two = pair(district.domestic[0], district.overseas[1])
    district.act(made, "pin", **two)
    released = district.act(made, "release", **two).json
    assert pairs_of(released) == pairs_of(made)
    assert released["pins"] == []


def test_a_release_that_names_no_pair_takes_all_back(district: District) -> None:
    made = district.make()
    district.act(made, "pin", **pair(district.domestic[0], district.overseas[1]))
    district.act(made, "forbid", **pair(district.domestic[2], district.overseas[2]))
    released = district.act(made, "release").json
    assert (released["pins"], released["bans"]) == ([], [])
    assert pairs_of(released) == pairs_of(made)


def test_what_is_not_held_cannot_be_released(world: World, district: District) -> None:
    made = district.make()
    for body in (pair(district.domestic[0], district.overseas[0]), {}):
        assert problem(district.act(made, "release", **body)) == (409, "not_held")
    assert district.look(made) == made


REFUSED: list[tuple[str, str, dict[str, Any], set[str]]] = [
    ("pin without posts", "pin", {}, {"domestic", "overseas"}),
    ("pin half a pair", "pin", {"domestic": "D0"}, {"overseas"}),
    ("forbid half a pair", "forbid", {"overseas": "O0"}, {"domestic"}),
    ("release half a pair", "release", {"domestic": "D0"}, {"overseas"}),
    ("a strange post", "pin", {"domestic": "nobody", "overseas": "O0"}, {"domestic"}),
    ("the wrong way round", "forbid", {"domestic": "O0", "overseas": "D0"}, {"domestic", "overseas"}),
    ("no id at all", "pin", {"domestic": ["D0"], "overseas": "O0"}, {"domestic"}),
    ("an unknown field", "solve", {"now": True}, {"now"}),
]


@pytest.mark.parametrize(("action", "body", "fields"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_makes_no_sense_is_refused_at_its_field(
    district: District, action: str, body: dict[str, Any], fields: set[str]
) -> None:
    made = district.make()
    names = {f"D{n}": post.id for n, post in enumerate(district.domestic)}
    names |= {f"O{n}": post.id for n, post in enumerate(district.overseas)}
    sent = {side: names.get(value, value) if isinstance(value, str) else value for side, value in body.items()}

    reply = district.act(made, action, **sent)

    assert problem(reply) == (422, "invalid")
    assert set(reply.json["errors"]) == fields
    assert district.look(made) == made


def test_pins_keep_to_the_places_of_a_school(district: District) -> None:
    made = district.make()
    district.act(made, "pin", **pair(district.domestic[0], district.overseas[0]))
    for domestic, overseas, field in ((0, 1, "domestic"), (1, 0, "overseas")):
        reply = district.act(made, "pin", **pair(district.domestic[domestic], district.overseas[overseas]))
        assert problem(reply) == (422, "invalid")
        assert list(reply.json["errors"]) == [field]
    again = district.act(made, "pin", **pair(district.domestic[0], district.overseas[0]))
    assert again.status_code == 200


def test_a_pair_that_a_rule_excludes_cannot_be_pinned(district: District) -> None:
    stranger = district.post("JP", 0, exchange_types=["teacher_exchange"])
    made = district.make(overseas=ids_of([*district.overseas, stranger]))
    reply = district.act(made, "pin", **pair(district.domestic[0], stranger))
    assert problem(reply) == (422, "invalid")
    assert "exclude each other" in reply.json["errors"]["overseas"][0]


def test_two_schools_are_pinned_together_by_one_pair_of_posts(world: World, district: District) -> None:
    here, there = world.school("TW"), world.school("JP")
    own = [district.post("TW", number, school=here) for number in (0, 1)]
    theirs = [district.post("JP", number, school=there) for number in (0, 1)]
    made = district.make(domestic=ids_of(own), overseas=ids_of(theirs), max_per_school=2)
    assert district.act(made, "pin", **pair(own[0], theirs[1])).status_code == 200
    reply = district.act(made, "pin", **pair(own[1], theirs[0]))
    assert problem(reply) == (422, "invalid")


# proposing anew


def test_proposing_anew_sees_what_has_changed_since(world: World, district: District) -> None:
    made = district.make()
    with world.unit_of_work() as uow:
        gone = uow.get(Invitation, district.overseas[0].id)
        uow.transition(gone, "withdraw", world.actor(world.admin), reason="gone")
        changed = uow.get(Invitation, district.overseas[1].id)
        changed.topics, changed.grades = ["subject 0"], [7]

    solved = district.act(made, "solve").json

    assert [post["gone"] for post in solved["overseas"]] == [True, False, False]
    assert gone.id not in {each["overseas"] for each in solved["pairs"]}
    assert (district.domestic[0].id, changed.id) in pairs_of(solved)
    assert len(solved["pairs"]) == 2
    refused = district.act(made, "pin", **pair(district.domestic[0], gone))
    assert "not public any more" in refused.json["errors"]["overseas"][0]


def test_a_pin_on_a_post_that_left_stays_without_effect(world: World, district: District) -> None:
    made = district.make()
    two = pair(district.domestic[0], district.overseas[0])
    district.act(made, "pin", **two)
    with world.unit_of_work() as uow:
        gone = uow.get(Invitation, two["overseas"])
        uow.transition(gone, "withdraw", world.actor(world.admin), reason="gone")
    solved = district.act(made, "solve").json
    assert solved["pins"] == [two]
    assert two["overseas"] not in {each["overseas"] for each in solved["pairs"]}


# all scores


def test_all_scores_come_in_pieces_best_first(world: World, district: District) -> None:
    made = district.make()
    client, seen, cursor = world.as_(world.ierc_tainan), [], ""
    while True:
        query = {"limit": "4"} | ({"cursor": cursor} if cursor else {})
        page = client.get(f"/pairings/{made['id']}/scores", query_string=query).json
        seen += page["items"]
        assert page["total"] == 9
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert seen == made["scores"]
    one = client.get(f"/pairings/{made['id']}/scores?domestic={district.domestic[1].id}").json
    assert {each["overseas"] for each in one["items"]} == set(ids_of(district.overseas))
    assert {each["domestic"] for each in one["items"]} == {district.domestic[1].id}
    assert problem(client.get(f"/pairings/{made['id']}/scores?overseas=nobody")) == (404, "not_found")
    assert problem(client.get(f"/pairings/{made['id']}/scores?cursor=a-b")) == (400, "bad_cursor")


def test_a_large_table_shows_the_best_of_each_post_and_all_that_is_proposed(
    bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    from iew.services import boards

    monkeypatch.setattr(boards, "SHOWN", 20)
    monkeypatch.setattr(boards, "BEST_OF_EACH", 1)
    district = bring(6, 6)
    made = district.make()
    district.act(made, "pin", **pair(district.domestic[0], district.overseas[5]))
    board = district.look(made)
    assert (board["scores_total"], board["scores_complete"]) == (36, False)
    shown = {(each["domestic"], each["overseas"]) for each in board["scores"]}
    assert pairs_of(board) <= shown
    assert len(shown) < 36


def test_what_the_texts_speak_of_counts_as_for_suggestions(district: District) -> None:
    here = district.post("TW", 0, topics=[], title="Robots that greet each other")
    there = district.post("JP", 0, topics=[], title="ロボットで交流しませんか", content_language="ja")
    made = district.make(domestic=[here.id], overseas=[there.id])
    assert "theme_shared" in {reason["code"] for reason in made["pairs"][0]["reasons"]}
    assert district.look(made) == made
    assert district.act(made, "solve").json["total_score"] == made["total_score"]
