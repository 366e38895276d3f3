"""A school's own posts in words: where each stands, what comes next, what is still missing, what somebody else changed.

Without this room the list, the editor and the preview would each decide by states what to offer.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from iew.domain.actors import Actor
from iew.domain.invitations import REVISION_OPEN, RevisionStatus, Status
from iew.domain.posts import FIELDS, add_months, as_json, missing
from iew.errors import N_
from iew.models import Invitation
from iew.schemas.invitations import InvitationView, Seen
from iew.services.invitations import HistoryLine
from iew.web.forms import Form
from iew.web.rendering import day, ngettext, said
from iew.web.rendering import gettext as _
from iew.web.review_words import field_name, said_of_change

RENEWAL_MONTHS: Final = 6
MONTHS_AHEAD_OF_A_VISIT: Final = 2
"""A visit that comes sooner is hard to arrange; its school is warned."""
CHANGED_MEANWHILE: Final = 412
MOST_OF_A_PART: Final = 50
ACTIONS_TO_CONFIRM: Final = ("withdraw", "close", "renew")
PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "attention": (Status.RETURNED,),
    "drafts": (Status.DRAFT,),
    "waiting": (Status.SUBMITTED,),
    "public": (Status.PUBLISHED,),
    "ended": (Status.EXPIRED, Status.CLOSED, Status.WITHDRAWN, Status.REJECTED),
}
"""The parts of the list of own posts, the most urgent first, with the states in each."""
PART_NAMES: Final = {
    "attention": N_("To correct"),
    "drafts": N_("Drafts"),
    "waiting": N_("Being checked"),
    "public": N_("Public now"),
    "ended": N_("Ended"),
}
DONE: Final = {
    "save": N_("Saved."),
    "submit": N_("Sent for checking. An administrator reads it; a mail brings the answer."),
    "withdraw": N_("The post is withdrawn. Nobody finds it any more."),
    "close": N_("The post is closed. Thank you for keeping the window up to date."),
    "renew": N_("The post stays open until %(day)s."),
    "delete": N_("The draft is deleted."),
}
_EDITABLE: Final = frozenset({Status.DRAFT, Status.RETURNED, Status.PUBLISHED})
_NEXT: Final = {
    "draft": N_("Only your school sees it. Complete it, look at the preview, and send it for checking."),
    "submitted": N_("An administrator is reading it; a mail brings the answer. You can change it after that."),
    "returned": N_("Correct what the remarks say and send it again. After 30 days without a correction it is closed."),
    "published": N_("Everybody can find it until the end of %(day)s."),
    "rejected": N_("It will not be published. If you do not understand why, ask the administrator."),
    "closed": N_("It is closed: nobody finds it any more."),
    "withdrawn": N_("It was withdrawn: nobody finds it any more."),
    "expired": N_("Its last day has passed. Renew it with one click if you still seek a partner."),
    "revision draft": N_("You began a change. The public reads the old text until the change was checked."),
    "revision submitted": N_("Your change is being checked. The public reads the old text until then."),
    "revision returned": N_("Your change came back with remarks; correct it. The public still reads the old text."),
    "revision rejected": N_("Your last change was not accepted. The old text stays public until the end of %(day)s."),
}  # fmt: skip
_HAPPENED: Final = {
    ("invitation", "create"): N_("Draft begun"),
    ("invitation", "change"): N_("Changed"),
    ("invitation", "submit"): N_("Sent for checking"),
    ("invitation", "publish"): N_("Published"),
    ("invitation", "return"): N_("Returned for correction"),
    ("invitation", "reject"): N_("Rejected"),
    ("invitation", "withdraw"): N_("Withdrawn"),
    ("invitation", "close"): N_("Closed"),
    ("invitation", "renew"): N_("Renewed"),
    ("invitation", "expire"): N_("Last day passed"),
    ("invitation", "import"): N_("Imported and published"),
    ("invitation", "revise"): N_("Change of the published text written"),
    ("revision", "submit"): N_("Change sent for checking"),
    ("revision", "publish"): N_("Change published"),
    ("revision", "return"): N_("Change returned for correction"),
    ("revision", "reject"): N_("Change not accepted"),
    ("revision", "recall"): N_("Change taken back to go on writing"),
    ("revision", "drop"): N_("Change dropped, since the post ended"),
}


def own_post(post: Invitation, actor: Actor, today: date) -> dict[str, Any]:
    """A post as its own school sees it: the view, what it says newest, and what comes next."""
    shown: dict[str, Any] = InvitationView().dump(Seen(post, actor))
    text = newest_text(shown)
    newest = shown["revision"] or shown
    return shown | {
        "text": text,
        "standing": standing_of(shown),
        "next": _(_NEXT[standing_of(shown)], day=day(shown["expires_on"])),
        "said_reason": newest["reason"],
        "said_remarks": [_remark(remark) for remark in newest["remarks"] or ()],
        "editable": shown["status"] in _EDITABLE,
        "deletable": shown["status"] == Status.DRAFT,
        "is_public": shown["status"] == Status.PUBLISHED,
        "changing": text is not shown,
        "missing": [(name, field_name(name)) for name in missing_of(text)],
        "comes_soon": comes_soon(text, today),
        "renewal": renewal_day(shown, today),
        "ends_soon": ends_soon(shown, today),
    }


def standing_of(shown: Mapping[str, Any]) -> str:
    """Where a post stands, its revision included."""
    revision = shown["revision"]
    if shown["status"] == Status.PUBLISHED and revision:
        return f"revision {revision['status']}"
    return str(shown["status"])


def newest_text(shown: dict[str, Any]) -> dict[str, Any]:
    """What the school says at last: the post, or the open revision laid over it."""
    revision = shown["revision"]
    if shown["status"] == Status.PUBLISHED and revision and revision["status"] in REVISION_OPEN:
        return shown | {name: revision[name] for name in FIELDS if name in revision}
    return shown


def part_of(shown: Mapping[str, Any]) -> str:
    """The part of the list in which a post stands; a public one whose change came back needs attention too."""
    revision = shown["revision"]
    if shown["status"] == Status.PUBLISHED and revision and revision["status"] == RevisionStatus.RETURNED:
        return "attention"
    return next(part for part, statuses in PARTS.items() if shown["status"] in statuses)


def missing_of(text: Mapping[str, Any]) -> list[str]:
    """The fields that are still needed before the text can be sent."""
    contact = text.get("contact") or {}
    names = set(missing(text)) | (set() if contact.get("name") and contact.get("email") else {"contact"})
    return [name for name in FIELDS if name in names]


def comes_soon(text: Mapping[str, Any], today: date) -> bool:
    """Whether an educational travel is planned for less than two months ahead."""
    if text["channel"] != "educational_travel":
        return False
    dates = [*(text["periods"] or ()), *((text["travel"] or {}).get("dates") or ())]
    soonest = min((each["start"] for each in dates), default=None)
    return soonest is not None and soonest < add_months(today, MONTHS_AHEAD_OF_A_VISIT).isoformat()


def renewal_day(shown: Mapping[str, Any], today: date) -> str | None:
    """The last day that one click gives; None where the post cannot be renewed or is open for long anyway."""
    if "renew" not in shown["available_actions"] or not shown["expires_on"]:
        return None
    longest = add_months(today, 24)
    renewed = min(longest, add_months(max(today, date.fromisoformat(shown["expires_on"])), RENEWAL_MONTHS))
    return renewed.isoformat() if renewed.isoformat() > shown["expires_on"] else None


def ends_soon(shown: Mapping[str, Any], today: date) -> bool:
    """Whether a post has ended by its day, or will within a month; then renewing is the next step."""
    if shown["status"] == Status.EXPIRED:
        return True
    return bool(shown["status"] == Status.PUBLISHED and shown["expires_on"] <= add_months(today, 1).isoformat())


def _remark(remark: Mapping[str, Any]) -> dict[str, str]:
    root = remark["field"].partition(".")[0].partition("-")[0]
    return {"field": root, "name": field_name(root), "text": remark["text"]}


# the form


def form_of(post: Mapping[str, Any], writer: Mapping[str, str]) -> Form:
    """The editor's form, filled with the newest text; without a contact it offers the writer's own name and address."""
    values = {name: post["text"].get(name) for name in FIELDS}
    values["contact"] = values["contact"] or dict(writer)
    return Form.blank(values, version=post["version"])


def without_removed_rows(form: Form, name: str) -> None:
    """Take the rows of a list out of the form whose box "take away" is ticked, and close up the numbers."""
    gone = {row for row in form.rows(name, least=0) if form.value(f"{name}-{row}.removed")}
    if not gone:
        return
    kept = [row for row in form.rows(name, least=0) if row not in gone]
    places = {f"{name}-{row}.": f"{name}-{place}." for place, row in enumerate(kept)}
    pairs: list[tuple[str, str]] = [(name, "")]
    for typed, value in form.typed.items(multi=True):
        prefix = f"{typed.partition('.')[0]}."
        if prefix in places:
            pairs.append((places[prefix] + typed.removeprefix(prefix), value))
        elif not typed.startswith(f"{name}-"):
            pairs.append((typed, value))
    form.typed = MultiDict(pairs)


def values_of(form: Form) -> dict[str, Any]:
    """What the editor's form says; the plan of a visit belongs to educational travel alone. Raises Invalid."""
    values: dict[str, Any] = dict(form.data)
    if values.get("channel") == "general":
        values["travel"] = None
    return values


def changed_meanwhile(form: Form, post: Mapping[str, Any]) -> list[dict[str, str]]:
    """Where what was typed differs from what somebody else saved meanwhile, in words; nothing where nobody did."""
    if form.status != CHANGED_MEANWHILE or form.schema is None:
        return []
    stored = post["text"]
    typed = {name: as_json(value) for name, value in form.data.items() if name in FIELDS}
    return [
        said_of_change({"field": name, "before": stored.get(name), "after": value})
        for name, value in typed.items()
        if (value or None) != (stored.get(name) or None)
    ]


# the history


def said_of_line(line: HistoryLine) -> dict[str, Any]:
    """One line of the history as the timeline shows it."""
    words = [line.reason or "", *(f"{field_name(r['field'])}{_(': ')}{r['text']}" for r in line.remarks)]
    if line.fields:
        words.append(_(", ").join(field_name(name) for name in line.fields))
    title = said(_HAPPENED.get((line.of, line.action), line.action))
    return {"at": line.at, "title": title, "by": line.by.name, "text": "\n".join(filter(None, words)), "state": ""}


def sent_to(sent: int, skipped: int) -> str:
    """How many schools a unit passed a post on to."""
    words = [ngettext("Passed on to %(num)s school.", "Passed on to %(num)s schools.", sent)]
    if skipped:
        words.append(ngettext("%(num)s school had it already.", "%(num)s schools had it already.", skipped))
    return " ".join(words)
