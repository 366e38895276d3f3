"""Both sides' contacts of a match, once they are released.

Apart from `cases`, because nothing but this call carries contact data, and each call leaves a trace that the owner of
the contact can read.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from iew.domain.actors import Actor, Role
from iew.domain.contacts import Ground, ground_for
from iew.errors import N_, Invalid, NotAllowed
from iew.models import Contact, Invitation, Match, School, User, find_match
from iew.uow import UnitOfWork


@dataclass(frozen=True)
class SideContact:
    """Whom to write to on one side of a match."""

    side: str
    school: School
    name: str
    role: str | None
    email: str
    phone: str | None


def read(uow: UnitOfWork, match_id: str, actor: Actor, *, reason: str | None = None) -> list[SideContact]:
    """Both sides' contacts, once they are released; each reading of another's contact is recorded for its owner.

    reason: why an administrator reads them. Raises NotFound, NotAllowed (not released, or not any more), Invalid.
    """
    match = find_match(uow.session, match_id, actor)
    if actor.is_admin and not reason:
        raise Invalid.field("reason", N_("Say why you read the contacts; their owners will see it."))
    sides = list(_sides(match))
    grounds = [_ground(uow, match, school, actor) for _, school, _, _ in sides]
    if None in grounds or (Ground.OWN in grounds and Ground.AGREED not in grounds):
        raise NotAllowed(N_("Contacts are shown once both schools have agreed, and until some time after the end."))
    found = [_contact(uow, *side) for side in sides]
    for (side, school, post, _), ground in zip(sides, grounds, strict=True):
        if ground is not Ground.OWN:
            _record_reading(uow, match, side, school, post, actor, ground, reason)
    return [contact for contact in found if contact is not None]


def _sides(match: Match) -> Iterable[tuple[str, School, Invitation | None, str | None]]:
    """(side, school, the post it speaks by, the user who spoke for it); the other side as far as it is known."""
    yield "asking", match.asking_school, match.from_invitation, match.asked_by_id
    partner = match.partner_school or match.posting_school
    if partner is not None:
        post = match.invitation if match.posting_school_id == partner.id else None
        yield "partner", partner, post, match.agreed_by_id


def _ground(uow: UnitOfWork, match: Match, owner: School, actor: Actor) -> Ground | None:
    return ground_for(
        actor,
        owner_school_id=owner.id,
        shown_to_approved_schools=False,
        cases=[match.case],
        now=uow.now,
        days_after_end=uow.limits.contact_after_end_days,
    )


def _contact(
    uow: UnitOfWork, side: str, school: School, post: Invitation | None, user_id: str | None
) -> SideContact | None:
    """From the post, else the person who asked or agreed, else (a unit agreed for it) the first of its staff."""
    written: Contact | None = post.contact if post else None
    if written is not None and written.name and written.email:
        return SideContact(side, school, written.name, written.role, written.email, written.phone)
    staff = uow.session.scalars(
        select(User)
        .where(User.school_id == school.id, User.role == Role.SCHOOL.value, User.disabled_at.is_(None))
        .order_by((User.id == user_id).desc().nulls_last(), User.created_at, User.id)
    ).first()
    return SideContact(side, school, staff.name, None, staff.email, None) if staff else None


def _record_reading(
    uow: UnitOfWork,
    match: Match,
    side: str,
    school: School,
    post: Invitation | None,
    actor: Actor,
    ground: Ground | None,
    reason: str | None,
) -> None:
    uow.record(
        None,
        match,
        actor,
        action="contact_read",
        school_id=school.id,
        side=side,
        invitation_id=post.id if post else None,
        ground=str(ground),
        reason=reason,
    )
