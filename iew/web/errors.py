"""From a typed fault to a reply: one table from code to status, two ways to show it.

Without the one table every view would choose its own status, and the API and the pages would disagree.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Final

import structlog
from flask import Flask, Response, current_app, g, render_template, render_template_string, request
from jinja2 import Template, TemplateError
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BuildError

from iew.domain.actors import Actor
from iew.errors import (
    N_,
    BadRequest,
    Conflict,
    IewError,
    Invalid,
    InvalidTransition,
    NotAllowed,
    NotFound,
    NotSignedIn,
    StateConflict,
    Text,
    TooManyRequests,
    Unavailable,
    VersionMissing,
)
from iew.schemas.base import text_of
from iew.uow import UnitOfWork
from iew.web import conditional
from iew.web.context import current_actor, current_language, house, say

log = structlog.get_logger("iew.web")

STATUS_OF_CLASS: Final[dict[type[IewError], int]] = {
    BadRequest: 400,
    NotSignedIn: 401,
    NotAllowed: 403,
    NotFound: 404,
    InvalidTransition: 409,
    StateConflict: 409,
    Conflict: 412,
    Invalid: 422,
    VersionMissing: 428,
    TooManyRequests: 429,
    Unavailable: 503,
    IewError: 400,
}

STATUS_OF: Final[dict[str, int]] = {
    "bad_request": 400,
    "bad_cursor": 400,
    "no_report": 400,
    "bad_idempotency_key": 400,
    "bad_if_match": 400,
    "duplicate_key": 400,
    "invalid_json": 400,
    "invalid_number": 400,
    "repeated_parameter": 400,
    "too_deep": 400,
    "utf8_expected": 400,
    "error": 400,
    "not_signed_in": 401,
    "csrf": 403,
    "email_unverified": 403,
    "not_allowed": 403,
    "school_unverified": 403,
    "no_contact": 404,
    "not_found": 404,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "already_open": 409,
    "conflict": 409,
    "idempotency_running": 409,
    "invalid_transition": 409,
    "no_pairs": 409,
    "not_held": 409,
    "pairs_changed": 409,
    "rebuild_running": 409,
    "too_many_searches": 409,
    "link_spent": 410,
    "changed_meanwhile": 412,
    "too_large": 413,
    "unsupported_media_type": 415,
    "idempotency_mismatch": 422,
    "invalid": 422,
    "same_side": 422,
    "version_missing": 428,
    "too_many_requests": 429,
    "headers_too_large": 431,
    "internal": 500,
    "search_unavailable": 503,
    "index_missing": 503,
    "index_outdated": 503,
    "unavailable": 503,
}
"""Every code that an error can carry, with its HTTP status."""

TITLES: Final = {
    400: N_("The request could not be read"),
    401: N_("Please sign in"),
    403: N_("Not allowed"),
    404: N_("Not found"),
    405: N_("This cannot be done here"),
    406: N_("Not available in this form"),
    409: N_("Not possible in the present state"),
    410: N_("This link was used or has expired"),
    412: N_("Changed meanwhile"),
    413: N_("Too large"),
    415: N_("This kind of content is not taken"),
    422: N_("Some fields need your attention"),
    428: N_("The version is missing"),
    429: N_("Too many tries"),
    431: N_("The request's headers are too large"),
    500: N_("Something went wrong on our side"),
    503: N_("Not available at the moment"),
}

_OF_HTTP: Final[dict[int, tuple[str, str]]] = {
    400: ("bad_request", N_("The request could not be read.")),
    404: ("not_found", NotFound.text.msgid),
    405: ("method_not_allowed", N_("This address does not know that method; see Allow.")),
    406: ("not_acceptable", N_("This is not available in the form you asked for.")),
    413: ("too_large", N_("The body is too large; 1 MB at most.")),
    415: ("unsupported_media_type", N_("Send the body as application/json, in UTF-8, not compressed.")),
    429: ("too_many_requests", TooManyRequests.text.msgid),
    431: ("headers_too_large", N_("The request's headers are too large.")),
}


def status_of(error: IewError) -> int:
    """The HTTP status of an error: by its code, else by its class."""
    if error.code in STATUS_OF:
        return STATUS_OF[error.code]
    return next(status for kind, status in STATUS_OF_CLASS.items() if isinstance(error, kind))


def register(app: Flask) -> None:
    """Answer every error of the application, in the form the asker expects."""
    handlers: tuple[tuple[type[Exception], Callable[[Any], Response]], ...] = (
        (IewError, on_refusal),
        (HTTPException, _on_http),
        (OperationalError, _on_database_away),
        (PoolTimeout, _on_database_away),
        (DataError, _on_unusable_data),
        (IntegrityError, _on_collision),
        (Exception, _on_fault),
    )
    for kind, handler in handlers:
        app.register_error_handler(kind, handler)


def on_refusal(error: IewError) -> Response:
    """The reply to a refused operation. A visitor who lacks a right is asked to sign in."""
    error = conditional.told(error)
    actor = _asker()
    if isinstance(error, NotAllowed) and error.code == "not_allowed" and not actor.signed_in:
        error = NotSignedIn()
    _keep_denial(error, actor)
    reply = _shown(status_of(error), error.code, error.text, errors=dict(_errors_of(error)))
    if isinstance(error, NotSignedIn):
        reply.headers["WWW-Authenticate"] = 'Bearer realm="iew"'
    if isinstance(error, TooManyRequests | Unavailable):
        reply.headers["Retry-After"] = str(max(1, error.retry_after_seconds))
    return reply


def _on_http(error: HTTPException) -> Response:
    if error.code is not None and error.code < 400:
        return error.get_response()  # type: ignore[return-value]  # a redirect by routing
    status = error.code or 500
    code, msgid = _OF_HTTP.get(status, ("internal" if status >= 500 else "bad_request", TITLES.get(status, "")))
    reply = _shown(status, code, Text(msgid or BadRequest.text.msgid))
    kept = error.get_response().headers
    for name in ("Allow", "Retry-After"):
        if name in kept:
            reply.headers[name] = kept[name]
    return reply


def _on_database_away(error: Exception) -> Response:
    log.error("database away", error=type(error).__name__)
    return on_refusal(Unavailable(retry_after_seconds=5))


def _on_unusable_data(error: DataError) -> Response:
    log.warning("data the database refuses", error=type(error.orig).__name__)
    return on_refusal(Invalid(text=N_("Something in the request cannot be stored; check its characters and numbers.")))


def _on_collision(error: IntegrityError) -> Response:
    log.warning("collision", constraint=getattr(getattr(error.orig, "diag", None), "constraint_name", None))
    return on_refusal(StateConflict(N_("Somebody did the same at this moment. Reload and look again.")))


def _on_fault(error: Exception) -> Response:
    log.exception("fault", path=request.path, kind=type(error).__name__)
    return _shown(500, "internal", Text(N_("This is our fault, not yours. Please try again; we have noted it.")))


def _asker() -> Actor:
    try:
        return current_actor()
    except (NotSignedIn, OperationalError, PoolTimeout):
        return Actor()


class Denial:
    """What a refusal is about, for the record: the permission that was asked for."""

    subject_type: ClassVar[str] = "permission"
    id: Any

    def __init__(self, name: str) -> None:
        self.id = name


def _keep_denial(error: IewError, actor: Actor) -> None:
    """A signed-in person who was refused leaves a trace, in a transaction of its own."""
    if not actor.signed_in or not isinstance(error, NotAllowed | NotFound) or "permission" not in g:
        return
    try:
        with house().unit_of_work() as uow:
            _record_denial(uow, error, actor)
    except (OperationalError, PoolTimeout):
        log.exception("a refusal could not be recorded")


def _record_denial(uow: UnitOfWork, error: IewError, actor: Actor) -> None:
    details = {"code": error.code, "method": request.method, "path": request.path[:200].replace("\0", "")}
    uow.record(None, Denial(g.permission), actor, action="denied", **details)


def is_for_programs() -> bool:
    """Whether the reply to this request is JSON rather than a page."""
    return request.path.startswith("/api/") or request.path in ("/healthz", "/readyz", "/metrics")


def _shown(status: int, code: str, text: Text, *, errors: Mapping[str, list[str]] | None = None) -> Response:
    if is_for_programs():
        return problem(status, code, text, errors=errors)
    return page(status, code, text, errors=errors)


def problem(status: int, code: str, text: Text, *, errors: Mapping[str, list[str]] | None = None) -> Response:
    """A problem document of RFC 9457."""
    document: dict[str, Any] = {
        "type": f"{house().base_url}/api/docs#error-{code}",
        "title": say(TITLES.get(status, TITLES[400 if status < 500 else 500])),
        "status": status,
        "detail": say(text),
        "code": code,
    }
    if errors:
        document["errors"] = errors
    if request_id := g.get("request_id"):
        document["request_id"] = request_id
    reply = Response(json.dumps(document, ensure_ascii=False), status, mimetype="application/problem+json")
    reply.headers["Content-Language"] = current_language()
    return reply


def page(status: int, code: str, text: Text, *, errors: Mapping[str, list[str]] | None = None) -> Response:
    """A page that says what happened and what to do next; a template for the code or the status goes first."""
    words: dict[str, Any] = {
        "status": status,
        "code": code,
        "title": say(TITLES.get(status, TITLES[400 if status < 500 else 500])),
        "text": say(text),
        "errors": errors or {},
        "lang": current_language(),
        "request_id": g.get("request_id"),
    }
    templates: list[str | Template] = [f"errors/{code}.html", f"errors/{status}.html", "errors/error.html"]
    try:
        shown = render_template(templates, **words)
    except (SQLAlchemyError, IewError, TemplateError, BuildError):
        log.exception("error page", code=code)
        shown = render_template_string(_PLAIN, **words)
    return current_app.make_response((shown, status))


_PLAIN: Final = """<!doctype html>
<html lang="{{ lang }}"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title><h1>{{ title }}</h1><p>{{ text }}</p><p>{{ status }} · {{ request_id }}</p></html>
"""
"""Where the frame of the pages cannot be shown, for it asks the database too."""


def _errors_of(error: IewError) -> Iterator[tuple[str, list[str]]]:
    if isinstance(error, Invalid):
        yield from errors_by_field(error).items()


def errors_by_field(error: Invalid) -> dict[str, list[str]]:
    """The field names, dotted where nested, each with what to do about it in the asker's language."""
    found = {name: [say(text) for text in texts] for name, texts in error.errors.items()}
    for name, messages in _flat(error.nested or {}, ""):
        found.setdefault(name, []).extend(say(Text(*text_of(message))) for message in messages)
    return found


def _flat(nested: Mapping[Any, Any], above: str) -> Iterator[tuple[str, list[str]]]:
    for name, inner in nested.items():
        path = above if name == "_schema" and above else f"{above}.{name}" if above else str(name)
        if isinstance(inner, Mapping):
            yield from _flat(inner, path)
        else:
            yield path, [str(message) for message in (inner if isinstance(inner, list) else [inner])]
