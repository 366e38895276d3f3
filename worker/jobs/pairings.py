"""Mails about pairings: to the units that got cases by somebody else's acceptance."""

from collections import Counter

from iew.domain.matches import HandlerKind
from iew.mail import recipients
from iew.mail.letters import pairings as letters
from iew.models import Match, Pairing
from worker.handlers import Work, job


@job("notify_pairing_accepted")
def accepted(work: Work) -> None:
    """Tell each unit, once, how many cases it got; whoever accepted knows."""
    pairing = work.uow.get(Pairing, work.subject_id)
    cases = Counter(pair.match.handler_code for pair in pairing.pairs if pair.match and _lies_with_a_unit(pair.match))
    for code, count in cases.items():
        if code != work.event.actor_body:
            to = recipients.of_unit(work.uow, code)
            work.post("pairing_accepted", to, lambda w, count=count: letters.accepted(w, pairing, count))  # type: ignore[misc]


def _lies_with_a_unit(match: Match) -> bool:
    return match.handler_kind != HandlerKind.ADMIN
