"""How the list of what waits for somebody is asked for and shown."""

from typing import Any, Final

from marshmallow import fields

from iew.domain.vocabularies import INBOX_KINDS
from iew.schemas.base import CodeList, View
from iew.schemas.lists import ListQuery, list_of

_PAGES: Final = {
    "review": "review/{id}",
    "school_approval": "schools/{id}",
    "match": "matches/{id}",
    "report": "matches/{id}",
    "returned": "posts/{id}/edit",
    "question": "questions/{id}",
    "delivery": "admin/jobs",
}
"""Kind -> the page on which the work is done."""


class InboxQuery(ListQuery):
    """Which kinds to list; all without one."""

    kind = CodeList(INBOX_KINDS, load_default=list)


class SubjectView(View):
    """The thing to deal with."""

    type = fields.String()
    id = fields.String()


class InboxItemView(View):
    """One thing that waits for you; `url` is the page on which you deal with it."""

    kind = fields.String()
    subject = fields.Nested(SubjectView)
    title = fields.String()
    since = fields.AwareDateTime()
    due_at = fields.AwareDateTime(allow_none=True)
    url = fields.Method("page_of")

    def page_of(self, item: Any) -> str:
        """The address of the page, below the language of the reader."""
        kind = "school_approval" if item.subject_type == "school" else item.kind  # an asked sign-up is returned too
        page = _PAGES[kind].format(id=item.subject_id)
        return f"/{item.language}/{page}"


InboxView = list_of(InboxItemView, "Inbox")
