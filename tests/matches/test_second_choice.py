"""What a school is offered after a request that came to nothing: help in the same words, and other schools."""

import pytest

from iew.db import SessionFactory
from iew.domain.matches import Status
from iew.errors import InvalidTransition, NotAllowed, StateConflict
from iew.models import Match
from iew.services import candidates, matches
from tests.workshop import Workshop
from tests.world import World


def again(world: World, match, user):
    with world.unit_of_work() as uow:
        asked = matches.ask_again_with_help(uow, match.id, world.actor(user))
        return asked.via, asked.invitation_id, asked.wish, asked.message, asked.handler_code


def choices(world: World, match) -> list[str]:
    with world.unit_of_work() as uow:
        return [found.school.id for found in candidates.second_choices(uow, uow.get(Match, match.id))]


@pytest.mark.parametrize("status", [Status.DECLINED, Status.NO_REPLY])
def test_help_is_asked_for_on_the_same_post_in_the_same_words(world: World, status: Status) -> None:
    match = world.match(status=status, message="Our robots want to meet yours.")

    assert again(world, match, world.tainan) == ("assisted", match.invitation_id, None, match.message, "JP-OSA")


def test_where_the_post_is_gone_a_wish_like_it_is_asked_for(world: World) -> None:
    post = world.invitation(world.osaka, status="closed")
    match = world.match(world.tainan, post, status=Status.DECLINED)

    _, invitation_id, wish, message, handler = again(world, match, world.tainan)

    assert (invitation_id, message, handler) == (None, match.message, "JP-OSA")
    assert wish == {
        "country": "JP", "subdivision": "JP-27", "levels": ["senior_high_general"],
        "exchange_types": ["online_exchange"], "languages": ["en"],
    }  # fmt: skip


def test_a_wish_for_which_nobody_was_found_can_be_looked_for_once_more(world: World) -> None:
    wish = {"country": "JP", "subdivision": "JP-27"}
    match = world.match(via="assisted", status=Status.NOT_FOUND, handler="JP-OSA", wish=wish)

    assert again(world, match, world.tainan)[1:3] == (None, wish)


def test_help_is_asked_for_once(world: World) -> None:
    match = world.match(status=Status.NO_REPLY)
    again(world, match, world.tainan)

    with pytest.raises(StateConflict, match="already"):
        again(world, match, world.tainan)


def test_only_the_asking_school_asks_again_and_only_after_such_an_end(world: World) -> None:
    with pytest.raises(NotAllowed):
        again(world, world.match(status=Status.DECLINED), world.osaka)
    for status in sorted(set(Status) - {Status.DECLINED, Status.NO_REPLY, Status.NOT_FOUND}):
        with pytest.raises(InvalidTransition):
            again(world, world.match(status=status), world.tainan)


def test_the_next_best_schools_come_without_those_that_were_tried(world: World) -> None:
    match = world.match(status=Status.NO_REPLY)
    fair = world.invitation(school=world.school("JP"), exchange_types=["homestay"])
    good = world.invitation(school=world.school("JP"))
    world.invitation(school=world.school("TW"))
    world.invitation(school=world.school("JP"), status="draft")
    declined = world.invitation(school=world.school("JP"))
    world.match(world.tainan, declined, status=Status.DECLINED)

    assert choices(world, match) == [good.school_id, fair.school_id]


def test_the_mail_says_so_with_a_button_and_the_other_schools(world: World, session_factory: SessionFactory) -> None:
    workshop = Workshop(session_factory)
    match = world.match()
    other = world.invitation(school=world.school("JP"), title="Robots of another school")
    world.as_(world.osaka).post(f"/matches/{match.id}/actions/decline", {"reason_code": "dates"})

    workshop.work_off()

    (mail,) = workshop.deliveries("match_declined")
    assert "/act/" in mail.text and other.title in mail.text and f"/invitations/{other.id}" in mail.text


def test_a_wish_is_looked_for_again_once_though_no_post_tells_the_cases_apart(world: World) -> None:
    match = world.match(via="assisted", status=Status.NOT_FOUND, handler="JP-OSA", wish={"country": "JP"})
    again(world, match, world.tainan)

    with pytest.raises(StateConflict, match="already"):
        again(world, match, world.tainan)
