"""The answer to a case that somebody gives on the page behind a link in a mail."""

from iew.domain import vocabularies
from iew.schemas.base import Code, Input, Prose

ANSWERS = ("accept", "decline", "hand_back")


class AnswerByMail(Input):
    """One of the answers. `reason_code` goes with a no; `note` is the reason of a case that is handed back."""

    action = Code(ANSWERS, required=True)
    reason_code = Code(vocabularies.DECLINE_REASONS, load_default=None, allow_none=True)
    note = Prose(longest=2000, load_default=None, allow_none=True)
