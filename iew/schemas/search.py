"""How a search is asked for, and what it answers."""

import re
from collections.abc import Mapping
from typing import Any, Final

from marshmallow import ValidationError, fields, validates_schema

from iew.domain.vocabularies import FACET_VOCABULARIES
from iew.errors import N_
from iew.i18n import LANGUAGES
from iew.schemas.base import Code, Day, Input, View
from iew.schemas.invitations import SchoolOfPostView
from iew.schemas.lists import Digits

SORTS: Final = ("relevance", "newest", "expiring")
FACETS: Final = tuple(FACET_VOCABULARIES)
QUERY_LENGTH: Final = 200
MOST_CODES: Final = 50
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


class Words(fields.String):
    """What somebody looks for; only its beginning is used, and characters that mean nothing are spaces."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> str:
        if not isinstance(value, str) or _SURROGATES.search(value):
            raise ValidationError(N_("This contains characters that are not valid Unicode."))
        return re.sub(r"[\x00-\x1f\x7f]", " ", value)[:QUERY_LENGTH]


class FacetCodes(fields.List[Any]):
    """Codes of one facet. A code that nobody knows finds nothing; small letters are folded where codes have none."""

    def __init__(self, *, upper: bool = False, **options: Any) -> None:
        self.upper = upper
        super().__init__(fields.String(), load_default=list, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> list[Any]:
        codes = [code for code in super()._deserialize(value, attr, data, **options) if code]
        if len(codes) > MOST_CODES:
            raise ValidationError(N_("These are too many."))
        if any(len(code) > 60 or _SURROGATES.search(code) or "\0" in code for code in codes):
            raise ValidationError(N_("This is none of the possible values."))
        return list(dict.fromkeys(code.upper() if self.upper else code for code in codes))


class SearchQuery(Input):
    """The parameters of a search; every facet may be repeated."""

    q = Words(load_default="")
    lang = Code(LANGUAGES, load_default=None)
    language = FacetCodes()
    country = FacetCodes(upper=True)
    type = FacetCodes()
    level = FacetCodes()
    wanted_level = FacetCodes()
    ownership = FacetCodes()
    composition = FacetCodes()
    affiliation = FacetCodes()
    channel = FacetCodes()
    county = FacetCodes(upper=True)
    side = FacetCodes()
    start = Day(data_key="from", load_default=None, allow_none=True)
    end = Day(data_key="to", load_default=None, allow_none=True)
    students = Digits(least=0, most=1_000_000, load_default=None)
    sort = Code(SORTS, load_default="relevance")
    limit = Digits(least=1, most=100, load_default=20)
    cursor = fields.String(load_default=None)

    @validates_schema
    def check_period(self, data: Mapping[str, Any], **_: Any) -> None:
        """Raise ValidationError for a period that ends before it begins."""
        if data.get("start") and data.get("end") and data["end"] < data["start"]:
            raise ValidationError({"to": [N_("The end may not lie before the beginning.")]})


class CompleteQuery(Input):
    """What was typed so far."""

    q = Words(load_default="")
    lang = Code(LANGUAGES, load_default=None)
    limit = Digits(least=1, most=20, load_default=8)


class HighlightsView(View):
    """Escaped text with `<mark>` alone."""

    title = fields.List(fields.String())
    description = fields.List(fields.String())


class PeriodOfHitView(View):
    """Days from start to end, both included."""

    start = fields.String()
    end = fields.String()


class HitView(View):
    """A post that was found. `match` is `all` where it meets every word of the query, else `part`."""

    id = fields.String()
    ref = fields.String(allow_none=True)
    number = fields.String()
    title = fields.String()
    text_language = fields.String()
    summary = fields.String()
    highlights = fields.Nested(HighlightsView)
    school = fields.Nested(SchoolOfPostView)
    exchange_types = fields.List(fields.String())
    languages = fields.List(fields.String())
    levels = fields.List(fields.String())
    periods = fields.List(fields.Nested(PeriodOfHitView))
    expires_on = fields.Date(allow_none=True)
    published_at = fields.AwareDateTime(allow_none=True)
    score = fields.Float()
    match = fields.String()


class FacetCodeView(View):
    """A code with the number of posts it would leave."""

    code = fields.String()
    label = fields.String()
    count = fields.Integer()
    selected = fields.Boolean()


class RelaxView(View):
    """What the total would be without this parameter."""

    param = fields.String()
    total = fields.Integer()


class SearchView(View):
    """One page of a search."""

    total = fields.Integer()
    total_is = fields.String()
    items = fields.List(fields.Nested(HitView))
    facets = fields.Dict(keys=fields.String(), values=fields.List(fields.Nested(FacetCodeView)))
    next_cursor = fields.String(allow_none=True)
    total_all = fields.Integer()
    unmatched = fields.List(fields.String())
    relax = fields.List(fields.Nested(RelaxView))
    did_you_mean = fields.String(allow_none=True)
    took_ms = fields.Integer()


class CompletionView(View):
    """A text to go on with; `param` and `code` where it stands for a facet."""

    text = fields.String()
    kind = fields.String()
    param = fields.String(allow_none=True)
    code = fields.String(allow_none=True)


class CompletionsView(View):
    """Texts that begin with what was typed."""

    items = fields.List(fields.Nested(CompletionView))
