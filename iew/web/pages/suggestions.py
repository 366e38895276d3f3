"""Turning a possible partner down, from wherever it is shown."""

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as Reply

from iew.services import suggestions
from iew.web.access import requires
from iew.web.context import current_actor, unit_of_work
from iew.web.rendering import gettext as _
from iew.web.rendering import page_url, tell

pages = Blueprint("suggestions", __name__)


@pages.post("/<lang>/posts/<invitation_id>/suggestions/<other_id>/dismiss")
@requires("invitation.dismiss_suggestion")
def dismiss(lang: str, invitation_id: str, other_id: str) -> Reply:
    with unit_of_work() as uow:
        suggestions.dismiss(uow, invitation_id, other_id, current_actor())
    tell(_("This school is not suggested for this invitation any more."))
    if request.form.get("then") == "mine":
        return redirect(page_url("invitations.mine"))
    return redirect(page_url("invitations.show", invitation_id=invitation_id))
