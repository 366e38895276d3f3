"""Who finds what in the navigation: one table, in the order of the bar.

An entry whose page is not there is left out, and what somebody may not open is not offered.
"""

from dataclasses import dataclass
from typing import Final

from flask import current_app, request, url_for
from sqlalchemy.exc import SQLAlchemyError

from iew.domain.actors import Actor, Role
from iew.errors import N_
from iew.i18n import say
from iew.services import cases
from iew.web.context import current_actor, current_language, unit_of_work

EVERYBODY: Final = frozenset({None, *Role})
VISITORS: Final = frozenset({None})
SCHOOLS: Final = frozenset({Role.SCHOOL})
UNITS: Final = frozenset({Role.IERC, Role.OFFICE})
ADMIN: Final = frozenset({Role.IEW_ADMIN})
OPERATORS: Final = frozenset({Role.IEW_ADMIN, Role.SYSTEM_ADMIN})
SIGNED_IN: Final = frozenset(Role)


@dataclass(frozen=True)
class Link:
    """One entry of the bar, as it is shown."""

    url: str
    label: str
    here: bool
    unread: int = 0
    """Messages behind it that the reader has not read."""


_MESSAGES: Final = "matches.listed"
_BAR: Final = (
    (EVERYBODY, "search.results", N_("Find a partner")),
    (SIGNED_IN, "inbox.waiting", N_("To do")),
    (SCHOOLS, "invitations.mine", N_("Our invitations")),
    (SCHOOLS, "matches.listed", N_("Our exchanges")),
    (UNITS | ADMIN, "matches.listed", N_("Cases")),
    (ADMIN, "review.queue", N_("Review")),
    (UNITS | ADMIN, "schools.listed", N_("Schools")),
    (UNITS | ADMIN, "pairings.listed", N_("Pairings")),
    (UNITS, "unit.show", N_("Our unit")),
    (OPERATORS, "admin.overview", N_("Operation")),
    (UNITS | ADMIN, "statistics.figures", N_("Figures")),
    (EVERYBODY, "directory.listed", N_("Centres and offices")),
    (VISITORS, "home.how", N_("How it works")),
)


def links_for(actor: Actor | None = None) -> list[Link]:
    """The bar of the reader."""
    reader = actor or current_actor()
    role, language = reader.role, current_language()
    unread = _unread(reader)
    return [
        Link(
            url_for(endpoint, lang=language),
            say(label, language),
            here=_is_here(endpoint),
            unread=unread if endpoint == _MESSAGES else 0,
        )
        for who, endpoint, label in _BAR
        if role in who and endpoint in current_app.view_functions
    ]


def _unread(reader: Actor) -> int:
    """Messages that the reader has not read; none while the database is away, for then the page has other news."""
    if not reader.signed_in:
        return 0
    try:
        with unit_of_work() as uow:
            return cases.unread_total(uow, reader)
    except SQLAlchemyError:
        return 0


def _is_here(endpoint: str) -> bool:
    """Whether the page that is read belongs to this entry."""
    here = request.endpoint or ""
    room = endpoint.partition(".")[0]
    return here == endpoint or (room != "home" and here.partition(".")[0] == room)
