"""What a reviewer reads of a text that waits."""

from dataclasses import dataclass
from typing import Any

from marshmallow import fields, pre_dump

from iew.domain.actors import Actor
from iew.models import Invitation
from iew.schemas.base import View
from iew.schemas.invitations import InvitationView, Seen
from iew.schemas.lists import list_of


@dataclass(frozen=True)
class Waiting:
    """A waiting text (`iew.services.review.ReviewCase`) as it is shown to one reviewer."""

    case: Any
    actor: Actor


class ChangeView(View):
    """A field that differs from what was read last; of a contact only that it does."""

    field = fields.String()
    before = fields.Raw(allow_none=True)
    after = fields.Raw(allow_none=True)


class HintView(View):
    """Something to look at twice: contact data in a public text, or a name that only looks like another."""

    code = fields.String()
    field = fields.String()
    text = fields.String()


class OtherPostView(View):
    """Another post of the same school."""

    id = fields.String()
    number = fields.String()
    title = fields.String()
    status = fields.String()


class OpenedByView(View):
    """A colleague who has the case open at the moment."""

    name = fields.String()
    at = fields.AwareDateTime()


class ReviewCaseView(InvitationView):
    """A post with what helps to decide on it. Of a `kind` revision the new text stands in `revision`."""

    kind = fields.String()
    since = fields.AwareDateTime()
    first = fields.Boolean()
    changed = fields.List(fields.Nested(ChangeView))
    hints = fields.List(fields.Nested(HintView))
    others = fields.List(fields.Nested(OtherPostView))
    opened = fields.Nested(OpenedByView, allow_none=True)

    @pre_dump
    def for_asker(self, waiting: Any, **options: Any) -> dict[str, Any]:
        """What this reviewer reads: the post, and the notes on it."""
        post: Invitation = waiting.case.invitation
        shown: dict[str, Any] = super().for_asker(Seen(post, waiting.actor), **options)
        return shown | {name: getattr(waiting.case, name) for name in _NOTES}


_NOTES = ("kind", "since", "first", "changed", "hints", "others", "opened")
ReviewQueueView = list_of(ReviewCaseView, "ReviewQueue")
