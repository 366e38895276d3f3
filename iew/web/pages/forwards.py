"""A unit passes a post on to schools of its area, on the site or by the link in a digest, and sees what came of it."""

from typing import Any

from flask import Blueprint, redirect
from werkzeug.wrappers import Response as Reply

from iew.domain.actors import Actor
from iew.errors import IewError, NotFound
from iew.models import Invitation, MailLink, User
from iew.schemas.forwards import PassOnInput, choice_of
from iew.services import forwards, links
from iew.services.links import Purpose
from iew.uow import UnitOfWork
from iew.web.access import check_standing, requires
from iew.web.area_posts import card_for
from iew.web.context import current_actor, house, say, unit_of_work
from iew.web.forms import Form
from iew.web.own_posts import sent_to
from iew.web.permissions import Kind
from iew.web.rendering import page, page_url, tell

pages = Blueprint("forwards", __name__)

_SHOWN_AT = {"school_ids": "schools"}


@pages.get("/<lang>/invitations/<invitation_id>/pass-on")
@requires("invitation.forward")
def pass_on(lang: str, invitation_id: str) -> Reply:
    return _page_of(invitation_id, Form.blank({"to": "chosen"}))


@pages.post("/<lang>/invitations/<invitation_id>/pass-on")
@requires("invitation.forward")
def send(lang: str, invitation_id: str) -> Reply:
    form = Form.posted(PassOnInput, shown_at=_SHOWN_AT)
    with form.attempt(), unit_of_work() as uow:
        choice, note = choice_of(form.data), form.data["note"]
        result = forwards.forward(uow, invitation_id, choice, current_actor(), note=note)
    if form.refused:
        return _page_of(invitation_id, form)
    tell(sent_to(result.sent, result.skipped), "good" if result.sent else "warn")
    return redirect(page_url("forwards.pass_on", invitation_id=invitation_id))


@pages.get("/<lang>/pass-on/<token>")
@requires("mail_link.open")
def confirm(lang: str, token: str) -> Reply:
    """The page behind the link in a digest: it shows the post and asks; opening it changes nothing."""
    return _page_behind(token, Form.blank({"to": "all"}))


@pages.post("/<lang>/pass-on/<token>")
@requires("mail_link.use")
def send_confirmed(lang: str, token: str) -> Reply:
    """Pass the post on as its recipient, and use the link up in the same transaction."""
    form = Form.posted(PassOnInput, shown_at=_SHOWN_AT)
    with form.attempt(), unit_of_work() as uow:
        link, post_id, actor = _opened(uow, token)
        check_standing(actor, Kind.WRITE)
        result = forwards.forward(uow, post_id, choice_of(form.data), actor, note=form.data["note"])
        links.use_up(uow, link)
    if form.refused:
        return _page_behind(token, form)
    return page("forwards/done.html", said=sent_to(result.sent, result.skipped), post_id=post_id)


def _opened(uow: UnitOfWork, token: str) -> tuple[MailLink, str, Actor]:
    """The link, the id of its post, and the person it was sent to. Raises NotFound, StateConflict (`link_spent`)."""
    link = links.find(uow, house().secret_key, Purpose.PASS_ON, token)
    if link.subject_type != Invitation.subject_type or link.user_id is None or link.subject_id is None:
        raise NotFound
    return link, link.subject_id, uow.get(User, link.user_id).as_actor()


def _page_of(invitation_id: str, form: Form) -> Reply:
    """The form with the schools of the area, and below it to whom the post went already."""
    with unit_of_work() as uow:
        values = _shown(uow, invitation_id, current_actor())
        return page("own_posts/pass_on.html", form=form, **values)


def _page_behind(token: str, form: Form) -> Reply:
    with unit_of_work() as uow:
        _link, post_id, actor = _opened(uow, token)
        return page("forwards/confirm.html", form=form, token=token, **_shown(uow, post_id, actor))


def _shown(uow: UnitOfWork, invitation_id: str, actor: Actor) -> dict[str, Any]:
    post = forwards.permit(uow, invitation_id, actor)
    had = forwards.list_of(uow, invitation_id, actor, limit=forwards.MOST_AT_ONCE)
    had_ids = {row.forward.school_id for row in had.items}
    try:
        forwards.check(uow, post, actor)
        blocked = None
    except IewError as refusal:
        blocked = say(refusal.text)
    return {
        "post": card_for(post, actor),
        "schools": forwards.ground_of(uow, actor),
        "had": had,
        "had_ids": had_ids,
        "tally": forwards.tallies_of(uow, actor.unit_code or "", [post.id]).get(post.id),
        "blocked": blocked,
    }
