"""What must hold at the end of a simulated year, whatever was killed on the way."""

from collections import Counter
from collections.abc import Iterable
from email.message import EmailMessage
from typing import Any

from sqlalchemy import select

from iew.mail.envelope import message_id
from iew.models import EmailDelivery, Event, Match, OutboxRow, User
from iew.services import seals
from iew.uow import UnitOfWork
from tests.year.simulation import Year


def assert_nothing_was_lost(year: Year) -> None:
    """Cases, jobs, mails, digests and the record, each in its own way."""
    with year.world.unit_of_work(year.end) as uow:
        _no_job_is_left(uow)
        _no_case_is_forgotten(year, uow)
        _each_mail_came_once(year, uow)
        _digests_are_neither_empty_nor_twice(year, uow)
        _the_record_is_whole(uow)
    deeds = year.people.did
    assert deeds["ask"] and deeds["take up"] and deeds["propose"] and deeds["report"], deeds


def _no_job_is_left(uow: UnitOfWork) -> None:
    undone = select(OutboxRow.job, OutboxRow.last_error).where(OutboxRow.done_at.is_(None))
    assert uow.session.execute(undone).all() == []


def _the_record_is_whole(uow: UnitOfWork) -> None:
    """Every seal holds, so none was made while a lower number could still come, whoever was killed meanwhile."""
    found = seals.verify(uow)
    assert found.broken == []
    assert found.seals > 20 and found.unsealed < found.events, found


def _no_case_is_forgotten(year: Year, uow: UnitOfWork) -> None:
    """Every case is ended, or owned with a date in the future, or overdue with the administrator told."""
    told = set(
        uow.session.scalars(
            select(Event.subject_id)
            .join(EmailDelivery, EmailDelivery.event_id == Event.id)
            .join(User, User.id == EmailDelivery.user_id)
            .where(
                Event.action == "overdue", EmailDelivery.status == "sent", EmailDelivery.kind == "match_overdue",
                User.role == "iew_admin",
            )
        )
    )  # fmt: skip
    forgotten = [
        (match.number, match.status, match.due_at, match.overdue)
        for match in uow.session.scalars(select(Match))
        if not (_is_over(match) or _waits_for_its_owner(match, year) or (match.overdue and match.id in told))
    ]
    assert forgotten == []
    ends = Counter(uow.session.scalars(select(Match.status)))
    assert ends["no_reply"] and ends["completed"] and told, ends


def _is_over(match: Match) -> bool:
    ends = ("completed", "declined", "not_found", "no_reply", "cancelled")
    return match.status in ends and match.due_at is None and match.ended_at is not None


def _waits_for_its_owner(match: Match, year: Year) -> bool:
    if match.via == "direct" or match.status == "agreed":
        owner = match.partner_school_id if match.status == "agreed" else match.posting_school_id
    else:
        owner = "admin" if match.handler_kind == "admin" else match.handler_code
    return owner is not None and match.due_at is not None and match.due_at > year.end


def _each_mail_came_once(year: Year, uow: UnitOfWork) -> None:
    """A worker killed over the answer of the mail server may have sent one mail twice, and no digest."""
    came = Counter(year.running.sink.ids)
    mails = list(uow.session.scalars(select(EmailDelivery)))
    statuses = Counter((mail.status, mail.once_only) for mail in mails)
    assert set(statuses) <= {("sent", True), ("sent", False), ("unknown", True)}, statuses
    workers_killed = sum(part.startswith("worker") for part in year.killed)
    assert statuses["unknown", True] <= workers_killed
    digests = _ids(year, [mail for mail in mails if mail.once_only])
    again = [identifier for identifier, times in came.items() if times > 1]
    assert sum(came[identifier] - 1 for identifier in again) <= workers_killed
    assert not set(again) & digests
    assert len(mails) - statuses["unknown", True] <= len(came) <= len(mails)
    twice = select(EmailDelivery.event_id, EmailDelivery.kind, EmailDelivery.address).where(
        EmailDelivery.once_only.is_(False)
    )
    told: Counter[Any] = Counter(uow.session.execute(twice).all())
    assert [key for key, times in told.items() if times > 1] == []


def _digests_are_neither_empty_nor_twice(year: Year, uow: UnitOfWork) -> None:
    issues = Counter(
        uow.session.execute(
            select(Event.subject_id, Event.details["period"].astext).where(Event.fact == "DigestBecameDue")
        ).all()
    )
    assert issues and set(issues.values()) == {1}
    planned = _ids(year, uow.session.scalars(select(EmailDelivery).where(EmailDelivery.kind == "digest")))
    came = [mail for mail in year.running.sink.taken if str(mail["Message-ID"]) in planned]
    assert 0 < len(came) <= len(planned) <= len(issues)
    assert all("/invitations/" in _text(mail) or "/matches/" in _text(mail) for mail in came)


def _ids(year: Year, mails: Iterable[EmailDelivery]) -> set[str]:
    """The Message-IDs under which these mails go out."""
    return {message_id(mail.id, year.running.environment["IEW_MAIL_FROM"]) for mail in mails}


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return str(body.get_content()) if body else ""
