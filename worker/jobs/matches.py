"""Mails about cases: to the schools, to the unit that has the case, to the administrators."""

from collections.abc import Iterable

from sqlalchemy import select

from iew.domain.matches import BEFORE_AGREED, HandlerKind, ProposalStatus, Status, Via
from iew.mail import recipients
from iew.mail.letter import Letter
from iew.mail.letters import matches as letters
from iew.mail.recipients import Recipient
from iew.mail.stationery import Writer
from iew.models import Match, Message, School, User, messages_of
from worker.handlers import Work, job


def _match_of(work: Work) -> Match:
    return work.uow.get(Match, work.subject_id)


def _staff(work: Work, match: Match) -> list[Recipient]:
    """Who handles a case: its unit, or the administrators; nobody for a direct one."""
    if match.via == Via.DIRECT:
        return []
    if match.handler_kind == HandlerKind.ADMIN:
        return recipients.administrators(work.uow)
    return recipients.of_unit(work.uow, match.handler_code)


def _schools(work: Work, ids: Iterable[str | None]) -> list[tuple[str, list[Recipient]]]:
    """The staff of each of these schools, each school once."""
    return [(school_id, recipients.of_school(work.uow, school_id)) for school_id in dict.fromkeys(ids) if school_id]


def _lies_with_unit_of(work: Work, match: Match) -> bool:
    """Whether the case lies with the unit that the fact gave it to."""
    handler = work.detail("handler") or {}
    return match.status in (Status.ROUTED, Status.IN_PROGRESS) and match.handler_code == handler.get("code")


@job("notify_match_requested")
def requested(work: Work) -> None:
    """Tell the invited school, or the administrators where an assisted case has no unit."""
    match = _match_of(work)
    if match.via == Via.DIRECT and match.status != Status.CANCELLED:
        to = recipients.of_school(work.uow, match.posting_school_id)
        work.post("match_requested", to, lambda w: letters.requested(w, match))
    elif match.handler_kind == HandlerKind.ADMIN and match.status == Status.REQUESTED:
        work.post("match_with_admin", recipients.administrators(work.uow), lambda w: letters.with_admin(w, match))


@job("notify_match_routed")
def routed(work: Work) -> None:
    """Give a case to the staff of its unit, unless it went elsewhere meanwhile."""
    match = _match_of(work)
    if _lies_with_unit_of(work, match):
        to = recipients.of_unit(work.uow, match.handler_code)
        work.post("match_routed", to, lambda w: letters.routed(w, match))


@job("notify_match_taken_up")
def taken_up(work: Work) -> None:
    """Tell the asking school who looks for a partner."""
    match = _match_of(work)
    if match.status != Status.CANCELLED and match.handler_kind != HandlerKind.ADMIN:
        to = recipients.of_school(work.uow, match.asking_school_id)
        work.post("match_taken_up", to, lambda w: letters.taken_up(w, match))


@job("notify_match_paired")
def paired(work: Work) -> None:
    """Tell the asking school of a pairing whom it was brought together with, unless the case was called off since."""
    match = _match_of(work)
    if match.status != Status.CANCELLED:
        to = recipients.of_school(work.uow, match.asking_school_id)
        work.post("match_paired", to, lambda w: letters.paired(w, match))


@job("notify_match_handed_back")
def handed_back(work: Work) -> None:
    """Tell the administrators that a case lies with them again."""
    match = _match_of(work)
    if match.status == Status.REQUESTED and match.handler_kind == HandlerKind.ADMIN:
        unit, reason = work.event.actor_body, str(work.detail("reason") or "")
        to = recipients.administrators(work.uow)
        work.post("match_handed_back", to, lambda w: letters.handed_back(w, match, unit, reason))


@job("notify_school_proposed")
def proposed(work: Work) -> None:
    """Ask a school whether it would be the partner, while it can still say so."""
    match, school_id = _match_of(work), work.detail("school_id")
    proposal = match.proposal_of(school_id)
    if match.status == Status.IN_PROGRESS and proposal is not None and proposal.status == ProposalStatus.OPEN:
        to = recipients.of_school(work.uow, school_id)
        work.post("school_proposed", to, lambda w: letters.proposed(w, match))


@job("notify_proposal_declined")
def proposal_declined(work: Work) -> None:
    """Tell the unit that a school it proposed said no."""
    match = _match_of(work)
    school = work.uow.session.get(School, work.event.actor_body or "")
    if match.status in BEFORE_AGREED:
        code = work.detail("reason_code")
        to = _staff(work, match)
        work.post("proposal_declined", to, lambda w: letters.proposal_declined(w, match, school, code))


@job("notify_proposal_superseded")
def proposal_superseded(work: Work) -> None:
    """Release a school that had not answered, unless it was asked anew."""
    match, school_id = _match_of(work), work.detail("school_id")
    proposal = match.proposal_of(school_id)
    if proposal is not None and proposal.status == ProposalStatus.SUPERSEDED:
        to = recipients.of_school(work.uow, school_id)
        work.post("proposal_superseded", to, lambda w: letters.proposal_superseded(w, match))


@job("notify_match_agreed")
def agreed(work: Work) -> None:
    """Tell both schools, and the unit where a school said the last yes, unless it was called off since."""
    match = _match_of(work)
    if match.status == Status.CANCELLED:
        return
    for school_id, to in _schools(work, (match.asking_school_id, match.partner_school_id)):
        other = match.partner_school if school_id == match.asking_school_id else match.asking_school
        work.post("match_agreed", to, lambda w, other=other: letters.agreed(w, match, other))  # type: ignore[misc]
    if work.event.actor_body != match.handler_code:
        work.post("match_agreed_for_unit", _staff(work, match), lambda w: letters.agreed_for_unit(w, match))


@job("notify_match_declined")
def declined(work: Work) -> None:
    """Tell the asking school that the invited one said no."""
    match = _match_of(work)
    to = recipients.of_school(work.uow, match.asking_school_id)
    work.post("match_declined", to, lambda w: letters.declined(w, match))


@job("notify_match_not_found")
def not_found(work: Work) -> None:
    """Tell the asking school that no partner was found."""
    match, reason = _match_of(work), str(work.detail("reason") or "")
    to = recipients.of_school(work.uow, match.asking_school_id)
    work.post("match_not_found", to, lambda w: letters.not_found(w, match, reason))


@job("notify_match_no_reply")
def no_reply(work: Work) -> None:
    """Tell the asking school that the invited one let its time pass."""
    match = _match_of(work)
    to = recipients.of_school(work.uow, match.asking_school_id)
    work.post("match_no_reply", to, lambda w: letters.no_reply(w, match))


@job("notify_match_cancelled")
def cancelled(work: Work) -> None:
    """Tell everybody who had to do with the case but the school that called it off."""
    match, caller = _match_of(work), work.event.actor_body
    reason = work.detail("reason")
    others: list[str | None] = [match.asking_school_id, match.partner_school_id]
    if match.via == Via.DIRECT:
        others.append(match.posting_school_id)
    for school_id, to in _schools(work, others):
        if school_id != caller:
            work.post("match_cancelled", to, lambda w: letters.cancelled(w, match, reason, for_unit=False))
    work.post("match_cancelled", _staff(work, match), lambda w: letters.cancelled(w, match, reason, for_unit=True))


@job("notify_match_reported")
def reported(work: Work) -> None:
    """Tell the other school and the unit that a result was told."""
    match, teller = _match_of(work), work.event.actor_body
    by = work.uow.session.get(School, teller or "")
    told = {report.school_id for report in match.reports}
    for school_id, to in _schools(work, (match.asking_school_id, match.partner_school_id)):
        if school_id != teller:
            may_add = school_id not in told
            work.post(
                "match_reported", to,
                lambda w, may_add=may_add: letters.reported(w, match, by, may_add=may_add, for_unit=False),  # type: ignore[misc]
            )  # fmt: skip
    staff = _staff(work, match)
    work.post("match_reported", staff, lambda w: letters.reported(w, match, by, may_add=False, for_unit=True))


@job("notify_message_written")
def message_written(work: Work) -> None:
    """Tell everybody who may read a message, but its author's own body, that there is one."""
    match, message = _match_of(work), work.uow.session.get(Message, work.detail("message_id") or "")
    if message is None:
        return
    proposed_schools = [proposal.school_id for proposal in match.proposals]
    posting = match.posting_school_id if match.via == Via.DIRECT else None
    for school_id, to in _schools(work, (match.asking_school_id, posting, match.partner_school_id, *proposed_schools)):
        if school_id != message.school_id:
            readers = [reader for reader in to if _may_read(work, match, message, reader)]
            work.post("message_written", readers, lambda w: _message_letter(w, match, message, for_unit=False))
    if match.via == Via.ASSISTED and not _is_by_staff(match, message):
        work.post("message_written", _staff(work, match), lambda w: _message_letter(w, match, message, for_unit=True))


def _is_by_staff(match: Match, message: Message) -> bool:
    """Whether whoever handles the case wrote the message."""
    return message.school_id is None and message.unit_code == match.handler_code


def _may_read(work: Work, match: Match, message: Message, reader: Recipient) -> bool:
    actor = work.uow.get(User, reader.user_id or "").as_actor()
    readable = select(Message.id).where(Message.id == message.id, messages_of(match, actor))
    return work.uow.session.scalar(readable) is not None


def _message_letter(w: Writer, match: Match, message: Message, *, for_unit: bool) -> Letter:
    school = w.uow.session.get(School, message.school_id) if message.school_id else None
    author = w.school(school) if school else w.unit(message.unit_code)
    return letters.message_written(w, match, author, for_unit=for_unit)


@job("notify_match_reminder")
def reminder(work: Work) -> None:
    """Remind the invited school, while it can still answer."""
    match = _match_of(work)
    if match.status == Status.REQUESTED:
        to = recipients.of_school(work.uow, match.posting_school_id)
        work.post("match_reminder", to, lambda w: letters.reminder(w, match))


@job("notify_match_overdue")
def overdue(work: Work) -> None:
    """Tell the administrators what is late, while it still is."""
    match = _match_of(work)
    if match.overdue:
        work.post("match_overdue", recipients.administrators(work.uow), lambda w: letters.overdue(w, match))


@job("notify_report_due")
def report_due(work: Work) -> None:
    """Ask both schools for the result, while nobody has told it."""
    match, again = _match_of(work), bool(work.detail("again"))
    if match.status != Status.AGREED:
        return
    for school_id, to in _schools(work, (match.asking_school_id, match.partner_school_id)):
        other = match.partner_school if school_id == match.asking_school_id else match.asking_school
        work.post("report_due", to, lambda w, other=other: letters.report_due(w, match, other, again=again))  # type: ignore[misc]
