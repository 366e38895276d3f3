"""The answer to a case that somebody gives on the page behind a link in a mail."""

from iew.domain import vocabularies
from iew.schemas.base import Code, Day, Input, Prose, Whole
from iew.schemas.meetings import Moment

ANSWERS = ("accept", "decline", "hand_back")
"""What one chooses among; `report` and `ask_for_help` stand alone."""


class AnswerByMail(Input):
    """One of the answers. `reason_code` goes with a no; `note` is the reason of a case that is handed back.

    `held_on`, `students`, `teachers` and `summary` tell the result.
    """

    action = Code((*ANSWERS, "report", "ask_for_help"), required=True)
    reason_code = Code(vocabularies.DECLINE_REASONS, load_default=None, allow_none=True)
    note = Prose(longest=2000, load_default=None, allow_none=True)
    held_on = Day(load_default=None, allow_none=True)
    students = Whole(load_default=None, allow_none=True)
    teachers = Whole(load_default=None, allow_none=True)
    summary = Prose(longest=5000, load_default=None, allow_none=True)


class TimeByMail(Input):
    """The time that suits for an online meeting."""

    start = Moment(load_default=None, allow_none=True)
