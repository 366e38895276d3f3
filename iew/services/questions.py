"""Questions to the administrators: a thread with whoever asked, signed in or known by an address alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, true
from sqlalchemy.orm import selectinload

from iew.db import Page, keyset_page
from iew.domain.actors import VISITOR, Actor
from iew.domain.questions import Status
from iew.errors import N_, Invalid, NotFound
from iew.models import Question, QuestionMessage, School, User, find_match, find_post
from iew.uow import UnitOfWork


@dataclass(frozen=True)
class Asker:
    """Who asks, as an administrator needs to know: a person with a body, or an address."""

    name: str | None
    email: str
    role: str | None
    school_id: str | None
    unit_code: str | None


@dataclass(frozen=True)
class QuestionSeen:
    """A thread as one reader sees it. asker: None for the asker itself."""

    question: Question
    available_actions: list[str]
    asker: Asker | None

    @property
    def about(self) -> dict[str, str] | None:
        """The subject, as it was named."""
        kind, subject_id = self.question.about_type, self.question.about_id
        return {"type": kind, "id": subject_id} if kind and subject_id else None


def ask(uow: UnitOfWork, values: Mapping[str, Any], actor: Actor, *, language: str) -> Question:
    """Open a thread. Signed in, the account is the way back and `email` is not looked at; else it is needed.

    values: `text`, `about` (`{type, id}` or None) and `email`. language: in which a visitor is answered.
    Raises NotFound (about something hidden), Invalid.
    """
    about = values.get("about") or {}
    if about:
        _check_visible(uow, about["type"], about["id"], actor)
    email = None if actor.signed_in else values.get("email")
    if not actor.signed_in and not email:
        raise Invalid.field("email", N_("Say where we can answer you."))
    question = Question(
        about_type=about.get("type"),
        about_id=about.get("id"),
        asker_id=actor.user_id,
        email=email,
        language=language,
        seen_at=uow.now,
    )
    uow.start(question, Status.OPEN, actor, action="ask", fact="QuestionAsked")
    _add(uow, question, values["text"], actor)
    return question


def find(uow: UnitOfWork, question_id: str, actor: Actor) -> Question:
    """A thread that the actor may read: its own, or any for an administrator. Raises NotFound."""
    question = uow.session.get(Question, question_id) if question_id.isalnum() else None
    if question is None or not question.parties_of(actor):
        raise NotFound
    return question


def read(uow: UnitOfWork, question_id: str, actor: Actor) -> QuestionSeen:
    """A thread; the asker's reading is remembered, so that its inbox empties. Raises NotFound."""
    question = find(uow, question_id, actor)
    if _is_asker(question, actor):
        question.seen_at = uow.now
    return seen(uow, question, actor)


def seen(uow: UnitOfWork, question: Question, actor: Actor) -> QuestionSeen:
    """A thread that the actor may read, or has just written in."""
    uow.session.flush()
    asker = None if _is_asker(question, actor) else _asker(uow, question)
    return QuestionSeen(question, question.available_actions(actor), asker)


def listed(
    uow: UnitOfWork, actor: Actor, *, status: Sequence[str] = (), cursor: str | None = None, limit: int = 20
) -> Page[QuestionSeen]:
    """The actor's own threads, all for an administrator; the latest first. Raises BadRequest (`bad_cursor`)."""
    mine = true() if actor.is_admin else Question.asker_id == (actor.user_id or "")
    statement = select(Question).where(mine)
    if status:
        statement = statement.where(Question.status.in_(status))
    page = keyset_page(
        uow.session,
        statement.options(selectinload(Question.messages)),
        [Question.created_at, Question.id],
        key=lambda question: (question.created_at, question.id),
        cursor=cursor,
        limit=limit,
        descending=True,
    )
    return Page([seen(uow, question, actor) for question in page.items], page.next_cursor, page.total)


def write(
    uow: UnitOfWork, question_id: str, text: str | None, actor: Actor, *, seen_version: int | None = None
) -> Question:
    """Go on in a thread: the asker asks, which opens it again; an administrator answers.

    Raises NotFound, InvalidTransition (closed), Conflict, Invalid (no text).
    """
    question = find(uow, question_id, actor)
    action = "ask" if _is_asker(question, actor) else "answer"
    uow.transition(question, action, actor, seen_version=seen_version, text=bool(text))
    _add(uow, question, text or "", actor)
    if action == "ask":
        question.seen_at = uow.now
    return question


def close(uow: UnitOfWork, question_id: str, actor: Actor, *, seen_version: int | None = None) -> Question:
    """End a thread. Raises NotFound, InvalidTransition, Conflict."""
    question = find(uow, question_id, actor)
    uow.transition(question, "close", actor, seen_version=seen_version)
    return question


def holder_of_link(question_id: str) -> Actor:
    """The visitor whom a signed mail link lets into one thread; the caller has checked the link."""
    return Actor(language=VISITOR.language, link_to=question_id)


def _check_visible(uow: UnitOfWork, kind: str, subject_id: str, actor: Actor) -> None:
    """Raise NotFound where the actor may not know of the subject of its question."""
    if kind == "invitation":
        find_post(uow.session, subject_id, actor, uow.today)
        return
    if kind == "match":
        find_match(uow.session, subject_id, actor)
        return
    school = uow.session.get(School, subject_id)
    if school is None or not (school.approved or school.parties_of(actor)):
        raise NotFound


def _add(uow: UnitOfWork, question: Question, text: str, actor: Actor) -> None:
    uow.session.add(
        QuestionMessage(
            question_id=question.id,
            author_id=actor.user_id,
            by_admin=not _is_asker(question, actor),
            text=text,
            created_at=uow.now,
        )
    )
    uow.session.flush()
    uow.session.expire(question, ["messages"])


def _asker(uow: UnitOfWork, question: Question) -> Asker | None:
    user = uow.session.get(User, question.asker_id) if question.asker_id else None
    if user is not None:
        return Asker(user.name, user.email, user.role, user.school_id, user.unit_code)
    return Asker(None, question.email, None, None, None) if question.email else None


def _is_asker(question: Question, actor: Actor) -> bool:
    return actor.user_id == question.asker_id if actor.signed_in else not actor.is_system
