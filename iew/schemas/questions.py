"""What is asked of the administrators, and how a thread is shown."""

from typing import Final

from marshmallow import fields

from iew.domain.questions import Status
from iew.schemas.base import Address, Code, CodeList, Input, NothingElse, Prose, View
from iew.schemas.lists import ListQuery, list_of

__all__ = [
    "NothingElse",
    "QuestionInput",
    "QuestionListQuery",
    "QuestionListView",
    "QuestionMessageInput",
    "QuestionView",
]

ABOUT: Final = ("invitation", "match", "school")
LONGEST: Final = 5000


class AboutInput(Input):
    """The thing a question is about."""

    type = Code(ABOUT, required=True)
    id = Code(required=True)


class QuestionInput(Input):
    """A question; `email` says where to answer somebody who is not signed in."""

    about = fields.Nested(AboutInput, load_default=None, allow_none=True)
    text = Prose(required=True, shortest=1, longest=LONGEST)
    email = Address(load_default=None, allow_none=True)


class QuestionMessageInput(Input):
    """The next message of a thread."""

    text = Prose(longest=LONGEST, load_default=None, allow_none=True)


class QuestionListQuery(ListQuery):
    """Which threads to list; several states are alternatives."""

    status = CodeList([status.value for status in Status], load_default=list)


class AboutView(View):
    """The thing a question is about."""

    type = fields.String()
    id = fields.String()


class QuestionMessageView(View):
    """A message of a thread, by the asker or by an administrator."""

    id = fields.String()
    text = fields.String()
    by_admin = fields.Boolean()
    created_at = fields.AwareDateTime()


class AskerView(View):
    """Who asks; for the administrators."""

    name = fields.String(allow_none=True)
    email = fields.String()
    role = fields.String(allow_none=True)
    school_id = fields.String(allow_none=True)
    unit_code = fields.String(allow_none=True)


class QuestionView(View):
    """A thread. `asker` is null for whoever asked."""

    id = fields.String(attribute="question.id")
    ref = fields.Constant(None)
    number = fields.String(attribute="question.number")
    version = fields.Integer(attribute="question.version")
    status = fields.String(attribute="question.status")
    created_at = fields.AwareDateTime(attribute="question.created_at")
    updated_at = fields.AwareDateTime(attribute="question.updated_at")
    available_actions = fields.List(fields.String())
    about = fields.Nested(AboutView, allow_none=True)
    language = fields.String(attribute="question.language")
    asker = fields.Nested(AskerView, allow_none=True)
    messages = fields.List(fields.Nested(QuestionMessageView), attribute="question.messages")


QuestionListView = list_of(QuestionView, "QuestionList")
