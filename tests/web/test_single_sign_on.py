"""Signing in with an account of elsewhere, against a provider that speaks the real protocol over HTTP."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.test import TestResponse

from iew.app import create_app
from iew.db import SessionFactory
from iew.web.house import Provider
from tests.parts import Parts
from tests.web.houses import house_for_tests
from tests.world import World

CLIENT, SECRET = "window", "secret of the window"
KEY = RSAKey.generate_key(2048, parameters={"kid": "1"}, private=True)


class FakeProvider:
    """What a provider knows: the person who is signed in there, and the flow that is under way."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self.spoil: dict[str, Any] = {}
        self.asked: dict[str, str] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def token(self, form: dict[str, str]) -> dict[str, Any]:
        """Checks PKCE as a provider does."""
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == self.asked["code_challenge"]
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "person-1",
            "iat": now,
            "exp": now + 300,
            "nonce": self.asked["nonce"],
        }
        signed = jwt.encode({"alg": "RS256", "kid": "1"}, claims | self.claims | self.spoil, KEY)
        return {"access_token": "a", "token_type": "Bearer", "expires_in": 300, "id_token": signed}


def _handler_of(provider: FakeProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            replies = {
                "/.well-known/openid-configuration": provider.metadata,
                "/keys": lambda: {"keys": [KEY.as_dict(private=False)]},
                "/userinfo": lambda: {"sub": "person-1"} | provider.claims,
            }
            self._reply(replies[self.path]())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._reply(provider.token({name: values[0] for name, values in parse_qs(body).items()}))

        def _reply(self, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    running = FakeProvider()
    yield running
    running.stop()


@pytest.fixture
def world(session_factory: SessionFactory, parts: Parts, provider: FakeProvider) -> World:
    house = house_for_tests(session_factory, parts, provider=Provider(provider.issuer, CLIENT, SECRET))
    return World(session_factory, create_app(house))


def go(browser: FlaskClient, provider: FakeProvider, path: str = "/en/sign-in/single") -> dict[str, str]:
    """To the provider; what it was asked."""
    reply = browser.get(path)
    assert reply.status_code == 302
    where = urlsplit(reply.location)
    assert f"{where.scheme}://{where.netloc}{where.path}" == f"{provider.issuer}/authorize"
    provider.asked = {name: values[0] for name, values in parse_qs(where.query).items()}
    return provider.asked


def come_back(browser: FlaskClient, state: str) -> TestResponse:
    return browser.get("/en/sign-in/single/done", query_string={"code": "c", "state": state})


def is_signed_in(browser: FlaskClient) -> bool:
    return browser.get("/api/v1/me").status_code == 200


def test_a_known_person_is_signed_in(world: World, provider: FakeProvider) -> None:
    provider.claims = {"email": world.osaka.email.upper(), "email_verified": True}
    browser = world.app.test_client()

    asked = go(browser, provider)
    reply = come_back(browser, asked["state"])

    assert asked["redirect_uri"] == "http://localhost/en/sign-in/single/done"
    assert (asked["client_id"], asked["code_challenge_method"]) == (CLIENT, "S256")
    assert (reply.status_code, reply.location) == (302, "/ja/")
    assert browser.get("/api/v1/me").json["email"] == world.osaka.email
    signed_in = world.events_of(world.osaka)[-1]
    assert (signed_in.action, signed_in.details["by"]) == ("signed_in", provider.issuer)


def test_it_leads_to_where_the_person_wanted_to_go(world: World, provider: FakeProvider) -> None:
    provider.claims = {"email": world.osaka.email}
    browser = world.app.test_client()

    asked = go(browser, provider, "/en/sign-in/single?next=/en/account")

    assert come_back(browser, asked["state"]).location == "/en/account"


def test_it_leads_to_no_other_site(world: World, provider: FakeProvider) -> None:
    provider.claims = {"email": world.osaka.email}
    browser = world.app.test_client()

    asked = go(browser, provider, "/en/sign-in/single?next=//evil.example")

    assert come_back(browser, asked["state"]).location == "/ja/"


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "nobody@people.example", "email_verified": True},
        {"email": "{known}", "email_verified": False},
        {"email": None},
        {},
    ],
)
def test_who_is_not_known_for_sure_stays_outside(world: World, provider: FakeProvider, claims: dict[str, Any]) -> None:
    provider.claims = {name: world.osaka.email if value == "{known}" else value for name, value in claims.items()}
    browser = world.app.test_client()
    before = world.snapshot()

    reply = come_back(browser, go(browser, provider)["state"])

    assert reply.status_code == 401
    assert not is_signed_in(browser)
    assert world.snapshot() == before


def test_a_closed_account_stays_closed(world: World, provider: FakeProvider) -> None:
    from iew.services import accounts

    provider.claims = {"email": world.osaka.email}
    with world.unit_of_work() as uow:
        accounts.disable(uow, world.osaka.email)
    browser = world.app.test_client()

    assert come_back(browser, go(browser, provider)["state"]).status_code == 401
    assert not is_signed_in(browser)


@pytest.mark.parametrize(
    "spoil", [{"nonce": "another"}, {"aud": "somebody else"}, {"iss": "https://evil.example"}, {"exp": 1}]
)
def test_a_token_that_is_not_for_us_is_refused(world: World, provider: FakeProvider, spoil: dict[str, Any]) -> None:
    provider.claims, provider.spoil = {"email": world.osaka.email}, spoil
    browser = world.app.test_client()

    assert come_back(browser, go(browser, provider)["state"]).status_code == 401
    assert not is_signed_in(browser)


def test_an_answer_that_nobody_asked_for_is_refused(world: World, provider: FakeProvider) -> None:
    provider.claims = {"email": world.osaka.email}
    asked = go(world.app.test_client(), provider)
    other = world.app.test_client()

    assert come_back(other, asked["state"]).status_code == 401
    assert other.get("/en/sign-in/single/done?error=access_denied&state=x").status_code == 401
    assert not is_signed_in(other)


def test_a_provider_that_is_away_is_told_as_such(session_factory: SessionFactory, parts: Parts) -> None:
    house = house_for_tests(session_factory, parts, provider=Provider("http://127.0.0.1:1", CLIENT, SECRET))
    reply = create_app(house).test_client().get("/en/sign-in/single")

    assert reply.status_code == 503
    assert int(reply.headers["Retry-After"]) > 0


def test_without_a_provider_there_is_no_such_way(session_factory: SessionFactory, parts: Parts) -> None:
    browser = create_app(house_for_tests(session_factory, parts)).test_client()

    assert browser.get("/en/sign-in/single").status_code == 404
    assert browser.get("/en/sign-in/single/done?code=c&state=s").status_code == 404
    assert "single" not in browser.get("/en/sign-in").text


def test_the_sign_in_page_offers_it(world: World) -> None:
    assert "/en/sign-in/single" in world.app.test_client().get("/en/sign-in").text
