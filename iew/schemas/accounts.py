"""Signing in, and one's own account."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import available_timezones

from marshmallow import ValidationError, fields

from iew.db import Base
from iew.errors import N_
from iew.i18n import LANGUAGES
from iew.models import Body, Event, SignInSession, Unit, User
from iew.schemas.base import Address, Code, Input, Line, View, Whole, YesNo
from iew.schemas.lists import list_of
from iew.schemas.schools import NewPassword, Password


class SignIn(Input):
    """`code` is the second factor, where an installation asks for one."""

    email = Address(required=True)
    password = Password(required=True, load_only=True)
    code = Line(longest=20, load_default=None, allow_none=True)


class SignInView(View):
    """What unsafe calls with the cookie must send back as `X-CSRF-Token`."""

    csrf_token = fields.String(required=True)


class AskReset(Input):
    email = Address(required=True)


class ChoosePassword(Input):
    """The form behind the link of a mail."""

    password = NewPassword(required=True, load_only=True)


class ChangePassword(Input):
    old_password = Password(required=True, load_only=True)
    password = NewPassword(required=True, load_only=True)


class NewAddress(Input):
    """Another address for one's account, vouched for by the present password."""

    email = Address(required=True)
    password = Password(required=True, load_only=True)


class ZoneName(Line):
    """An IANA time zone."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        name = super()._deserialize(value, attr, data, **options)
        if name is not None and name not in available_timezones():
            raise ValidationError(N_("There is no such time zone. Write it as Asia/Taipei."))
        return name


class MeChange(Input):
    """What one may set of one's own account."""

    language = Code(LANGUAGES)
    timezone = ZoneName(longest=60)
    name = Line(shortest=1, longest=100)
    news_hour = Whole(most=23)
    suggestions_wanted = YesNo()


class NewsChoice(Input):
    """When the one mail a day comes that collects alerts and suggestions, and whether it holds suggestions."""

    news_hour = Whole(most=23, required=True)
    suggestions_wanted = YesNo(load_default=False)


@dataclass(frozen=True)
class Me:
    """The asker. rights: the permissions that admit this person now."""

    user: User
    unit: Unit | None
    rights: list[str]


class OwnSchoolView(View):
    id = fields.String()
    ref = fields.String(allow_none=True)
    name = fields.String()
    name_en = fields.String(allow_none=True)
    country = fields.String()
    county = fields.String(allow_none=True)
    level = fields.String()
    side = fields.String()
    status = fields.String()


class OwnUnitView(View):
    code = fields.String()
    kind = fields.String()
    names = fields.Dict(keys=fields.String(), values=fields.String())
    timezone = fields.String()
    digest_frequency = fields.String()


class MeView(View):
    """The asker: role, school or unit, language, rights."""

    id = fields.String(attribute="user.id")
    version = fields.Integer(attribute="user.version")
    email = fields.String(attribute="user.email")
    name = fields.String(attribute="user.name")
    role = fields.String(attribute="user.role")
    language = fields.String(attribute="user.language")
    timezone = fields.String(attribute="user.timezone")
    news_hour = fields.Integer(attribute="user.news_hour")
    suggestions_wanted = fields.Boolean(attribute="user.suggestions_wanted")
    email_confirmed = fields.Function(lambda me: me.user.email_confirmed_at is not None)
    school = fields.Nested(OwnSchoolView, attribute="user.school", allow_none=True)
    unit = fields.Nested(OwnUnitView, allow_none=True)
    rights = fields.List(fields.String())
    created_at = fields.AwareDateTime(attribute="user.created_at")
    updated_at = fields.AwareDateTime(attribute="user.updated_at")


@dataclass(frozen=True)
class OwnSession:
    session: SignInSession
    current: bool


class SessionView(View):
    """A browser that is signed in. `current`: the one that asks."""

    id = fields.String(attribute="session.id")
    created_at = fields.AwareDateTime(attribute="session.created_at")
    last_seen_at = fields.AwareDateTime(attribute="session.last_seen_at")
    expires_at = fields.AwareDateTime(attribute="session.expires_at")
    user_agent = fields.String(attribute="session.user_agent", allow_none=True)
    address = fields.String(attribute="session.address", allow_none=True)
    current = fields.Boolean()


@dataclass(frozen=True)
class Reading:
    """Somebody read a contact of one's school. body: for whom that person works."""

    event: Event
    body: Body


class ReaderView(View):
    kind = fields.String()
    code = fields.String(allow_none=True)
    name = fields.String()


class ReadingView(View):
    """Who read one's contact data, when, about what, and on what ground. People are named by their body."""

    at = fields.AwareDateTime(attribute="event.at")
    by = fields.Nested(ReaderView, attribute="body")
    subject = fields.Function(lambda reading: {"type": reading.event.subject_type, "id": reading.event.subject_id})
    ground = fields.Function(lambda reading: reading.event.details.get("ground"))
    reason = fields.Function(lambda reading: reading.event.details.get("reason"))


SessionListView = list_of(SessionView, "SessionList")
ReadingListView = list_of(ReadingView, "ContactReadingList")


_NEVER_SHOWN: Final = frozenset({"password_hash", "key_hash", "reviewed_body", "index_version", "opened_by"})


def _plain(row: Base) -> dict[str, Any]:
    """All columns of a row but the secret ones."""
    values = {column.name: getattr(row, column.key) for column in row.__table__.columns}
    return {name: _json(value) for name, value in values.items() if name not in _NEVER_SHOWN}


def _json(value: Any) -> Any:
    if isinstance(value, list):
        return [_json(part) for part in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


class Rows(fields.Field[Any]):
    """Rows as they are kept, without secrets."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **options: Any) -> Any:
        if value is None:
            return None
        return [_plain(row) for row in value] if isinstance(value, list | tuple) else _plain(value)


class OwnDataView(View):
    """All that is kept about the asker."""

    user = Rows()
    school = Rows(allow_none=True)
    sessions = Rows()
    tokens = Rows()
    invitations = Rows()
    contacts = Rows()
    matches = Rows()
    meetings = Rows()
    reports = Rows()
    messages = Rows()
    questions = Rows()
    question_messages = Rows()
    saved_searches = Rows()
    suggestion_tellings = Rows()
    events = Rows()


class NewStaff(Input):
    """Somebody who works in a centre or an office."""

    email = Address(required=True)
    name = Line(required=True, shortest=1, longest=100)
    unit = Code(None, required=True)
    language = Code(LANGUAGES, load_default=None, allow_none=True)
