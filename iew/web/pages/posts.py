"""A school's own posts: the list of what is to do with them, the editor, the preview, and the steps that need a yes."""

from typing import Any

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as Reply

from iew.domain.vocabularies import CHANNELS
from iew.errors import NotAllowed
from iew.schemas.base import NothingElse
from iew.schemas.invitations import ActionInput, InvitationChange, InvitationDraft
from iew.schemas.lists import ListQuery
from iew.services import invitations
from iew.uow import UnitOfWork
from iew.web.access import requires
from iew.web.context import current_actor, current_language, current_user, lasting_unit_of_work, unit_of_work
from iew.web.forms import Form, asked_by
from iew.web.own_posts import (
    ACTIONS_TO_CONFIRM,
    DONE,
    MOST_OF_A_PART,
    PART_NAMES,
    PARTS,
    changed_meanwhile,
    form_of,
    own_post,
    part_of,
    said_of_line,
    values_of,
    without_removed_rows,
)
from iew.web.rendering import day, page, page_url, said, tell
from iew.web.rendering import gettext as _
from iew.web.suggesting import cards_for, cards_for_school
from iew.web.texts import chosen_text, texts_of

pages = Blueprint("invitations", __name__)

_CONFIRMED = "<any(" + ",".join(ACTIONS_TO_CONFIRM) + "):action>"


@pages.get("/<lang>/posts")
@requires("invitation.own")
def mine(lang: str) -> Reply:
    """Everything in its parts, the most urgent first; with `part` one of them, page by page."""
    query, part = asked_by(ListQuery), request.args.get("part", "")
    with unit_of_work() as uow:
        if part not in PARTS:
            suggested = cards_for_school(uow)
            return page("own_posts/mine.html", parts=_parts(uow), names=PART_NAMES, suggested=suggested)
        found = invitations.list_own(uow, current_actor(), statuses=PARTS[part], **query)
        items = [own_post(post, current_actor(), uow.today) for post in found.items]
        return page("own_posts/part.html", name=PART_NAMES[part], items=items, next_cursor=found.next_cursor)


@pages.get("/<lang>/posts/new")
@requires("invitation.own")
def new(lang: str) -> Reply:
    """First which channel, then a short first step; all else follows in the editor."""
    channel = request.args.get("channel")
    if channel not in CHANNELS:
        return page("own_posts/choose.html")
    types = ["educational_travel"] if channel == "educational_travel" else []
    values = {"channel": channel, "content_language": current_language(), "exchange_types": types}
    return page("own_posts/new.html", form=Form.blank(values))


@pages.post("/<lang>/posts/new")
@requires("invitation.draft")
def begin(lang: str) -> Reply:
    form = Form.posted(InvitationDraft)
    with form.attempt(), unit_of_work() as uow:
        post_id = invitations.draft(uow, form.data, current_actor()).id
    if form.refused:
        return page("own_posts/new.html", form=form)
    tell(_("Your draft is saved. Go on here now or another day; nobody else sees it."))
    return redirect(page_url("invitations.edit", invitation_id=post_id))


@pages.get("/<lang>/posts/<invitation_id>")
@requires("invitation.own")
def show(lang: str, invitation_id: str) -> Reply:
    """The newest text as the public will read it, and what the school can do with it."""
    with unit_of_work() as uow:
        post = _own(uow, invitation_id)
        text = chosen_text(post["text"], request.args.get("text"), current_language())
        values = {"own": post, "post": post["text"], "texts": texts_of(post["text"]), "text": text}
        return page("own_posts/show.html", **values, suggested=cards_for(uow, invitation_id))


@pages.get("/<lang>/posts/<invitation_id>/edit")
@requires("invitation.own")
def edit(lang: str, invitation_id: str) -> Reply:
    with unit_of_work() as uow:
        post = _own(uow, invitation_id)
        if not post["editable"]:
            tell(post["next"], "warn")
            return redirect(page_url("invitations.show", invitation_id=invitation_id))
        return page("own_posts/edit.html", post=post, form=form_of(post, _writer()))


@pages.post("/<lang>/posts/<invitation_id>/edit")
@requires("invitation.change")
def save(lang: str, invitation_id: str) -> Reply:
    """Save what was typed; where the button says so, send it for checking too, which may fail without losing it."""
    form, then = Form.posted(InvitationChange, shown_at={"contact": "contact.name"}), request.form.get("then", "save")
    without_removed_rows(form, "translations")
    with form.attempt(), lasting_unit_of_work() as uow:
        invitations.change(uow, invitation_id, values_of(form), current_actor(), seen_version=form.version)
    if not form.refused and then == "submit":
        _submit(invitation_id, form)
    if form.refused:
        return _editor_again(invitation_id, form)
    tell(said(DONE["submit" if then == "submit" else "save"]))
    return redirect(page_url(_AFTER_SAVING.get(then, "invitations.edit"), invitation_id=invitation_id))


@pages.post("/<lang>/posts/<invitation_id>/submit")
@requires("invitation.act")
def submit(lang: str, invitation_id: str) -> Reply:
    """Send the text that was shown; what it lacks is said in the editor."""
    with unit_of_work() as uow:
        form = form_of(_own(uow, invitation_id), _writer())
    sent = Form.posted(NothingElse)
    form.version, form.shown_at = sent.version, {"contact": "contact.name"}
    _submit(invitation_id, form, seen_version=sent.version)
    if form.refused:
        return _editor_again(invitation_id, form)
    tell(said(DONE["submit"]))
    return redirect(page_url("invitations.show", invitation_id=invitation_id))


@pages.get(f"/<lang>/posts/<invitation_id>/{_CONFIRMED}")
@requires("invitation.own")
def ask(lang: str, invitation_id: str, action: str) -> Reply:
    return _question(invitation_id, action, None)


@pages.post(f"/<lang>/posts/<invitation_id>/{_CONFIRMED}")
@requires("invitation.act")
def act(lang: str, invitation_id: str, action: str) -> Reply:
    form = Form.posted(ActionInput)
    with form.attempt(), unit_of_work() as uow:
        post = invitations.act(uow, invitation_id, action, current_actor(), form.data, seen_version=form.version)
        last_day = day(post.expires_on)
    if form.refused:
        return _question(invitation_id, action, form)
    tell(_(DONE[action], day=last_day))
    return redirect(page_url("invitations.show", invitation_id=invitation_id))


@pages.get("/<lang>/posts/<invitation_id>/delete")
@requires("invitation.own")
def ask_to_delete(lang: str, invitation_id: str) -> Reply:
    return _question(invitation_id, "delete", None)


@pages.post("/<lang>/posts/<invitation_id>/delete")
@requires("invitation.delete")
def delete(lang: str, invitation_id: str) -> Reply:
    form = Form.posted(NothingElse)
    with form.attempt(), unit_of_work() as uow:
        invitations.delete(uow, invitation_id, current_actor(), seen_version=form.version)
    if form.refused:
        return _question(invitation_id, "delete", form)
    tell(said(DONE["delete"]))
    return redirect(page_url("invitations.mine"))


@pages.get("/<lang>/posts/<invitation_id>/history")
@requires("invitation.own")
def history(lang: str, invitation_id: str) -> Reply:
    with unit_of_work() as uow:
        lines = invitations.history(uow, invitation_id, current_actor(), language=current_language())
        return page(
            "own_posts/history.html", post=_own(uow, invitation_id), lines=[said_of_line(line) for line in lines]
        )


_AFTER_SAVING = {"submit": "invitations.show", "preview": "invitations.show"}


def _own(uow: UnitOfWork, invitation_id: str) -> dict[str, Any]:
    """The post for its own school. Raises NotFound, NotAllowed."""
    return own_post(invitations.permit(uow, invitation_id, current_actor(), "change"), current_actor(), uow.today)


def _writer() -> dict[str, str]:
    user = current_user()
    return {"name": user.name, "email": user.email}


def _parts(uow: UnitOfWork) -> dict[str, tuple[list[dict[str, Any]], int]]:
    """Part -> its newest posts, and how many there are."""
    actor = current_actor()
    parts: dict[str, tuple[list[dict[str, Any]], int]] = {}
    for part, statuses in PARTS.items():
        found = invitations.list_own(uow, actor, statuses=statuses, limit=MOST_OF_A_PART)
        parts[part] = ([own_post(post, actor, uow.today) for post in found.items], found.total)
    shown, total = parts["public"]
    urgent = [post for post in shown if part_of(post) == "attention"]
    returned, returned_total = parts["attention"]
    parts["attention"] = (returned + urgent, returned_total + len(urgent))
    parts["public"] = ([post for post in shown if post not in urgent], total - len(urgent))
    return parts


def _submit(invitation_id: str, form: Form, *, seen_version: int | None = None) -> None:
    """Send the saved text; what keeps it back is told by the form."""
    with form.attempt(also=NotAllowed), unit_of_work() as uow:
        invitations.act(uow, invitation_id, "submit", current_actor(), seen_version=seen_version)
    if form.refused:
        tell(_("Your text is saved, but it was not sent yet."), "warn")


def _editor_again(invitation_id: str, form: Form) -> Reply:
    """The editor with what was typed; after somebody else's change, with that change beside it."""
    with unit_of_work() as uow:
        post = _own(uow, invitation_id)
        if not post["editable"]:
            tell(form.problem or post["next"], "warn")
            return redirect(page_url("invitations.show", invitation_id=invitation_id))
        form.version = post["version"]
        return page("own_posts/edit.html", post=post, form=form, changes=changed_meanwhile(form, post))


def _question(invitation_id: str, action: str, form: Form | None) -> Reply:
    with unit_of_work() as uow:
        post = _own(uow, invitation_id)
        form = form or Form.blank({"expires_on": post["renewal"]})
        form.version = post["version"]
        return page("own_posts/ask.html", form=form, post=post, action=action)
