"""What waits for the reader: the page that is the truth where a mail only tells."""

from itertools import groupby

from flask import Blueprint
from werkzeug.wrappers import Response as Reply

from iew.schemas.inbox import InboxQuery, InboxView
from iew.services import inbox
from iew.web.access import requires
from iew.web.context import current_actor, current_language, unit_of_work
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
    by_kind = sorted(shown["items"], key=lambda item: item["kind"])
    groups = [(kind, list(items)) for kind, items in groupby(by_kind, key=lambda item: item["kind"])]
    return page(
        "inbox/waiting.html", groups=groups, counts=counts, total=shown["total"], chosen=kinds,
        next_cursor=shown["next_cursor"],
    )  # fmt: skip
