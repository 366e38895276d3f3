"""More like this: of the same side, about the same things, public at this moment; and nothing without the engine."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from iew.errors import Unavailable
from iew.models import Invitation
from iew.services import catalog
from search_index.cluster import Cluster
from search_index.lexicon import Lexicon
from search_index.reader import Reader
from search_index.writer import Writer
from tests.pages.conftest import reader_away
from tests.world import World

Found = Callable[[Invitation], list[str]]


@pytest.fixture
def reader(fresh_cluster: Cluster, lexicon: Lexicon) -> Reader:
    return Reader(fresh_cluster, lexicon)


def indexed(world: World, reader: Reader, *posts: Invitation) -> None:
    writer = Writer(reader.cluster, reader.lexicon)
    writer.ensure(now=datetime.now(UTC))
    with world.unit_of_work() as uow:
        catalog.index_invitations(uow, writer, [post.id for post in posts])
    writer._refresh(reader.cluster.names.alias)


def found(world: World, reader: Reader, post: Invitation) -> list[str]:
    with world.unit_of_work() as uow:
        return [other.id for other in catalog.more_like(uow, reader, uow.get(Invitation, post.id))]


def test_the_same_topic_in_another_language_comes_first_and_the_other_side_never(world: World, reader: Reader) -> None:
    about = {"description": "", "topics": []}
    post = world.invitation(world.tainan, title="Robots", **about)
    alike = world.invitation(
        world.taipei,
        title="機器人",
        content_language="zh-Hant",
        exchange_types=["homestay"],
        levels=["primary"],
        **about,
    )
    choir = world.invitation(school=world.school("TW", county="TPE"), title="A choir", **about)
    abroad = world.invitation(world.osaka, title="Robots", **about)
    indexed(world, reader, post, alike, choir, abroad)

    ids = found(world, reader, post)

    assert set(ids) <= {alike.id, choir.id}
    assert alike.id in ids


def test_three_at_most_and_none_that_is_not_public_any_more(world: World, reader: Reader) -> None:
    post, *others = (world.invitation(school=world.school("JP")) for _ in range(6))
    indexed(world, reader, post, *others)
    assert len(found(world, reader, post)) == 3
    with world.unit_of_work() as uow:
        gone = [other.id for other in others[:4]]
        uow.session.execute(update(Invitation).where(Invitation.id.in_(gone)).values({"status": "withdrawn"}))

    assert set(found(world, reader, post)) <= {others[4].id}


def test_without_the_engine_it_says_so(world: World) -> None:
    post = world.invitation(world.osaka)
    with pytest.raises(Unavailable):
        found(world, reader_away(), post)
