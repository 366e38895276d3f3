"""A unit passes a public post on to schools of its ground, each school once."""

from typing import Any

import pytest

from iew.models import Forward
from tests.world import World, problem


def forward(world: World, who: Any, post: Any, **body: Any) -> Any:
    return world.as_(who).post(f"/invitations/{post.id}/forward", json=body)


def test_each_school_gets_a_post_once_from_one_unit(world: World) -> None:
    post = world.invitation(world.osaka)
    one, two = world.school("TW"), world.school("TW")

    first = forward(world, world.ierc_tainan, post, school_ids=[one.id], note="Worth a look.")
    second = forward(world, world.ierc_tainan, post, school_ids=[one.id, two.id, two.id])

    assert (first.status_code, first.json) == (200, {"sent": 1, "skipped": 0})
    assert second.json == {"sent": 1, "skipped": 1}
    jobs = [subject for job, subject in world.jobs() if job == "notify_forwarded"]
    with world.unit_of_work() as uow:
        assert [uow.get(Forward, subject).school_id for subject in jobs] == [one.id, two.id]


def test_two_units_may_pass_on_one_post(world: World) -> None:
    post = world.invitation(world.osaka)
    national = world.school("TW", ownership="national")

    assert forward(world, world.ierc_tainan, post, school_ids=[national.id]).json["sent"] == 1
    zone = world.user("ierc", unit="K12-3")
    assert forward(world, zone, post, school_ids=[national.id]).json == {"sent": 1, "skipped": 0}

    mine = world.as_(zone).get(f"/invitations/{post.id}/forwards").json
    assert [(line["unit_code"], line["school"]["id"], line["note"]) for line in mine["items"]] == [
        ("K12-3", national.id, None)
    ]
    assert world.as_(world.admin).get(f"/invitations/{post.id}/forwards").json["total"] == 2


def test_schools_can_be_named_by_what_they_are(world: World) -> None:
    post = world.invitation(world.osaka)
    wanted = world.school("TW", level="junior_high")
    world.school("TW", level="primary")
    world.school("TW", level="junior_high", county="TPE")
    world.school("TW", level="junior_high", status="pending")

    reply = forward(world, world.ierc_tainan, post, school_ids={"level": "junior_high"})

    assert reply.json == {"sent": 1, "skipped": 0}
    lines = world.as_(world.ierc_tainan).get(f"/invitations/{post.id}/forwards").json["items"]
    assert [line["school"]["id"] for line in lines] == [wanted.id]


def test_several_codes_of_one_name_are_alternatives_and_names_narrow(world: World) -> None:
    post = world.invitation(world.osaka)
    for level, kind in (("junior_high", ["religious"]), ("primary", ["religious", "boarding"]), ("primary", [])):
        world.school("TW", level=level, affiliations=kind)

    body = {"level": ["junior_high", "primary"], "affiliation": ["religious"]}
    assert forward(world, world.ierc_tainan, post, school_ids=body).json["sent"] == 2
    assert forward(world, world.ierc_tainan, post, school_ids={}).json == {"sent": 1, "skipped": 2}


def test_an_office_passes_posts_from_taiwan_to_schools_it_covers(world: World) -> None:
    post = world.invitation(world.tainan)
    covered, elsewhere = world.school("JP"), world.school("JP", subdivision="JP-13")

    assert forward(world, world.office_osaka, post, school_ids=[covered.id]).json["sent"] == 1
    refused = forward(world, world.office_osaka, post, school_ids=[covered.id, elsewhere.id])
    assert problem(refused) == (422, "invalid")
    assert list(refused.json["errors"]) == ["school_ids"]


def test_units_do_not_pass_on_posts_of_their_own_side(world: World) -> None:
    home, abroad = world.invitation(world.taipei), world.invitation(world.osaka)

    assert problem(forward(world, world.ierc_tainan, home, school_ids=[])) == (422, "same_side")
    assert problem(forward(world, world.office_osaka, abroad, school_ids=[])) == (422, "same_side")


def test_what_left_the_public_is_not_passed_on(world: World) -> None:
    post = world.invitation(world.osaka, status="closed")
    world.match(world.tainan, post, via="assisted", status="in_progress", handler="TNN")

    assert problem(forward(world, world.ierc_tainan, post, school_ids=[])) == (409, "invalid_transition")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"school_ids": "all"},
        {"school_ids": None},
        {"school_ids": [1]},
        {"school_ids": [None]},
        {"school_ids": ["x"] * 61},
        {"school_ids": ["a\u0000b"]},
        {"school_ids": {"level": "kindergarten"}},
        {"school_ids": {"nose": "long"}},
        {"school_ids": {"level": {"$gt": ""}}},
        {"school_ids": [], "note": "x" * 2001},
        {"school_ids": [], "extra": 1},
    ],
)
def test_nonsense_is_told_where_it_stands(world: World, body: dict[str, Any]) -> None:
    post = world.invitation(world.osaka)
    world.as_(world.ierc_tainan)
    before = world.snapshot()

    assert problem(forward(world, world.ierc_tainan, post, **body)) == (422, "invalid")
    assert world.snapshot() == before
