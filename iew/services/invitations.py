"""The verbs of a post: drafting, changing, submitting, deciding, taking down, renewing, and reading it.

A post is public only with the text an administrator has read. So a change to a published post goes into its revision,
and what the contact was or became is written nowhere but in the contact's own table.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from iew import i18n
from iew.db import Page, keyset_page
from iew.domain.actors import NAMES_WITHOUT_BODY, SYSTEM, Actor, Role
from iew.domain.invitations import OPEN_TO_REVIEW, Party, RevisionStatus, Status
from iew.domain.posts import (
    DEFAULTS,
    Body,
    as_json,
    changed_fields,
    faults_before_submit,
    faults_of_expiry,
    without_agent_contact,
)
from iew.errors import N_, Conflict, Invalid, InvalidTransition, NotAllowed, NotFound, NotSignedIn, Text
from iew.models import Body as BodyOfStaff
from iew.models import Contact, Event, Invitation, Revision, Term, bodies_of, find_post, open_to_all
from iew.uow import UnitOfWork

_RELATED: Final = ("contact", "revised_contact", "revisions")
DECISIONS: Final = ("publish", "return", "reject")
"""What an administrator makes of a submitted post or revision."""
ACTIONS: Final = ("submit", *DECISIONS, "withdraw", "close", "renew")
"""What people do; the table has more, which the system does."""

_CONTACT_COLUMNS: Final = ("name", "role", "email", "phone")
_ACTS_OF_THE_OWNER: Final = ("change", "delete")
_NOT_HISTORY: Final = ("contact_read", "open", "revision", "dismiss_suggestion")
"""Events about a post that change nothing in it, or that its revision tells better itself."""

Values = Mapping[str, Any]


# reading


def read(uow: UnitOfWork, invitation_id: str, actor: Actor) -> Invitation:
    """One post. Raises NotFound where the actor may not know of it."""
    return find_post(uow.session, invitation_id, actor, uow.today)


def list_own(
    uow: UnitOfWork, actor: Actor, *, statuses: Sequence[str] = (), cursor: str | None = None, limit: int = 20
) -> Page[Invitation]:
    """The posts of the actor's school, newest first; nothing for those who have no school.

    Raises NotSignedIn, BadRequest for a bad cursor.
    """
    if not actor.signed_in:
        raise NotSignedIn
    statement = select(Invitation).where(Invitation.school_id == (actor.school_id or ""))
    if statuses:
        statement = statement.where(Invitation.status.in_(statuses))
    return keyset_page(
        uow.session,
        statement.options(*_WHOLE),
        (Invitation.created_at, Invitation.id),
        key=lambda post: (post.created_at, post.id),
        cursor=cursor,
        limit=limit,
        descending=True,
    )


def list_public(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[Invitation]:
    """What everybody may read, the latest published first. Raises BadRequest for a bad cursor."""
    return keyset_page(
        uow.session,
        select(Invitation).where(open_to_all(uow.today)).options(*_WHOLE),
        (Invitation.published_at, Invitation.id),
        key=lambda post: (post.published_at, post.id),
        cursor=cursor,
        limit=limit,
        descending=True,
    )


_WHOLE: Final = (
    selectinload(Invitation.school),
    selectinload(Invitation.revisions),
    selectinload(Invitation.contact),
    selectinload(Invitation.revised_contact),
)


@dataclass(frozen=True)
class HistoryLine:
    """One thing that happened to a post or its revision (`of`). Staff are shown by their body, not by name."""

    at: datetime
    action: str
    of: str
    by: BodyOfStaff
    before: str | None
    after: str | None
    reason: str | None
    remarks: list[dict[str, Any]]
    fields: list[str]


def history(uow: UnitOfWork, invitation_id: str, actor: Actor, *, language: str) -> list[HistoryLine]:
    """What happened to a post and its revisions, oldest first; bodies are named in `language`.

    Raises NotFound, NotAllowed.
    """
    permit(uow, invitation_id, actor, "history")
    revisions = list(uow.session.scalars(select(Revision.id).where(Revision.invitation_id == invitation_id)))
    events = uow.history_of("invitation", invitation_id)
    for revision_id in revisions:
        events += [event for event in uow.history_of("revision", revision_id) if event.fact is not None]
    told = sorted((event for event in events if event.action not in _NOT_HISTORY), key=lambda event: event.id)
    keys = {(event.actor_role, event.actor_body) for event in told}
    others = {kind: i18n.say(name, language) for kind, name in NAMES_WITHOUT_BODY.items()}
    bodies = bodies_of(uow.session, keys, language, others)
    return [_line_of(event, bodies[event.actor_role, event.actor_body]) for event in told]


def _line_of(event: Event, by: BodyOfStaff) -> HistoryLine:
    return HistoryLine(
        at=event.at,
        action=event.action,
        of=event.subject_type,
        by=by,
        before=event.before,
        after=event.after,
        reason=event.details.get("reason"),
        remarks=event.details.get("remarks") or [],
        fields=event.details.get("fields") or [],
    )


def permit(uow: UnitOfWork, invitation_id: str, actor: Actor, act: str) -> Invitation:
    """The post, where `actor` could do `act` in some state of it; asked before a body is looked at.

    act: an action, or `change`, `delete`, `history`. Raises NotFound (hidden, or no such act), NotAllowed.
    """
    invitation = read(uow, invitation_id, actor)
    parties = invitation.parties_of(actor)
    if act in _ACTS_OF_THE_OWNER:
        if Party.OWNER not in parties:
            raise NotAllowed
    elif act == "history":
        if Party.OWNER not in parties and not actor.is_admin:
            raise NotAllowed
    elif act in ACTIONS:
        invitation.lifecycle.permit(act, kind=None, parties=parties)
    else:
        raise NotFound
    return invitation


# writing


def draft(uow: UnitOfWork, values: Values, actor: Actor) -> Invitation:
    """Save a new draft of the actor's school.

    values: fields of a post, its contact among them; at least title and content_language. Raises NotAllowed, Invalid.
    """
    if actor.role is not Role.SCHOOL or actor.school_id is None:
        raise NotAllowed(N_("Only a school can post an invitation."))
    content, contact = _parted(uow, values)
    invitation = Invitation(school_id=actor.school_id, author_id=actor.user_id, remarks=[])
    invitation.take_body(dict(DEFAULTS) | content)
    uow.start(invitation, Status.DRAFT, actor, action="create")
    _put_contact(uow, invitation, contact, of_revision=False)
    uow.session.expire(invitation, _RELATED)
    return invitation


def change(
    uow: UnitOfWork, invitation_id: str, values: Values, actor: Actor, *, seen_version: int | None = None
) -> Invitation:
    """Change the fields that `values` names: at once where nobody else reads the post yet, else in its revision.

    Raises NotFound, NotAllowed, Conflict, InvalidTransition (it is being checked, or has ended), Invalid.
    """
    invitation = permit(uow, invitation_id, actor, "change")
    uow.lock(invitation)
    _compare(invitation, seen_version)
    if invitation.status in OPEN_TO_REVIEW:
        raise InvalidTransition(N_("This post is being checked. Change it after the answer, or withdraw it."))
    if invitation.status not in (Status.DRAFT, Status.RETURNED, Status.PUBLISHED):
        raise InvalidTransition
    content, contact = _parted(uow, values)
    if invitation.status == Status.PUBLISHED:
        _revise(uow, invitation, content, contact, actor)
    else:
        _rewrite(uow, invitation, content, contact, actor)
    uow.session.expire(invitation, _RELATED)
    return invitation


def delete(uow: UnitOfWork, invitation_id: str, actor: Actor, *, seen_version: int | None = None) -> None:
    """Delete a draft; what others have read is withdrawn instead.

    Raises NotFound, NotAllowed, Conflict, InvalidTransition.
    """
    invitation = permit(uow, invitation_id, actor, "delete")
    uow.lock(invitation)
    _compare(invitation, seen_version)
    if invitation.status != Status.DRAFT:
        raise InvalidTransition(N_("Only a draft can be deleted. Withdraw or close this post instead."))
    uow.record(None, invitation, actor, action="delete")
    uow.session.delete(invitation)


def act(
    uow: UnitOfWork,
    invitation_id: str,
    action: str,
    actor: Actor,
    values: Values | None = None,
    *,
    seen_version: int | None = None,
) -> Invitation:
    """Take one of ACTIONS on a post or, where it is published, on its revision.

    values: `reason`, `remarks` (`[{field, text}]`), and for renew `expires_on`. Raises NotFound, NotAllowed, Conflict,
    InvalidTransition, Invalid.
    """
    given = {name: value for name, value in (values or {}).items() if value}
    invitation = permit(uow, invitation_id, actor, action)
    if "expires_on" in given and action != "renew":
        raise Invalid.field("expires_on", N_("There is no such field."))
    if action == "submit":
        _check_may_submit(actor)
    if action in DECISIONS:
        _check_four_eyes(uow, invitation, actor)
    details = {name: as_json(value) for name, value in given.items()}
    if invitation.status == Status.PUBLISHED and action in _ON_REVISION:
        _act_on_revision(uow, invitation, action, actor, details, seen_version)
    else:
        uow.transition(invitation, action, actor, seen_version=seen_version, **details)
        _AFTER[action](uow, invitation, actor, given)
    uow.session.expire(invitation, _RELATED)
    return invitation


def expire(uow: UnitOfWork, invitation_id: str) -> None:
    """Take a post whose last day has passed out of the public. Raises NotFound, InvalidTransition."""
    invitation = uow.get(Invitation, invitation_id)
    uow.transition(invitation, "expire", SYSTEM)
    _drop_revision(uow, invitation, SYSTEM)


def lapse(uow: UnitOfWork, invitation_id: str) -> None:
    """Close a returned post that its school never came back to. Raises NotFound, InvalidTransition."""
    invitation = uow.get(Invitation, invitation_id)
    uow.transition(invitation, "close", SYSTEM)


# what follows an action on the post itself


def _after_submit(uow: UnitOfWork, invitation: Invitation, actor: Actor, given: Values) -> None:
    _check_complete(uow, invitation.body, _contact_of(uow, invitation, of_revision=False))
    invitation.submitted_at = uow.now


def _after_decision(uow: UnitOfWork, invitation: Invitation, actor: Actor, given: Values) -> None:
    invitation.decided_at = uow.now
    invitation.reviewed_body = invitation.body
    invitation.reason = given.get("reason")
    invitation.remarks = list(given.get("remarks", []))


def _after_publish(uow: UnitOfWork, invitation: Invitation, actor: Actor, given: Values) -> None:
    if faults := faults_of_expiry(invitation.expires_on, today=uow.today, months_ahead=None):
        raise Invalid(faults)
    _after_decision(uow, invitation, actor, {})
    invitation.published_at = uow.now


def _after_leaving(uow: UnitOfWork, invitation: Invitation, actor: Actor, given: Values) -> None:
    invitation.reason = given.get("reason")
    _drop_revision(uow, invitation, actor)


def _after_renew(uow: UnitOfWork, invitation: Invitation, actor: Actor, given: Values) -> None:
    before, after = invitation.expires_on, given.get("expires_on") or invitation.expires_on
    months = uow.limits.expires_months_ahead if after != before else None
    if faults := faults_of_expiry(after, today=uow.today, months_ahead=months):
        raise Invalid(faults)
    invitation.expires_on = after
    revision = invitation.revision
    if revision is not None and revision.body.get("expires_on") == as_json(before):
        revision.body = revision.body | {"expires_on": as_json(after)}


_AFTER: Final[Mapping[str, Callable[[UnitOfWork, Invitation, Actor, Values], None]]] = {
    "submit": _after_submit,
    "publish": _after_publish,
    "return": _after_decision,
    "reject": _after_decision,
    "withdraw": _after_leaving,
    "close": _after_leaving,
    "renew": _after_renew,
}


# the revision of a published post

_ON_REVISION: Final = ("submit", *DECISIONS)


def _act_on_revision(
    uow: UnitOfWork, invitation: Invitation, action: str, actor: Actor, details: Values, seen_version: int | None
) -> None:
    """Submit the revision, or decide on it; the post gets a new version, and a new text once that is published."""
    fact = "InvitationRevised" if action == "publish" else None
    uow.amend(invitation, actor, action="revision", fact=fact, seen_version=seen_version)
    revision = invitation.revision
    if invitation.status != Status.PUBLISHED or revision is None:
        raise InvalidTransition
    uow.transition(revision, action, actor, **details)
    if action == "submit":
        contact = _contact_of(uow, invitation, of_revision=True) or _contact_of(uow, invitation, of_revision=False)
        _check_complete(uow, revision.body, contact)
        revision.submitted_at = uow.now
        return
    revision.reason, revision.remarks = details.get("reason"), list(details.get("remarks", []))
    if action == "publish":
        _merge(uow, invitation, revision)
    elif action == "reject":
        _forget_contact(uow, invitation)
    invitation.decided_at = uow.now
    invitation.reviewed_body = dict(revision.body) if action == "return" else invitation.body


def _merge(uow: UnitOfWork, invitation: Invitation, revision: Revision) -> None:
    """Make the revision's text and contact the post's own."""
    last_day = revision.body.get("expires_on")
    faults = faults_of_expiry(date.fromisoformat(last_day) if last_day else None, today=uow.today, months_ahead=None)
    if faults:
        raise Invalid(faults)
    invitation.take_body(revision.body)
    contact = _contact_of(uow, invitation, of_revision=True)
    if contact is not None:
        _write_contact(uow, invitation, _data_of(contact), of_revision=False)
        uow.session.delete(contact)


def _revise(uow: UnitOfWork, invitation: Invitation, content: Body, contact: Values, actor: Actor) -> None:
    """Put changes into the revision of a published post; one that waits for its reader is taken back by that."""
    revision = invitation.revision
    before = revision.body if revision is not None else invitation.body
    fields = _differing(uow, invitation, before, content, contact, of_revision=True)
    if not fields:
        return
    uow.amend(invitation, actor, action="revise", fact=None, fields=fields)
    if revision is None:
        revision = Revision(invitation_id=invitation.id, body=before, remarks=[])
        uow.start(revision, RevisionStatus.DRAFT, actor, action="revise")
    elif revision.status == RevisionStatus.SUBMITTED:
        uow.transition(revision, "recall", actor)
    else:
        uow.amend(revision, actor, action="revise", fact=None)
    revision.body = dict(before) | content
    _put_contact(uow, invitation, contact, of_revision=True)


def _drop_revision(uow: UnitOfWork, invitation: Invitation, actor: Actor) -> None:
    """End the open revision of a post that left the public; its text was never read."""
    revision = invitation.revision
    if revision is not None:
        uow.transition(revision, "drop", actor)
        _forget_contact(uow, invitation)


def _forget_contact(uow: UnitOfWork, invitation: Invitation) -> None:
    contact = _contact_of(uow, invitation, of_revision=True)
    if contact is not None:
        uow.session.delete(contact)


# content and contact


def _rewrite(uow: UnitOfWork, invitation: Invitation, content: Body, contact: Values, actor: Actor) -> None:
    """Change a post that only its school reads."""
    fields = _differing(uow, invitation, invitation.body, content, contact, of_revision=False)
    if not fields:
        return
    uow.amend(invitation, actor, action="change", fact="InvitationChanged", fields=fields)
    invitation.take_body(content)
    _put_contact(uow, invitation, contact, of_revision=False)


def _parted(uow: UnitOfWork, values: Values) -> tuple[Body, dict[str, Any]]:
    """The fields as JSON without contact data, and the columns of the contact that are to change. Raises Invalid."""
    content: Body = {name: as_json(value) for name, value in values.items() if name != "contact"}
    contact: dict[str, Any] = {}
    if "travel" in content:
        content["travel"], contact["agent_contact"] = without_agent_contact(content["travel"])
    if "contact" in values:
        given = values["contact"] or {}
        contact |= {column: given.get(column) for column in _CONTACT_COLUMNS}
    _check_counties(uow, content)
    return content, contact


def _check_counties(uow: UnitOfWork, content: Body) -> None:
    """Counties come from the reference tables, so no schema can know them."""
    named = {
        "target_counties": content.get("target_counties") or [],
        "travel.destination_counties": (content.get("travel") or {}).get("destination_counties") or [],
    }
    if not any(named.values()):
        return
    known = set(uow.session.scalars(select(Term.code).where(Term.vocabulary == "county")))
    faults = {
        field: [Text(N_("There is no county %(code)s."), {"code": code}) for code in codes if code not in known]
        for field, codes in named.items()
    }
    if any(faults.values()):
        raise Invalid({field: texts for field, texts in faults.items() if texts})


def _differing(
    uow: UnitOfWork, invitation: Invitation, before: Body, content: Body, contact: Values, *, of_revision: bool
) -> list[str]:
    """The names of the fields that would change; of the contact only that it does."""
    fields = changed_fields(before, dict(before) | content)
    present = _contact_of(uow, invitation, of_revision=of_revision)
    if present is None and of_revision:
        present = _contact_of(uow, invitation, of_revision=False)
    if any(getattr(present, column, None) != value for column, value in contact.items()):
        fields.append("contact")
    return fields


def _contact_of(uow: UnitOfWork, invitation: Invitation, *, of_revision: bool) -> Contact | None:
    return uow.session.scalar(
        select(Contact).where(Contact.invitation_id == invitation.id, Contact.of_revision.is_(of_revision))
    )


def _data_of(contact: Contact | None) -> dict[str, Any]:
    return {column: getattr(contact, column, None) for column in (*_CONTACT_COLUMNS, "agent_contact")}


def _put_contact(uow: UnitOfWork, invitation: Invitation, contact: Values, *, of_revision: bool) -> None:
    """Change the named columns of the contact; that of a revision begins as a copy of the post's own."""
    if not contact:
        return
    present = _contact_of(uow, invitation, of_revision=of_revision)
    if present is None and of_revision:
        present = _contact_of(uow, invitation, of_revision=False)
    _write_contact(uow, invitation, _data_of(present) | dict(contact), of_revision=of_revision)


def _write_contact(uow: UnitOfWork, invitation: Invitation, data: Values, *, of_revision: bool) -> None:
    """Make the contact equal to `data`. An empty one has no row, but for a revision it means: take the old one away."""
    present = _contact_of(uow, invitation, of_revision=of_revision)
    if not any(data.values()) and not of_revision:
        if present is not None:
            uow.session.delete(present)
        return
    if present is None:
        uow.session.add(Contact(invitation_id=invitation.id, of_revision=of_revision, **data))
        return
    for column, value in data.items():
        setattr(present, column, value)


# checks


def _compare(invitation: Invitation, seen_version: int | None) -> None:
    if seen_version not in (None, invitation.version):
        raise Conflict


def _check_complete(uow: UnitOfWork, body: Body, contact: Contact | None) -> None:
    faults = faults_before_submit(
        body,
        has_contact=contact is not None and contact.complete,
        today=uow.today,
        months_ahead=uow.limits.expires_months_ahead,
    )
    if faults:
        raise Invalid(faults)


def _check_may_submit(actor: Actor) -> None:
    if not actor.school_approved:
        raise NotAllowed(
            N_("Your school waits for approval. You can prepare drafts meanwhile."), code="school_unverified"
        )
    if not actor.email_confirmed:
        raise NotAllowed(
            N_("Please confirm your mail address first: open the link in the mail we sent you."),
            code="email_unverified",
        )


def _check_four_eyes(uow: UnitOfWork, invitation: Invitation, actor: Actor) -> None:
    """Nobody decides on a text that they wrote themselves, even in an earlier post at the school."""
    wrote = uow.session.scalar(
        select(Event.id)
        .where(
            Event.subject_type == Invitation.subject_type,
            Event.subject_id == invitation.id,
            Event.actor_id == actor.user_id,
            Event.actor_role == Role.SCHOOL.value,
        )
        .limit(1)
    )
    if wrote is not None:
        raise NotAllowed(N_("You wrote in this post yourself; another administrator must read it."))
