"""What a school says of itself, and what others read of it."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields

from iew.domain.actors import Actor
from iew.domain.schools import Party, Status
from iew.domain.vocabularies import AFFILIATIONS, COMPOSITIONS, LEVELS, OWNERSHIPS
from iew.errors import N_
from iew.i18n import LANGUAGES
from iew.models import School
from iew.schemas.base import Address, Code, CodeList, Input, Line, Prose, View
from iew.schemas.invitations import Country
from iew.schemas.lists import ListQuery, list_of

LONGEST_ADDRESS: Final = 500
LONGEST_PASSWORD: Final = 1024
_NOT_PUBLIC: Final = N_("Write the public address of the school's website, for example https://school.example/.")
_HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?")
_PRIVATE_ENDINGS: Final = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa", "onion")


class Website(Line):
    """The public address of a website: http or https, a name that the world can look up, no user name in it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(longest=LONGEST_ADDRESS, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        if isinstance(value, str) and value != value.rstrip("\r\n"):
            raise ValidationError(_NOT_PUBLIC)
        text = super()._deserialize(value, attr, data, **options)
        if text and not _is_public(text):
            raise ValidationError(_NOT_PUBLIC)
        return text


def _is_public(address: str) -> bool:
    """Whether an address names a host of the public web; nothing is looked up."""
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").encode("idna").decode().lower()
        port_is_plain = parts.port in (None, 80, 443) or (parts.port or 0) > 1023
    except (ValueError, UnicodeError):
        return False
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or "\\" in address or not port_is_plain:
        return False
    return bool(_HOST.fullmatch(host)) and host.rsplit(".", 1)[-1] not in _PRIVATE_ENDINGS and not _is_number(host)


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class SchoolChange(Input):
    """The fields of a school; a change names those it changes."""

    name = Line(shortest=1)
    name_en = Line(allow_none=True)
    country = Country()
    subdivision = Code(None, pattern=r"[A-Z]{2}-[A-Z0-9]{1,3}", allow_none=True)
    region = Line(allow_none=True)
    county = Code(None, pattern=r"[A-Z]{3}", allow_none=True)
    level = Code(LEVELS)
    ownership = Code(OWNERSHIPS, allow_none=True)
    composition = Code(COMPOSITIONS, allow_none=True)
    affiliations = CodeList(AFFILIATIONS)
    address = Line(longest=LONGEST_ADDRESS, allow_none=True)
    website = Website(allow_none=True)
    about = Prose(longest=5000, allow_none=True)


class SchoolEntry(SchoolChange):
    """A whole school, as it signs up."""

    name = Line(shortest=1, required=True)
    country = Country(required=True)
    level = Code(LEVELS, required=True)


class Password(fields.String):
    """A password, exactly as typed."""

    default_error_messages = {"invalid": N_("This must be text.")}  # noqa: RUF012 - marshmallow's own shape

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if "\0" in value or re.search("[\ud800-\udfff]", value):
            raise ValidationError(N_("This contains characters that cannot be used."))
        if len(value.encode()) > LONGEST_PASSWORD:
            raise ValidationError(f"too_long:{LONGEST_PASSWORD}")
        return value


class NewPassword(Password):
    """A password that somebody chooses."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> str:
        text = super()._deserialize(value, attr, data, **options)
        if len(text) < SHORTEST_PASSWORD:
            raise ValidationError(N_("Use at least 10 characters; several words make a good password."))
        return text


SHORTEST_PASSWORD: Final = 10


class FirstUser(Input):
    """The person who signs a school up."""

    email = Address(required=True)
    password = NewPassword(required=True, load_only=True)
    name = Line(shortest=1, longest=100, required=True)
    language = Code(LANGUAGES, load_default=None, allow_none=True)
    timezone = Line(longest=60, load_default=None, allow_none=True)


class SignUp(Input):
    """A school and its first user."""

    school = fields.Nested(SchoolEntry, required=True)
    user = fields.Nested(FirstUser, required=True)


class SignUpView(View):
    """All that anybody is told: it waits."""

    status = fields.String(required=True)


class SchoolDecision(Input):
    """An approval, a question or a refusal; the last two need a reason."""

    reason = Prose(longest=2000, allow_none=True, load_default=None)


class Colleague(Input):
    """Somebody of one's own school who shall have an account too."""

    email = Address(required=True)
    name = Line(shortest=1, longest=100, required=True)
    language = Code(LANGUAGES, load_default=None, allow_none=True)


class SchoolListQuery(ListQuery):
    """The schools of a unit."""

    status = Code(tuple(Status), load_default=None)


@dataclass(frozen=True)
class SeenSchool:
    """A school as it is shown to one asker."""

    school: School
    actor: Actor

    @property
    def is_concerned(self) -> bool:
        """The school itself, its approver and the administrator read what the approver asked."""
        return bool(self.school.parties_of(self.actor) & {Party.OWNER, Party.APPROVER, Party.ADMIN})


class SchoolView(View):
    """A school. `address` for people who are signed in; `reason` and `approver` for those concerned."""

    id = fields.String(attribute="school.id")
    ref = fields.String(attribute="school.ref", allow_none=True)
    version = fields.Integer(attribute="school.version")
    status = fields.String(attribute="school.status")
    name = fields.String(attribute="school.name")
    name_en = fields.String(attribute="school.name_en", allow_none=True)
    country = fields.String(attribute="school.country")
    subdivision = fields.String(attribute="school.subdivision", allow_none=True)
    region = fields.String(attribute="school.region", allow_none=True)
    county = fields.String(attribute="school.county", allow_none=True)
    side = fields.String(attribute="school.side")
    level = fields.String(attribute="school.level")
    ownership = fields.String(attribute="school.ownership", allow_none=True)
    composition = fields.String(attribute="school.composition", allow_none=True)
    affiliations = fields.List(fields.String(), attribute="school.affiliations")
    address = fields.Method("address_for_asker", allow_none=True)
    website = fields.String(attribute="school.website", allow_none=True)
    about = fields.String(attribute="school.about", allow_none=True)
    verified_by = fields.String(attribute="school.verified_by", allow_none=True)
    verified_on = fields.Date(attribute="school.verified_on", allow_none=True)
    approver = fields.Method("approver_for_asker", allow_none=True)
    reason = fields.Method("reason_for_asker", allow_none=True)
    created_at = fields.AwareDateTime(attribute="school.created_at")
    updated_at = fields.AwareDateTime(attribute="school.updated_at")
    available_actions = fields.Method("actions_of_asker")

    def address_for_asker(self, seen: SeenSchool) -> str | None:
        return seen.school.address if seen.actor.signed_in else None

    def approver_for_asker(self, seen: SeenSchool) -> str | None:
        return seen.school.approver_code if seen.is_concerned else None

    def reason_for_asker(self, seen: SeenSchool) -> str | None:
        return seen.school.reason if seen.is_concerned else None

    def actions_of_asker(self, seen: SeenSchool) -> list[str]:
        return [action for action in seen.school.available_actions(seen.actor) if action != "answer"]


SchoolListView = list_of(SchoolView, "SchoolList")
