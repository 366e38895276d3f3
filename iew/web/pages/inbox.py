"""What waits for the reader: the page that is the truth where a mail only tells."""

from itertools import groupby
from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response as Reply

from iew.schemas.inbox import InboxQuery, InboxView
from iew.services import forwards, inbox
from iew.uow import UnitOfWork
from iew.web.access import requires
from iew.web.area_posts import card_for
from iew.web.context import current_actor, current_language, current_user, unit_of_work
from iew.web.forms import asked_by
from iew.web.rendering import page

pages = Blueprint("inbox", __name__)


@pages.get("/<lang>/inbox")
@requires("inbox.read")
def waiting(lang: str) -> Reply:
    query = asked_by(InboxQuery)
    kinds = query.pop("kind")
    with unit_of_work() as uow:
        found = inbox.waiting(uow, current_actor(), kinds=kinds, language=current_language(), **query)
        shown = InboxView().dump({"items": found.items, "next_cursor": found.next_cursor, "total": found.total})
        counts = inbox.counts(uow, current_actor())
        return page(
            "inbox/waiting.html", groups=_by_kind(shown["items"]), counts=counts, total=shown["total"], chosen=kinds,
            next_cursor=shown["next_cursor"], **_beside(uow),
        )  # fmt: skip


def _by_kind(items: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    ordered = sorted(items, key=lambda item: item["kind"])
    return [(kind, list(of_kind)) for kind, of_kind in groupby(ordered, key=lambda item: item["kind"])]


def _beside(uow: UnitOfWork) -> dict[str, Any]:
    """What is no task and yet came by mail alone, should the mail not have arrived."""
    actor = current_actor()
    passed_on = [(row, card_for(row.invitation, actor)) for row in forwards.unopened_by(uow, actor)]
    return {"unreached": current_user().mail_refused_at is not None, "passed_on": passed_on}
