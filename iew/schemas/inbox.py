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
_PAGES_OF_SUBJECTS: Final = {"school": "schools/{id}", "user": "admin/users?mail=refused"}
"""The same for subjects of several kinds: a school waits for approval, is asked something, or gets no mail."""


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
        page = _PAGES_OF_SUBJECTS.get(item.subject_type) or _PAGES[item.kind]
        return f"/{item.language}/{page.format(id=item.subject_id)}"


InboxView = list_of(InboxItemView, "Inbox")
