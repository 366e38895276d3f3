"""The life of a question to the administrator."""

from enum import StrEnum
from typing import Final

from iew.domain.lifecycle import Lifecycle, Row


class Status(StrEnum):
    OPEN = "open"  # waits for an administrator
    ANSWERED = "answered"  # waits for the asker, or for nothing
    CLOSED = "closed"


class Party(StrEnum):
    ASKER = "asker"
    ADMIN = "admin"


S, P = Status, Party
QUESTION: Final = Lifecycle(
    #   action    kind  from                   to           who                 needs     fact
    Row("ask",    None, {S.OPEN, S.ANSWERED},  S.OPEN,      {P.ASKER},          {"text"}, "QuestionAsked"),
    Row("answer", None, {S.OPEN, S.ANSWERED},  S.ANSWERED,  {P.ADMIN},          {"text"}, "QuestionAnswered"),
    Row("close",  None, {S.OPEN, S.ANSWERED},  S.CLOSED,    {P.ASKER, P.ADMIN}, set(),    "QuestionClosed"),
)  # fmt: skip
