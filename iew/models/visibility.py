"""Which posts somebody may know of, as one condition for single posts and for lists alike.

The existence of a draft is as secret as its text; a second copy of this rule would one day answer 403 where 404 is due.
"""

from datetime import date

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.base import ExecutableOption

from iew.domain.actors import Actor
from iew.domain.invitations import Status
from iew.domain.schools import Status as SchoolStatus
from iew.errors import NotFound
from iew.models.accounts import School
from iew.models.invitations import Invitation
from iew.models.matches import Match, matches_of
from iew.models.pairings import Pairing, pairings_of

_LONGEST_ID = 64
_WAS_PUBLIC = (Status.PUBLISHED, Status.CLOSED, Status.WITHDRAWN, Status.EXPIRED)


def open_to_all(today: date) -> ColumnElement[bool]:
    """The posts that everybody may read: published, not past their last day, of an approved school."""
    return and_(
        Invitation.status == Status.PUBLISHED,
        Invitation.expires_on >= today,
        Invitation.school.has(School.status == SchoolStatus.APPROVED),
    )


def posts_of(actor: Actor, today: date) -> ColumnElement[bool]:
    """The posts that `actor` may know of.

    Everybody: what is open to all. Its school: all of its own. The administrator: all but drafts. Whoever has part in a
    match on a post that was public once: that post, also after it left the public.
    """
    ways: list[ColumnElement[bool]] = [open_to_all(today)]
    if actor.school_id is not None:
        ways.append(Invitation.school_id == actor.school_id)
    if actor.is_admin or actor.is_system:
        ways.append(Invitation.status != Status.DRAFT)
    elif actor.school_id is not None or actor.is_unit:
        on_it = or_(Match.invitation_id == Invitation.id, Match.from_invitation_id == Invitation.id)
        concerned = select(Match.id).where(on_it, matches_of(actor)).correlate(Invitation).exists()
        ways.append(and_(Invitation.status.in_(_WAS_PUBLIC), concerned))
    return or_(*ways)


def find_post(session: Session, invitation_id: str, actor: Actor, today: date) -> Invitation:
    """The post, where `actor` may know of it. Raises NotFound, the same for what is hidden and what does not exist."""
    _check_id(invitation_id)
    found = session.scalar(select(Invitation).where(Invitation.id == invitation_id, posts_of(actor, today)))
    if found is None:
        raise NotFound
    return found


def find_match(session: Session, match_id: str, actor: Actor, *options: ExecutableOption) -> Match:
    """The match, where `actor` may know of it. options: what to load with it. Raises NotFound, as `find_post`."""
    _check_id(match_id)
    found = session.scalar(select(Match).where(Match.id == match_id, matches_of(actor)).options(*options))
    if found is None:
        raise NotFound
    return found


def find_pairing(session: Session, pairing_id: str, actor: Actor, *options: ExecutableOption) -> Pairing:
    """The pairing, where `actor` may know of it. options: what to load with it. Raises NotFound, as `find_post`."""
    _check_id(pairing_id)
    found = session.scalar(select(Pairing).where(Pairing.id == pairing_id, pairings_of(actor)).options(*options))
    if found is None:
        raise NotFound
    return found


def _check_id(given: str) -> None:
    """Raise NotFound for what cannot be an id; the database would stumble over some of it."""
    if len(given) > _LONGEST_ID or not given.isalnum():
        raise NotFound
