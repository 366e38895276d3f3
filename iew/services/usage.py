"""How much each function of the window was used in a time, for the yearly report."""

from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select

from iew.domain.actors import Actor
from iew.domain.matches import Via
from iew.errors import NotAllowed
from iew.models import (
    Forward,
    Invitation,
    Match,
    Message,
    Proposal,
    Question,
    Report,
    SavedSearch,
    School,
    SearchCount,
    Unit,
    paired,
)
from iew.uow import UnitOfWork

_DATED: Final[tuple[tuple[str, Any, tuple[ColumnElement[bool], ...]], ...]] = (
    ("schools", School.created_at, ()),
    ("invitations", Invitation.published_at, ()),
    ("direct", Match.created_at, (Match.via == Via.DIRECT.value,)),
    ("assisted", Match.created_at, (Match.via == Via.ASSISTED.value, ~paired())),
    ("paired", Match.created_at, (paired(),)),
    ("proposals", Proposal.proposed_at, ()),
    ("messages", Message.created_at, ()),
    ("reports", Report.created_at, ()),
    ("forwards", Forward.created_at, ()),
    ("saved_searches", SavedSearch.created_at, ()),
    ("questions", Question.created_at, ()),
)
"""What people do here, when each of it was done, and what tells it from others in its table."""


def counts(uow: UnitOfWork, since: date, until: date, actor: Actor) -> dict[str, int]:
    """How often each function was used from one day to another, both included. Raises NotAllowed."""
    if not actor.is_admin:
        raise NotAllowed
    first, after = _midnight(uow, since), _midnight(uow, until + timedelta(days=1))
    parts = [
        select(func.count()).where(at >= first, at < after, *only).scalar_subquery().label(name)
        for name, at, only in _DATED
    ]
    months = SearchCount.month.between(f"{since:%Y-%m}", f"{until:%Y-%m}")
    searches = select(func.coalesce(func.sum(SearchCount.count), 0)).where(months).scalar_subquery().label("searches")
    found = uow.session.execute(select(searches, *parts)).mappings().one()
    return {name: int(count) for name, count in found.items()}


def centres_open(uow: UnitOfWork) -> tuple[int, int]:
    """Of how many authorities the regional centre is open, and how many authorities there are."""
    county = Unit.area == "county"
    row = uow.session.execute(select(func.count().filter(Unit.enabled), func.count()).where(county)).one()
    return int(row[0]), int(row[1])


def _midnight(uow: UnitOfWork, day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(uow.zone))
