"""How often one address may call.

Counters stand in Redis, for several processes count together; while Redis is away each process counts for itself,
except where guessing passwords or flooding strangers with mail is at stake: there the answer is "not now".
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

from flask import Flask, Response, current_app, request
from flask_limiter import Limiter, RateLimitExceeded
from flask_limiter.util import get_remote_address

from iew.errors import TooManyRequests, Unavailable
from iew.web import errors
from iew.web.access import NAME_OF_PERMISSION
from iew.web.context import EXTENSION, house
from iew.web.house import House
from iew.web.permissions import PERMISSIONS

_REDIS_SECONDS: Final = 2
_EXTENSION: Final = "iew_limiter"


def by_network_address() -> str:
    return get_remote_address()


def by_mail_and_network_address() -> str:
    """The mail address in the request together with where it comes from, as a hash: no names in the counters."""
    return hashlib.sha256(f"{_mail_address()}\n{get_remote_address()}".encode()).hexdigest()[:32]


def _mail_address() -> str:
    given: Any = request.form.get("email")
    if given is None and request.is_json:
        body = request.get_json(silent=True)
        given = body.get("email") if isinstance(body, dict) else None
    return str(given or "").strip().lower()


@dataclass(frozen=True)
class Limit:
    """rates: as Flask-Limiter writes them. strict: refuse rather than count alone while Redis is away."""

    rates: Callable[[], str] | str
    key: Callable[[], str] = by_network_address
    strict: bool = False


def _search_rate() -> str:
    """So many a second in the long run, and a burst of ten seconds' worth."""
    return f"{10 * house().limits.search_queries_per_second} per 10 second"


LIMITS: Final[dict[str, tuple[Limit, ...]]] = {
    "none": (),
    "calls": (Limit("6000 per minute"),),
    "sign_in": (Limit("10 per minute", by_mail_and_network_address, strict=True), Limit("120 per minute", strict=True)),
    "reset": (Limit("20 per hour", strict=True),),
    "sign_up": (Limit("60 per hour"),),
    "questions": (Limit("60 per hour"),),
    "mail_link": (Limit("60 per minute"),),
    "proofs": (Limit("30 per minute"), Limit("300 per hour")),
    "search": (Limit(_search_rate),),
}


def register(app: Flask) -> None:
    """Put the limit that its permission names in front of every view. Call it when all views are known."""
    the_house: House = app.extensions[EXTENSION]
    limiter = Limiter(
        by_network_address,
        app=app,
        storage_uri=the_house.redis_url,
        storage_options={"socket_timeout": _REDIS_SECONDS, "socket_connect_timeout": _REDIS_SECONDS},
        strategy="sliding-window-counter",
        in_memory_fallback_enabled=True,
        key_prefix="iew",
        enabled=the_house.rate_limits,
    )
    app.extensions[_EXTENSION] = limiter
    app.register_error_handler(RateLimitExceeded, _on_breach)
    if not the_house.rate_limits:
        return
    for endpoint, view in list(app.view_functions.items()):
        name = getattr(view, NAME_OF_PERMISSION, None)
        if name:
            app.view_functions[endpoint] = _limited(limiter, LIMITS[PERMISSIONS[name].limit], view)


def _limited(limiter: Limiter, limits: tuple[Limit, ...], view: Callable[..., Any]) -> Callable[..., Any]:
    counted = view
    for limit in limits:
        counted = limiter.limit(limit.rates, key_func=limit.key)(counted)
    if not any(limit.strict for limit in limits):
        return counted

    @wraps(view)
    def strictly(*args: Any, **kwargs: Any) -> Any:
        if not limiter.storage.check():
            raise Unavailable(retry_after_seconds=10)
        return counted(*args, **kwargs)

    return strictly


def _on_breach(_: RateLimitExceeded) -> Response:
    breached = current_app.extensions[_EXTENSION].current_limit
    wait = breached.reset_at - time.time() if breached else 1
    return errors.on_refusal(TooManyRequests(max(1, min(3600, round(wait)))))
