"""`@requires`: the guard at every door, and the frame around every view.

In this order: who asks, whether they get in at all, whether the call is forged, then the view, all in one transaction
that is committed once the reply is built.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, ParamSpec

from flask import Response, current_app, g, request

from iew.domain.actors import Actor, Role
from iew.errors import N_, Invalid, NotAllowed, NotFound, NotSignedIn, Text
from iew.web import conditional, csrf, idempotency
from iew.web.blueprint import with_etag
from iew.web.context import current_actor, house, identity
from iew.web.permissions import PERMISSIONS, Kind, Permission

P = ParamSpec("P")
NAME_OF_PERMISSION: Final = "permission"
"""Attribute of a guarded view."""
LONGEST_PART: Final = 500
"""Of an address; signed links of mails are the longest."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def requires(name: str) -> Callable[[Callable[P, Any]], Callable[P, Response]]:
    """Let in whom the permission `name` admits, and run the view in the transaction of the request.

    It stands directly below the route, above all other decorators. Raises KeyError at import for a name that is not in
    the table.
    """
    permission = PERMISSIONS[name]

    def guard(view: Callable[P, Any]) -> Callable[P, Response]:
        queried = _reads_a_query(view)

        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
            with house().unit_of_work() as uow:
                g.uow, g.permission = uow, name
                try:
                    admit(permission)
                    if not queried:
                        _refuse_parameters()
                    reply = idempotency.answer(uow, permission, lambda: _reply_of(view(*args, **kwargs)))
                    conditional.settle(reply)
                finally:
                    del g.uow
            return reply

        setattr(guarded, NAME_OF_PERMISSION, name)
        return guarded

    return guard


def _reply_of(returned: Any) -> Response:
    return with_etag(current_app.make_response(returned))


def _reads_a_query(view: Callable[..., Any]) -> bool:
    """Whether a view of the API reads its query by a schema, which refuses what it does not know."""
    documented: dict[str, Any] = getattr(view, "_apidoc", {}).get("arguments", {})
    return any(parameter.get("in") == "query" for parameter in documented.get("parameters", ()))


def _refuse_parameters() -> None:
    """A parameter that nobody reads is refused: it may have been meant to narrow what is shown."""
    if request.args and request.path.startswith("/api/v1/"):
        raise Invalid({name: [Text(N_("There is no such parameter."))] for name in request.args})


def _check_address() -> None:
    """Raise NotFound for an address that no object can have; the database would only choke on it."""
    for value in (request.view_args or {}).values():
        if isinstance(value, str) and (len(value) > LONGEST_PART or not value.isprintable()):
            raise NotFound


def admit(permission: Permission) -> None:
    """Raise NotSignedIn or NotAllowed where the asker does not get in."""
    if not permission.identifies:
        return
    _check_address()
    actor = current_actor()
    if permission.who is not None:
        if not actor.signed_in:
            raise NotSignedIn
        if actor.role not in permission.who:
            raise NotAllowed
    if request.method not in SAFE_METHODS:
        csrf.check(identity(), permission)
    check_standing(actor, permission.kind)


def rights_of(actor: Actor) -> list[str]:
    """The names of the permissions that admit `actor` now."""
    return [name for name, permission in PERMISSIONS.items() if _admits(permission, actor)]


def _admits(permission: Permission, actor: Actor) -> bool:
    if permission.who is not None and actor.role not in permission.who:
        return False
    try:
        check_standing(actor, permission.kind)
    except NotAllowed:
        return False
    return True


def check_standing(actor: Actor, kind: Kind) -> None:
    """Raise NotAllowed where an address or a school must be confirmed first."""
    if kind is not Kind.WRITE or not actor.signed_in:
        return
    if actor.role is Role.SCHOOL and not actor.school_approved:
        raise NotAllowed(
            N_("Your school waits for approval. You can prepare drafts meanwhile."), code="school_unverified"
        )
    if not actor.email_confirmed:
        raise NotAllowed(
            N_("Please confirm your mail address first: open the link in the mail we sent you."),
            code="email_unverified",
        )
