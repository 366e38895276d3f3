"""A world with the web in it."""

import pytest

from iew.db import SessionFactory
from tests.houses import world_with_web
from tests.parts import Parts
from tests.world import World


@pytest.fixture
def world(session_factory: SessionFactory, parts: Parts) -> World:
    """Things made in a line each, and the API that serves them."""
    return world_with_web(session_factory, parts)
