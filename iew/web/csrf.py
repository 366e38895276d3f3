"""No other site may act in the name of somebody who is signed in here.

An unsafe call that is known by its cookie, and every form of a page, carries a token of the session. Calls with a
bearer token need none, for no browser adds that by itself.
"""

from flask import Flask, request
from flask_wtf.csrf import CSRFProtect, generate_csrf
from werkzeug.exceptions import HTTPException

from iew.errors import N_, NotAllowed
from iew.web.identity import Identity, Via
from iew.web.permissions import Permission

_protection = CSRFProtect()


def register(app: Flask) -> None:
    """Make `csrf_token()` known to the templates; the checks are called by `requires`."""
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False)
    _protection.init_app(app)


def new_token() -> str:
    """The token of the present session."""
    return str(generate_csrf())


def check(known: Identity | None, permission: Permission) -> None:
    """Raise NotAllowed with code `csrf` where a token is needed and missing or wrong."""
    by_api = request.path.startswith("/api/")
    by_cookie = known is not None and known.via is Via.COOKIE
    if not (by_cookie and permission.csrf_in_api if by_api else permission.csrf):
        return
    try:
        _protection.protect()
    except HTTPException:
        raise NotAllowed(
            N_("This page was open for too long, or the call came from elsewhere. Reload the page and try again."),
            code="csrf",
        ) from None
