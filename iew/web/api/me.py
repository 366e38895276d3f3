"""The asker's own account."""

from typing import Any

from iew.db import Page
from iew.domain.actors import NAMES_WITHOUT_BODY
from iew.models import User, bodies_of
from iew.schemas.accounts import (
    Me,
    MeChange,
    MeView,
    OwnDataView,
    OwnSession,
    Reading,
    ReadingListView,
    SessionListView,
)
from iew.schemas.lists import ListQuery
from iew.services import accounts, units
from iew.uow import UnitOfWork
from iew.web.access import requires, rights_of
from iew.web.blueprint import Blueprint
from iew.web.conditional import if_match
from iew.web.context import current_actor, current_language, identity, say, unit_of_work

api = Blueprint("me", __name__, url_prefix="/api/v1", description="One's own account")


def _me(uow: UnitOfWork, user: User) -> Me:
    unit = units.own_unit(uow, current_actor()) if user.unit_code else None
    return Me(user, unit, rights_of(current_actor()))


@api.get("/me")
@requires("me.read")
@api.response(200, MeView)
def show_me() -> Me:
    """Who asks: role, school or unit, language, rights."""
    with unit_of_work() as uow:
        return _me(uow, uow.get(User, current_actor().user_id or ""))


@api.patch("/me")
@requires("me.change")
@api.arguments(MeChange)
@api.response(200, MeView)
def change_me(body: dict[str, Any]) -> Me:
    """Set one's language, time zone or name. `If-Match` is optional here: nobody else changes these."""
    with unit_of_work() as uow:
        return _me(uow, accounts.change_me(uow, current_actor(), body, seen_version=if_match()))


@api.get("/me/sessions")
@requires("me.read")
@api.response(200, SessionListView)
def list_sessions() -> Page[OwnSession]:
    """The browsers in which one is signed in."""
    known = identity()
    with unit_of_work() as uow:
        rows = accounts.sessions_of(uow, current_actor())
    here = known.session_id if known else None
    return Page([OwnSession(row, current=row.id == here) for row in rows], None, len(rows))


@api.delete("/me/sessions/<session_id>")
@requires("me.change")
@api.response(204)
def end_session(session_id: str) -> None:
    """Sign one of these browsers out, at once."""
    with unit_of_work() as uow:
        accounts.end_session(uow, session_id, current_actor())


@api.get("/me/contact-access-log")
@requires("me.read")
@api.arguments(ListQuery, location="query")
@api.response(200, ReadingListView)
def list_contact_readings(query: dict[str, Any]) -> Page[Reading]:
    """Who has read the contact data of one's school, latest first."""
    with unit_of_work() as uow:
        page = accounts.contact_access_log(uow, current_actor(), cursor=query["cursor"], limit=query["limit"])
        keys = {event: (event.actor_role, event.actor_body) for event in page.items}
        others = {kind: say(name) for kind, name in NAMES_WITHOUT_BODY.items()}
        bodies = bodies_of(uow.session, keys.values(), current_language(), others)
    return Page([Reading(event, bodies[keys[event]]) for event in page.items], page.next_cursor, page.total)


@api.get("/me/data")
@requires("me.read")
@api.response(200, OwnDataView)
def show_own_data() -> accounts.OwnData:
    """All that is kept about the asker, to take away."""
    with unit_of_work() as uow:
        return accounts.own_data(uow, current_actor())
