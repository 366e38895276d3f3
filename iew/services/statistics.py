"""Figures: how many posts, cases and searches, by what; the list behind each number; and the closing of a school year.

A figure and its list read the same rows (`iew.models.things`), so the one is the length of the other. Who asks decides
which rows these are: everybody gets the totals, a unit those of its area, the administrator all.
"""

import hashlib
import json
from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, ColumnElement, FromClause, Select, Subquery, false, func, or_, select, true
from sqlalchemy.orm import joinedload

from iew.db import Page, keyset_page
from iew.domain.actors import Actor
from iew.domain.statistics import (
    FROZEN_GROUPS,
    GROUPS,
    LEAST_PERSONS,
    MOST_GROUPS,
    NONE,
    SEVERAL,
    Block,
    Measure,
    Persons,
    Scope,
    State,
    days_of,
    for_everybody,
    in_full,
    school_year_of,
    years_between,
)
from iew.errors import N_, Invalid, InvalidTransition, NotAllowed, NotFound
from iew.models import (
    ClosedYear,
    FrozenFigure,
    Invitation,
    Match,
    Unit,
    area_of,
    matches_of,
    open_to_all,
    posts_of,
    things,
)
from iew.uow import UnitOfWork

MOST_ROWS: Final = 5000
PLACES: Final = 2
"""Decimal places of days."""
Key = tuple[str, str, str]
"""Measure, group and code of a figure that is kept; the last two empty for the whole year."""
Values = tuple[int, int | None, int | None, float | None, float | None]
"""Count, persons, answered cases, and after how many days half and nine of ten were answered."""


@dataclass(frozen=True)
class Asked:
    """Which figures. since, until: days, both counted. only: group -> its codes, `none` for rows that have none.

    scope: whose figures; None for the widest that the asker may see in full.
    """

    measure: Measure
    group_by: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    state: State = State.EVER
    scope: Scope | None = None


@dataclass(frozen=True)
class Answers:
    """How many cases were answered, and after how many days: half of them sooner, nine of ten sooner."""

    answered: int
    median: float | None
    p90: float | None


@dataclass(frozen=True)
class Frozen:
    """What was counted when the school year was closed."""

    count: int
    closed_at: datetime
    stamp: str


@dataclass(frozen=True)
class Row:
    """One cell: its codes by group, and what is counted there. persons, answers: of cases alone."""

    codes: Mapping[str, str | None]
    count: int
    persons: Persons | None = None
    answers: Answers | None = None
    frozen: Frozen | None = None


@dataclass(frozen=True)
class Figures:
    """The reply: `asked` as it was understood, the cells, and the total, in which everything counts once."""

    asked: Asked
    scope: Scope
    rows: list[Row]
    total: Row
    generated_at: datetime


@dataclass(frozen=True)
class Line:
    """One thing behind a figure. What the asker may not open tells no more here than the figures do."""

    number: str | None
    id: str | None
    title: str | None
    at: datetime
    codes: Mapping[str, Any]
    persons: int | None
    answer_days: float | None


@dataclass(frozen=True)
class Year:
    """A school year, and its closing where it was closed. over: its last day has passed."""

    school_year: str
    over: bool
    closed: ClosedYear | None


@dataclass(frozen=True)
class Compared:
    """A figure of a closed year beside what is counted now; either is None where there is no such cell."""

    measure: str
    group: str
    code: str
    frozen: FrozenFigure | None
    now: Row | None

    @property
    def corrected(self) -> bool:
        """Whether the numbers have changed since the closing."""
        return self.frozen is None or self.now is None or _values(self.now) != _values_of(self.frozen)


# figures


def figures(uow: UnitOfWork, asked: Asked, actor: Actor) -> Figures:
    """The figures that `asked` names, as `actor` may see them. Raises Invalid, NotAllowed."""
    _check(asked)
    scope, area = _scope(uow, asked, actor)
    asked = _widened(asked)
    rows = _rows_of(uow, asked, area)
    blocks = _blocks(uow, asked) if scope is Scope.PUBLIC and asked.measure is Measure.MATCHES else None
    shown = [row for _, row in _cells(uow, asked, rows, asked.group_by, blocks)]
    if len(shown) > MOST_ROWS:
        raise Invalid.field("group_by", N_("These are too many rows. Choose fewer groups or a shorter time."))
    total = _cells(uow, asked, rows, (), blocks)[0][1] if asked.group_by else shown[0]
    if asked.group_by == ("school_year",) and not asked.only and scope is not Scope.AREA and asked.state is State.EVER:
        shown = _with_frozen(uow, asked, shown)
    return Figures(asked, scope, shown, total, uow.now)


def _check(asked: Asked) -> None:
    """Raise Invalid for groups and codes that the measure does not know."""
    known = GROUPS[asked.measure]
    if len(set(asked.group_by)) < len(asked.group_by) or len(asked.group_by) > MOST_GROUPS:
        raise Invalid.field("group_by", N_("Name up to %(most)s different groups."), most=MOST_GROUPS)
    for group in asked.group_by:
        if group not in known:
            raise Invalid.field("group_by", N_("This measure has these groups: %(groups)s."), groups=", ".join(known))
    for group in asked.only:
        if group not in known:
            raise Invalid.field(group, N_("This measure has these groups: %(groups)s."), groups=", ".join(known))
    if asked.state is State.OPEN and asked.measure is not Measure.INVITATIONS:
        raise Invalid.field("state", N_("Only invitations can be open."))
    if asked.since and asked.until and asked.until < asked.since:
        raise Invalid.field("to", N_("The end may not lie before the beginning."))


def _scope(uow: UnitOfWork, asked: Asked, actor: Actor) -> tuple[Scope, ColumnElement[bool]]:
    """Whose figures these are, and the condition that says so. Raises NotAllowed."""
    own = Scope.ALL if actor.is_admin or actor.is_system else Scope.AREA if actor.is_unit else Scope.PUBLIC
    scope = asked.scope or own
    if scope not in (own, Scope.PUBLIC):
        raise NotAllowed(N_("These figures are not yours to see in full."))
    if scope is not Scope.AREA:
        return scope, true()
    unit = uow.get(Unit, actor.unit_code or "")
    return scope, area_of(asked.measure, uow.session, unit)


def _widened(asked: Asked) -> Asked:
    """Searches are known by their month alone, so a period of theirs is made of whole months."""
    if asked.measure is not Measure.SEARCHES:
        return asked
    since = asked.since.replace(day=1) if asked.since else None
    until = asked.until.replace(day=monthrange(asked.until.year, asked.until.month)[1]) if asked.until else None
    return replace(asked, since=since, until=until)


def _rows_of(uow: UnitOfWork, asked: Asked, area: ColumnElement[bool]) -> Select[Any]:
    """The things that count, narrowed to what was asked."""
    found = things(asked.measure, uow.session, uow.zone).where(area)
    if asked.state is State.OPEN:
        found = found.where(open_to_all(uow.today))
    rows = found.subquery("things")
    return select(rows).where(*_period(uow, asked, rows), *_only(asked, rows))


def _period(uow: UnitOfWork, asked: Asked, rows: Subquery) -> list[ColumnElement[bool]]:
    if asked.measure is Measure.SEARCHES:
        first = [rows.c.month >= f"{asked.since:%Y-%m}"] if asked.since else []
        return [*first, rows.c.month <= f"{asked.until:%Y-%m}"] if asked.until else first
    first = [rows.c.at >= _midnight(uow, asked.since)] if asked.since else []
    return [*first, rows.c.at < _midnight(uow, asked.until + timedelta(days=1))] if asked.until else first


def _midnight(uow: UnitOfWork, day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(uow.zone))


def _only(asked: Asked, rows: Subquery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for group, codes in asked.only.items():
        column = rows.c[group]
        if group in SEVERAL[asked.measure]:
            none = func.coalesce(func.cardinality(column), 0) == 0 if NONE in codes else false()
            conditions.append(or_(column.overlap([code for code in codes if code != NONE]), none))
        else:
            conditions.append(_among(column, codes))
    return conditions


Cell = tuple[tuple[str | None, ...], Row]
"""The codes of a cell in the order of the groups, and the cell."""


def _grouped(asked: Asked, rows: CTE, groups: Sequence[str]) -> tuple[Select[Any], list[ColumnElement[Any]]]:
    """The columns of the groups, from the rows, each once for every code it has that was asked for."""
    source: FromClause = rows
    columns: list[ColumnElement[Any]] = []
    wanted: list[ColumnElement[bool]] = []
    for group in groups:
        if group in SEVERAL[asked.measure]:
            each = func.unnest(rows.c[group]).table_valued("code").render_derived(name=f"each_{group}")
            source = source.outerjoin(each, true())
            columns.append(each.c.code)
            wanted.append(_among(each.c.code, asked.only.get(group)))
        else:
            columns.append(rows.c[group])
    return select(*columns).select_from(source).where(*wanted).group_by(*columns), columns


def _among(column: ColumnElement[Any], codes: Sequence[str] | None) -> ColumnElement[bool]:
    if not codes:
        return true()
    return or_(column.in_([code for code in codes if code != NONE]), column.is_(None) if NONE in codes else false())


def _cells(
    uow: UnitOfWork, asked: Asked, counted: Select[Any], groups: Sequence[str], blocks: Mapping[str, Block] | None
) -> list[Cell]:
    """The cells in the order of their codes; without groups the one cell in which everything counts once.

    blocks: of small cases, by school year, where persons are told to everybody; None for those who may read the cases.
    """
    rows = counted.cte("counted")
    grouped, columns = _grouped(asked, rows, groups)
    summed = grouped.add_columns(func.coalesce(func.sum(rows.c.weight), 0), *_MEASURED[asked.measure](rows))
    if columns:
        summed = summed.order_by(*(column.nulls_last() for column in columns)).limit(MOST_ROWS + 1)
    small = _small(uow, asked, counted, groups) if blocks is not None else {}
    cells = []
    for values in uow.session.execute(summed):
        key = tuple(values[: len(groups)])
        count, *more = values[len(groups) :]
        row = Row(dict(zip(groups, key, strict=True)), int(count))
        if asked.measure is Measure.MATCHES:
            everybody, large, *answers = more
            few = for_everybody(int(large or 0), small.get(key, {}), blocks) if blocks is not None else None
            row = replace(row, persons=few or in_full(int(everybody or 0)), answers=_answers(*answers))
        cells.append((key, row))
    return cells


def _of_cases(rows: CTE) -> list[ColumnElement[Any]]:
    """All persons, those of cases large enough to be told of, how many cases were answered, and when."""
    return [
        func.sum(rows.c.persons),
        func.sum(rows.c.persons).filter(rows.c.persons >= LEAST_PERSONS),
        func.count(rows.c.answer_days),
        func.percentile_cont(0.5).within_group(rows.c.answer_days),
        func.percentile_cont(0.9).within_group(rows.c.answer_days),
    ]


_MEASURED: Final[Mapping[Measure, Callable[[CTE], list[ColumnElement[Any]]]]] = {
    Measure.INVITATIONS: lambda rows: [],
    Measure.MATCHES: _of_cases,
    Measure.SEARCHES: lambda rows: [],
}


def _answers(answered: int, median: float | None, p90: float | None) -> Answers:
    return Answers(answered, _rounded(median), _rounded(p90))


def _rounded(days: float | None) -> float | None:
    return None if days is None else round(float(days), PLACES)


def _blocks(uow: UnitOfWork, asked: Asked) -> Mapping[str, Block]:
    """All small cases of each school year, whatever the figures are narrowed to."""
    everywhere = things(asked.measure, uow.session, uow.zone)
    return _small(uow, asked, everywhere, ()).get((), {})


def _small(
    uow: UnitOfWork, asked: Asked, counted: Select[Any], groups: Sequence[str]
) -> Mapping[tuple[str | None, ...], Mapping[str, Block]]:
    """By cell and school year: the cases that have fewer persons than may be told."""
    rows = counted.cte("counted")
    few = rows.c.persons.between(1, LEAST_PERSONS - 1)
    summed = _grouped(asked, rows, groups)[0].where(few).group_by(rows.c.school_year)
    summed = summed.add_columns(rows.c.school_year, func.count(), func.sum(rows.c.persons))
    found: dict[tuple[str | None, ...], dict[str, Block]] = defaultdict(dict)
    for *key, school_year, cases, persons in uow.session.execute(summed):
        found[tuple(key)][school_year] = Block(cases, int(persons))
    return found


def _with_frozen(uow: UnitOfWork, asked: Asked, rows: Sequence[Row]) -> list[Row]:
    kept = select(ClosedYear, FrozenFigure.count).join(FrozenFigure, FrozenFigure.school_year == ClosedYear.id)
    kept = kept.where(FrozenFigure.measure == asked.measure.value, FrozenFigure.grouped_by == "")
    frozen = {year.id: Frozen(count, year.closed_at, year.stamp) for year, count in uow.session.execute(kept)}
    return [replace(row, frozen=frozen.get(row.codes["school_year"] or "")) for row in rows]


# the list behind a figure


def listed(uow: UnitOfWork, asked: Asked, actor: Actor, *, cursor: str | None = None, limit: int = 20) -> Page[Line]:
    """The things behind a figure, the latest first, for units and the administrator. Raises Invalid, NotAllowed."""
    _check(asked)
    if asked.measure is Measure.SEARCHES:
        raise Invalid.field("measure", N_("Searches are listed by their words, where the operators read them."))
    scope, area = _scope(uow, asked, actor)
    if scope is Scope.PUBLIC:
        raise NotAllowed(
            N_("Everybody sees the totals; the list behind them is for centres, offices and administrators.")
        )
    rows = _rows_of(uow, asked, area).cte("counted")
    if asked.measure is Measure.INVITATIONS:
        return _posts(uow, rows, actor, cursor, limit)
    return _cases(uow, rows, actor, cursor, limit)


def _posts(uow: UnitOfWork, rows: CTE, actor: Actor, cursor: str | None, limit: int) -> Page[Line]:
    page = keyset_page(
        uow.session,
        select(Invitation).where(Invitation.id.in_(select(rows.c.id))),
        (Invitation.published_at, Invitation.id),
        key=lambda post: (post.published_at, post.id),
        cursor=cursor,
        limit=limit,
        descending=True,
    )
    ids = [post.id for post in page.items]
    known = set(uow.session.scalars(select(Invitation.id).where(Invitation.id.in_(ids), posts_of(actor, uow.today))))
    titles = {post.id: post.title for post in page.items if post.id in known}
    return Page(_lines(uow, rows, page.items, titles), page.next_cursor, page.total)


def _cases(uow: UnitOfWork, rows: CTE, actor: Actor, cursor: str | None, limit: int) -> Page[Line]:
    page = keyset_page(
        uow.session,
        select(Match).where(Match.id.in_(select(rows.c.id))).options(joinedload(Match.invitation)),
        (Match.created_at, Match.id),
        key=lambda match: (match.created_at, match.id),
        cursor=cursor,
        limit=limit,
        descending=True,
    )
    ids = [match.id for match in page.items]
    known = set(uow.session.scalars(select(Match.id).where(Match.id.in_(ids), matches_of(actor))))
    titles = {
        match.id: match.invitation.title if match.invitation else None for match in page.items if match.id in known
    }
    return Page(_lines(uow, rows, page.items, titles), page.next_cursor, page.total)


def _lines(
    uow: UnitOfWork, rows: CTE, found: Sequence[Invitation | Match], titles: Mapping[str, str | None]
) -> list[Line]:
    """titles: by id, of those that the asker may open."""
    told = select(rows).where(rows.c.id.in_([thing.id for thing in found]))
    codes = {row["id"]: dict(row) for row in uow.session.execute(told).mappings()}
    lines = []
    for thing in found:
        values, known = codes[thing.id], thing.id in titles
        lines.append(
            Line(
                number=thing.number if known else None,
                id=thing.id if known else None,
                title=titles.get(thing.id),
                at=values.pop("at"),
                persons=values.pop("persons", None),
                answer_days=_rounded(values.pop("answer_days", None)),
                codes={name: code for name, code in values.items() if name not in ("id", "weight")},
            )
        )
    return lines


# closing a school year


def years(uow: UnitOfWork, actor: Actor) -> list[Year]:
    """Every school year since the first figure, the latest first. Raises NotAllowed."""
    _only_admin(actor)
    now = school_year_of(uow.today)
    firsts = [
        uow.session.scalar(select(func.min(rows.c.school_year)))
        for rows in (things(measure, uow.session, uow.zone).subquery() for measure in Measure)
    ]
    first = min((year for year in firsts if year), default=now)
    closed = {year.id: year for year in uow.session.scalars(select(ClosedYear))}
    return [Year(name, days_of(name)[1] < uow.today, closed.get(name)) for name in years_between(first, now)]


def year(uow: UnitOfWork, school_year: str, actor: Actor) -> tuple[Year, list[Compared]]:
    """A school year and its figures: what is counted now, beside what was frozen. Raises NotAllowed, NotFound."""
    _only_admin(actor)
    last = _days(school_year)[1]
    closed = uow.session.get(ClosedYear, school_year)
    kept = {(row.measure, row.grouped_by, row.code): row for row in _frozen(uow, school_year)}
    now = dict(_counted(uow, school_year))
    keys = [*now, *(key for key in kept if key not in now)]
    compared = [Compared(*key, kept.get(key), now.get(key)) for key in sorted(keys, key=_place)]
    return Year(school_year, last < uow.today, closed), compared


def close(uow: UnitOfWork, school_year: str, actor: Actor) -> ClosedYear:
    """Freeze the figures of a school year that is over, once and for all.

    Raises NotAllowed, NotFound, InvalidTransition (it is not over, or closed already).
    """
    _only_admin(actor)
    last = _days(school_year)[1]
    uow.hold(f"school year {school_year}")
    if last >= uow.today:
        raise InvalidTransition(N_("This school year is not over yet."))
    if uow.session.get(ClosedYear, school_year) is not None:
        raise InvalidTransition(N_("This school year is closed already."))
    rows = [_to_freeze(school_year, key, row) for key, row in _counted(uow, school_year)]
    closing = ClosedYear(id=school_year, closed_at=uow.now, closed_by_id=actor.user_id, stamp=_stamp(uow.now, rows))
    uow.session.add(closing)
    uow.session.flush()
    uow.session.add_all(rows)
    uow.session.flush()
    uow.record("YearClosed", closing, actor, action="close")
    return closing


def is_intact(uow: UnitOfWork, closing: ClosedYear) -> bool:
    """Whether the frozen figures are those that the stamp was made of."""
    return _stamp(closing.closed_at, _frozen(uow, closing.id)) == closing.stamp


def _only_admin(actor: Actor) -> None:
    if not (actor.is_admin or actor.is_system):
        raise NotAllowed


def _days(school_year: str) -> tuple[date, date]:
    try:
        return days_of(school_year)
    except ValueError:
        raise NotFound from None


def _counted(uow: UnitOfWork, school_year: str) -> Iterator[tuple[Key, Row]]:
    """Every figure that is kept of a school year, as it is now."""
    since, until = _days(school_year)
    for measure, groups in FROZEN_GROUPS.items():
        asked = Asked(measure, since=since, until=until)
        rows = _rows_of(uow, asked, true())
        for group in groups:
            for key, row in _cells(uow, asked, rows, (group,) if group else (), None):
                yield (measure.value, group or "", (key[0] if key else None) or ""), row


def _place(key: Key) -> tuple[int, int, str]:
    measure, group, code = key
    groups = FROZEN_GROUPS[Measure(measure)]
    return list(Measure).index(Measure(measure)), groups.index(group or None), code


def _to_freeze(school_year: str, key: Key, row: Row) -> FrozenFigure:
    measure, group, code = key
    count, persons, answered, median, p90 = _values(row)
    return FrozenFigure(
        school_year=school_year, measure=measure, grouped_by=group, code=code, count=count, persons=persons,
        answered=answered, answer_days_median=median, answer_days_p90=p90,
    )  # fmt: skip


def _values(row: Row) -> Values:
    persons = row.persons.number if row.persons else None
    answers = row.answers or Answers(0, None, None)
    return row.count, persons, answers.answered if row.answers else None, answers.median, answers.p90


def _values_of(kept: FrozenFigure) -> Values:
    return kept.count, kept.persons, kept.answered, kept.answer_days_median, kept.answer_days_p90


def _frozen(uow: UnitOfWork, school_year: str) -> Sequence[FrozenFigure]:
    return uow.session.scalars(select(FrozenFigure).where(FrozenFigure.school_year == school_year)).all()


def _stamp(closed_at: datetime, rows: Iterable[FrozenFigure]) -> str:
    told = sorted([row.school_year, row.measure, row.grouped_by, row.code, *_values_of(row)] for row in rows)
    text = json.dumps([closed_at.astimezone(UTC).isoformat(), told], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
