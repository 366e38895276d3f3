"""Letters about questions to the administrator."""

from iew.errors import N_
from iew.mail.letter import Button, Fact, Letter
from iew.mail.stationery import Writer
from iew.models import Question


def asked(w: Writer, question: Question) -> Letter:
    """Tell the administrators that somebody asks."""
    return Letter(
        subject=w.say(N_("A question for the IEW administrator: %(number)s"), number=question.number),
        opening=(w.say(N_("Somebody has asked you a question or has written again.")),),
        facts=(Fact(w.say(N_("Case number")), question.number),),
        button=Button(w.say(N_("Read and answer")), w.question_page(question.id)),
        why=w.say(N_("You get this mail because you are an IEW administrator.")),
    )


def answered(w: Writer, question: Question, answer: str | None) -> Letter:
    """Tell the asker that there is an answer. answer: its text, for somebody who has no account to read it with."""
    opening = (
        N_("The IEW administrator has answered your question.")
        if answer is None
        else N_("The IEW administrator has answered your question. This is the answer:")
    )
    return Letter(
        subject=w.say(N_("Your question is answered: %(number)s"), number=question.number),
        opening=(w.say(opening),),
        facts=(Fact(w.say(N_("Case number")), question.number),),
        said=(Fact(w.say(N_("Answer")), answer),) if answer else (),
        button=Button(w.say(N_("Read the answer and reply")), w.question_page(question.id)),
        why=w.say(N_("You get this mail because you asked the IEW administrator.")),
    )
