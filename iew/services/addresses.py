"""Addresses to which mail does not arrive: who notes it, who is told, and how it ends.

A mail server's final no is about the address and not about one mail, so nothing more is sent there but what its owner
asks for; the inbox on the site goes on holding everything. It ends when the owner proves by a link that mail arrives,
gives another address, or an operator says so.
"""

from dataclasses import dataclass

from sqlalchemy import func, select

from iew.domain.actors import SYSTEM, Actor
from iew.domain.bounces import Bounce
from iew.errors import N_, NotFound, Text
from iew.models import EmailDelivery, School, Unit, User, in_area
from iew.uow import UnitOfWork


@dataclass(frozen=True)
class Reach:
    """How many accounts of a school are open, and to how many of them mail does not arrive."""

    accounts: int
    refusing: int


def refuse(uow: UnitOfWork, user: User, *, why: str) -> None:
    """Note that mail to this person does not arrive. why: a code of the mail server, never what it said."""
    user.mail_refused_at = user.mail_refused_at or uow.now
    uow.record(None, user, SYSTEM, action="mail_refused", why=why)


def bounced(uow: UnitOfWork, address: str) -> User:
    """Note that an operator was told of mail to this address that came back. Raises NotFound."""
    user = uow.session.scalar(select(User).where(User.email == address.strip().lower()).with_for_update())
    if user is None:
        raise NotFound(Text(N_("There is no account with the address %(email)s."), {"email": address}))
    refuse(uow, user, why="bounced")
    return user


def came_back(uow: UnitOfWork, bounce: Bounce) -> EmailDelivery:
    """Note that one of our mails came back: it has failed, and its address too where the report says so.

    A report that names no mail of ours is refused, for anybody could have written it. Raises NotFound.
    """
    delivery = uow.session.get(EmailDelivery, bounce.delivery_id, with_for_update=True) if bounce.delivery_id else None
    if delivery is None:
        raise NotFound(N_("The report is about no mail that was sent from here."))
    if delivery.status == "failed":
        return delivery  # the same report came twice
    delivery.status, delivery.last_error = "failed", f"came back: {bounce.status}"
    user = _owner_of(uow, delivery)
    if bounce.blames_address and user is not None:
        refuse(uow, user, why=bounce.status)
    return delivery


def accept_again(uow: UnitOfWork, user: User, actor: Actor) -> None:
    """Send mail to this person again, for somebody has made sure that it arrives."""
    if user.mail_refused_at is not None:
        user.mail_refused_at = None
        uow.record(None, user, actor, action="mail_accepted_again")


def reach_of(uow: UnitOfWork, school_id: str) -> Reach:
    """Whether mail arrives at a school; for its unit and the administrator."""
    accounts, refusing = uow.session.execute(
        select(func.count(), func.count(User.mail_refused_at)).where(
            User.school_id == school_id, User.disabled_at.is_(None)
        )
    ).one()
    return Reach(accounts, refusing)


def may_know_reach(uow: UnitOfWork, school_id: str, actor: Actor) -> bool:
    """Whether the actor looks after the school: its unit, or the administrator."""
    if actor.is_admin:
        return True
    unit = uow.session.get(Unit, actor.unit_code) if actor.is_unit and actor.unit_code else None
    if unit is None:
        return False
    here = select(School.id).where(School.id == school_id, in_area(uow.session, unit))
    return uow.session.scalar(here) is not None


def _owner_of(uow: UnitOfWork, delivery: EmailDelivery) -> User | None:
    """The person a mail went to, if the address is still theirs."""
    user = uow.session.get(User, delivery.user_id, with_for_update=True) if delivery.user_id else None
    return user if user is not None and user.email == delivery.address else None
