"""Reading whom to write to about a post. Every reading by others leaves a line that the owner can see."""

from dataclasses import dataclass

from sqlalchemy import select

from iew.domain.actors import Actor
from iew.domain.contacts import Ground, ground_for
from iew.errors import N_, Invalid, NotAllowed, NotFound
from iew.models import Contact, Invitation, Match, find_post, matches_on
from iew.uow import UnitOfWork

SHOWN_TO_APPROVED_SCHOOLS = "approved_schools"


@dataclass(frozen=True)
class ContactShown:
    """A contact that somebody has the right to read."""

    name: str
    role: str | None
    email: str
    phone: str | None


def check(uow: UnitOfWork, invitation_id: str, actor: Actor) -> tuple[Invitation, Ground]:
    """The post and why `actor` may read its contact. Raises NotFound (hidden), NotAllowed."""
    invitation = find_post(uow.session, invitation_id, actor, uow.today)
    matches = uow.session.scalars(select(Match).where(matches_on(invitation.id)))
    ground = ground_for(
        actor,
        owner_school_id=invitation.school_id,
        shown_to_approved_schools=invitation.contact_visibility == SHOWN_TO_APPROVED_SCHOOLS,
        cases=[match.case for match in matches],
        now=uow.now,
        days_after_end=uow.limits.contact_after_end_days,
    )
    if ground is None:
        raise NotAllowed
    return invitation, ground


def read(uow: UnitOfWork, invitation_id: str, actor: Actor, *, reason: str | None = None) -> ContactShown:
    """The contact of a post, for those who may read it; each reading by others is recorded for its owner.

    reason: why an administrator reads it. Raises NotFound (hidden, or `no_contact`), NotAllowed, Invalid.
    """
    invitation, ground = check(uow, invitation_id, actor)
    if ground is Ground.ADMIN and not reason:
        raise Invalid.field("reason", N_("Say why you read the contact; its owner will see it."))
    contact = uow.session.scalar(
        select(Contact).where(Contact.invitation_id == invitation.id, Contact.of_revision.is_(False))
    )
    if contact is None or contact.name is None or contact.email is None:
        raise NotFound(N_("This post names no contact."), code="no_contact")
    if ground is not Ground.OWN:
        _record(uow, invitation, actor, ground, reason)
    return ContactShown(contact.name, contact.role, contact.email, contact.phone)


def _record(uow: UnitOfWork, invitation: Invitation, actor: Actor, ground: Ground, reason: str | None) -> None:
    uow.record(
        None,
        invitation,
        actor,
        action="contact_read",
        school_id=invitation.school_id,
        invitation_id=invitation.id,
        ground=str(ground),
        reason=reason,
    )
