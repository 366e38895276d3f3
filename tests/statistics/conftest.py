"""A world with the web in it, and a crowd to count."""

import random

import pytest

from iew.db import SessionFactory
from tests.parts import Parts
from tests.statistics.crowd import Crowd
from tests.web.houses import world_with_web
from tests.world import World


@pytest.fixture
def world(session_factory: SessionFactory, parts: Parts) -> World:
    """Things made in a line each, and the web that serves them."""
    return world_with_web(session_factory, parts)


@pytest.fixture(params=[11, 12])
def crowd(world: World, request: pytest.FixtureRequest) -> Crowd:
    """Schools, posts, cases and searches at random."""
    return Crowd(world, random.Random(request.param))
