"""Who gets a mail: people, and in which language and zone each reads it.

An account that is closed, or whose address a mail server refused for good, gets none; what waits for it stays in its
inbox.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, select

from iew.domain.actors import Role
from iew.models import Question, Unit, User
from iew.uow import UnitOfWork

ESSENTIAL: Final = frozenset({"confirm_address", "change_address", "reset_password", "colleague_invited"})
"""Kinds that go to an address also where it was refused before: somebody asks for each of them, and they are the way
back."""


@dataclass(frozen=True)
class Recipient:
    """One address. user_id is None for a unit's own address and for somebody without an account."""

    address: str
    language: str
    timezone: str
    name: str | None = None
    user_id: str | None = None
    unit_code: str | None = None

    @property
    def key(self) -> str:
        """What tells this recipient from others, for life."""
        return self.user_id or self.unit_code or self.address


def of_users(users: Iterable[User]) -> list[Recipient]:
    """The recipients among these people."""
    return [_recipient(user) for user in users if user.active and user.mail_refused_at is None]


def of_asking(uow: UnitOfWork, user_id: str | None) -> list[Recipient]:
    """As `of_user`, also where the address was refused: for the kinds in ESSENTIAL."""
    user = uow.session.get(User, user_id) if user_id else None
    return [_recipient(user)] if user is not None and user.active else []


def of_user(uow: UnitOfWork, user_id: str | None) -> list[Recipient]:
    """This person, confirmed or not; nobody where the account is closed."""
    user = uow.session.get(User, user_id) if user_id else None
    return of_users([user] if user else [])


def of_school(uow: UnitOfWork, school_id: str | None) -> list[Recipient]:
    """The staff of a school that have confirmed their addresses."""
    if not school_id:
        return []
    return _users(uow, User.role == Role.SCHOOL, User.school_id == school_id, User.email_confirmed_at.is_not(None))


def of_unit(uow: UnitOfWork, unit_code: str | None) -> list[Recipient]:
    """The staff of a unit; where there is none, the unit's own address; where there is none, the administrators."""
    staff = staff_of_unit(uow, unit_code)
    return staff or own_address_of(uow, unit_code) or administrators(uow)


def staff_of_unit(uow: UnitOfWork, unit_code: str | None) -> list[Recipient]:
    return _users(uow, User.role.in_((Role.IERC, Role.OFFICE)), User.unit_code == unit_code) if unit_code else []


def of_digest(uow: UnitOfWork, unit_code: str) -> list[Recipient]:
    """The staff of a unit that want its digest."""
    stopped = set(
        uow.session.scalars(select(User.id).where(User.unit_code == unit_code, User.digest_stopped_at.is_not(None)))
    )
    return [recipient for recipient in staff_of_unit(uow, unit_code) if recipient.user_id not in stopped]


def own_address_of(uow: UnitOfWork, unit_code: str | None) -> list[Recipient]:
    """The address that the reference data give for a unit."""
    unit = uow.session.get(Unit, unit_code) if unit_code else None
    if unit is None or not unit.email:
        return []
    return [Recipient(unit.email, unit.ui_language, unit.timezone, unit.name(unit.ui_language), unit_code=unit.code)]


def administrators(uow: UnitOfWork) -> list[Recipient]:
    return _users(uow, User.role == Role.IEW_ADMIN)


def of_asker(uow: UnitOfWork, question: Question) -> list[Recipient]:
    """Whoever asked: a person with an account, or an address."""
    if question.asker_id:
        return of_user(uow, question.asker_id)
    return [Recipient(question.email, question.language, uow.zone)] if question.email else []


def _users(uow: UnitOfWork, *conditions: ColumnElement[bool]) -> list[Recipient]:
    return of_users(uow.session.scalars(select(User).where(*conditions).order_by(User.created_at, User.id)))


def _recipient(user: User) -> Recipient:
    return Recipient(user.email, user.language, user.timezone, user.name, user_id=user.id)
