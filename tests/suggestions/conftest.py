"""The web, an index that nobody needs to wait for, and ways to make and read lists."""

from collections.abc import Callable, Iterable

import pytest

from iew.db import SessionFactory
from iew.models import Invitation
from iew.services import suggestions
from tests.pages.conftest import reader_away
from tests.parts import Parts
from tests.search.conftest import fresh_cluster, lexicon
from tests.web.houses import world_with_web
from tests.world import World

__all__ = ["fresh_cluster", "lexicon"]

Suggest = Callable[..., None]


@pytest.fixture
def world(session_factory: SessionFactory, parts: Parts) -> World:
    """Things made in a line each, and the web that serves them while the search engine is away."""
    return world_with_web(session_factory, parts, open_searcher=reader_away)


@pytest.fixture
def suggest(world: World) -> Suggest:
    """Make the list of a post anew, with some others that the index would name."""

    def suggest(post: Invitation, likely: Iterable[Invitation] = ()) -> None:
        with world.unit_of_work() as uow:
            ids = [other.id for other in likely]
            suggestions.suggest(uow, post.id, ids, concepts=lambda text: frozenset())

    return suggest


def stored(world: World) -> list[tuple[str, str, float, tuple[str, ...]]]:
    """All rows of all lists: post, other, score, codes of the reasons."""
    with world.unit_of_work() as uow:
        rows = uow.session.query(suggestions.Suggestion).all()
        return sorted(
            (row.invitation_id, row.other_id, row.score, tuple(reason["code"] for reason in row.reasons))
            for row in rows
        )


def listed(world: World, post: Invitation) -> list[str]:
    """The ids in a list, as the school of the post is shown it."""
    with world.unit_of_work() as uow:
        owner = uow.get(Invitation, post.id).school_id
    user = world.user(school=_School(owner))  # type: ignore[arg-type]
    reply = world.as_(user).get(f"/invitations/{post.id}/suggestions")
    assert reply.status_code == 200, reply.text
    return [item["invitation"]["id"] for item in reply.json["items"]]


class _School:
    """What making a user needs of a school."""

    country = "JP"

    def __init__(self, school_id: str) -> None:
        self.id = school_id
