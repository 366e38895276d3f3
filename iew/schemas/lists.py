"""How every list is asked for and answered: `limit` and `cursor` in, `{items, next_cursor, total}` out."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from marshmallow import ValidationError, fields

from iew.schemas.base import Input, View, Whole, YesNo

LONGEST_CURSOR: Final = 2000


class Digits(Whole):
    """A whole number in an address, where everything is text."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,9}", value):
            raise self.make_error("invalid")
        return super()._deserialize(int(value), attr, data, **options)


class Flag(YesNo):
    """true or false in an address."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> bool:
        return super()._deserialize({"true": True, "false": False}.get(value, value), attr, data, **options)


class Cursor(fields.String):
    """Where the next page begins, as an earlier page said."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> str:
        if not isinstance(value, str) or len(value) > LONGEST_CURSOR or not re.fullmatch(r"[\w=-]*", value, re.ASCII):
            raise ValidationError(self.error_messages["validator_failed"])
        return value


class ListQuery(Input):
    """The parameters that every list takes."""

    limit = Digits(least=1, most=100, load_default=20)
    cursor = Cursor(load_default=None)


@cache
def list_of(item: type[View], name: str | None = None) -> type[View]:
    """The view of a page of such items. name: what the API's description calls it, by default after the item."""
    shape = {
        "items": fields.List(fields.Nested(item)),
        "next_cursor": fields.String(allow_none=True),
        "total": fields.Integer(),
    }
    return type(name or f"{item.__name__.removesuffix('View')}List", (View,), shape)
