"""Which posts a unit has not opened yet, and whether a school opened what was passed on to it.

Known from visits to the site by people who are signed in, never from mails: a mail that was delivered was not read by
that, and a picture that tells on its reader has no place in ours.
"""

from collections.abc import Iterable

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from iew.domain.actors import Actor
from iew.models import Forward, Invitation, PostReading
from iew.uow import UnitOfWork


def note_opened(uow: UnitOfWork, post: Invitation, actor: Actor) -> None:
    """Somebody opens the page of a post; the first time counts for the whole unit, or for the whole school."""
    if actor.is_unit and actor.unit_code is not None:
        note_seen(uow, [post.id], actor)
    elif actor.school_id is not None:
        unopened = (
            Forward.invitation_id == post.id,
            Forward.school_id == actor.school_id,
            Forward.opened_at.is_(None),
        )
        uow.session.execute(update(Forward).where(*unopened).values(opened_at=uow.now))


def note_seen(uow: UnitOfWork, invitation_ids: Iterable[str], actor: Actor) -> None:
    """The actor's unit has seen these posts."""
    rows = [{"invitation_id": post_id, "unit_code": actor.unit_code, "at": uow.now} for post_id in invitation_ids]
    if rows and actor.unit_code is not None:
        uow.session.execute(insert(PostReading).values(rows).on_conflict_do_nothing())


def opened_by(uow: UnitOfWork, unit_code: str, invitation_ids: Iterable[str]) -> set[str]:
    """Those of the posts that a unit has opened or seen."""
    ids = list(invitation_ids)
    statement = select(PostReading.invitation_id).where(
        PostReading.unit_code == unit_code, PostReading.invitation_id.in_(ids)
    )
    return set(uow.session.scalars(statement))
