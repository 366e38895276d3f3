"""Possible partners of a post, as they are shown."""

from marshmallow import fields

from iew.schemas.base import View
from iew.schemas.invitations import InvitationView
from iew.schemas.lists import list_of


class ReasonView(View):
    """Why a post fits: a stable code, and a sentence in the reader's language."""

    code = fields.String()
    label = fields.String()


class SuggestionView(View):
    """A post that could become a partner. score: 0 to 1."""

    invitation = fields.Nested(InvitationView)
    score = fields.Float()
    reasons = fields.List(fields.Nested(ReasonView))


SuggestionListView = list_of(SuggestionView)
