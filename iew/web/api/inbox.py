"""What waits for the asker."""

from collections.abc import Mapping
from typing import Any

from iew.db import Page
from iew.schemas.inbox import InboxQuery, InboxView
from iew.services import inbox
from iew.services.inbox import Item
from iew.web.access import requires
from iew.web.blueprint import Blueprint
from iew.web.context import current_actor, current_language, unit_of_work

api = Blueprint("inbox", __name__, url_prefix="/api/v1", description="What waits for you")


@api.get("/inbox")
@requires("inbox.read")
@api.arguments(InboxQuery, location="query")
@api.response(200, InboxView)
def waiting(query: Mapping[str, Any]) -> Page[Item]:
    """Everything that waits for you, by deadline and then by age."""
    with unit_of_work() as uow:
        return inbox.waiting(
            uow,
            current_actor(),
            language=current_language(),
            kinds=query["kind"],
            cursor=query["cursor"],
            limit=query["limit"],
        )
