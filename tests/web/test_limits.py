"""How often one may call, with the real counters in Redis."""

import secrets
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from iew.app import create_app
from iew.db import SessionFactory
from iew.web.limiter import LIMITS
from iew.web.permissions import PERMISSIONS
from tests.accounts.bodies import sign_up_body
from tests.parts import Parts
from tests.web.houses import house_for_tests
from tests.world import PASSWORD, Client, World, problem

GONE = "redis://127.0.0.1:1/0"


@dataclass
class Place(Client):
    """A client at a network address of its own, so that no other test and no earlier run counts with it."""

    address: str = field(default_factory=lambda: f"2001:db8::{secrets.token_hex(2)}:{secrets.token_hex(2)}")

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        return super().call(method, path, environ_base={"REMOTE_ADDR": self.address}, **options)

    def guess(self, number: int, email: str = "a@b.example") -> TestResponse:
        return self.post("/session", {"email": email, "password": f"guess number {number}"})


def limited_app(session_factory: SessionFactory, parts: Parts, **changes: Any) -> Flask:
    return create_app(house_for_tests(session_factory, parts, rate_limits=True, **changes))


@pytest.fixture
def limited(session_factory: SessionFactory, parts: Parts) -> World:
    """A world with limits."""
    return World(session_factory, limited_app(session_factory, parts))


def test_every_permission_names_a_limit() -> None:
    assert {permission.limit for permission in PERMISSIONS.values()} <= set(LIMITS)


def test_guessing_one_password_ends_soon(limited: World) -> None:
    client = Place(limited.app, None)
    tries = [client.guess(number) for number in range(12)]

    assert [reply.status_code for reply in tries] == [401] * 10 + [429] * 2
    assert problem(tries[-1]) == (429, "too_many_requests")
    assert 1 <= int(tries[-1].headers["Retry-After"]) <= 120


def test_another_account_from_the_same_place_is_not_held_up(limited: World) -> None:
    client = Place(limited.app, None)
    for number in range(12):
        client.guess(number)

    reply = client.post("/session", {"email": limited.osaka.email, "password": PASSWORD})

    assert reply.status_code == 200


def test_sign_ups_from_one_place_end(limited: World) -> None:
    client = Place(limited.app, None)
    replies = [client.post("/schools", sign_up_body()).status_code for _ in range(62)]

    assert replies.count(201) == 60 and replies[-2:] == [429, 429]


def test_counters_are_shared_between_processes(session_factory: SessionFactory, limited: World, parts: Parts) -> None:
    here = Place(limited.app, None)
    there = Place(limited_app(session_factory, parts), None, address=here.address)
    for number in range(6):
        for client in (here, there):
            reply = client.guess(number)

    assert reply.status_code == 429


def test_without_redis_reading_goes_on_and_guessing_does_not(session_factory: SessionFactory, parts: Parts) -> None:
    client = Place(limited_app(session_factory, parts, redis_url=GONE), None)

    assert client.get("/offices").status_code == 200
    assert client.get("/offices").status_code == 200
    sign_in = client.guess(1)
    assert problem(sign_in) == (503, "unavailable")
    assert int(sign_in.headers["Retry-After"]) > 0
    assert client.post("/schools", sign_up_body()).status_code == 201


def test_the_probes_are_never_limited(limited: World) -> None:
    assert PERMISSIONS["health.read"].limit == "none"
    assert {limited.app.test_client().get("/healthz").status_code for _ in range(50)} == {200}


def test_limits_can_be_off(world: World) -> None:
    client = Place(world.app, None)
    replies = {client.guess(number).status_code for number in range(15)}

    assert replies == {401}
