"""What a post says, as plain JSON, and what it must say before anybody else may read it.

A draft may be half empty; so the rules of completeness stand apart from the rules of form, and the same ones hold for a
post, for a revision and for an imported row.
"""

import calendar
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from iew.errors import N_, Text

Body = dict[str, Any]
"""The fields of a post as JSON values, without any contact data."""

DEFAULTS: Final[Mapping[str, Any]] = {
    "channel": "general",
    "title": "",
    "description": None,
    "content_language": "en",
    "translations": [],
    "exchange_types": [],
    "languages": [],
    "levels": [],
    "grades": [],
    "target_countries": [],
    "target_counties": [],
    "topics": [],
    "periods": [],
    "group": None,
    "homestay": "none",
    "expires_on": None,
    "contact_visibility": "after_agreement",
    "travel": None,
}
FIELDS: Final = (*DEFAULTS, "contact")
"""What a school fills in, in the order of its form; the contact is kept apart from the rest."""
NEEDED_TO_PUBLISH: Final = ("description", "exchange_types", "languages", "levels", "expires_on")

_NEEDED: Final = Text(N_("This is needed."))
_PAST: Final = Text(N_("This day has passed."))
_TOO_FAR: Final = N_("This may be at most %(months)s months ahead.")


def missing(body: Mapping[str, Any]) -> dict[str, list[Text]]:
    """The fields that a post for others to read lacks."""
    return {name: [_NEEDED] for name in NEEDED_TO_PUBLISH if not body.get(name)}


def faults_of_expiry(expires_on: date | None, *, today: date, months_ahead: int | None) -> dict[str, list[Text]]:
    """What is wrong with the last day of a post; months_ahead None allows any day to come."""
    if expires_on is None:
        return {"expires_on": [_NEEDED]}
    if expires_on < today:
        return {"expires_on": [_PAST]}
    if months_ahead is not None and expires_on > add_months(today, months_ahead):
        return {"expires_on": [Text(_TOO_FAR, {"months": months_ahead})]}
    return {}


def faults_before_submit(
    body: Mapping[str, Any], *, has_contact: bool, today: date, months_ahead: int
) -> dict[str, list[Text]]:
    """What keeps a post from being submitted, by field."""
    faults = missing(body)
    if not has_contact:
        faults["contact"] = [Text(N_("Name a person and a mail address to write to."))]
    if "expires_on" not in faults:
        last_day = date.fromisoformat(body["expires_on"])
        faults |= faults_of_expiry(last_day, today=today, months_ahead=months_ahead)
    return faults


def add_months(day: date, months: int) -> date:
    """The same day some months later, or the last one of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


NEVER_PUBLIC: Final = frozenset({"contact_visibility"})
"""Fields of the form that nobody but the school and its administrators reads: their change is no news."""


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names of the fields that differ, in the order of the form."""
    return [name for name in DEFAULTS if before.get(name) != after.get(name)]


def as_json(value: Any) -> Any:
    """A value of a field as JSON would carry it: days as text."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: as_json(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(part) for part in value]
    return value


def without_agent_contact(travel: Mapping[str, Any] | None) -> tuple[dict[str, Any] | None, str | None]:
    """Educational travel without the agent's contact, and that contact, which is kept with the other contact data."""
    if travel is None:
        return None, None
    agent = travel.get("agent")
    if not agent:
        return {**travel, "agent": None}, None
    return {**travel, "agent": {"name": agent.get("name")}}, agent.get("contact")


def with_agent_contact(travel: Mapping[str, Any] | None, contact: str | None) -> dict[str, Any] | None:
    """The reverse of `without_agent_contact`, for those who may read it."""
    if travel is None:
        return None
    agent = travel.get("agent")
    return {**travel, "agent": {**agent, "contact": contact} if agent else None}
