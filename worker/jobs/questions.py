"""Mails about questions to the administrator."""

from iew.domain.questions import Status
from iew.mail import recipients
from iew.mail.letters import questions as letters
from iew.models import Question
from worker.handlers import Work, job


@job("notify_question_asked")
def asked(work: Work) -> None:
    """Tell the administrators, while the question waits for them."""
    question = work.uow.get(Question, work.subject_id)
    if question.status == Status.OPEN:
        work.post("question_asked", recipients.administrators(work.uow), lambda w: letters.asked(w, question))


@job("notify_question_answered")
def answered(work: Work) -> None:
    """Tell the asker; somebody without an account gets the text of the answer too."""
    question, event = work.uow.get(Question, work.subject_id), work.event
    given = [message for message in question.messages if message.by_admin and message.created_at <= event.at]
    text = given[-1].text if given and question.asker_id is None else None
    work.post(
        "question_answered", recipients.of_asker(work.uow, question), lambda w: letters.answered(w, question, text)
    )
