"""One web application for a whole test run, which is given another database for every test."""

from functools import cache

from flask import Flask

from iew.app import create_app
from iew.db import SessionFactory
from iew.models import School, User
from iew.web.house import House
from tests.parts import Parts
from tests.world import World


@cache
def _app(smtp_url: str, redis_url: str) -> tuple[House, Flask]:
    house = House(
        session_factory=None,  # type: ignore[arg-type]  # every test brings its own
        base_url="http://localhost",
        secret_key="a secret key of the tests",
        mail_from="window@window.example",
        smtp_url=smtp_url,
        redis_url=redis_url,
        rate_limits=False,
    )
    return house, create_app(house)


def world_with_web(session_factory: SessionFactory, parts: Parts) -> World:
    """A world and the application that serves it."""
    house, app = _app(parts.smtp_url, parts.redis_url)
    house.session_factory = session_factory
    return World(session_factory, app)


def school_of(world: World, user: User) -> School:
    """The school of a person, whatever session the person came from."""
    with world.unit_of_work() as uow:
        return uow.get(School, user.school_id or "")
