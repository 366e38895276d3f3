"""A POST that is sent twice is done once.

The first reply is kept in the same transaction as the change it tells of, so either both are there or neither; a lock
on the key tells a second request that the first is still running.
"""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Final

from flask import Flask, Response, request
from sqlalchemy import func, select

from iew.db import new_id
from iew.errors import N_, BadRequest, Invalid, StateConflict
from iew.models import IdempotencyKey
from iew.uow import UnitOfWork
from iew.web import strict_json
from iew.web.context import current_actor
from iew.web.permissions import Permission

HEADER: Final = "Idempotency-Key"
FORM_FIELD: Final = "idempotency_key"
"""The hidden field of every form of a page; a form that is sent twice is done once, too."""
_OF_THE_FRAME: Final = frozenset({"csrf_token", FORM_FIELD})
_KEPT_HEADERS: Final = ("Content-Type", "ETag", "Location")
_KEY: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


def answer(uow: UnitOfWork, permission: Permission, view: Callable[[], Response]) -> Response:
    """The reply of `view`, or the first reply again where the request repeats one by its key.

    A form of a page that comes with another content is a new one: somebody went back in the browser and changed it.
    Raises BadRequest for an unusable key, Invalid where the key came with another body before, StateConflict while the
    first request is still running.
    """
    key = _key() if permission.replays else None
    if key is None:
        return view()
    owner, route = current_actor().user_id or "visitor", f"{request.method} {request.path}"
    _lock(uow, owner, route, key)
    first = uow.session.get(IdempotencyKey, (owner, route, key))
    if first is not None and (_is_for_programs() or first.request_hash == _request_hash()):
        return _again(first)
    reply = view()
    if first is None and _is_worth_keeping(reply):
        uow.session.add(
            IdempotencyKey(
                owner=owner,
                route=route,
                key=key,
                request_hash=_request_hash(),
                status=reply.status_code,
                headers={name: reply.headers[name] for name in _KEPT_HEADERS if name in reply.headers},
                body=reply.get_data(),
                created_at=uow.now,
            )
        )
    return reply


def register(app: Flask) -> None:
    """Let the templates put a fresh key into every form."""
    app.jinja_env.globals["form_key"] = new_id


def _is_for_programs() -> bool:
    return request.path.startswith("/api/")


def _is_worth_keeping(reply: Response) -> bool:
    """What went well; of the pages only where they lead to next, for a page may show what nobody should keep."""
    return reply.status_code < 300 if _is_for_programs() else 300 <= reply.status_code < 400


def _key() -> str | None:
    """The key of this request, where it is a POST that has one."""
    if request.method != "POST":
        return None
    given = request.headers.get(HEADER) if _is_for_programs() else request.form.get(FORM_FIELD) or None
    if given is None:
        return None
    if not _KEY.fullmatch(given):
        raise BadRequest(
            N_("Write Idempotency-Key as 1 to 255 printable ASCII characters."), code="bad_idempotency_key"
        )
    return given


def _lock(uow: UnitOfWork, owner: str, route: str, key: str) -> None:
    digest = hashlib.sha256("\n".join((owner, route, key)).encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    if not uow.session.scalar(select(func.pg_try_advisory_xact_lock(number))):
        raise StateConflict(
            N_("The first request with this key is still running. Ask again in a moment."), code="idempotency_running"
        )


def _request_hash() -> str:
    """The same for bodies that say the same: the order of fields and white space do not count."""
    if not _is_for_programs():
        typed = sorted((name, value) for name, value in request.form.items(multi=True) if name not in _OF_THE_FRAME)
        return hashlib.sha256(json.dumps(typed).encode()).hexdigest()
    body = request.get_data()
    if body and request.mimetype == "application/json":
        body = json.dumps(strict_json.read(body), sort_keys=True).encode()
    return hashlib.sha256(body).hexdigest()


def _again(first: IdempotencyKey) -> Response:
    if first.request_hash != _request_hash():
        raise Invalid(
            text=N_("This Idempotency-Key was used for another body. Take a new key."), code="idempotency_mismatch"
        )
    reply = Response(first.body, first.status, headers=dict(first.headers))
    reply.headers["Idempotency-Replayed"] = "true"
    return reply
