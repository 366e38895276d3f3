"""Plans the mails of one fact: one saved delivery for each recipient, each once, whatever is repeated.

Everything happens in the transaction of the job; the sending itself is owed to later jobs, one a mail, so that one bad
address stops nobody.
"""

from collections.abc import Callable, Iterable

from sqlalchemy import select

from iew.mail.letter import Letter
from iew.mail.recipients import Recipient
from iew.mail.stationery import Stationery, Writer
from iew.models import EmailDelivery, Event
from iew.uow import UnitOfWork

Compose = Callable[[Writer], Letter]


def post(
    uow: UnitOfWork,
    stationery: Stationery,
    event: Event,
    kind: str,
    recipients: Iterable[Recipient],
    compose: Compose,
) -> int:
    """Plan a mail about `event` to each recipient that has none of this kind yet; how many were planned."""
    return sum(
        _plan(
            uow, stationery, recipient, compose, kind=kind, event=event, dedup_key=f"{kind}:{event.id}:{recipient.key}"
        )
        for recipient in recipients
    )


def post_once(
    uow: UnitOfWork,
    stationery: Stationery,
    event: Event,
    kind: str,
    recipient: Recipient,
    compose: Compose,
    *,
    period: str,
) -> bool:
    """Plan a mail that is never sent twice, one for each recipient and period."""
    key = f"{kind}:{period}:{recipient.key}"
    return _plan(uow, stationery, recipient, compose, kind=kind, event=event, dedup_key=key, once_only=True)


def _plan(
    uow: UnitOfWork,
    stationery: Stationery,
    recipient: Recipient,
    compose: Compose,
    *,
    kind: str,
    event: Event,
    dedup_key: str,
    once_only: bool = False,
) -> bool:
    if uow.session.scalar(select(EmailDelivery.id).where(EmailDelivery.dedup_key == dedup_key)):
        return False
    writer = Writer(stationery, uow, recipient)
    letter = compose(writer)
    rendered = writer.in_frame(letter)
    return uow.plan_mail(
        EmailDelivery(
            dedup_key=dedup_key,
            kind=kind,
            event_id=event.id,
            user_id=recipient.user_id,
            unit_code=recipient.unit_code,
            address=recipient.address,
            language=recipient.language,
            subject=letter.subject,
            text=rendered.text,
            html=rendered.html,
            calendar=letter.calendar,
            unsubscribe_url=letter.unsubscribe_url,
            once_only=once_only,
        )
    )
