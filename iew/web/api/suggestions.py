"""Possible partners of a post, and turning them down."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from iew.db import Page
from iew.schemas.base import Input, NothingElse
from iew.schemas.suggestions import SuggestionListView
from iew.services import suggestions
from iew.web.access import requires
from iew.web.blueprint import Blueprint
from iew.web.context import current_actor, unit_of_work
from iew.web.suggesting import suggested

P = ParamSpec("P")
api = Blueprint("suggestions", __name__, url_prefix="/api/v1", description="Posts that could become partners")


def for_its_school(view: Callable[P, Any]) -> Callable[P, Any]:
    """Ask whose post it is before looking at what was sent, or nonsense would tell a stranger of a hidden post."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
        with unit_of_work() as uow:
            suggestions.permit_dismissal(uow, str(kwargs["invitation_id"]), current_actor())
        return view(*args, **kwargs)

    return guarded


@api.get("/invitations/<invitation_id>/suggestions")
@requires("invitation.suggestions")
@api.response(200, SuggestionListView)
def list_suggestions(invitation_id: str) -> Page[dict[str, Any]]:
    """Possible partners with reasons, best first; for its school, the administrator and the units of its area."""
    with unit_of_work() as uow:
        rows = [suggested(row) for row in suggestions.list_of(uow, invitation_id, current_actor())]
        return Page(rows, None, len(rows))


@api.post("/invitations/<invitation_id>/suggestions/<other_id>/dismiss")
@requires("invitation.dismiss_suggestion")
@for_its_school
@api.arguments(NothingElse)
@api.response(204)
def dismiss(_: Input, invitation_id: str, other_id: str) -> None:
    """Not suitable: the pair is suggested to neither school any more."""
    with unit_of_work() as uow:
        suggestions.dismiss(uow, invitation_id, other_id, current_actor())
