"""Letters about posts: what the administrator decided, and what the calendar did."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from iew.errors import N_
from iew.mail.letter import Button, Fact, Letter
from iew.mail.stationery import Writer
from iew.models import Forward, Invitation

Remarks = Sequence[Mapping[str, str]]

_YOUR_POST: Final = N_("You get this mail because it is an invitation of your school.")
FIELDS: Final = {
    "channel": N_("Channel"),
    "title": N_("Title"),
    "description": N_("Description"),
    "content_language": N_("Language of the text"),
    "translations": N_("Translations"),
    "exchange_types": N_("Type of exchange"),
    "languages": N_("Language of communication"),
    "levels": N_("School level"),
    "grades": N_("Grade"),
    "target_countries": N_("Countries wished for"),
    "target_counties": N_("Counties wished for"),
    "topics": N_("Topics"),
    "periods": N_("Proposed dates"),
    "group": N_("Group size"),
    "homestay": N_("Homestay"),
    "expires_on": N_("Valid until"),
    "contact": N_("Contact person"),
    "contact_visibility": N_("Who may see the contact"),
    "travel": N_("Educational travel"),
}
"""Fields of a post as a remark names them; a remark inside one, such as `travel.dates`, is under its name."""


def review_published(w: Writer, post: Invitation, *, revision: bool) -> Letter:
    """Tell a school that its post, or the change to it, is public."""
    first = (
        N_("The changes to your invitation have been checked. The new text is public now.")
        if revision
        else N_("Your invitation has been checked and is public now. Schools can find it and write to you.")
    )
    return Letter(
        subject=w.say(N_("Published: %(title)s"), title=post.title),
        opening=(w.say(first),),
        facts=_facts_of(w, post, with_expiry=True),
        button=Button(w.say(N_("Look at the invitation")), w.invitation_page(post)),
        why=w.say(_YOUR_POST),
    )


def review_returned(w: Writer, post: Invitation, reason: str, remarks: Remarks, *, revision: bool) -> Letter:
    """Ask a school to correct its post, remark by remark."""
    first = (
        N_("The changes to your invitation need a correction; until then the old text stays public.")
        if revision
        else N_("Your invitation has been read and needs a correction before it can be published.")
    )
    return Letter(
        subject=w.say(N_("Please correct: %(title)s"), title=post.title),
        opening=(w.say(first), w.say(N_("Please change what is said below and send it again."))),
        facts=_facts_of(w, post),
        said=(Fact(w.say(N_("Reason")), reason), *_remarks(w, remarks)),
        button=Button(w.say(N_("Correct the invitation")), w.editor_page(post)),
        why=w.say(_YOUR_POST),
    )


def review_rejected(w: Writer, post: Invitation, reason: str, remarks: Remarks, *, revision: bool) -> Letter:
    """Tell a school that its post, or the change to it, will not be published, and why."""
    first = (
        N_("The changes to your invitation will not be published. The published text stays as it is.")
        if revision
        else N_("Your invitation will not be published. We are sorry to give you this answer.")
    )
    return Letter(
        subject=w.say(N_("Not published: %(title)s"), title=post.title),
        opening=(w.say(first),),
        facts=_facts_of(w, post),
        said=(Fact(w.say(N_("Reason")), reason), *_remarks(w, remarks)),
        button=Button(w.say(N_("Look at the invitation")), w.invitation_page(post)),
        closing=(w.say(N_("If you have a question about this, you can ask the IEW administrator from that page.")),),
        why=w.say(_YOUR_POST),
    )


def taken_down(w: Writer, post: Invitation, reason: str) -> Letter:
    """Tell a school that the administrator took its post down, and why."""
    return Letter(
        subject=w.say(N_("Taken down: %(title)s"), title=post.title),
        opening=(w.say(N_("The IEW administrator has taken your invitation down. It is no longer public.")),),
        facts=_facts_of(w, post),
        said=(Fact(w.say(N_("Reason")), reason),),
        button=Button(w.say(N_("Look at the invitation")), w.invitation_page(post)),
        closing=(w.say(N_("If you have a question about this, you can ask the IEW administrator from that page.")),),
        why=w.say(_YOUR_POST),
    )


def returned_reminder(w: Writer, post: Invitation, closes_on: date) -> Letter:
    """Remind a school of a post that it was asked to correct."""
    return Letter(
        subject=w.say(N_("Still to be corrected: %(title)s"), title=post.title),
        opening=(
            w.say(N_("Your invitation was returned to you for correction and has not been sent again yet.")),
            w.say(N_("If nothing happens it will be closed on %(day)s."), day=w.day(closes_on)),
        ),
        facts=_facts_of(w, post),
        said=(Fact(w.say(N_("Reason")), post.reason),) if post.reason else (),
        button=Button(w.say(N_("Correct the invitation")), w.editor_page(post)),
        why=w.say(_YOUR_POST),
    )


def returned_lapsed(w: Writer, post: Invitation) -> Letter:
    """Tell a school that a post it never corrected was closed."""
    return Letter(
        subject=w.say(N_("Closed: %(title)s"), title=post.title),
        opening=(
            w.say(N_("Your invitation was returned for correction and did not come back, so it has been closed.")),
            w.say(N_("Its text is kept. You can use it for a new invitation at any time.")),
        ),
        facts=_facts_of(w, post),
        button=Button(w.say(N_("Look at the invitation")), w.invitation_page(post)),
        why=w.say(_YOUR_POST),
    )


def expiry_soon(w: Writer, post: Invitation) -> Letter:
    """Remind a school that its post will leave the public."""
    last_day = w.day(post.expires_on) if post.expires_on else ""
    return Letter(
        subject=w.say(N_("Expires soon: %(title)s"), title=post.title),
        opening=(
            w.say(N_("Your invitation is public until the end of %(day)s."), day=last_day),
            w.say(
                N_("If you are still looking, renew it; that takes one step. If you have found a partner, close it.")
            ),
        ),
        facts=_facts_of(w, post, with_expiry=True),
        button=Button(w.say(N_("Renew or close it")), w.invitation_page(post)),
        why=w.say(_YOUR_POST),
    )


def expired(w: Writer, post: Invitation) -> Letter:
    """Tell a school that its post is no longer public."""
    return Letter(
        subject=w.say(N_("Expired: %(title)s"), title=post.title),
        opening=(
            w.say(N_("The last day of your invitation has passed, and it is no longer public.")),
            w.say(N_("You can renew it with a new date at any time. Requests that are open already go on.")),
        ),
        facts=_facts_of(w, post, with_expiry=True),
        button=Button(w.say(N_("Renew the invitation")), w.invitation_page(post)),
        why=w.say(_YOUR_POST),
    )


def forwarded(w: Writer, post: Invitation, forward: Forward) -> Letter:
    """Show a school a post that the unit of its place thinks of interest."""
    unit = w.unit(forward.unit_code)
    return Letter(
        subject=w.say(N_("Passed on to you: %(title)s"), title=post.title),
        opening=(
            w.say(N_("%(unit)s thinks that this invitation may interest your school."), unit=unit),
            w.say(N_("If you like it, you can write to the school from the page of the invitation.")),
        ),
        facts=(
            Fact(w.say(N_("School")), w.school(post.school)),
            Fact(w.say(N_("Country or region")), w.label("country", post.school.country)),
            *_facts_of(w, post, with_expiry=True),
        ),
        said=(Fact(w.say(N_("Note of %(unit)s"), unit=unit), forward.note),) if forward.note else (),
        button=Button(w.say(N_("Look at the invitation")), w.invitation_page(post)),
        why=w.say(N_("You get this mail because this office or centre looks after the schools of your area.")),
    )


def _facts_of(w: Writer, post: Invitation, *, with_expiry: bool = False) -> tuple[Fact, ...]:
    facts = (
        Fact(w.say(N_("Invitation")), post.title),
        Fact(w.say(N_("Case number")), post.number),
    )
    if with_expiry and post.expires_on:
        return (*facts, Fact(w.say(N_("Valid until")), w.day(post.expires_on)))
    return facts


def _remarks(w: Writer, remarks: Remarks) -> tuple[Fact, ...]:
    return tuple(
        Fact(w.say(N_("Remark on “%(field)s”"), field=_field(w, remark.get("field") or "")), remark.get("text") or "")
        for remark in remarks
    )


def _field(w: Writer, name: str) -> str:
    label = FIELDS.get(name.partition(".")[0])
    return w.say(label) if label else name
