"""A world with the web in it: one application for all tests of a process, each test in a house of its own."""

from typing import Any

from argon2 import PasswordHasher, profiles
from flask import Flask

from iew.app import create_app
from iew.db import SessionFactory
from iew.web.context import EXTENSION
from iew.web.house import House
from tests.parts import Parts
from tests.world import World

HASHER = PasswordHasher.from_parameters(profiles.CHEAPEST)
SECRET = "a secret key of the tests"


def house_for_tests(session_factory: SessionFactory, parts: Parts, **changes: Any) -> House:
    """A house on the servers of the tests; `changes` are its fields."""
    fields: dict[str, Any] = {
        "session_factory": session_factory,
        "base_url": "http://localhost",
        "secret_key": SECRET,
        "mail_from": "window@window.example",
        "smtp_url": parts.smtp_url,
        "redis_url": parts.redis_url,
        "rate_limits": False,
        "hasher": HASHER,
    }
    return House(**(fields | changes))


_made: list[Flask] = []


def _shared_app(house: House) -> Flask:
    if not _made:
        _made.append(create_app(house))
    return _made[0]


def world_with_web(session_factory: SessionFactory, parts: Parts, **changes: Any) -> World:
    """A world whose clients call the shared application; it lives in this test's house from now on."""
    house = house_for_tests(session_factory, parts, **changes)
    app = _shared_app(house)
    app.extensions[EXTENSION] = house
    return World(session_factory, app)
