"""A world with the web in it."""

import pytest

from iew.app import create_app
from iew.db import SessionFactory
from iew.web.house import House
from tests.parts import Parts
from tests.world import World


@pytest.fixture
def world(session_factory: SessionFactory, parts: Parts) -> World:
    """Things made in a line each, and the API that serves them."""
    house = House(
        session_factory=session_factory,
        base_url="http://localhost",
        secret_key="a secret key of the tests",
        mail_from="window@window.example",
        smtp_url=parts.smtp_url,
        redis_url=parts.redis_url,
        rate_limits=False,
    )
    return World(session_factory, create_app(house))
