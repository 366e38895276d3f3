"""Accounts as operators see them: who works where, and closing an account.

The IEW administrator works with schools and units; accounts of operators are the system administrator's alone.
"""

from typing import Final

from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlalchemy.orm import selectinload

from iew.db import Page, keyset_page
from iew.domain.actors import Actor, Role
from iew.errors import NotAllowed, NotFound
from iew.models import School, User
from iew.uow import UnitOfWork

_OF_ADMINISTRATOR: Final = (Role.SCHOOL, Role.IERC, Role.OFFICE)


def listed(
    uow: UnitOfWork, actor: Actor, *, wanted: str | None, cursor: str | None, limit: int, refused: bool = False
) -> Page[User]:
    """The accounts an operator looks after, by address. wanted: a part of a name, an address or a school's name.
    refused: only open ones to which mail does not arrive.

    Raises NotAllowed, BadRequest (`bad_cursor`).
    """
    statement = (
        select(User)
        .outerjoin(School, School.id == User.school_id)
        .where(_scope(actor), _named_like(wanted), _unreached() if refused else true())
        .options(selectinload(User.school))
    )
    return keyset_page(
        uow.session, statement, (User.email,), key=lambda user: (user.email,), cursor=cursor, limit=limit
    )


def find(uow: UnitOfWork, user_id: str, actor: Actor) -> User:
    """One of them. Raises NotAllowed, NotFound."""
    found = uow.session.scalar(select(User).where(User.id == user_id, _scope(actor)))
    if found is None:
        raise NotFound
    return found


def _scope(actor: Actor) -> ColumnElement[bool]:
    if actor.role is Role.SYSTEM_ADMIN:
        return true()
    if actor.role is Role.IEW_ADMIN:
        return User.role.in_(_OF_ADMINISTRATOR)
    raise NotAllowed


def _unreached() -> ColumnElement[bool]:
    return and_(User.mail_refused_at.is_not(None), User.disabled_at.is_(None))


def _named_like(wanted: str | None) -> ColumnElement[bool]:
    word = (wanted or "").replace("\0", "").strip()
    if not word:
        return true()
    return or_(
        *(column.icontains(word, autoescape=True) for column in (User.name, User.email, School.name, School.name_en))
    )
