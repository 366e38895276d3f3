"""What a view may ask of the request it serves: the house, the transaction, the person, the language.

One request is one transaction. `requires` opens it, the view's `with unit_of_work()` joins it, and it is committed
after the reply was built; so the reply can still read from it, and a repeated POST is remembered in the very same
transaction as the change.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import current_app, g, has_request_context, request

from iew import i18n
from iew.domain.actors import VISITOR, Actor
from iew.errors import NotSignedIn
from iew.models import User
from iew.uow import UnitOfWork
from iew.web.house import House
from iew.web.identity import Identity, identify

EXTENSION = "iew"


def house() -> House:
    """The house this application was made for."""
    found: House = current_app.extensions[EXTENSION]
    return found


@contextmanager
def unit_of_work() -> Iterator[UnitOfWork]:
    """The transaction of this request, or one of its own where the request has none open.

    An error inside undoes all that the request did so far, also where the caller catches it to show a form again.
    """
    joined: UnitOfWork | None = g.get("uow")
    if joined is None:
        with house().unit_of_work() as own:
            yield own
        return
    try:
        yield joined
        joined.session.flush()
    except BaseException:
        joined.roll_back()
        raise


@contextmanager
def lasting_unit_of_work() -> Iterator[UnitOfWork]:
    """As `unit_of_work`, but kept at its end whatever the reply becomes: a failed sign-in must be counted."""
    with unit_of_work() as uow:
        yield uow
    if uow is g.get("uow"):
        uow.commit()


def identity() -> Identity | None:
    """Who asks and how they proved it; None for a visitor. Raises NotSignedIn for a key that opens nothing."""
    if "identity" not in g:
        g.identity = None  # should the look-up fail, the error page takes the asker for a visitor
        with unit_of_work() as uow:
            g.identity = identify(uow, request, house())
    found: Identity | None = g.identity
    return found


def current_actor() -> Actor:
    """Who asks, as the rules see them."""
    known = identity()
    return known.actor if known else VISITOR


def current_user() -> User:
    """The person's own row, in the transaction of this request. Raises NotSignedIn."""
    known = identity()
    if known is None:
        raise NotSignedIn
    with unit_of_work() as uow:
        return uow.get(User, known.user_id)


def current_language() -> str:
    """The interface language: of the page's address, of the request's header, of the person, else English."""
    named = (request.view_args or {}).get("lang") or request.path[1:].partition("/")[0]  # also where no page is there
    if named in i18n.LANGUAGES:
        return str(named)
    known: Identity | None = g.get("identity")
    own = known.actor.language if known else "en"
    return i18n.negotiate([tag for tag, _ in request.accept_languages], default=own)


def current_timezone() -> str:
    """The zone in which times are shown to the asker."""
    known: Identity | None = g.get("identity")
    return known.actor.timezone if known else house().zone


def say(text: Any) -> str:
    """A marked sentence in the language of the request."""
    return i18n.say(text, current_language() if has_request_context() else "en")
