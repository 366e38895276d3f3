"""Links in mails: for one recipient, one purpose, once, until their day.

The link is a signature over a row's id, so it can neither be guessed nor carried over to another purpose; opening it
changes nothing, and only the form behind it uses it up.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from itsdangerous import BadSignature, URLSafeSerializer

from iew.db import new_id
from iew.errors import N_, NotFound, StateConflict
from iew.models import MailLink, User
from iew.uow import UnitOfWork


class Purpose(StrEnum):
    CONFIRM_ADDRESS = "confirm_address"  # of a new account
    CHANGE_ADDRESS = "change_address"  # make another address the one of an account
    RESET_PASSWORD = "reset_password"  # noqa: S105 - also how an invited colleague chooses the first one
    ACT = "act"  # answer a match from a mail
    PASS_ON = "pass_on"  # noqa: S105 - pass a post on from a digest
    READ_QUESTION = "read_question"  # a thread of somebody who has no account


RESET_HOURS: Final = 1


def issue(
    uow: UnitOfWork,
    purpose: Purpose,
    *,
    address: str,
    user_id: str | None = None,
    subject_type: str | None = None,
    subject_id: str | None = None,
    hours: int | None = None,
) -> MailLink:
    """A new link for the person at `address`. hours: how long it works; by default as long as links in mails do."""
    valid = timedelta(hours=hours) if hours is not None else timedelta(days=uow.limits.mail_link_days)
    link = MailLink(
        id=new_id(),
        purpose=str(purpose),
        user_id=user_id,
        address=address,
        subject_type=subject_type,
        subject_id=subject_id,
        created_at=uow.now,
        expires_at=uow.now + valid,
    )
    uow.session.add(link)
    return link


def signed(secret_key: str, link: MailLink) -> str:
    """The part of the address that stands for the link."""
    return str(_signer(secret_key, link.purpose).dumps(link.id))


def find(uow: UnitOfWork, secret_key: str, purpose: Purpose, given: str) -> MailLink:
    """The link behind `given`, held until the end of the transaction so that two clicks do not both use it.

    Raises NotFound for a link that is none of ours, StateConflict with code `link_spent` for one that was used, has
    expired, or belongs to an account that is closed.
    """
    try:
        link_id = _signer(secret_key, purpose).loads(given)
    except BadSignature:
        raise NotFound from None
    link = uow.session.get(MailLink, link_id, with_for_update=True) if isinstance(link_id, str) else None
    if link is None or link.purpose != purpose:
        raise NotFound
    user = uow.session.get(User, link.user_id) if link.user_id else None
    if link.used_at is not None or link.expires_at <= uow.now or (user is not None and not user.active):
        raise StateConflict(
            N_("This link was used already, or its time is over. Ask for a new one."), code="link_spent"
        )
    return link


def use_up(uow: UnitOfWork, link: MailLink) -> None:
    """From now on the link opens nothing."""
    link.used_at = uow.now
    uow.session.flush()


def _signer(secret_key: str, purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt=f"iew.link.{purpose}")
