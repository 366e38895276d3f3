"""What is counted, each measure as one row a thing with the codes it is grouped by; and the figures of closed years.

Figures and the lists behind them both read these rows. Two ways to say what counts would one day give two numbers.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, Final, cast

from sqlalchemy import (
    ColumnElement,
    Date,
    ForeignKey,
    Select,
    Subquery,
    Text,
    and_,
    case,
    exists,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from iew.db import Base
from iew.domain.matches import Direction
from iew.domain.schools import Side
from iew.domain.statistics import Measure, Origin
from iew.models.accounts import School
from iew.models.areas import in_area, units_around
from iew.models.invitations import Invitation
from iew.models.matches import Match, Report
from iew.models.records import Event
from iew.models.searches import SearchCount
from iew.models.units import Unit

ANSWERS: Final = ("accept", "decline", "agree", "hand_back", "not_found")
"""What somebody does who was asked; the first of these answers a case."""
PAIRED: Final = "MatchPaired"
"""The fact that began a case for which no school had asked."""
_DAY_SECONDS: Final = 86_400


class ClosedYear(Base):
    """A school year whose figures were frozen. Its rows are never changed; the database itself refuses it."""

    __tablename__ = "closed_years"
    subject_type: ClassVar[str] = "school_year"

    id: Mapped[str] = mapped_column(primary_key=True)
    """As `2025-2026`."""
    closed_at: Mapped[datetime]
    closed_by_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    stamp: Mapped[str]
    """A hash over all figures of the year and the moment of its closing."""


class FrozenFigure(Base):
    """One figure of a closed year, as it was on the day of its closing."""

    __tablename__ = "frozen_figures"

    school_year: Mapped[str] = mapped_column(ForeignKey("closed_years.id"), primary_key=True)
    measure: Mapped[str] = mapped_column(primary_key=True)
    grouped_by: Mapped[str] = mapped_column(primary_key=True)
    """Empty for the whole year in one number."""
    code: Mapped[str] = mapped_column(primary_key=True)
    """Empty for the whole year, and for what has no code in the group."""
    count: Mapped[int]
    persons: Mapped[int | None]
    answered: Mapped[int | None]
    answer_days_median: Mapped[float | None]
    answer_days_p90: Mapped[float | None]


def things(measure: Measure, session: Session, zone: str) -> Select[Any]:
    """One row for each thing that a measure counts: `id`, `weight` (how often it counts), its groups, `at` where more
    than its month is known, and for cases `persons` and `answer_days`. zone: the IANA name of where months begin."""
    return _THINGS[measure](session, zone)


def area_of(measure: Measure, session: Session, unit: Unit) -> ColumnElement[bool]:
    """Which of the things lie in a unit's area: posts of its schools, cases in which its schools or itself have part.

    Searches tell of no place, so all of them do.
    """
    schools = select(School.id).where(in_area(session, unit))
    if measure is Measure.INVITATIONS:
        return Invitation.school_id.in_(schools)
    if measure is Measure.MATCHES:
        return or_(
            Match.asking_school_id.in_(schools), _other_school_id().in_(schools), Match.handler_code == unit.code
        )
    return true()


def paired() -> ColumnElement[bool]:
    """Whether a case was made by a pairing, as the record has it; the pairing itself may be gone."""
    begun = (Event.subject_type == Match.subject_type, Event.subject_id == Match.id, Event.fact == PAIRED)
    return exists().where(*begun)


def _invitations(session: Session, zone: str) -> Select[Any]:
    at = Invitation.published_at
    return (
        select(
            Invitation.id.label("id"),
            at.label("at"),
            literal(1).label("weight"),
            *_times(at, zone),
            School.country.label("country"),
            case((School.country == "TW", Side.DOMESTIC.value), else_=Side.OVERSEAS.value).label("side"),
            School.county.label("county"),
            School.level.label("level"),
            School.ownership.label("ownership"),
            Invitation.exchange_types.label("type"),
            Invitation.languages.label("language"),
            Invitation.channel.label("channel"),
            _list(units_around(session)).label("unit"),
            Invitation.status.label("status"),
        )
        .join(School, School.id == Invitation.school_id)
        .where(at.is_not(None))
    )


def _matches(session: Session, zone: str) -> Select[Any]:
    asking, other = aliased(School), aliased(School)
    post, own = aliased(Invitation), aliased(Invitation)
    told, answered = _persons(), _first_answers()
    inbound = Match.direction == Direction.INBOUND.value
    return (
        select(
            Match.id.label("id"),
            Match.created_at.label("at"),
            literal(1).label("weight"),
            *_times(Match.created_at, zone),
            case((inbound, asking.country), else_=func.coalesce(other.country, _wished("country"))).label("country"),
            case((inbound, func.coalesce(other.county, _wished("county"))), else_=asking.county).label("county"),
            asking.level.label("level"),
            _list(_types(post, own)).label("type"),
            func.coalesce(post.channel, own.channel).label("channel"),
            func.coalesce(Match.handler_code, Match.handler_kind).label("unit"),
            Match.via.label("via"),
            case((paired(), Origin.PAIRED.value), else_=Origin.ASKED.value).label("origin"),
            Match.direction.label("direction"),
            Match.status.label("status"),
            told.c.persons,
            (func.extract("epoch", answered.c.at - Match.created_at) / _DAY_SECONDS).label("answer_days"),
        )
        .join(asking, asking.id == Match.asking_school_id)
        .outerjoin(other, other.id == _other_school_id())
        .outerjoin(post, post.id == Match.invitation_id)
        .outerjoin(own, own.id == Match.from_invitation_id)
        .outerjoin(told, told.c.match_id == Match.id)
        .outerjoin(answered, answered.c.subject_id == Match.id)
    )


def _searches(_: Session, __: str) -> Select[Any]:
    return select(
        null().label("id"),
        SearchCount.count.label("weight"),
        SearchCount.month.label("month"),
        _school_year(sql_cast(SearchCount.month.concat("-01"), Date)).label("school_year"),
        _list(func.string_to_array(func.nullif(SearchCount.country, ""), "|")).label("country"),
        SearchCount.language.label("language"),
        case((SearchCount.found, "yes"), else_="no").label("found"),
    )


_THINGS: Final[dict[Measure, Callable[[Session, str], Select[Any]]]] = {
    Measure.INVITATIONS: _invitations,
    Measure.MATCHES: _matches,
    Measure.SEARCHES: _searches,
}


def _list(codes: Any) -> ColumnElement[Any]:
    return type_coerce(codes, ARRAY(Text))


def _times(at: Any, zone: str) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    local = func.timezone(zone, at)
    return func.to_char(local, "YYYY-MM").label("month"), _school_year(local).label("school_year")


def _school_year(local: ColumnElement[Any]) -> ColumnElement[str]:
    """Seven months earlier the year changes with the school year; five months later it is the one that it ends in."""
    first = func.to_char(local - literal_column("interval '7 months'"), "YYYY")
    last = func.to_char(local + literal_column("interval '5 months'"), "YYYY")
    return first.concat("-").concat(last)


def _other_school_id() -> ColumnElement[str | None]:
    """The partner, once there is one, else the school that posted."""
    return func.coalesce(Match.partner_school_id, Match.posting_school_id)


def _wished(name: str) -> ColumnElement[str | None]:
    return cast(ColumnElement[str | None], Match.wish[name].astext)


def _types(post: Any, own: Any) -> ColumnElement[Any]:
    """As `Match.plan` has them: of the post asked about, else of the wish, else of the asking school's own post."""
    wish = func.coalesce(Match.wish["exchange_types"], literal_column("'[]'::jsonb"))
    wished = select(
        func.array_agg(func.jsonb_array_elements_text(wish).table_valued("value").c.value)
    ).scalar_subquery()
    return case(
        (Match.invitation_id.is_not(None), post.exchange_types),
        (and_(Match.wish.is_not(None), func.jsonb_array_length(wish) > 0), wished),
        else_=own.exchange_types,
    )


def _persons() -> Subquery:
    """By case: both schools tell of the same people, so the larger of their reports counts."""
    told = func.max(Report.students + Report.teachers).label("persons")
    return select(Report.match_id, told).group_by(Report.match_id).subquery("told")


def _first_answers() -> Subquery:
    """By case: when whoever was asked answered first."""
    answered = (Event.subject_type == Match.subject_type, Event.action.in_(ANSWERS))
    first = select(Event.subject_id, func.min(Event.at).label("at")).where(*answered)
    return first.group_by(Event.subject_id).subquery("answered")
