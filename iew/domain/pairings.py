"""The life of a pairing, as a table: a unit brings many schools of both sides together, and settles who goes with whom.

What is proposed follows from scores, pins and bans alone, so every change of these proposes anew; nobody can accept a
proposal that its pins and bans do not lead to. Once accepted the cases live on their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from iew.domain.lifecycle import Lifecycle, Row

MOST_POSTS: Final = 500
"""On each side."""
MOST_PER_SCHOOL: Final = 10
IMPOSSIBLE: Final = -1
"""The score of a pair that a hard rule forbids."""


class Status(StrEnum):
    PROPOSED = "proposed"  # pairs are proposed; no school knows of it
    ACCEPTED = "accepted"  # the pairs have become cases


class Party(StrEnum):
    """What the actor is to this pairing."""

    OWNER = "owner"  # its unit
    ADMIN = "admin"


class Hold(StrEnum):
    """What a person has said about a pair, whatever its score."""

    PIN = "pin"  # these two come together
    BAN = "ban"  # these two do not


class Absence(StrEnum):
    """Why two posts are in no pair, beside their score and a ban."""

    RULED_OUT = "ruled_out"  # a hard rule stands between them
    APART = "apart"  # their schools have a case, or one of the two said no
    GONE = "gone"  # one of the posts has left the public


@dataclass(frozen=True)
class Schools:
    """Whose posts the rows and columns of a table are: a number for each school, from 0 on for each side."""

    of_rows: Sequence[int]
    of_columns: Sequence[int]


S, P = Status, Party
_BOTH: Final = {P.OWNER, P.ADMIN}
_PAIR: Final = {"domestic", "overseas"}

PAIRING: Final = Lifecycle(
    #   action     kind  from          to           who    needs   fact
    Row("solve",   None, {S.PROPOSED}, None,        _BOTH, set(),  "PairsProposed"),
    Row("pin",     None, {S.PROPOSED}, None,        _BOTH, _PAIR,  "PairPinned"),
    Row("forbid",  None, {S.PROPOSED}, None,        _BOTH, _PAIR,  "PairForbidden"),
    Row("release", None, {S.PROPOSED}, None,        _BOTH, set(),  "PairReleased"),
    Row("accept",  None, {S.PROPOSED}, S.ACCEPTED,  _BOTH, set(),  "PairingAccepted"),
)  # fmt: skip
