"""Stopping a digest by the link in its mail: a page with a button, and the one click of a mail program (RFC 8058)."""

from flask import Blueprint, request
from werkzeug.wrappers import Response as Reply

from iew.services import subscriptions
from iew.web.access import requires
from iew.web.context import house, unit_of_work
from iew.web.rendering import page

pages = Blueprint("subscriptions", __name__)


@pages.get("/unsubscribe/<key>")
@requires("mail_link.open")
def show(key: str) -> Reply:
    """Whether digests come, and a button; opening the link changes nothing."""
    with unit_of_work() as uow:
        stopped = subscriptions.is_stopped(uow, house().secret_key, key)
    return page("subscriptions/show.html", key=key, stopped=stopped)


@pages.post("/unsubscribe/<key>")
@requires("mail.unsubscribe")
def change(key: str) -> Reply:
    """Stop the digests, or take that back; a mail program sends no more than the wish to stop."""
    resume = request.form.get("resume") == "yes"
    with unit_of_work() as uow:
        (subscriptions.resume if resume else subscriptions.stop)(uow, house().secret_key, key)
    return page("subscriptions/show.html", key=key, stopped=not resume)
