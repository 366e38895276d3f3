"""How a unit chooses, on a page, the schools to which it passes a post on."""

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import ValidationError, validates_schema

from iew.domain import vocabularies
from iew.domain.schools import Side
from iew.errors import N_
from iew.schemas.base import Code, CodeList, Input, Prose
from iew.schemas.lists import ListQuery

WAYS: Final = ("chosen", "levels", "all")


class PassOnInput(Input):
    """To schools one by one, to those of some levels, or to all of the area; with a note or without."""

    to = Code(WAYS, required=True)
    schools = CodeList(pattern=r"[A-Za-z0-9]{1,64}", load_default=list)
    levels = CodeList(vocabularies.LEVELS, load_default=list)
    note = Prose(longest=2000, load_default=None, allow_none=True)

    @validates_schema
    def check_choice(self, data: Mapping[str, Any], **_: Any) -> None:
        """Raise ValidationError where the chosen way names nobody."""
        if data["to"] == "chosen" and not data["schools"]:
            raise ValidationError({"schools": [N_("Choose at least one school.")]})
        if data["to"] == "levels" and not data["levels"]:
            raise ValidationError({"levels": [N_("Choose at least one school level.")]})


class OverlookedQuery(ListQuery):
    """Posts that nobody has passed on: of one side, or those that look for partners on the ground of one unit."""

    side = Code([side.value for side in Side], load_default=None, allow_none=True)
    unit = Code(None, attribute="unit_code", load_default=None, allow_none=True)


def choice_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """The choice as the use case takes it: ids, or criteria."""
    if data["to"] == "chosen":
        return {"ids": data["schools"]}
    return {"criteria": {"level": data["levels"]} if data["to"] == "levels" else {}}
