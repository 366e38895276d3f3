import pytest

from iew.db import SessionFactory
from tests.pages.browser import Browser
from tests.parts import Parts
from tests.web.houses import world_with_web
from tests.world import World


@pytest.fixture
def world(session_factory: SessionFactory, parts: Parts) -> World:
    """Things made in a line each, and the web that serves them."""
    return world_with_web(session_factory, parts)


@pytest.fixture
def browser(world: World) -> Browser:
    """A browser in which nobody is signed in, reading English."""
    return Browser(world.app)
