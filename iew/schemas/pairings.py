"""How many schools of both sides are brought together, and the board on which their unit works."""

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import ValidationError, fields

from iew.domain import vocabularies
from iew.domain.pairings import MOST_PER_SCHOOL, MOST_POSTS, Hold, Status
from iew.errors import N_
from iew.schemas.base import Code, CodeList, Input, Line, Prose, View, Whole, check_text
from iew.schemas.invitations import COUNTY, Country, SchoolOfPostView
from iew.schemas.lists import Digits, ListQuery, list_of
from iew.schemas.saved_searches import SearchParams
from iew.schemas.search import Words
from iew.schemas.suggestions import ReasonView

NAME_LENGTH: Final = 100
MOST_IDS: Final = 5_000
"""What a list may hold at all; how many posts a pairing takes is a rule, and told as such."""
LONGEST_ID: Final = 64


class Posts(fields.Field[Any]):
    """Posts of one side: a list of ids, or the parameters of a search."""

    default_error_messages = {"invalid": N_("Give a list of ids, or the parameters of a search.")}  # noqa: RUF012

    def __init__(self, **options: Any) -> None:
        told = {
            "oneOf": [
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
                {"type": "object", "description": "Parameters of GET /search; finds the posts that meet all of it."},
            ]
        }
        super().__init__(metadata=told, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        if isinstance(value, Mapping):
            return SearchParams().load(value)
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.make_error("invalid")
        if len(value) > MOST_IDS or any(len(each) > LONGEST_ID for each in value):
            raise ValidationError(N_("These are too many."))
        for each in value:
            check_text(each, one_line=True)
        return list(value)


class PairingInput(Input):
    """Posts to bring together. `unit`: who handles the cases, chosen by the administrator; else the routing."""

    name = Line(required=True, shortest=1, longest=NAME_LENGTH)
    domestic = Posts(required=True)
    overseas = Posts(required=True)
    max_per_school = Whole(least=1, most=MOST_PER_SCHOOL, load_default=1)
    unit = Code(load_default=None, allow_none=True)


class SideForm(Input):
    """Posts of one side as a page asks for them: listed by their numbers, or searched for."""

    posts = Prose(longest=MOST_IDS * 20, load_default=None, allow_none=True)
    q = Words(load_default="")
    country = Country(load_default=None, allow_none=True)
    county = Code(pattern=COUNTY, load_default=None, allow_none=True)
    level = CodeList(vocabularies.LEVELS, load_default=list)
    type = CodeList(vocabularies.EXCHANGE_TYPES, load_default=list)
    language = CodeList(vocabularies.LANGUAGES, load_default=list)


class PairingForm(Input):
    """As `PairingInput`, on a page."""

    name = Line(required=True, shortest=1, longest=NAME_LENGTH)
    domestic = fields.Nested(SideForm, load_default=dict)
    overseas = fields.Nested(SideForm, load_default=dict)
    max_per_school = Whole(least=1, most=MOST_PER_SCHOOL, load_default=1)
    unit = Code(load_default=None, allow_none=True)


class PairInput(Input):
    """Two posts of a pairing."""

    domestic = Code(pattern=r"[A-Za-z0-9]{1,64}", load_default=None, allow_none=True)
    overseas = Code(pattern=r"[A-Za-z0-9]{1,64}", load_default=None, allow_none=True)


class ScoresQuery(ListQuery):
    """Whose scores to list; without either, all."""

    domestic = Code(load_default=None)
    overseas = Code(load_default=None)


class BoardQuery(Input):
    """What of a board a page shows: the possible partners of a post, and from which pair on the list is read."""

    post = Code(pattern=r"[A-Za-z0-9]{1,64}")
    after = Digits(least=0, most=MOST_POSTS * MOST_PER_SCHOOL)


class UnitOfPairingView(View):
    """Who handles the cases."""

    kind = fields.String()
    code = fields.String()
    name = fields.String()


class PostOfPairingView(View):
    """A post in a pairing. `gone`: it was not public any more when posts were compared last."""

    id = fields.String()
    number = fields.String()
    title = fields.String()
    content_language = fields.String()
    exchange_types = fields.List(fields.String())
    languages = fields.List(fields.String())
    school = fields.Nested(SchoolOfPostView)
    gone = fields.Boolean()


class HeldView(View):
    """Two posts, by their ids."""

    domestic = fields.String()
    overseas = fields.String()


class ScoreView(HeldView):
    """How two posts fit, 0 to 1, and why. `held`: what a person said of them."""

    score = fields.Float()
    reasons = fields.List(fields.Nested(ReasonView))
    held = fields.String(allow_none=True, metadata={"enum": [*(hold.value for hold in Hold), None]})
    paired = fields.Boolean()


class PairView(HeldView):
    """Two posts that are proposed to come together; once accepted, with their case."""

    score = fields.Float()
    reasons = fields.List(fields.Nested(ReasonView))
    pinned = fields.Boolean()
    match_id = fields.String(allow_none=True)


class UnpairedView(View):
    """Ids of the posts whose schools are in no pair."""

    domestic = fields.List(fields.String())
    overseas = fields.List(fields.String())


class PairingView(View):
    """A pairing. `pairs`: the best choice under pins, bans and `max_per_school`; `total_score`: the sum of its scores.

    `scores`: how posts fit, best first; of two schools with several posts the two that fit best, and all that are held.
    Where `scores_complete` is false they are the best of each post, and `GET /pairings/{id}/scores` has all.
    """

    id = fields.String()
    ref = fields.String(allow_none=True)
    version = fields.Integer()
    status = fields.String(metadata={"enum": [status.value for status in Status]})
    name = fields.String()
    unit = fields.Nested(UnitOfPairingView, allow_none=True)
    max_per_school = fields.Integer()
    domestic = fields.List(fields.Nested(PostOfPairingView))
    overseas = fields.List(fields.Nested(PostOfPairingView))
    total_score = fields.Float()
    pairs = fields.List(fields.Nested(PairView))
    pins = fields.List(fields.Nested(HeldView))
    bans = fields.List(fields.Nested(HeldView))
    unpaired = fields.Nested(UnpairedView)
    scores = fields.List(fields.Nested(ScoreView))
    scores_total = fields.Integer()
    scores_complete = fields.Boolean()
    solved_at = fields.AwareDateTime()
    accepted_at = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()
    available_actions = fields.List(fields.String())


class PairingLineView(View):
    """A pairing in the list. `domestic`, `overseas`, `pairs`: how many."""

    id = fields.String()
    ref = fields.String(allow_none=True)
    version = fields.Integer()
    status = fields.String(metadata={"enum": [status.value for status in Status]})
    name = fields.String()
    unit = fields.Nested(UnitOfPairingView, allow_none=True)
    max_per_school = fields.Integer()
    domestic = fields.Integer()
    overseas = fields.Integer()
    pairs = fields.Integer()
    total_score = fields.Float()
    solved_at = fields.AwareDateTime()
    accepted_at = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()
    available_actions = fields.List(fields.String())


PairingListView: Final = list_of(PairingLineView)
ScoreListView: Final = list_of(ScoreView, "PairingScoreList")
