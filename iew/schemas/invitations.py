"""What a school may say in a post, what an administrator may say about it, and what each reader gets to see.

Form is checked here, completeness by the service when a post is submitted: a draft may be half empty. Who may see the
contact in a post is written once, in `InvitationView`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from marshmallow import ValidationError, fields, post_load, pre_dump, validates_schema

from iew.domain import vocabularies
from iew.domain.actors import Actor
from iew.domain.invitations import REVISION_OPEN, Party, RevisionStatus, Status
from iew.domain.posts import FIELDS, with_agent_contact
from iew.errors import N_
from iew.i18n import Labels, locale_of
from iew.models import Contact, Invitation, Revision
from iew.schemas.base import Address, Code, CodeList, Day, Input, Line, NothingElse, Prose, View, Whole
from iew.schemas.lists import Flag, ListQuery, list_of

__all__ = [
    "ActionInput",
    "ContactQuery",
    "ContactView",
    "ForwardInput",
    "ForwardListView",
    "ForwardResultView",
    "HistoryView",
    "InvitationChange",
    "InvitationDraft",
    "InvitationFields",
    "InvitationListQuery",
    "InvitationListView",
    "InvitationView",
    "NothingElse",
    "Seen",
]

COUNTY: Final = r"[A-Z0-9]{2,5}"
_TRANSLATIONS: Final = 10
_PERIODS: Final = 20
_WORDS: Final = 20
_FOLDED_LANGUAGES: Final = {
    "zh-TW": "zh-Hant",
    "zh-HK": "zh-Hant",
    "zh-MO": "zh-Hant",
    "zh-CN": "zh-Hans",
    "zh-SG": "zh-Hans",
}
_NO_LANGUAGES: Final = frozenset({"zh", "root", "und", "mul", "mis", "zxx"})
_TOO_MANY: Final = N_("These are too many.")
_NOT_A_LIST: Final = N_("This must be a list.")


@cache
def countries() -> frozenset[str]:
    """ISO 3166-1 alpha-2."""
    return frozenset(Labels({}).countries("en"))


@cache
def _languages_of_texts() -> frozenset[str]:
    known = {str(tag) for tag in locale_of("en").languages if re.fullmatch(r"[a-z]{2,3}", str(tag))}
    return frozenset(known - _NO_LANGUAGES) | set(vocabularies.CONTENT_LANGUAGES)


# fields


class Country(Code):
    """ISO 3166-1 alpha-2."""

    def __init__(self, **options: Any) -> None:
        super().__init__(countries(), pattern="[A-Z]{2}", **options)


class TextLanguage(Code):
    """BCP 47: the languages the pages offer, and any other that is known."""

    def __init__(self, **options: Any) -> None:
        super().__init__(None, pattern=r"[a-z]{2,3}(-[A-Za-z]{2,4})?", **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        tag = super()._deserialize(value, attr, data, **options)
        tag = _FOLDED_LANGUAGES.get(tag, tag)
        if tag not in _languages_of_texts():
            raise self.make_error("invalid")
        return tag


class Several(fields.List[Any]):
    """A list of at most `most` things; doubles are folded."""

    default_error_messages = {"invalid": _NOT_A_LIST}  # noqa: RUF012 - marshmallow's own shape

    def __init__(self, inner: fields.Field[Any], *, most: int, **options: Any) -> None:
        self.most = most
        super().__init__(inner, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        if len(value) > self.most:
            raise ValidationError(_TOO_MANY)
        folded: list[Any] = []
        for part in super()._deserialize(value, attr, data, **options):
            if part not in folded:
                folded.append(part)
        return folded


class Nothing(fields.Field[None]):
    """A field that is shown and may be sent back only as null."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> None:
        raise ValidationError(N_("This cannot be set here."))


# what a school says


class TranslationInput(Input):
    """The post's text in another language."""

    language = TextLanguage(required=True)
    title = Line(required=True, shortest=1)
    description = Prose(load_default=None, allow_none=True)


class PeriodInput(Input):
    """Days from `start` to `end`, both included."""

    start = Day(required=True)
    end = Day(required=True)

    @validates_schema
    def check_order(self, data: Mapping[str, Any], **_: Any) -> None:
        """Raise ValidationError where the end comes first."""
        if data["end"] < data["start"]:
            raise ValidationError({"end": [N_("The end comes before the start.")]})


class GroupInput(Input):
    """How many would come or take part; 0 students means teachers only."""

    students = Whole(load_default=None, allow_none=True)
    male = Whole(load_default=None, allow_none=True)
    female = Whole(load_default=None, allow_none=True)
    teachers = Whole(load_default=None, allow_none=True)

    @validates_schema
    def check_sum(self, data: Mapping[str, Any], **_: Any) -> None:
        """Raise ValidationError where the parts are more than the whole."""
        parts = (data["male"] or 0) + (data["female"] or 0)
        if data["students"] is not None and parts > data["students"]:
            raise ValidationError({"students": [N_("Boys and girls together are more than the students.")]})


class ContactInput(Input):
    """Whom to write to. A draft may name it in part."""

    name = Line(longest=120, load_default=None, allow_none=True)
    role = Line(longest=120, load_default=None, allow_none=True)
    email = Address(load_default=None, allow_none=True)
    phone = Line(longest=60, load_default=None, allow_none=True)


class AgentInput(Input):
    """The travel agent of a group."""

    name = Line(longest=120, required=True, shortest=1)
    contact = Line(longest=200, load_default=None, allow_none=True)


class TravelInput(Input):
    """Educational travel: what a host needs to know of the visit."""

    date_mode = Code(vocabularies.DATE_MODES, load_default=None, allow_none=True)
    dates = Several(fields.Nested(PeriodInput), most=_PERIODS, load_default=list)
    destination_counties = CodeList(pattern=COUNTY, load_default=list)
    min_students = Whole(load_default=None, allow_none=True)
    school_kinds = CodeList(vocabularies.LEVELS, load_default=list)
    activities = Several(Line(longest=100, shortest=1), most=_WORDS, load_default=list)
    length = Code(vocabularies.TRAVEL_LENGTHS, load_default=None, allow_none=True)
    lodging = Line(longest=500, load_default=None, allow_none=True)
    agent = fields.Nested(AgentInput, load_default=None, allow_none=True)
    needs = Prose(longest=2000, load_default=None, allow_none=True)


class InvitationFields(Input):
    """What a school fills in."""

    channel = Code(vocabularies.CHANNELS)
    title = Line(shortest=1)
    description = Prose(allow_none=True)
    content_language = TextLanguage()
    translations = Several(fields.Nested(TranslationInput), most=_TRANSLATIONS)
    exchange_types = CodeList(vocabularies.EXCHANGE_TYPES)
    languages = CodeList(vocabularies.LANGUAGES)
    levels = CodeList(vocabularies.LEVELS)
    grades = Several(Whole(least=1, most=13), most=60)
    target_countries = CodeList(countries(), pattern="[A-Z]{2}")
    target_counties = CodeList(pattern=COUNTY)
    topics = Several(Line(longest=60, shortest=1), most=_WORDS)
    periods = Several(fields.Nested(PeriodInput), most=_PERIODS)
    group = fields.Nested(GroupInput, allow_none=True)
    homestay = Code(vocabularies.HOMESTAYS)
    expires_on = Day(allow_none=True)
    contact = fields.Nested(ContactInput, allow_none=True)
    contact_visibility = Code(vocabularies.CONTACT_VISIBILITIES)
    travel = fields.Nested(TravelInput, allow_none=True)

    @validates_schema
    def check_languages(self, data: Mapping[str, Any], **_: Any) -> None:
        """Raise ValidationError where two translations are in one language."""
        languages = [translation["language"] for translation in data.get("translations", ())]
        if len(set(languages)) < len(languages):
            raise ValidationError({"translations": [N_("There may be one translation a language.")]})

    @post_load
    def without_hollow_objects(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """An object in which nothing is filled in says as much as none."""
        hollow = [name for name in ("group", "contact", "travel") if name in data and not _filled(data[name])]
        return data | dict.fromkeys(hollow)


class InvitationChange(InvitationFields):
    """The fields of a post that change; each replaces the old value whole."""

    ref = Nothing(allow_none=True)

    @post_load
    def without_ref(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The outside key belongs to the import."""
        data.pop("ref", None)
        return data


class InvitationDraft(InvitationChange):
    """A new post; title and language are enough to save it."""

    title = Line(required=True, shortest=1)
    content_language = TextLanguage(required=True)


def _filled(value: Mapping[str, Any] | None) -> bool:
    return value is not None and any(part not in (None, []) for part in value.values())


# what is said about it


class RemarkInput(Input):
    """What to correct in one field, such as `title`, `contact.email` or `periods-0.start`."""

    field = Line(required=True, longest=80)
    text = Prose(required=True, shortest=1, longest=2000)

    @validates_schema
    def check_field(self, data: Mapping[str, Any], **_: Any) -> None:
        """Raise ValidationError for a field that a post does not have."""
        root = re.match(r"[a-z_]*", data["field"])
        if root is None or root[0] not in FIELDS or not re.fullmatch(r"[a-z_]+([.-][a-z0-9_]+){0,3}", data["field"]):
            raise ValidationError({"field": [N_("A post has no such field.")]})


class ActionInput(Input):
    """What goes with an action: a reason, remarks at fields, or the new last day of a renewal."""

    reason = Prose(longest=2000, load_default=None, allow_none=True)
    remarks = Several(fields.Nested(RemarkInput), most=50, load_default=list)
    expires_on = Day(load_default=None, allow_none=True)


class ContactQuery(Input):
    """An administrator says why the contact is read."""

    reason = Line(longest=300, load_default=None, allow_none=True)


class InvitationListQuery(ListQuery):
    """Which posts to list: with `mine` those of one's own school, else what is public."""

    mine = Flag(load_default=False)
    status = CodeList([status.value for status in Status], load_default=list)


class SchoolCriteria(Input):
    """Schools of a unit's area by what they are; codes of one name are alternatives."""

    level = CodeList(vocabularies.LEVELS)
    ownership = CodeList(vocabularies.OWNERSHIPS)
    composition = CodeList(vocabularies.COMPOSITIONS)
    affiliation = CodeList(vocabularies.AFFILIATIONS)
    country = CodeList(countries(), pattern="[A-Z]{2}")
    subdivision = CodeList(pattern=r"[A-Z]{2}-[A-Z0-9]{1,3}")
    county = CodeList(pattern=COUNTY)


class SchoolChoice(fields.Field[Any]):
    """Schools by their ids, or as an object of criteria: `{"ids": …}` or `{"criteria": …}` after loading."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        if isinstance(value, dict):
            single = {name: [codes] if isinstance(codes, str) else codes for name, codes in value.items()}
            return {"criteria": SchoolCriteria().load(single)}
        return {"ids": CodeList(pattern=r"[A-Za-z0-9]{1,64}").deserialize(value, attr, data)}


class ForwardInput(Input):
    """To which schools a unit passes a post on."""

    school_ids = SchoolChoice(required=True)
    note = Prose(longest=2000, load_default=None, allow_none=True)


# what readers see


@dataclass(frozen=True)
class Seen:
    """A post as it is shown to one asker."""

    invitation: Invitation
    actor: Actor


class SchoolOfPostView(View):
    """The posting school."""

    id = fields.String()
    ref = fields.String(allow_none=True)
    name = fields.String()
    name_en = fields.String(allow_none=True)
    country = fields.String()
    region = fields.String(allow_none=True)
    county = fields.String(allow_none=True)
    level = fields.String()
    ownership = fields.String(allow_none=True)
    composition = fields.String(allow_none=True)
    affiliations = fields.List(fields.String())
    verified_by = fields.String(allow_none=True)
    verified_on = fields.Date(allow_none=True)


class ContactView(View):
    """Whom to write to."""

    name = fields.String(allow_none=True)
    role = fields.String(allow_none=True)
    email = fields.String(allow_none=True)
    phone = fields.String(allow_none=True)


class RemarkView(View):
    """What to correct in one field."""

    field = fields.String()
    text = fields.String()


class TranslationView(View):
    """The post's text in another language."""

    language = fields.String()
    title = fields.String()
    description = fields.String(allow_none=True)


class PeriodView(View):
    """Days from `start` to `end`, both included."""

    start = fields.String()
    end = fields.String()


class GroupView(View):
    """How many would come or take part."""

    students = fields.Integer(allow_none=True)
    male = fields.Integer(allow_none=True)
    female = fields.Integer(allow_none=True)
    teachers = fields.Integer(allow_none=True)


class AgentView(View):
    """The travel agent; `contact` is there for the school alone."""

    name = fields.String()
    contact = fields.String(allow_none=True)


class TravelView(View):
    """Educational travel."""

    date_mode = fields.String(allow_none=True)
    dates = fields.List(fields.Nested(PeriodView))
    destination_counties = fields.List(fields.String())
    min_students = fields.Integer(allow_none=True)
    school_kinds = fields.List(fields.String())
    activities = fields.List(fields.String())
    length = fields.String(allow_none=True)
    lodging = fields.String(allow_none=True)
    agent = fields.Nested(AgentView, allow_none=True)
    needs = fields.String(allow_none=True)


class _BodyView(View):
    """The fields a school filled in; `contact` only for the school itself."""

    channel = fields.String()
    title = fields.String()
    description = fields.String(allow_none=True)
    content_language = fields.String()
    translations = fields.List(fields.Nested(TranslationView))
    exchange_types = fields.List(fields.String())
    languages = fields.List(fields.String())
    levels = fields.List(fields.String())
    grades = fields.List(fields.Integer())
    target_countries = fields.List(fields.String())
    target_counties = fields.List(fields.String())
    topics = fields.List(fields.String())
    periods = fields.List(fields.Nested(PeriodView))
    group = fields.Nested(GroupView, allow_none=True)
    homestay = fields.String()
    expires_on = fields.String(allow_none=True)
    contact = fields.Nested(ContactView, allow_none=True)
    contact_visibility = fields.String()
    travel = fields.Nested(TravelView, allow_none=True)


class RevisionView(_BodyView):
    """The change of a published post that is on its way; for its school and the administrator."""

    status = fields.String()
    submitted_at = fields.AwareDateTime(allow_none=True)
    reason = fields.String(allow_none=True)
    remarks = fields.List(fields.Nested(RemarkView))


class InvitationView(_BodyView):
    """A post. `contact` is there for its school alone; `revision`, `reason`, `remarks` also for the administrator."""

    id = fields.String()
    ref = fields.String(allow_none=True)
    number = fields.String()
    version = fields.Integer()
    status = fields.String()
    side = fields.String()
    school = fields.Nested(SchoolOfPostView)
    pending_revision = fields.Boolean()
    revision = fields.Nested(RevisionView, allow_none=True)
    reason = fields.String(allow_none=True)
    remarks = fields.List(fields.Nested(RemarkView))
    submitted_at = fields.AwareDateTime(allow_none=True)
    published_at = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()
    available_actions = fields.List(fields.String())

    @pre_dump
    def for_asker(self, seen: Seen, **_: Any) -> dict[str, Any]:
        """What this asker may read of the post."""
        post, parties = seen.invitation, seen.invitation.parties_of(seen.actor)
        is_owner = Party.OWNER in parties
        shown = {name: getattr(post, name) for name in _OF_THE_POST} | post.body
        shown["available_actions"] = post.available_actions(seen.actor)
        if is_owner:
            shown |= _with_contact(shown, post.contact)
        if is_owner or seen.actor.is_admin:
            shown |= {name: getattr(post, name) for name in ("submitted_at", "reason", "remarks")}
            shown["revision"] = _revision_shown(post, is_owner=is_owner)
        return shown


_OF_THE_POST: Final = (
    "id",
    "ref",
    "number",
    "version",
    "status",
    "side",
    "school",
    "pending_revision",
    "published_at",
    "created_at",
    "updated_at",
)


def _with_contact(body: Mapping[str, Any], contact: Contact | None) -> dict[str, Any]:
    """The contact data of a post, in the places where its school wrote them."""
    named = contact is not None and any((contact.name, contact.role, contact.email, contact.phone))
    agent_contact = contact.agent_contact if contact is not None else None
    return {"contact": contact if named else None, "travel": with_agent_contact(body["travel"], agent_contact)}


def _revision_shown(post: Invitation, *, is_owner: bool) -> dict[str, Any] | None:
    """The open revision, or the last one where it was rejected; what is only drafted is its school's own business."""
    last: Revision | None = post.revisions[-1] if post.revisions else None
    told = {RevisionStatus.REJECTED} | (REVISION_OPEN if is_owner else REVISION_OPEN - {RevisionStatus.DRAFT})
    if last is None or last.status not in told:
        return None
    shown = dict(last.body) | {
        "status": last.status,
        "submitted_at": last.submitted_at,
        "reason": last.reason,
        "remarks": last.remarks,
    }
    return shown | _with_contact(shown, post.revised_contact or post.contact) if is_owner else shown


InvitationListView = list_of(InvitationView, "InvitationList")


class BodyView(View):
    """Who acted: staff stand for their school or unit."""

    kind = fields.String()
    code = fields.String(allow_none=True)
    name = fields.String()


class HistoryLineView(View):
    """One thing that happened to a post, or to its revision (`of`); `fields` names what was changed."""

    at = fields.AwareDateTime()
    action = fields.String()
    of = fields.String()
    by = fields.Nested(BodyView)
    before = fields.String(allow_none=True)
    after = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    remarks = fields.List(fields.Nested(RemarkView))
    changed = fields.List(fields.String(), attribute="fields")


HistoryView = list_of(HistoryLineView, "InvitationHistory")


class ForwardResultView(View):
    """How many schools the post went to now, and how many had it from this unit before."""

    sent = fields.Integer()
    skipped = fields.Integer()


class ForwardView(View):
    """A post that a unit passed on to a school, and what came of it since: opened, asked for a match, agreed."""

    id = fields.String(attribute="forward.id")
    unit_code = fields.String(attribute="forward.unit_code")
    school = fields.Nested(SchoolOfPostView, attribute="forward.school")
    note = fields.String(attribute="forward.note", allow_none=True)
    created_at = fields.AwareDateTime(attribute="forward.created_at")
    opened_at = fields.AwareDateTime(attribute="forward.opened_at", allow_none=True)
    asked = fields.Boolean()
    agreed = fields.Boolean()


ForwardListView = list_of(ForwardView, "ForwardList")
