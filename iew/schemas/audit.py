"""The record of who did what, as administrators ask for it and read it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from marshmallow import ValidationError, fields

from iew.errors import N_
from iew.schemas.base import Line, View
from iew.schemas.lists import ListQuery, list_of

_UNREADABLE: Final = N_("Write a day as 2027-04-01, or a moment as 2027-04-01T08:00:00+08:00.")


class Moment(Line):
    """A day, meaning its beginning in UTC, or a moment with its offset."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        text = super()._deserialize(value, attr, data, **options)
        try:
            if len(text) == len("2027-04-01"):
                return datetime.combine(date.fromisoformat(text), time(), UTC)
            moment = datetime.fromisoformat(text.replace(" ", "+"))
        except ValueError:
            raise ValidationError(_UNREADABLE) from None
        if moment.tzinfo is None:
            raise ValidationError(_UNREADABLE)
        return moment


class MomentAfter(Moment):
    """As Moment, but a day means its end."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        moment = super()._deserialize(value, attr, data, **options)
        is_day = isinstance(value, str) and len(value.strip()) == len("2027-04-01")
        return moment + timedelta(days=1) if is_day else moment


class AuditQuery(ListQuery):
    """`subject` is `type:id`, or a type or an id alone; `actor` a user's id, mail address or role, or a body's id."""

    subject = Line(longest=100, load_default=None)
    actor = Line(longest=254, load_default=None)
    since = Moment(longest=40, data_key="from", load_default=None)
    until = MomentAfter(longest=40, data_key="to", load_default=None)


class EventView(View):
    """One line of the record."""

    id = fields.String()
    at = fields.AwareDateTime()
    action = fields.String()
    fact = fields.String(allow_none=True)
    subject = fields.Function(lambda event: {"type": event.subject_type, "id": event.subject_id})
    actor = fields.Function(lambda event: {"id": event.actor_id, "role": event.actor_role, "body": event.actor_body})
    before = fields.String(allow_none=True)
    after = fields.String(allow_none=True)
    details = fields.Dict()


EventListView = list_of(EventView, "EventList")
