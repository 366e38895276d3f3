"""How the fields of a post are called, and how a change of one is said in words."""

from collections.abc import Mapping
from typing import Any, Final

from iew.errors import N_
from iew.web.rendering import day, group_of, label, labels, period, said

DECIDED: Final = {
    "publish": N_("Published. The school is told by mail."),
    "return": N_("Returned to the school with your remarks."),
    "reject": N_("Rejected. The school is told why."),
}
FIELD_NAMES: Final = {
    "channel": N_("Channel"),
    "title": N_("Title"),
    "description": N_("Description"),
    "content_language": N_("Language of the text"),
    "translations": N_("Translations"),
    "exchange_types": N_("Type of exchange"),
    "languages": N_("Language of communication"),
    "levels": N_("School level wanted"),
    "grades": N_("Grades"),
    "target_countries": N_("Partner's country or region"),
    "target_counties": N_("Partner's county"),
    "topics": N_("Topics"),
    "periods": N_("Proposed dates"),
    "group": N_("Group"),
    "homestay": N_("Host families"),
    "expires_on": N_("Open until"),
    "contact": N_("Contact"),
    "contact_visibility": N_("Who sees the contact"),
    "travel": N_("Educational travel"),
}
_VOCABULARIES: Final = {
    "channel": "channel",
    "content_language": "content_language",
    "exchange_types": "exchange_type",
    "languages": "language",
    "levels": "level",
    "grades": "grade",
    "target_countries": "country",
    "target_counties": "county",
    "homestay": "homestay",
    "contact_visibility": "contact_visibility",
}


def field_name(field: str) -> str:
    """What people call a field of a post; the field's own name where it is none of them."""
    root = field.partition(".")[0].partition("-")[0]
    return said(FIELD_NAMES.get(root, root))


def fields_of(text: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The fields a remark can be about, with their names."""
    return [(field, field_name(field)) for field in FIELD_NAMES if field != "travel" or text.get("travel")]


def said_of_change(change: Mapping[str, Any]) -> dict[str, str]:
    """A change as (field, before, after) in words. Of a contact nobody says more than that it changed."""
    name = change["field"]
    return {
        "field": name,
        "name": field_name(name),
        "before": said_value(name, change["before"]),
        "after": said_value(name, change["after"]),
    }


def said_value(field: str, value: Any) -> str:
    """The value of a field in words, as the reader's language says it."""
    if value in (None, "", [], {}):
        return ""
    vocabulary = _VOCABULARIES.get(field)
    if vocabulary:
        return "、".join(labels(value, vocabulary)) if isinstance(value, list) else label(value, vocabulary)
    if field == "periods":
        return "\n".join(period(each) for each in value)
    if field == "group":
        return group_of(value)
    if field == "expires_on":
        return day(value)
    if field == "translations":
        return "\n\n".join(
            f"{label(t['language'], 'content_language')}\n{t['title']}\n{t.get('description') or ''}" for t in value
        )
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return "\n".join(f"{name}: {_plain(part)}" for name, part in value.items() if part not in (None, "", [], {}))
    if isinstance(value, list):
        return "\n".join(_plain(part) for part in value)
    return str(value)
