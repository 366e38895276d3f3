"""What the tests of the daily mail share."""

from collections.abc import Callable
from datetime import datetime

import pytest

from iew.db import SessionFactory
from iew.duties import run_due
from iew.models import Invitation
from iew.services import suggestions
from iew.uow import UnitOfWork
from tests.pages.conftest import reader_away
from tests.parts import Parts
from tests.web.houses import world_with_web
from tests.world import World

Tick = Callable[[datetime], None]
Suggest = Callable[..., None]


@pytest.fixture
def world(session_factory: SessionFactory, parts: Parts) -> World:
    return world_with_web(session_factory, parts, open_searcher=reader_away)


@pytest.fixture
def tick(session_factory: SessionFactory) -> Tick:
    """Do what is due at a moment."""

    def tick(now: datetime) -> None:
        run_due(lambda moment: UnitOfWork(session_factory, now=moment), now)

    return tick


@pytest.fixture
def suggest(world: World) -> Suggest:
    """Put posts into the list of one, and it into theirs."""

    def suggest(post: Invitation, *others: Invitation) -> None:
        with world.unit_of_work() as uow:
            ids = [other.id for other in others]
            suggestions.suggest(uow, post.id, ids, concepts=lambda text: frozenset())

    return suggest
