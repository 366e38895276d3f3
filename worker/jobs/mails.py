"""Sends one planned mail.

An ordinary mail whose fate is unknown is sent again under the same Message-ID: two copies are better than none. A
digest is not: `sending` is committed before the mail server hears of it, so whoever finds that mark knows that an
earlier try ended in the dark, and says so instead of sending again.
"""

from email.message import EmailMessage
from typing import Final

from sqlalchemy import select, update

from iew.mail.envelope import message_of, sender_of
from iew.mail.recipients import ESSENTIAL
from iew.mail.smtp import AddressRefused, MailRefused, NotNow, Unclear, reply_code
from iew.models import EmailDelivery, User
from iew.services import addresses
from worker.equipment import Equipment
from worker.handlers import Work, job

ENDED: Final = frozenset({"sent", "unknown", "failed", "suppressed"})


@job("send_mail")
def send_mail(work: Work) -> None:
    """Send a delivery, unless it has come to an end. Raises NotNow, Unclear where it is to be tried again."""
    uow = work.uow
    delivery = uow.get(EmailDelivery, work.subject_id)
    if delivery.status in ENDED:
        return
    if delivery.status == "sending":
        _end(delivery, "unknown", "a try to send it ended before the mail server's answer was known")
        return
    if _is_unwanted(uow.session.get(User, delivery.user_id) if delivery.user_id else None, delivery.kind):
        _end(delivery, "suppressed", "the account is closed, or its address was refused before")
        return
    if delivery.once_only and not _mark_sending(work.tools, delivery.id):
        return
    uow.session.refresh(delivery, with_for_update=True)  # two processes never send one mail at once
    if delivery.status not in ENDED:
        _send(work, delivery)


def _send(work: Work, delivery: EmailDelivery) -> None:
    tools = work.tools
    mail_from = tools.stationery.mail_from
    try:
        if delivery.text is None:
            raise MailRefused("its text was cleared away before it could be sent")
        message = _message(delivery, mail_from)
        tools.mailer.send(message, sender=sender_of(mail_from), recipient=delivery.address)
    except AddressRefused as refusal:
        _end(delivery, "failed", str(refusal))
        _mark_refused(work, delivery)
    except MailRefused as refusal:
        _end(delivery, "failed", str(refusal))
    except NotNow:
        if delivery.once_only:
            _end(delivery, "queued", None)
            work.uow.commit()
        raise
    except Unclear as doubt:
        if not delivery.once_only:
            raise
        _end(delivery, "unknown", str(doubt))
    else:
        _end(delivery, "sent", None)
        delivery.sent_at = work.uow.now


def _message(delivery: EmailDelivery, mail_from: str) -> EmailMessage:
    try:
        return message_of(delivery, mail_from=mail_from)
    except ValueError as fault:
        raise MailRefused(f"no mail can be made of it: {type(fault).__name__}") from fault


def _mark_sending(tools: Equipment, delivery_id: str) -> bool:
    """Commit, apart from the job, that the mail is about to be sent; False where somebody else did."""
    with tools.open() as uow:
        marked = uow.session.scalar(
            update(EmailDelivery)
            .where(EmailDelivery.id == delivery_id, EmailDelivery.status == "queued")
            .values(status="sending")
            .returning(EmailDelivery.id)
        )
    return marked is not None


def _mark_refused(work: Work, delivery: EmailDelivery) -> None:
    user = work.uow.session.scalar(select(User).where(User.id == delivery.user_id).with_for_update())
    if user is not None and user.email == delivery.address:
        addresses.refuse(work.uow, user, why=reply_code(delivery.last_error))


def _is_unwanted(user: User | None, kind: str) -> bool:
    if user is None:
        return False
    return not user.active or (user.mail_refused_at is not None and kind not in ESSENTIAL)


def _end(delivery: EmailDelivery, status: str, reason: str | None) -> None:
    delivery.status, delivery.last_error = status, reason
