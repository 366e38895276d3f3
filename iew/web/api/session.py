"""Signing a browser in and out. Programs use a token instead."""

from typing import Any

from iew.schemas.accounts import SignIn, SignInView
from iew.web import csrf
from iew.web import session as browser
from iew.web.access import requires
from iew.web.blueprint import Blueprint

api = Blueprint("session", __name__, url_prefix="/api/v1", description="Signing in and out")


@api.post("/session")
@requires("session.open")
@api.arguments(SignIn)
@api.response(200, SignInView)
def sign_in(body: dict[str, Any]) -> dict[str, str]:
    """Sign in; the cookie carries the session from now on."""
    browser.sign_in(body["email"], body["password"])
    return {"csrf_token": csrf.new_token()}


@api.delete("/session")
@requires("session.close")
@api.response(200, SignInView)
def sign_out() -> dict[str, str]:
    """Sign out; the session is over at once."""
    browser.sign_out()
    return {"csrf_token": csrf.new_token()}
