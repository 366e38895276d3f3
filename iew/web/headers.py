"""What the browser is told to forbid, and under which names we answer."""

from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.exceptions import RequestHeaderFieldsTooLarge, SecurityError

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
LARGEST_HEADER_BYTES: Final = 16 * 1024
LARGEST_HEADERS_BYTES: Final = 64 * 1024
_KEPT_FOR_LONG: Final = "public, max-age=31536000, immutable"
"""For a file whose address changes with its content."""
_HTTPS_ONLY: Final = "max-age=31536000"


def trusted_hosts(base_url: str) -> list[str]:
    """The names under which this service may be called, on any port."""
    return list(dict.fromkeys([urlsplit(base_url).hostname or "localhost", "localhost", "127.0.0.1"]))


def register(app: Flask) -> None:
    """Add the headers to every reply; refuse strange hosts before anything is rendered."""
    app.before_request(_refuse_strange_host)
    app.before_request(_refuse_large_headers)
    app.after_request(_secured)


def _refuse_strange_host() -> Response | None:
    """Without this an error page could carry links to whatever host the request named."""
    if isinstance(request.routing_exception, SecurityError):
        return Response("This service does not answer under that name.\n", 400, mimetype="text/plain")
    return None


def _refuse_large_headers() -> None:
    """Raise RequestHeaderFieldsTooLarge before anything is read from them."""
    sizes = [len(name) + len(value) for name, value in request.headers.items()]
    if max(sizes, default=0) > LARGEST_HEADER_BYTES or sum(sizes) > LARGEST_HEADERS_BYTES:
        raise RequestHeaderFieldsTooLarge


def _secured(reply: Response) -> Response:
    for name, value in SECURITY.items():
        reply.headers.setdefault(name, value)
    if house().secure:
        reply.headers.setdefault("Strict-Transport-Security", _HTTPS_ONLY)
    if request.path.startswith("/static/"):
        is_named_by_content = "v" in request.args and reply.status_code < 400
        reply.headers["Cache-Control"] = _KEPT_FOR_LONG if is_named_by_content else "no-cache"
    else:
        reply.headers.setdefault("Cache-Control", "no-store" if _is_personal() else "no-cache")
        reply.vary.update(("Accept-Language", "Authorization", "Cookie"))
    return reply


def _is_personal() -> bool:
    return request.method not in ("GET", "HEAD") or "Authorization" in request.headers or bool(request.cookies)
