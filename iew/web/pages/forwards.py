"""A unit passes a post on to schools of its area, and sees to whom it went."""

from typing import Any

from flask import Blueprint, redirect
from werkzeug.wrappers import Response as Reply

from iew.errors import IewError
from iew.schemas.forwards import PassOnInput, choice_of
from iew.schemas.invitations import InvitationView, Seen
from iew.services import forwards
from iew.web.access import requires
from iew.web.context import current_actor, current_language, say, unit_of_work
from iew.web.forms import Form
from iew.web.own_posts import sent_to
from iew.web.rendering import page, page_url, tell
from iew.web.texts import card_of

pages = Blueprint("forwards", __name__)


@pages.get("/<lang>/invitations/<invitation_id>/pass-on")
@requires("invitation.forward")
def pass_on(lang: str, invitation_id: str) -> Reply:
    return _page_of(invitation_id, Form.blank({"to": "chosen"}))


@pages.post("/<lang>/invitations/<invitation_id>/pass-on")
@requires("invitation.forward")
def send(lang: str, invitation_id: str) -> Reply:
    form = Form.posted(PassOnInput, shown_at={"school_ids": "schools"})
    with form.attempt(), unit_of_work() as uow:
        choice, note = choice_of(form.data), form.data["note"]
        result = forwards.forward(uow, invitation_id, choice, current_actor(), note=note)
    if form.refused:
        return _page_of(invitation_id, form)
    tell(sent_to(result.sent, result.skipped), "good" if result.sent else "warn")
    return redirect(page_url("forwards.pass_on", invitation_id=invitation_id))


def _page_of(invitation_id: str, form: Form) -> Reply:
    """The form with the schools of the area, and below it to whom the post went already."""
    actor = current_actor()
    with unit_of_work() as uow:
        post = forwards.permit(uow, invitation_id, actor)
        had = forwards.list_of(uow, invitation_id, actor, limit=forwards.MOST_AT_ONCE)
        schools = forwards.ground_of(uow, actor)
        try:
            forwards.check(uow, post, actor)
            blocked = None
        except IewError as refusal:
            blocked = say(refusal.text)
        shown = card_of(InvitationView().dump(Seen(post, actor)), current_language())
        values: dict[str, Any] = {"post": shown, "schools": schools, "had": had, "blocked": blocked}
        return page("own_posts/pass_on.html", form=form, had_ids={row.school_id for row in had.items}, **values)
