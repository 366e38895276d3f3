"""The page of one post, as everybody may read it, and the contact behind it for those who may see it."""

from typing import Any

from flask import Blueprint, Response, request

from iew.errors import NotAllowed, NotFound, NotSignedIn
from iew.schemas.invitations import ContactView, InvitationView, Seen
from iew.services import contacts, invitations, readings
from iew.uow import UnitOfWork
from iew.web.access import requires
from iew.web.context import current_actor, current_language, unit_of_work
from iew.web.forms import Form
from iew.web.rendering import page
from iew.web.suggesting import cards_alike
from iew.web.texts import chosen_text, texts_of

pages = Blueprint("invitations_public", __name__)


@pages.get("/<lang>/invitations/<invitation_id>")
@requires("invitation.read")
def show(lang: str, invitation_id: str) -> Response:
    return _page_of(invitation_id, contact=None)


@pages.post("/<lang>/invitations/<invitation_id>/contact")
@requires("invitation.show_contact")
def contact(lang: str, invitation_id: str) -> Response:
    """Show the contact on the page; a POST, since each reading is noted."""
    form = Form.blank()
    shown = None
    with form.attempt(), unit_of_work() as uow:
        reason = request.form.get("reason", "").strip() or None
        shown = ContactView().dump(contacts.read(uow, invitation_id, current_actor(), reason=reason))
    return _page_of(invitation_id, contact=shown, form=form)


def _page_of(invitation_id: str, *, contact: Any, form: Form | None = None) -> Response:
    actor = current_actor()
    with unit_of_work() as uow:
        post = invitations.read(uow, invitation_id, actor)
        readings.note_opened(uow, post, actor)
        shown = InvitationView().dump(Seen(post, actor))
        values = {
            "post": shown,
            "texts": texts_of(shown),
            "text": chosen_text(shown, request.args.get("text"), current_language()),
            "own": actor.school_id == post.school_id,
            "may_ask": actor.school_id is not None and post.public and actor.school_id != post.school_id,
            "alike": cards_alike(uow, post),
            "contact_here": contact is not None or _may_see_contact(uow, invitation_id),
        }
        return page("posts/show.html", form=form, contact=contact, **values)


def _may_see_contact(uow: UnitOfWork, invitation_id: str) -> bool:
    try:
        contacts.check(uow, invitation_id, current_actor())
    except (NotAllowed, NotFound, NotSignedIn):
        return False
    return True
