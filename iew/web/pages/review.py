"""The reviewer's desk: the queue, one text at a time, and a decision that opens the next one."""

from flask import Blueprint, redirect
from werkzeug.wrappers import Response as Reply

from iew.errors import NotFound
from iew.schemas.invitations import ActionInput
from iew.schemas.lists import ListQuery
from iew.schemas.review import ReviewCaseView, ReviewQueueView, Waiting
from iew.services import invitations, review
from iew.web.access import requires
from iew.web.context import current_actor, unit_of_work
from iew.web.forms import Form, asked_by
from iew.web.rendering import gettext as _
from iew.web.rendering import page, page_url, tell
from iew.web.review_words import DECIDED, fields_of, said_of_change

pages = Blueprint("review", __name__)


@pages.get("/<lang>/review")
@requires("review.read")
def queue(lang: str) -> Reply:
    query = asked_by(ListQuery)
    with unit_of_work() as uow:
        found = review.queue(uow, current_actor(), **query)
        found_items = [Waiting(case, current_actor()) for case in found.items]
        shown = ReviewQueueView().dump({"items": found_items, "next_cursor": found.next_cursor, "total": found.total})
        return page("review/queue.html", **shown)


@pages.get("/<lang>/review/<invitation_id>")
@requires("review.read")
def case(lang: str, invitation_id: str) -> Reply:
    return _page_of(invitation_id, Form.blank())


@pages.post("/<lang>/review/<invitation_id>/<any(publish,return,reject):action>")
@requires("invitation.act")
def decide(lang: str, invitation_id: str, action: str) -> Reply:
    """Decide on exactly the text that was shown, then open the oldest one that still waits."""
    form = Form.posted(ActionInput)
    with form.attempt(), unit_of_work() as uow:
        invitations.act(uow, invitation_id, action, current_actor(), form.data, seen_version=form.version)
    if form.refused:
        return _page_of(invitation_id, form, tried=action)
    tell(_(DECIDED[action]))
    return redirect(_next_url(invitation_id))


def _next_url(after: str) -> str:
    with unit_of_work() as uow:
        following = review.next_case(uow, current_actor(), after=after)
        return page_url("review.case", invitation_id=following.id) if following else page_url("review.queue")


def _page_of(invitation_id: str, form: Form, *, tried: str | None = None) -> Reply:
    with unit_of_work() as uow:
        try:
            found = review.open_case(uow, invitation_id, current_actor())
        except NotFound:
            tell(_("This text no longer waits: a colleague decided on it, or its school took it back."), "warn")
            return redirect(page_url("review.queue"))
        shown = ReviewCaseView().dump(Waiting(found, current_actor()))
        form.version = shown["version"]
        text = (
            {**shown, **(shown["revision"] or {}), "school": shown["school"]} if shown["kind"] == "revision" else shown
        )
        changes = [said_of_change(change) for change in shown["changed"]]
        values = {"case": shown, "text": text, "changes": changes, "remark_fields": fields_of(text), "tried": tried}
        return page("review/case.html", form=form, **values)
