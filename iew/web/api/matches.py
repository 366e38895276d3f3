"""Matches: asking, acting, reading, talking."""

from collections.abc import Mapping
from typing import Any

from iew.db import Page
from iew.schemas.lists import ListQuery
from iew.schemas.matches import (
    AgreeInput,
    CancelInput,
    ContactsQuery,
    DeclineInput,
    MatchContactsView,
    MatchInput,
    MatchListQuery,
    MatchListView,
    MatchView,
    MessageInput,
    MessageListView,
    MessageView,
    NothingElse,
    ProposeInput,
    ReasonInput,
    ReportInput,
    RouteInput,
)
from iew.services import cases, match_contacts, matches, messages
from iew.services.cases import Filters, Seen
from iew.services.match_contacts import SideContact
from iew.services.messages import MessageSeen
from iew.web.access import requires
from iew.web.blueprint import Blueprint
from iew.web.conditional import if_match
from iew.web.context import current_actor, current_language, unit_of_work

Values = Mapping[str, Any]

api = Blueprint("matches", __name__, url_prefix="/api/v1", description="One school's wish to exchange with another")


@api.post("/matches")
@requires("match.ask")
@api.arguments(MatchInput)
@api.response(201, MatchView)
def ask(values: Values) -> Seen:
    """Ask about a post, or for help with a wish; `direction` and `handler` say where it goes."""
    with unit_of_work() as uow:
        match = matches.ask(uow, values, current_actor())
        return cases.seen(uow, match, current_actor(), language=current_language())


@api.get("/matches")
@requires("match.read")
@api.arguments(MatchListQuery, location="query")
@api.response(200, MatchListView)
def listed(query: dict[str, Any]) -> Page[Seen]:
    """The cases you may know of, newest first."""
    cursor, limit = query.pop("cursor"), query.pop("limit")
    with unit_of_work() as uow:
        return cases.listed(
            uow, Filters(**query), current_actor(), language=current_language(), cursor=cursor, limit=limit
        )


@api.get("/matches/<match_id>")
@requires("match.read")
@api.response(200, MatchView)
def look(match_id: str) -> Seen:
    """One case, with what happened to it and what you can do now."""
    with unit_of_work() as uow:
        return cases.look(uow, match_id, current_actor(), language=current_language())


@api.post("/matches/<match_id>/actions/route")
@requires("match.act")
@api.arguments(RouteInput)
@api.response(200, MatchView)
def route(values: Values, match_id: str) -> Seen:
    """Give a case to another unit."""
    with unit_of_work() as uow:
        match = matches.route_by_hand(uow, match_id, values["handler"], current_actor(), seen_version=if_match())
        return cases.seen(uow, match, current_actor(), language=current_language())


@api.post("/matches/<match_id>/actions/accept")
@requires("match.act")
@api.arguments(NothingElse)
@api.response(200, MatchView)
def accept(_: Values, match_id: str) -> Seen:
    """Take a case up, or say yes to a request or a proposal."""
    with unit_of_work() as uow:
        match = matches.accept(uow, match_id, current_actor(), seen_version=if_match())
        return cases.seen(uow, match, current_actor(), language=current_language())


@api.post("/matches/<match_id>/actions/hand_back")
@requires("match.act")
@api.arguments(ReasonInput)
@api.response(200, MatchView)
def hand_back(values: Values, match_id: str) -> Seen:
    """Give a case back to the administrator; you do not see it any more afterwards."""
    with unit_of_work() as uow:
        match = matches.hand_back(uow, match_id, values["reason"], current_actor(), seen_version=if_match())
        return cases.seen(uow, match, current_actor(), language=current_language())


@api.post("/matches/<match_id>/actions/propose")
@requires("match.act")
@api.arguments(ProposeInput)
@api.response(200, MatchView)
def propose(values: Values, match_id: str) -> Seen:
    """Ask a school whether it wants this exchange."""
    with unit_of_work() as uow:
        match = matches.propose(uow, match_id, actor=current_actor(), seen_version=if_match(), **values)
        return cases.seen(uow, match, current_actor(), language=current_language())


@api.post("/matches/<match_id>/actions/agree")
@requires("match.act")
@api.arguments(AgreeInput)
@api.response(200, MatchView)
def agree(values: Values, match_id: str) -> Seen:
    """Record that both schools have said yes."""
    with unit_of_work() as uow:
        match = matches.agree(uow, match_id, values["school_id"], current_actor(), seen_version=if_match())
        return cases.seen(uow, match, current_actor(), language=current_language())


@api.post("/matches/<match_id>/actions/decline")
@requires("match.act")
@api.arguments(DeclineInput)
@api.response(200, MatchView)
def decline(values: Values, match_id: str) -> Seen:
    """Say no to a request or a proposal."""
    with unit_of_work() as uow:
        match = matches.decline(uow, match_id, actor=current_actor(), seen_version=if_match(), **values)
        return cases.seen(uow, match, current_actor(), language=current_language())


@api.post("/matches/<match_id>/actions/not_found")
@requires("match.act")
@api.arguments(ReasonInput)
@api.response(200, MatchView)
def not_found(values: Values, match_id: str) -> Seen:
    """Give up looking for a partner."""
    with unit_of_work() as uow:
        match = matches.not_found(uow, match_id, values["reason"], current_actor(), seen_version=if_match())
        return cases.seen(uow, match, current_actor(), language=current_language())


@api.post("/matches/<match_id>/actions/cancel")
@requires("match.act")
@api.arguments(CancelInput)
@api.response(200, MatchView)
def cancel(values: Values, match_id: str) -> Seen:
    """Call it off."""
    with unit_of_work() as uow:
        match = matches.cancel(uow, match_id, current_actor(), reason=values["reason"], seen_version=if_match())
        return cases.seen(uow, match, current_actor(), language=current_language())


@api.post("/matches/<match_id>/actions/report")
@requires("match.act")
@api.arguments(ReportInput)
@api.response(200, MatchView)
def report(values: Values, match_id: str) -> Seen:
    """Tell what came of the exchange."""
    with unit_of_work() as uow:
        match = matches.report(uow, match_id, current_actor(), seen_version=if_match(), **values)
        return cases.seen(uow, match, current_actor(), language=current_language())


@api.post("/matches/<match_id>/actions/<action>")
@requires("match.act")
def refuse(match_id: str, action: str) -> None:
    """Any other action is refused: those that only the house takes, and those that nobody knows."""
    with unit_of_work() as uow:
        matches.refuse(uow, match_id, action, current_actor())


@api.get("/matches/<match_id>/contacts")
@requires("match.contacts")
@api.arguments(ContactsQuery, location="query")
@api.response(200, MatchContactsView)
def contacts(query: Values, match_id: str) -> Page[SideContact]:
    """Both sides' contacts, once they are released; each reading is recorded for their owners."""
    with unit_of_work() as uow:
        found = match_contacts.read(uow, match_id, current_actor(), reason=query["reason"])
        return Page(found, None, len(found))


@api.get("/matches/<match_id>/messages")
@requires("match.read_messages")
@api.arguments(ListQuery, location="query")
@api.response(200, MessageListView)
def read_messages(query: Values, match_id: str) -> Page[MessageSeen]:
    """What was written in a case, oldest first; what you read counts as read."""
    with unit_of_work() as uow:
        return messages.read(uow, match_id, current_actor(), language=current_language(), **query)


@api.post("/matches/<match_id>/messages")
@requires("match.write_message")
@api.arguments(MessageInput)
@api.response(201, MessageView)
def write_message(values: Values, match_id: str) -> MessageSeen:
    """Write to the others of a case."""
    with unit_of_work() as uow:
        return messages.write(uow, match_id, values["text"], current_actor(), language=current_language())
