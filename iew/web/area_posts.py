"""Posts as a unit sees them: whether it has opened them, passed them on, and what came of that."""

from collections.abc import Sequence
from typing import Any

from iew.domain.actors import Actor
from iew.models import Invitation
from iew.schemas.invitations import InvitationView, Seen
from iew.services import digests, forwards, readings
from iew.services.digests import Preview
from iew.uow import UnitOfWork
from iew.web.context import current_actor, current_language
from iew.web.texts import card_of


def card_for(post: Invitation, actor: Actor) -> dict[str, Any]:
    """A post as `actor` may see it, in the text that suits the reader."""
    return card_of(InvitationView().dump(Seen(post, actor)), current_language())


def lines_for(uow: UnitOfWork, posts: Sequence[Invitation], *, offered: bool = True) -> list[dict[str, Any]]:
    """A line a post, for the reader's unit. offered: whether the unit may pass these posts on."""
    actor = current_actor()
    ids = [post.id for post in posts]
    opened = readings.opened_by(uow, actor.unit_code or "", ids)
    tallies = forwards.tallies_of(uow, actor.unit_code or "", ids)
    return [
        {
            "post": card_for(post, actor),
            "since": post.published_at,
            "opened": post.id in opened,
            "tally": tallies.get(post.id),
            "offered": offered,
        }
        for post in posts
    ]


def preview_of(uow: UnitOfWork, preview: Preview) -> dict[str, Any]:
    """What the page of the next digest shows; as long as the mail lists."""
    return {
        "for_area": lines_for(uow, preview.for_area[: digests.MOST_SHOWN]),
        "by_area": lines_for(uow, preview.by_area[: digests.MOST_SHOWN], offered=False),
        "preview": preview,
    }
