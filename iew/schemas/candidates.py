"""Which schools a unit looks for within a case, and which of them it asks."""

from typing import Any

from marshmallow import fields, post_dump

from iew.schemas.base import CodeList, Input, Prose, View
from iew.schemas.matches import REASON_LENGTH
from iew.schemas.search import HitView, SearchQuery, SearchView


class ProposeSeveralInput(Input):
    """Schools, and what they should know."""

    school_ids = CodeList(load_default=list)
    note = Prose(longest=REASON_LENGTH, load_default=None, allow_none=True)


class CandidatesQuery(SearchQuery):
    """The parameters of a search but `side`: a case is always for the other one."""

    class Meta:
        exclude = ("side",)


class CandidateView(HitView):
    """A post that was found. `proposal` is how its school stands in this case, null where it was not asked."""

    proposal = fields.String(allow_none=True)


class AskedView(View):
    """What was searched by, where the wish stood in for what was not named."""

    q = fields.String()
    country = fields.List(fields.String())
    county = fields.List(fields.String())
    type = fields.List(fields.String())
    level = fields.List(fields.String())
    language = fields.List(fields.String())
    side = fields.List(fields.String())


class CandidatesView(SearchView):
    """One page of the search within a case."""

    items = fields.List(fields.Nested(CandidateView))
    asked_by = fields.Nested(AskedView)

    @post_dump(pass_original=True)
    def say_who_was_asked(self, shown: dict[str, Any], found: Any, **_: Any) -> dict[str, Any]:
        """Give each post the state of its school's proposal."""
        standing = found["standing"]
        items = [item | {"proposal": standing.get(item["school"]["id"])} for item in shown["items"]]
        return shown | {"items": items}
