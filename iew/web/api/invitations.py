"""Posts: drafting, changing, deciding, renewing; their contact, their history, and passing them on."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from iew.db import Page
from iew.schemas.invitations import (
    ActionInput,
    ContactQuery,
    ContactView,
    ForwardInput,
    ForwardListView,
    ForwardResultView,
    HistoryView,
    InvitationChange,
    InvitationDraft,
    InvitationListQuery,
    InvitationListView,
    InvitationView,
    Seen,
)
from iew.schemas.lists import ListQuery
from iew.services import contacts, forwards, invitations
from iew.services.contacts import ContactShown
from iew.services.forwards import Forwarded
from iew.services.invitations import HistoryLine
from iew.web.access import requires
from iew.web.blueprint import Blueprint
from iew.web.conditional import if_match
from iew.web.context import current_actor, current_language, unit_of_work

P = ParamSpec("P")
api = Blueprint("invitations", __name__, url_prefix="/api/v1", description="Schools' offers and wishes")


def about(
    act: str | None = None, permit: Callable[..., Any] = invitations.permit
) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Ask whether the asker may do `act` (None: the action in the address) before looking at what was sent.

    Without it a stranger who sends nonsense would be told 422 about a post that is not his to know of.
    """

    def guard(view: Callable[P, Any]) -> Callable[P, Any]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            wanted = [act or kwargs["action"]] if permit is invitations.permit else []
            with unit_of_work() as uow:
                permit(uow, kwargs["invitation_id"], current_actor(), *wanted)
            return view(*args, **kwargs)

        return guarded

    return guard


@api.post("/invitations")
@requires("invitation.draft")
@api.arguments(InvitationDraft)
@api.response(201, InvitationView)
def draft(values: dict[str, Any]) -> Seen:
    """Save a draft. Its title and the language it is written in are enough for that."""
    with unit_of_work() as uow:
        return Seen(invitations.draft(uow, values, current_actor()), current_actor())


@api.get("/invitations")
@requires("invitation.read")
@api.arguments(InvitationListQuery, location="query")
@api.response(200, InvitationListView)
def list_invitations(query: dict[str, Any]) -> Page[Seen]:
    """With `mine=true` the posts of one's own school, else what is public, newest first."""
    mine, statuses = query.pop("mine"), query.pop("status")
    with unit_of_work() as uow:
        if mine:
            page = invitations.list_own(uow, current_actor(), statuses=statuses, **query)
        else:
            page = invitations.list_public(uow, **query)
        return Page([Seen(post, current_actor()) for post in page.items], page.next_cursor, page.total)


@api.get("/invitations/<invitation_id>")
@requires("invitation.read")
@api.response(200, InvitationView)
def show(invitation_id: str) -> Seen:
    """One post."""
    with unit_of_work() as uow:
        return Seen(invitations.read(uow, invitation_id, current_actor()), current_actor())


@api.patch("/invitations/<invitation_id>")
@requires("invitation.change")
@about("change")
@api.arguments(InvitationChange)
@api.response(200, InvitationView)
def change(values: dict[str, Any], invitation_id: str) -> Seen:
    """Change fields; a published post gets a draft revision, and its public text stays as it is."""
    with unit_of_work() as uow:
        post = invitations.change(uow, invitation_id, values, current_actor(), seen_version=if_match(required=True))
        return Seen(post, current_actor())


@api.delete("/invitations/<invitation_id>")
@requires("invitation.delete")
@about("delete")
@api.response(204)
def delete(invitation_id: str) -> None:
    """Delete a draft."""
    with unit_of_work() as uow:
        invitations.delete(uow, invitation_id, current_actor(), seen_version=if_match())


@api.post("/invitations/<invitation_id>/actions/<action>")
@requires("invitation.act")
@about()
@api.arguments(ActionInput)
@api.response(200, InvitationView)
def act(values: dict[str, Any], invitation_id: str, action: str) -> Seen:
    """submit, publish, return, reject, withdraw, close, renew; the first four act on the revision of a public post."""
    with unit_of_work() as uow:
        post = invitations.act(uow, invitation_id, action, current_actor(), values, seen_version=if_match())
        return Seen(post, current_actor())


@api.get("/invitations/<invitation_id>/history")
@requires("invitation.history")
@api.response(200, HistoryView)
def history(invitation_id: str) -> Page[HistoryLine]:
    """Who did what when; for the school and the administrator."""
    with unit_of_work() as uow:
        lines = invitations.history(uow, invitation_id, current_actor(), language=current_language())
        return Page(lines, None, len(lines))


@api.get("/invitations/<invitation_id>/contact")
@requires("invitation.contact")
@about(permit=contacts.check)
@api.arguments(ContactQuery, location="query")
@api.response(200, ContactView)
def contact(query: dict[str, Any], invitation_id: str) -> ContactShown:
    """Whom to write to, for those who may know; its owner sees who read it. An administrator says why (`reason`)."""
    with unit_of_work() as uow:
        return contacts.read(uow, invitation_id, current_actor(), reason=query["reason"])


@api.post("/invitations/<invitation_id>/forward")
@requires("invitation.forward")
@about(permit=forwards.permit)
@api.arguments(ForwardInput)
@api.response(200, ForwardResultView)
def forward(values: dict[str, Any], invitation_id: str) -> Forwarded:
    """Pass a public post on to schools of the unit's area: a list of ids, or an object of criteria."""
    with unit_of_work() as uow:
        return forwards.forward(uow, invitation_id, values["school_ids"], current_actor(), note=values["note"])


@api.get("/invitations/<invitation_id>/forwards")
@requires("invitation.forwards")
@api.arguments(ListQuery, location="query")
@api.response(200, ForwardListView)
def list_forwards(query: dict[str, Any], invitation_id: str) -> Page[Any]:
    """To which schools the asker's unit passed the post on; the administrator sees all units'."""
    with unit_of_work() as uow:
        return forwards.list_of(uow, invitation_id, current_actor(), **query)
