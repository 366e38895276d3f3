"""What a unit's digest holds: the posts that are new for its ground, its tasks, what is late.

Which posts belong to an issue is decided once, when the issue becomes due, and kept in the history; so two processes
never tell two stories, and a post that is committed while an issue is made comes with the next one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from iew.domain import rhythms
from iew.domain.actors import SYSTEM
from iew.domain.invitations import Status as PostStatus
from iew.domain.matches import Status as MatchStatus
from iew.domain.schools import Status as SchoolStatus
from iew.models import (
    Event,
    Invitation,
    Match,
    School,
    Unit,
    User,
    aimed_at,
    in_area,
    open_to_all,
)
from iew.uow import UnitOfWork

ACTION: Final = "digest"
FIRST_DAYS: Final = 30
"""How far back the first issue of a unit looks."""
SLACK: Final = timedelta(minutes=2)
"""Longer than any transaction of the web: a post that was not committed yet when the last issue was made."""
MOST_KEPT: Final = 500
MOST_SHOWN: Final = 20
"""The longest list in a mail and on the page that shows it beforehand; the rest is on the pages."""


@dataclass(frozen=True)
class Readership:
    """A unit as the subject of a fact."""

    id: str
    subject_type: ClassVar[str] = "unit"


@dataclass(frozen=True)
class News:
    """Ids of posts, newest first: those that look for partners on the unit's ground, and those of its own schools."""

    for_area: Sequence[str]
    by_area: Sequence[str]
    read_until: int
    """The last event that was looked at."""


@dataclass(frozen=True)
class Desk:
    """What waits on the desk of a unit now."""

    overdue: Sequence[Match]
    waiting: Sequence[Match]
    sign_ups: Sequence[School]

    @property
    def empty(self) -> bool:
        return not (self.overdue or self.waiting or self.sign_ups)


def make_issue(uow: UnitOfWork, unit: Unit, period: str) -> bool:
    """Record that a digest of this period is due, with the posts that belong to it.

    False where there is nothing to tell, or nobody to tell it to.
    """
    if uow.session.scalar(_readers(unit).limit(1)) is None:
        return False
    news = _news(uow, unit)
    if not news.for_area and not news.by_area and desk_of(uow, unit).empty:
        return False
    uow.record(
        "DigestBecameDue",
        Readership(unit.code),
        SYSTEM,
        action=ACTION,
        period=period,
        for_area=list(news.for_area[:MOST_KEPT]),
        by_area=list(news.by_area[:MOST_KEPT]),
        read_until=news.read_until,
        made_at=datetime.now(UTC).isoformat(),
    )
    return True


@dataclass(frozen=True)
class Preview:
    """What would come next, as of now. due_at: when; None while the digest is paused. readers: to how many people."""

    for_area: Sequence[Invitation]
    by_area: Sequence[Invitation]
    desk: Desk
    due_at: datetime | None
    readers: int

    @property
    def empty(self) -> bool:
        return not (self.for_area or self.by_area) and self.desk.empty


def preview(uow: UnitOfWork, unit: Unit) -> Preview:
    """The digest that a unit would get next if nothing changed; looking at it changes nothing."""
    news, paused = _news(uow, unit), unit.digest_frequency == rhythms.PAUSED
    return Preview(
        for_area=posts_among(uow, news.for_area),
        by_area=posts_among(uow, news.by_area),
        desk=desk_of(uow, unit),
        due_at=None if paused else rhythms.next_moment(unit.digest_frequency, unit.timezone, uow.now),
        readers=uow.session.scalar(select(func.count()).select_from(_readers(unit).subquery())) or 0,
    )


def posts_among(uow: UnitOfWork, ids: Sequence[str]) -> list[Invitation]:
    """Those of the posts that are still public, in the given order."""
    found = uow.session.scalars(select(Invitation).where(Invitation.id.in_(ids), open_to_all(uow.today)))
    by_id = {post.id: post for post in found}
    return [by_id[post_id] for post_id in ids if post_id in by_id]


def desk_of(uow: UnitOfWork, unit: Unit) -> Desk:
    """What waits for a unit, the oldest first."""
    cases = uow.session.scalars(
        select(Match)
        .where(
            Match.handler_kind == unit.kind,
            Match.handler_code == unit.code,
            Match.status.in_((MatchStatus.ROUTED, MatchStatus.IN_PROGRESS)),
        )
        .order_by(Match.due_at, Match.id)
    ).all()
    sign_ups = uow.session.scalars(
        select(School)
        .where(School.status == SchoolStatus.PENDING, School.approver_code == unit.code)
        .order_by(School.created_at, School.id)
    ).all()
    late = [case for case in cases if case.overdue]
    return Desk(late, [case for case in cases if not case.overdue], sign_ups)


def _readers(unit: Unit) -> Select[str]:
    """Those of the staff whom the digest reaches."""
    return select(User.id).where(
        User.unit_code == unit.code,
        User.disabled_at.is_(None),
        User.digest_stopped_at.is_(None),
        User.mail_refused_at.is_(None),
    )


def _news(uow: UnitOfWork, unit: Unit) -> News:
    """The posts that became public since the last issue."""
    last, latest = _last_issue(uow, unit), _latest_event(uow)
    statement = (
        select(
            Invitation.id,
            Event.id,
            Event.at,
            aimed_at(uow.session, unit).label("wanted"),
            in_area(uow.session, unit).label("own"),
        )
        .join(Event, and_(Event.subject_type == Invitation.subject_type, Event.subject_id == Invitation.id))
        .join(School, School.id == Invitation.school_id)
        .where(
            open_to_all(uow.today),
            Event.after == PostStatus.PUBLISHED,
            or_(Event.before.is_(None), Event.before.not_in((PostStatus.PUBLISHED, PostStatus.EXPIRED))),
            _since(last),
        )
        .order_by(Event.id.desc())
    )
    found = uow.session.execute(statement).all()
    told = _told(uow, unit) if found else set()
    rows = [row for row in found if row[0] not in told]
    future = [event_id for _, event_id, at, _, _ in rows if at > uow.now]  # where a moment of the past was asked for
    seen = [row for row in rows if row[2] <= uow.now]
    read_until = min([latest, *(event_id - 1 for event_id in future)])
    return News(
        for_area=[post_id for post_id, _, _, wanted, _ in seen if wanted],
        by_area=[post_id for post_id, _, _, wanted, own in seen if own and not wanted],
        read_until=read_until,
    )


def _issues(unit: Unit, *columns: Any) -> Select[Any]:
    return select(*columns).where(
        Event.subject_type == Readership.subject_type, Event.subject_id == unit.code, Event.action == ACTION
    )


def _last_issue(uow: UnitOfWork, unit: Unit) -> dict[str, Any]:
    details = uow.session.scalar(_issues(unit, Event.details).order_by(Event.id.desc()).limit(1))
    return dict(details or {})


def _told(uow: UnitOfWork, unit: Unit) -> set[str]:
    """The posts that any issue of the unit has told: several may have been made within the slack of the last one."""
    lists = uow.session.execute(_issues(unit, Event.details["for_area"], Event.details["by_area"]))
    return {post_id for issue in lists for ids in issue for post_id in ids or ()}


def _since(last: dict[str, Any]) -> ColumnElement[bool]:
    if not last:
        return Event.at > datetime.now(UTC) - timedelta(days=FIRST_DAYS)
    made_at = datetime.fromisoformat(last["made_at"])
    return or_(Event.id > last["read_until"], Event.at > made_at - SLACK)


def _latest_event(uow: UnitOfWork) -> int:
    return uow.session.scalar(select(func.max(Event.id))) or 0
