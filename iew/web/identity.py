"""Who asks: by a bearer token, or by the cookie of a sign-in.

Both ways end in the same checks, so that a disabled account or a changed school is seen at the next request whatever
key was used.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from flask import Request, session

from iew.domain.actors import Actor
from iew.errors import N_, NotSignedIn
from iew.services import accounts
from iew.uow import UnitOfWork
from iew.web.house import House

SESSION_KEY: Final = "key"


class Via(StrEnum):
    TOKEN = "token"  # noqa: S105 - the name of a way, not a secret
    COOKIE = "cookie"


@dataclass(frozen=True)
class Identity:
    """A signed-in person. session_id: the sign-in of a browser; None for a token."""

    user_id: str
    actor: Actor
    via: Via
    session_id: str | None = None


def identify(uow: UnitOfWork, request: Request, house: House) -> Identity | None:
    """The person behind the request; None for a visitor.

    Raises NotSignedIn where a token is shown that opens nothing: going on as a visitor would hide the mistake.
    """
    if "Authorization" in request.headers:
        return _by_token(uow, request, house)
    return _by_cookie(uow, house)


def _by_token(uow: UnitOfWork, request: Request, house: House) -> Identity:
    given = request.authorization
    key = given.token if given is not None and given.type == "bearer" else None
    token = accounts.token_of(uow, key) if key else None
    if token is None:
        raise NotSignedIn(N_("This token is not valid (any more). Make a new one."))
    if accounts.is_due_to_be_noted(token, uow.now):
        with house.unit_of_work() as apart:
            accounts.mark_used(apart, token.id)
    return Identity(token.user_id, token.user.as_actor(), Via.TOKEN)


def _by_cookie(uow: UnitOfWork, house: House) -> Identity | None:
    key = session.get(SESSION_KEY)
    sign_in = accounts.sign_in_of(uow, key) if isinstance(key, str) else None
    if sign_in is None:
        return None
    if accounts.is_due_to_be_seen(sign_in, uow.now):
        with house.unit_of_work() as apart:
            accounts.mark_seen(apart, sign_in.id)
    return Identity(sign_in.user_id, sign_in.user.as_actor(), Via.COOKIE, sign_in.id)
