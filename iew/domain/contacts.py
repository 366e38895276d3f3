"""Who may read whom to write to: one pure decision.

Two calls read contact data (a post's contact, and both sides' of a match). A rule written twice would one day differ,
and the looser copy would be the one that counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from iew.domain.actors import Actor, Role
from iew.domain.matches import OPEN, WITH_CONTACTS, HandlerKind

_KIND_OF_ROLE = {Role.IERC: HandlerKind.IERC, Role.OFFICE: HandlerKind.OFFICE}


class Ground(StrEnum):
    """Why somebody may read a contact."""

    OWN = "own"  # the school's own contact
    HANDLER = "handler"  # the unit that handles an open match on it
    AGREED = "agreed"  # the other school of an agreed match
    APPROVED_SCHOOL = "approved_school"  # the school shows it to all approved schools
    ADMIN = "admin"  # an administrator, who must say why


@dataclass(frozen=True)
class Case:
    """What the rule needs to know of a match that concerns the post.

    ended_at: when a result was reported or the match ended otherwise; None while it goes on.
    """

    status: str
    asking_school_id: str
    partner_school_id: str | None
    handler_kind: str | None
    handler_code: str | None
    ended_at: datetime | None

    @property
    def schools(self) -> frozenset[str]:
        """The two sides of an agreed match."""
        return frozenset(school for school in (self.asking_school_id, self.partner_school_id) if school)

    def is_handler(self, actor: Actor) -> bool:
        """Whether the match lies with the actor's unit."""
        return (
            self.handler_code is not None
            and self.handler_code == actor.unit_code
            and actor.role is not None
            and _KIND_OF_ROLE.get(actor.role) == self.handler_kind
        )

    def releases(self, school_id: str, owner_school_id: str, *, now: datetime, days_after_end: int) -> bool:
        """Whether this match opens the owner's contact to the other school now."""
        return (
            self.status in WITH_CONTACTS
            and school_id != owner_school_id
            and {school_id, owner_school_id} == self.schools
            and (self.ended_at is None or now < self.ended_at + timedelta(days=days_after_end))
        )


def ground_for(
    actor: Actor,
    *,
    owner_school_id: str,
    shown_to_approved_schools: bool,
    cases: Iterable[Case],
    now: datetime,
    days_after_end: int,
) -> Ground | None:
    """Why `actor` may read the contact of `owner_school_id`, or None.

    cases: the matches that concern the post. now: aware. days_after_end: how long an ended match still opens it.
    An administrator needs to give a reason besides; the system administrator never reads contacts.
    """
    if actor.school_id == owner_school_id:
        return Ground.OWN
    if actor.is_admin:
        return Ground.ADMIN
    if actor.is_unit:
        return Ground.HANDLER if any(case.status in OPEN and case.is_handler(actor) for case in cases) else None
    if actor.role is not Role.SCHOOL or actor.school_id is None:
        return None
    school = actor.school_id
    if any(case.releases(school, owner_school_id, now=now, days_after_end=days_after_end) for case in cases):
        return Ground.AGREED
    return Ground.APPROVED_SCHOOL if shown_to_approved_schools and actor.school_approved else None
