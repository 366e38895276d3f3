"""How a search is kept, and how it is shown to the person who keeps it."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from marshmallow import fields, post_load, pre_load

from iew.schemas.base import Code, Input, Line, View, YesNo
from iew.schemas.lists import list_of
from iew.schemas.search import SearchQuery

FREQUENCIES: Final = ("instant", "daily", "weekly")
NAME_LENGTH: Final = 100


class SearchParams(SearchQuery):
    """The parameters of a search, by their names in `GET /search`; JSON may give a single code and a number plainly."""

    class Meta(Input.Meta):
        exclude = ("cursor",)

    @pre_load
    def as_in_an_address(self, data: Any, **_: Any) -> Any:
        """JSON has lists and numbers where an address has repeated names and digits."""
        if not isinstance(data, Mapping):
            return data
        lists = {name for name, field in self.fields.items() if isinstance(field, fields.List)}
        numbers = {"students", "limit"}
        return {
            name: [value]
            if name in lists and isinstance(value, str)
            else str(value)
            if name in numbers and isinstance(value, int) and not isinstance(value, bool)
            else value
            for name, value in data.items()
            if value is not None
        }

    @post_load(pass_original=True)
    def as_it_is_kept(self, data: dict[str, Any], original: Any, **_: Any) -> dict[str, Any]:
        """What was asked, by the names of the API, without what narrows nothing."""
        named = {field.data_key or name: data[name] for name, field in self.fields.items() if name in data}
        kept = {name: value for name, value in named.items() if name in original and value not in (None, "", [])}
        if not kept.get("q", "").strip():
            kept.pop("q", None)
        return {name: value.isoformat() if isinstance(value, date) else value for name, value in kept.items()}


class SavedSearchInput(Input):
    """A search to keep."""

    name = Line(required=True, shortest=1, longest=NAME_LENGTH)
    params = fields.Nested(SearchParams, required=True)
    frequency = Code(FREQUENCIES, load_default="daily")
    paused = YesNo(load_default=False)


class SavedSearchChange(Input):
    """What to change of a search that is kept."""

    name = Line(shortest=1, longest=NAME_LENGTH)
    params = fields.Nested(SearchParams)
    frequency = Code(FREQUENCIES)
    paused = YesNo()


class SavedSearchView(View):
    """A search that the asker keeps. `last_alert_at`: when it was last told of something."""

    id = fields.String()
    version = fields.Integer()
    name = fields.String()
    params = fields.Dict(keys=fields.String())
    frequency = fields.String(metadata={"enum": list(FREQUENCIES)})
    paused = fields.Boolean()
    last_alert_at = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


SavedSearchListView: Final = list_of(SavedSearchView)
