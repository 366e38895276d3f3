"""The proof of an exchange that took place: a sheet a school can hand in, and its check by anybody who is handed it.

A school needs it for its certificate, and the reader of a paper has no account here; so the sheet carries the case
number and a code that is made from both the case and our key, and nobody can make one up.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from iew.domain.actors import Actor
from iew.domain.matches import Insight, Status
from iew.errors import N_, InvalidTransition, NotAllowed, NotFound
from iew.models import Match, School, find_match
from iew.uow import UnitOfWork

LEAST_SHOWN: Final = 5
"""A smaller number of people is not told to the public: it could point at persons."""
_CODE_BYTES: Final = 10
_GROUP: Final = 4
_NUMBER: Final = re.compile(r"M-(?P<year>[0-9]{4})-(?P<serial>[0-9]{6,9})")
_NOT_IN_CODES: Final = re.compile(r"[^A-Z2-7]")
_AROUND: Final = (
    joinedload(Match.asking_school),
    joinedload(Match.partner_school),
    joinedload(Match.invitation),
    joinedload(Match.from_invitation),
    selectinload(Match.reports),
)


@dataclass(frozen=True)
class Told:
    """What one school told. students, teachers: None where the number is too small to be shown."""

    school: School
    held_on: date
    students: int | None
    teachers: int | None
    told_at: datetime


@dataclass(frozen=True)
class Proof:
    """An exchange of two schools as anybody may read it: no persons, no texts."""

    number: str
    code: str
    schools: tuple[School, ...]
    exchange_types: Sequence[str]
    told: tuple[Told, ...]
    completed_at: datetime


def of_match(uow: UnitOfWork, match_id: str, actor: Actor, secret_key: str) -> Proof:
    """The proof, for whoever has part in the exchange.

    Raises NotFound, NotAllowed (a school that was only asked), InvalidTransition (nothing was reported yet).
    """
    match = find_match(uow.session, match_id, actor, *_AROUND)
    if match.insight_of(actor) in (Insight.CANDIDATE, Insight.FORMER):
        raise NotAllowed
    return _proof(match, secret_key)


def check(uow: UnitOfWork, number: str, code: str, secret_key: str) -> Proof:
    """The proof that a sheet with this number and code stands for. Raises NotFound, the same for whatever is wrong."""
    found = _NUMBER.fullmatch(number.strip().upper())
    if found is None:
        raise NotFound
    match = uow.session.scalar(select(Match).where(Match.serial == int(found["serial"])).options(*_AROUND))
    known = match is not None and match.number == number.strip().upper() and match.status == Status.COMPLETED
    expected = _code(match.id if match else "", secret_key)
    same = hmac.compare_digest(_plain(expected), _plain(code))
    if match is None or not (known and same):
        raise NotFound
    return _proof(match, secret_key)


def _proof(match: Match, secret_key: str) -> Proof:
    if match.status != Status.COMPLETED or match.ended_at is None:
        raise InvalidTransition(N_("There is a proof as soon as one of the schools has reported the result."))
    schools = tuple(school for school in (match.asking_school, match.partner_school) if school is not None)
    by_id = {school.id: school for school in schools}
    return Proof(
        number=match.number,
        code=_code(match.id, secret_key),
        schools=schools,
        exchange_types=sorted(match.plan.exchange_types),
        told=tuple(
            Told(by_id[report.school_id], report.held_on, _shown(report.students), _shown(report.teachers),
                 report.created_at)
            for report in match.reports
            if report.school_id in by_id
        ),
        completed_at=match.ended_at,
    )  # fmt: skip


def _shown(people: int) -> int | None:
    return people if people == 0 or people >= LEAST_SHOWN else None


def _code(match_id: str, secret_key: str) -> str:
    """Sixteen letters and digits in groups of four, without those that are mistaken for each other."""
    digest = hmac.new(secret_key.encode(), f"iew.proof:{match_id}".encode(), hashlib.sha256).digest()
    letters = base64.b32encode(digest[:_CODE_BYTES]).decode()
    return "-".join(letters[start : start + _GROUP] for start in range(0, len(letters), _GROUP))


def _plain(code: str) -> str:
    return _NOT_IN_CODES.sub("", code.upper())
