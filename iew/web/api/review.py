"""The reviewer's queue."""

from typing import Any

from iew.db import Page
from iew.schemas.lists import ListQuery
from iew.schemas.review import ReviewCaseView, ReviewQueueView, Waiting
from iew.services import review
from iew.web.access import requires
from iew.web.blueprint import Blueprint
from iew.web.context import current_actor, unit_of_work

api = Blueprint("review", __name__, url_prefix="/api/v1", description="Texts that wait for an administrator")


@api.get("/review-queue")
@requires("review.read")
@api.arguments(ListQuery, location="query")
@api.response(200, ReviewQueueView)
def queue(query: dict[str, Any]) -> Page[Waiting]:
    """Submitted posts and revisions, oldest first, with what changed since they were read last."""
    with unit_of_work() as uow:
        page = review.queue(uow, current_actor(), **query)
        return Page([Waiting(case, current_actor()) for case in page.items], page.next_cursor, page.total)


@api.get("/review-queue/<invitation_id>")
@requires("review.read")
@api.response(200, ReviewCaseView)
def open_case(invitation_id: str) -> Waiting:
    """Open one case: colleagues who open it in the next half hour are told so."""
    with unit_of_work() as uow:
        return Waiting(review.open_case(uow, invitation_id, current_actor()), current_actor())
