"""What the tests of addresses share."""

import pytest

from iew.db import SessionFactory
from tests.parts import Parts
from tests.web.houses import world_with_web
from tests.world import World


@pytest.fixture
def world(session_factory: SessionFactory, parts: Parts) -> World:
    return world_with_web(session_factory, parts)
