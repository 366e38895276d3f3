"""Asking the administrator, from every page, signed in or not; and the thread that comes of it."""

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response as Reply

from iew.domain.actors import Actor
from iew.errors import N_, Invalid, NotFound, NotSignedIn
from iew.schemas.questions import QuestionInput, QuestionListQuery, QuestionMessageInput
from iew.services import invitations, links, questions
from iew.services.links import Purpose
from iew.uow import UnitOfWork
from iew.web.access import requires
from iew.web.conditional import seen_in_form
from iew.web.context import current_actor, current_language, house, unit_of_work
from iew.web.forms import Form, asked_by
from iew.web.rendering import gettext as _
from iew.web.rendering import page, page_url, tell

pages = Blueprint("questions", __name__)


@pages.get("/<lang>/questions/new")
@requires("page.read")
def ask(lang: str) -> Reply:
    """The form; `?about=invitation:<id>` says what it is about."""
    kind, _colon, subject_id = request.args.get("about", "").partition(":")
    with unit_of_work() as uow:
        about = {"type": kind, "id": subject_id} if kind and subject_id else None
        title = _title_of(uow, kind, subject_id)
        return page("questions/ask.html", form=Form.blank({"about": about if title else None}), about_title=title)


@pages.post("/<lang>/questions/new")
@requires("question.ask")
def send(lang: str) -> Reply:
    form = Form.posted(QuestionInput)
    with form.attempt(), unit_of_work() as uow:
        question = questions.ask(uow, form.data, current_actor(), language=current_language())
        number, question_id = question.number, question.id
    if form.refused:
        with unit_of_work() as uow:
            title = _title_of(uow, form.value("about.type"), form.value("about.id"))
            return page("questions/ask.html", form=form, about_title=title)
    if not current_actor().signed_in:
        return page("questions/asked.html", number=number)
    tell(_("Your question has arrived. You find the answer here; a mail tells you when it is there."))
    return redirect(page_url("questions.thread", question_id=question_id))


@pages.get("/<lang>/questions")
@requires("question.read")
def listed(lang: str) -> Reply:
    """One's own questions, or all of them for an administrator."""
    query = asked_by(QuestionListQuery)
    with unit_of_work() as uow:
        found = questions.listed(uow, current_actor(), **query)
        return page("questions/listed.html", items=found.items, next_cursor=found.next_cursor)


@pages.get("/<lang>/questions/<question_id>")
@requires("mail_link.open")
def thread(lang: str, question_id: str) -> Reply:
    return _page_of(question_id, Form.blank())


@pages.post("/<lang>/questions/<question_id>")
@requires("question.write")
def write(lang: str, question_id: str) -> Reply:
    return _written(question_id, current_actor())


@pages.post("/<lang>/questions/<question_id>/by-link")
@requires("mail_link.use")
def write_by_link(lang: str, question_id: str) -> Reply:
    """The same for somebody who has no account and came by the link of a mail."""
    with unit_of_work() as uow:
        reader = _holder_of_link(uow, question_id, request.args.get("key", ""))
    return _written(question_id, reader)


@pages.post("/<lang>/questions/<question_id>/close")
@requires("question.write")
def close(lang: str, question_id: str) -> Reply:
    with unit_of_work() as uow:
        questions.close(uow, question_id, current_actor(), seen_version=seen_in_form())
    tell(_("The question is closed."))
    return redirect(page_url("questions.thread", question_id=question_id))


def _written(question_id: str, actor: Actor) -> Reply:
    form = Form.posted(QuestionMessageInput)
    with form.attempt(), unit_of_work() as uow:
        questions.write(uow, question_id, _text_of(form), actor)
    if form.refused:
        return _page_of(question_id, form)
    tell(_("Your message was sent."))
    return redirect(page_url("questions.thread", question_id=question_id, key=request.args.get("key")))


def _text_of(form: Form) -> str:
    """The message, which may not be empty here. Raises Invalid."""
    text: str | None = form.data["text"]
    if not text:
        raise Invalid.field("text", N_("Write a message first."))
    return text


def _page_of(question_id: str, form: Form) -> Reply:
    key = request.args.get("key")
    with unit_of_work() as uow:
        reader = _reader(uow, question_id, key)
        seen = questions.read(uow, question_id, reader)
        return page(
            "questions/thread.html",
            form=form,
            question=seen.question,
            asker=seen.asker,
            actions=seen.available_actions,
            about_title=_title_of(uow, seen.question.about_type, seen.question.about_id),
            key=key,
        )


def _reader(uow: UnitOfWork, question_id: str, key: str | None) -> Actor:
    """The person signed in, else the holder of a mail's link. Raises NotSignedIn, NotFound, StateConflict."""
    actor = current_actor()
    if actor.signed_in:
        return actor
    if not key:
        raise NotSignedIn
    return _holder_of_link(uow, question_id, key)


def _holder_of_link(uow: UnitOfWork, question_id: str, key: str) -> Actor:
    link = links.find(uow, house().secret_key, Purpose.READ_QUESTION, key)
    if link.subject_id != question_id:
        raise NotFound
    return questions.holder_of_link(question_id)


def _title_of(uow: UnitOfWork, kind: str | None, subject_id: str | None) -> str | None:
    """What a question is about, in words, as far as the reader may know of it."""
    if kind != "invitation" or not subject_id:
        return None
    try:
        post = invitations.read(uow, subject_id, current_actor())
    except NotFound:
        return None
    return f"{post.number} {post.title}"
