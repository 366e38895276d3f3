"""Whom a unit could propose: schools of the other side, best fitting first, with the reasons."""

import pytest

from iew.errors import NotAllowed, NotFound
from iew.services import candidates
from tests.world import World


@pytest.fixture
def case(world):
    """The school in Tainan seeks online exchange in English in Japan, in April."""
    own = world.invitation(
        world.tainan, exchange_types=["online_exchange"], languages=["en"], periods=[{"start": "2027-04-01",
                                                                                      "end": "2027-04-30"}],
    )  # fmt: skip
    wish = {"country": "JP", "exchange_types": ["online_exchange"], "languages": ["en"], "levels": ["primary"]}
    return world.match(
        world.tainan, via="assisted", status="in_progress", handler="JP-OSA", wish=wish, from_invitation_id=own.id
    )


def found(world, match, user):
    with world.unit_of_work() as uow:
        rows = candidates.candidates(uow, match.id, world.actor(user))
        return [(row.school.id, row.fits, row.load) for row in rows]


def post(world, **changes):
    place = {name: changes.pop(name) for name in ("subdivision", "level", "status") if name in changes}
    country = changes.pop("country", "JP")
    school = world.school(country, **place)
    changes.setdefault("periods", [])
    return world.invitation(school=school, **changes)


def test_the_best_fitting_school_comes_first_with_its_reasons(world: World, case):
    poor = post(world, subdivision="JP-13", exchange_types=["homestay"], languages=["ja"])
    good = post(world, level="primary", periods=[{"start": "2027-04-20", "end": "2027-05-20"}])
    fair = post(world, subdivision="JP-13")

    assert found(world, case, world.office_osaka) == [
        (good.school_id, ["area", "exchange_types", "languages", "levels", "periods"], 0),
        (fair.school_id, ["exchange_types", "languages"], 0),
        (poor.school_id, [], 0),
    ]


def test_only_schools_of_the_place_wished_for_with_public_posts_are_named_and_each_once(world: World, case):
    school = world.school("JP")
    once = world.invitation(school=school)
    world.invitation(school=school, exchange_types=["homestay"])
    post(world, country="KR")
    post(world, country="TW")
    post(world, status="pending")
    world.invitation(school=world.school("JP"), status="draft")
    asked = post(world)
    world.as_(world.office_osaka).post(f"/matches/{case.id}/actions/propose", {"school_id": asked.school_id})

    assert [school_id for school_id, _, _ in found(world, case, world.office_osaka)] == [once.school_id]


def test_the_school_of_the_post_asked_about_leads(world: World):
    best = post(world)
    match = world.match(world.tainan, post(world, subdivision="JP-13", exchange_types=["homestay"]), via="assisted",
                        status="in_progress", handler="JP-OSA")  # fmt: skip

    rows = found(world, match, world.office_osaka)

    assert [school_id for school_id, _, _ in rows] == [match.posting_school_id, best.school_id]
    assert rows[0][1][0] == "post"


def test_agreed_visits_of_those_months_are_its_load(world: World, case):
    busy = post(world, periods=[{"start": "2027-04-10", "end": "2027-04-12"}])
    other = post(world, periods=[{"start": "2027-09-10", "end": "2027-09-12"}])
    world.match(world.taipei, busy, status="agreed", partner_school_id=busy.school_id)
    world.match(world.taipei, other, status="agreed", partner_school_id=other.school_id)

    loads = {school_id: load for school_id, _, load in found(world, case, world.office_osaka)}

    assert loads == {busy.school_id: 1, other.school_id: 0}


def test_only_the_unit_and_the_administrator_look_for_candidates(world: World, case):
    post(world)

    assert found(world, case, world.admin)
    with pytest.raises(NotAllowed):
        found(world, case, world.tainan)
    with pytest.raises(NotFound):
        found(world, case, world.office_seoul)
