"""Possible partners of a post, as they are shown."""

from typing import Final

from marshmallow import fields

from iew.errors import N_
from iew.schemas.base import View
from iew.schemas.invitations import InvitationView
from iew.schemas.lists import list_of

READ_BY_A_SCHOOL: Final = {
    "shared_language": N_("You share a language: %(what)s"),
    "same_level": N_("Same school level: %(what)s"),
    "near_level": N_("Near school level: %(what)s"),
    "grades_overlap": N_("Same grades: %(what)s"),
    "topic_shared": N_("Same topics: %(what)s"),
    "theme_shared": N_("Both texts speak of: %(what)s"),
    "type_fits": N_("Types of exchange that go together: %(what)s"),
    "dates_meet": N_("The dates meet: %(what)s"),
    "group_size": N_("Groups of similar size: %(what)s students"),
    "wished_country": N_("In a country you named: %(what)s"),
    "wished_county": N_("In a county you named: %(what)s"),
    "wishes_country": N_("They named your country: %(what)s"),
    "wishes_county": N_("They named your county: %(what)s"),
    "homestay_fits": N_("Host families: %(what)s"),
}
"""Reason -> its sentence, with what the two have in common."""

VOCABULARY_OF: Final = {
    "shared_language": "language",
    "same_level": "level",
    "near_level": "level",
    "grades_overlap": "grade",
    "type_fits": "exchange_type",
    "wished_country": "country",
    "wished_county": "county",
    "wishes_country": "country",
    "wishes_county": "county",
    "homestay_fits": "homestay",
}
"""Reason -> the vocabulary of its values, where these are codes."""


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
