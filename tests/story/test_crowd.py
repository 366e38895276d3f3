"""A hundred at once: nobody gets a fault of the house, nothing is lost, nothing waits for ever."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from iew.models import Event, Invitation, Match, OutboxRow
from tests.parts import Parts
from tests.story.running import Running, installation, world_of
from tests.world import World

CROWD = 100
AT_ONCE = 16


@pytest.fixture
def running(parts: Parts, committed_database_url: str) -> Iterator[Running]:
    with installation(parts, committed_database_url) as made:
        yield made


@pytest.fixture
def world(running: Running) -> World:
    return world_of(running)


def all_at_once(calls: list[Callable[[], TestResponse]]) -> Counter[int]:
    with ThreadPoolExecutor(AT_ONCE) as crowd:
        return Counter(reply.status_code for reply in crowd.map(lambda call: call(), calls))


def test_a_hundred_submissions_publications_and_requests(world: World) -> None:
    owners = [world.user(school=world.school("JP")) for _ in range(10)]
    posts = [world.invitation(owners[n % 10], status="draft") for n in range(CROWD)]
    askers = [world.user(school=world.school("TW")) for _ in range(10)]
    admin = world.as_(world.admin)
    clients = {owner.id: world.as_(owner) for owner in owners}
    asking = [world.as_(asker) for asker in askers]

    submitted = all_at_once(
        [lambda post=post: clients[post.author_id].post(f"/invitations/{post.id}/actions/submit") for post in posts]
    )
    published = all_at_once([lambda post=post: admin.post(f"/invitations/{post.id}/actions/publish") for post in posts])
    asked = all_at_once(
        [
            lambda n=n, post=post: asking[n % 10].post(
                "/matches", {"invitation_id": post.id, "via": "assisted", "message": "We would like to join."}
            )
            for n, post in enumerate(posts)
        ]
    )

    assert (submitted, published, asked) == ({200: CROWD}, {200: CROWD}, {201: CROWD})
    with world.unit_of_work() as uow:
        facts = Counter(uow.session.scalars(select(Event.fact)))
        owed = Counter(uow.session.scalars(select(OutboxRow.job)))
        assert uow.session.scalar(select(func.count()).where(Invitation.status == "published")) == CROWD
        assert uow.session.scalar(select(func.count()).where(Match.status == "routed")) == CROWD
    assert (facts["InvitationSubmitted"], facts["InvitationPublished"], facts["MatchRouted"]) == (CROWD,) * 3
    assert (owed["index_invitation"], owed["notify_match_routed"]) == (CROWD, CROWD)


def test_a_hundred_requests_of_one_school_on_one_post_make_one_case(world: World) -> None:
    post = world.invitation(world.osaka)
    client = world.as_(world.tainan)
    body = {"invitation_id": post.id, "via": "direct", "message": "We would like to join."}

    replies = all_at_once([lambda: client.post("/matches", body) for _ in range(CROWD)])

    assert replies == {201: 1, 409: CROWD - 1}
    with world.unit_of_work() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Match)) == 1


def test_a_hundred_acceptances_make_one_agreement(world: World) -> None:
    match = world.match()
    client = world.as_(world.osaka)

    replies = all_at_once([lambda: client.post(f"/matches/{match.id}/actions/accept") for _ in range(CROWD)])

    assert replies == {200: 1, 409: CROWD - 1}
    assert [event.fact for event in world.events_of(match)].count("MatchAgreed") == 1


def test_one_key_sent_a_hundred_times_makes_one_draft(world: World) -> None:
    client = world.as_(world.osaka)
    body = {"title": "Kites over two harbours", "content_language": "en"}

    replies = all_at_once(
        [lambda: client.post("/invitations", body, headers={"Idempotency-Key": "once"}) for _ in range(CROWD)]
    )

    assert set(replies) <= {201, 409}
    with world.unit_of_work() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Invitation)) == 1
