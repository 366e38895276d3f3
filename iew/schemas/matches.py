"""What is said about a match, and what each party reads of it.

Which notes, names and reasons a reader gets was decided by `iew.services.cases`; here they only get their names.
Details that an action needs are optional in form, because the rules first say whether the asker may act at all.
"""

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import fields, post_dump

from iew.domain import vocabularies
from iew.domain.matches import Direction, HandlerKind, Status, Via
from iew.schemas.base import Code, CodeList, Day, Input, Line, NothingElse, Prose, View, Whole
from iew.schemas.invitations import COUNTY, BodyView, ContactView, Country, SchoolOfPostView
from iew.schemas.lists import Flag, ListQuery, list_of

__all__ = [
    "AgreeInput",
    "CancelInput",
    "ContactsQuery",
    "DeclineInput",
    "MatchContactsView",
    "MatchInput",
    "MatchListQuery",
    "MatchListView",
    "MatchView",
    "MessageInput",
    "MessageListView",
    "MessageView",
    "NothingElse",
    "ProposeInput",
    "ReasonInput",
    "ReportInput",
    "RouteInput",
]

MESSAGE_LENGTH: Final = 5000
REASON_LENGTH: Final = 2000
_UNITS: Final = (HandlerKind.IERC.value, HandlerKind.OFFICE.value)
_ONE_FROM: Final = r"[A-Z]{2}-[A-Z0-9]{1,3}"


# what is asked and answered


class WishInput(Input):
    """What a school looks for where it has found no post: a place on the other side, and kinds of exchange."""

    country = Country(load_default=None, allow_none=True)
    subdivision = Code(pattern=_ONE_FROM, load_default=None, allow_none=True)
    county = Code(pattern=COUNTY, load_default=None, allow_none=True)
    levels = CodeList(vocabularies.LEVELS, load_default=list)
    exchange_types = CodeList(vocabularies.EXCHANGE_TYPES, load_default=list)
    languages = CodeList(vocabularies.LANGUAGES, load_default=list)


class MatchInput(Input):
    """A request: about a post, directly or with help, or a wish for which a partner is sought."""

    via = Code([via.value for via in Via], required=True)
    message = Prose(required=True, shortest=1, longest=MESSAGE_LENGTH)
    invitation_id = Code(load_default=None, allow_none=True)
    from_invitation_id = Code(load_default=None, allow_none=True)
    wish = fields.Nested(WishInput, load_default=None, allow_none=True)


class HandlerInput(Input):
    """A unit."""

    kind = Code(_UNITS, required=True)
    code = Code(required=True)


class RouteInput(Input):
    """To which unit a case goes."""

    handler = fields.Nested(HandlerInput, load_default=None, allow_none=True)


class ReasonInput(Input):
    """Why."""

    reason = Prose(longest=REASON_LENGTH, load_default=None, allow_none=True)


class CancelInput(ReasonInput):
    """Why it is called off; needed once both schools have agreed."""


class ProposeInput(Input):
    """Which school is asked, and what it should know."""

    school_id = Code(load_default=None, allow_none=True)
    note = Prose(longest=REASON_LENGTH, load_default=None, allow_none=True)


class AgreeInput(Input):
    """Which school the unit has brought to agree."""

    school_id = Code(load_default=None, allow_none=True)


class DeclineInput(Input):
    """Why a school says no."""

    reason_code = Code(vocabularies.DECLINE_REASONS, load_default=None, allow_none=True)
    note = Prose(longest=REASON_LENGTH, load_default=None, allow_none=True)


class ReportInput(Input):
    """What came of it."""

    summary = Prose(longest=MESSAGE_LENGTH, load_default=None, allow_none=True)
    held_on = Day(load_default=None, allow_none=True)
    students = Whole(load_default=None, allow_none=True)
    teachers = Whole(load_default=None, allow_none=True)


class MessageInput(Input):
    """What somebody writes to the others of a case."""

    text = Prose(longest=MESSAGE_LENGTH, load_default=None, allow_none=True)


class MatchListQuery(ListQuery):
    """Which cases to list; several states are alternatives."""

    status = CodeList([status.value for status in Status], load_default=list)
    direction = Code([direction.value for direction in Direction], load_default=None)
    via = Code([via.value for via in Via], load_default=None)
    overdue = Flag(load_default=None)
    handler = Code(load_default=None)
    invitation_id = Code(load_default=None)


class ContactsQuery(Input):
    """An administrator says why the contacts are read."""

    reason = Line(longest=300, load_default=None, allow_none=True)


# what readers see


class HandlerView(View):
    """Who has the case: a centre, an office or the administrator."""

    kind = fields.String()
    code = fields.String(allow_none=True)
    name = fields.String()


class PostOfMatchView(View):
    """A post, in short."""

    id = fields.String()
    ref = fields.String(allow_none=True)
    number = fields.String()
    title = fields.String()
    status = fields.String()
    exchange_types = fields.List(fields.String())
    languages = fields.List(fields.String())
    levels = fields.List(fields.String())
    grades = fields.List(fields.Integer())
    periods = fields.List(fields.Dict())
    group = fields.Dict(allow_none=True)
    expires_on = fields.Date(allow_none=True)
    school = fields.Nested(SchoolOfPostView)


class ProposalView(View):
    """A school that the unit asked, and what it answered."""

    school = fields.Nested(SchoolOfPostView)
    status = fields.String()
    proposed_at = fields.AwareDateTime()
    answered_at = fields.AwareDateTime(allow_none=True)
    note = fields.String(allow_none=True)
    reason_code = fields.String(allow_none=True)
    answer_note = fields.String(allow_none=True)


class StepView(View):
    """One thing that happened to a case; people stand for their school or unit."""

    action = fields.String()
    at = fields.AwareDateTime()
    by = fields.Nested(BodyView)
    status = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    reason_code = fields.String(allow_none=True)
    school = fields.Nested(BodyView, allow_none=True)
    unit = fields.Nested(BodyView, allow_none=True)


class ReportView(View):
    """What one of the schools told of the exchange."""

    school_id = fields.String()
    summary = fields.String()
    held_on = fields.Date()
    students = fields.Integer()
    teachers = fields.Integer()
    created_at = fields.AwareDateTime()


class MatchLineView(View):
    """A case in a list. `suggested_handler` is there for the administrator alone."""

    id = fields.String(attribute="match.id")
    ref = fields.Constant(None)
    number = fields.String(attribute="match.number")
    version = fields.Integer(attribute="match.version")
    status = fields.String(attribute="match.status")
    created_at = fields.AwareDateTime(attribute="match.created_at")
    updated_at = fields.AwareDateTime(attribute="match.updated_at")
    available_actions = fields.List(fields.String())
    via = fields.String(attribute="match.via")
    direction = fields.String(attribute="match.direction")
    since = fields.AwareDateTime(attribute="match.since")
    due_at = fields.AwareDateTime(attribute="match.due_at", allow_none=True)
    overdue = fields.Boolean(attribute="match.overdue")
    handler = fields.Nested(HandlerView, allow_none=True)
    suggested_handler = fields.Nested(HandlerView, allow_none=True)
    handed_back_reason = fields.String(allow_none=True)
    asking_school = fields.Nested(SchoolOfPostView, attribute="match.asking_school")
    partner = fields.Nested(SchoolOfPostView, allow_none=True)
    invitation = fields.Nested(PostOfMatchView, attribute="match.invitation", allow_none=True)
    from_invitation = fields.Nested(PostOfMatchView, attribute="match.from_invitation", allow_none=True)
    wish = fields.Dict(attribute="match.wish", allow_none=True)
    message = fields.String(attribute="match.message")
    proposals = fields.List(fields.Nested(ProposalView))
    unread_messages = fields.Integer()

    @post_dump(pass_original=True)
    def only_for_admin(self, shown: dict[str, Any], seen: Any, **_: Any) -> dict[str, Any]:
        """Leave out what none but the administrator may know of."""
        hidden: Mapping[str, Any] = {} if seen.for_admin else {"suggested_handler": None, "handed_back_reason": None}
        return {name: value for name, value in shown.items() if name not in hidden}


class MatchView(MatchLineView):
    """A case as a whole, as far as the asker may see it."""

    agreed_at = fields.AwareDateTime(attribute="match.agreed_at", allow_none=True)
    ended_at = fields.AwareDateTime(attribute="match.ended_at", allow_none=True)
    reason = fields.String(allow_none=True)
    reason_code = fields.String(allow_none=True)
    parallel_requests = fields.Integer(allow_none=True)
    timeline = fields.List(fields.Nested(StepView))
    reports = fields.List(fields.Nested(ReportView))


MatchListView = list_of(MatchLineView, "MatchList")


class SideContactView(ContactView):
    """Whom to write to on one side."""

    side = fields.String()
    school = fields.Nested(SchoolOfPostView)


MatchContactsView = list_of(SideContactView, "MatchContacts")


class MessageView(View):
    """A message of a case; its author stands for a school or a unit."""

    id = fields.String()
    text = fields.String()
    created_at = fields.AwareDateTime()
    by = fields.Nested(BodyView)
    mine = fields.Boolean()


MessageListView = list_of(MessageView, "MessageList")
