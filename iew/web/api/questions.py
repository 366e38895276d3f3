"""Questions to the administrators."""

from collections.abc import Mapping
from typing import Any

from iew.db import Page
from iew.schemas.questions import (
    NothingElse,
    QuestionInput,
    QuestionListQuery,
    QuestionListView,
    QuestionMessageInput,
    QuestionView,
)
from iew.services import questions
from iew.services.questions import QuestionSeen
from iew.web.access import requires
from iew.web.blueprint import Blueprint
from iew.web.conditional import if_match
from iew.web.context import current_actor, current_language, unit_of_work

Values = Mapping[str, Any]

api = Blueprint("questions", __name__, url_prefix="/api/v1", description="Ask the administrator of the window")


@api.post("/questions")
@requires("question.ask")
@api.arguments(QuestionInput)
@api.response(201, QuestionView)
def ask(values: Values) -> QuestionSeen:
    """Ask about a post, a case, a school or anything; who is not signed in gives an address for the answer."""
    with unit_of_work() as uow:
        question = questions.ask(uow, values, current_actor(), language=current_language())
        return questions.seen(uow, question, current_actor())


@api.get("/questions")
@requires("question.read")
@api.arguments(QuestionListQuery, location="query")
@api.response(200, QuestionListView)
def listed(query: Values) -> Page[QuestionSeen]:
    """Your questions, or all of them for an administrator; the latest first."""
    with unit_of_work() as uow:
        return questions.listed(uow, current_actor(), **query)


@api.get("/questions/<question_id>")
@requires("question.read")
@api.response(200, QuestionView)
def read(question_id: str) -> QuestionSeen:
    """One thread."""
    with unit_of_work() as uow:
        return questions.read(uow, question_id, current_actor())


@api.post("/questions/<question_id>/messages")
@requires("question.write")
@api.arguments(QuestionMessageInput)
@api.response(201, QuestionView)
def write(values: Values, question_id: str) -> QuestionSeen:
    """Ask further, or answer."""
    with unit_of_work() as uow:
        question = questions.write(uow, question_id, values["text"], current_actor())
        return questions.seen(uow, question, current_actor())


@api.post("/questions/<question_id>/actions/close")
@requires("question.write")
@api.arguments(NothingElse)
@api.response(200, QuestionView)
def close(_: Values, question_id: str) -> QuestionSeen:
    """End a thread."""
    with unit_of_work() as uow:
        question = questions.close(uow, question_id, current_actor(), seen_version=if_match())
        return questions.seen(uow, question, current_actor())
