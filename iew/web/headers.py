"""What the browser is told to forbid, and under which names we answer."""

from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.exceptions import SecurityError

from iew.web.context import house

SECURITY: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_KEPT_FOR_LONG: Final = "public, max-age=31536000, immutable"
"""For a file whose address changes with its content."""
_HTTPS_ONLY: Final = "max-age=31536000"


def trusted_hosts(base_url: str) -> list[str]:
    """The names under which this service may be called, on any port."""
    return list(dict.fromkeys([urlsplit(base_url).hostname or "localhost", "localhost", "127.0.0.1"]))


def register(app: Flask) -> None:
    """Add the headers to every reply; refuse strange hosts before anything is rendered."""
    app.before_request(_refuse_strange_host)
    app.after_request(_secured)


def _refuse_strange_host() -> Response | None:
    """Without this an error page could carry links to whatever host the request named."""
    if isinstance(request.routing_exception, SecurityError):
        return Response("This service does not answer under that name.\n", 400, mimetype="text/plain")
    return None


def _secured(reply: Response) -> Response:
    for name, value in SECURITY.items():
        reply.headers.setdefault(name, value)
    if house().secure:
        reply.headers.setdefault("Strict-Transport-Security", _HTTPS_ONLY)
    if request.path.startswith("/static/"):
        reply.headers["Cache-Control"] = _KEPT_FOR_LONG if "v" in request.args else "no-cache"
    else:
        reply.headers.setdefault("Cache-Control", "no-store" if _is_personal() else "no-cache")
        reply.vary.update(("Accept-Language", "Authorization", "Cookie"))
    return reply


def _is_personal() -> bool:
    return "Authorization" in request.headers or bool(request.cookies)
