"""Mails about online meetings of two schools."""

from collections.abc import Iterator, Sequence

from iew.domain.meetings import Status
from iew.mail import recipients
from iew.mail.letters import meetings as letters
from iew.mail.recipients import Recipient
from iew.models import Meeting, School
from iew.services.meetings import Clock, clock_of
from worker.handlers import Work, job


def _meeting_of(work: Work) -> Meeting:
    return work.uow.get(Meeting, work.subject_id)


def _sides(work: Work, meeting: Meeting) -> Iterator[tuple[School, School, Sequence[Clock], list[Recipient]]]:
    """Each school with the other one, both clocks (its own first), and its staff."""
    match = meeting.match
    asking, other = match.asking_school, match.other_school
    if other is None:
        return
    for school, partner in ((asking, other), (other, asking)):
        clocks = (clock_of(work.uow, school), clock_of(work.uow, partner))
        yield school, partner, clocks, recipients.of_school(work.uow, school.id)


@job("notify_meeting_proposed")
def proposed(work: Work) -> None:
    """Let the other school choose, while these times are still the ones to choose from."""
    meeting = _meeting_of(work)
    if meeting.status != Status.PROPOSED or work.event.actor_body != meeting.proposed_by_id:
        return
    for school, _, clocks, to in _sides(work, meeting):
        if school.id == meeting.answering_school_id:
            work.post("meeting_proposed", to, lambda w, clocks=clocks: letters.proposed(w, meeting, clocks))  # type: ignore[misc]


@job("notify_meeting_agreed")
def agreed(work: Work) -> None:
    """Give both schools the time that stands now, unless the meeting was called off since."""
    meeting = _meeting_of(work)
    if meeting.status == Status.CANCELLED or meeting.agreed_start is None:
        return
    for _, partner, clocks, to in _sides(work, meeting):
        work.post(
            "meeting_agreed", to,
            lambda w, partner=partner, clocks=clocks: letters.agreed(w, meeting, clocks, partner),  # type: ignore[misc]
        )  # fmt: skip


@job("notify_meeting_lapsed")
def lapsed(work: Work) -> None:
    """Tell the school that named the times, unless it has named others since."""
    meeting = _meeting_of(work)
    if meeting.status == Status.PROPOSED:
        return
    for school, partner, _, to in _sides(work, meeting):
        if school.id == meeting.proposed_by_id:
            work.post("meeting_lapsed", to, lambda w, partner=partner: letters.lapsed(w, meeting, partner))  # type: ignore[misc]


@job("notify_meeting_cancelled")
def cancelled(work: Work) -> None:
    """Tell the other school; both, where a meeting stood in their calendars or the case ended."""
    meeting, caller = _meeting_of(work), work.event.actor_body
    for school, partner, clocks, to in _sides(work, meeting):
        if school.id != caller or meeting.agreed_start is not None:
            work.post(
                "meeting_cancelled", to,
                lambda w, partner=partner, clocks=clocks: letters.cancelled(w, meeting, clocks, partner),  # type: ignore[misc]
            )  # fmt: skip
