"""Schools a unit could propose for a case: a simple pre-choice with its reasons; a person decides.

It reads the database and not the search index, since a list that somebody works from may not lag behind.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Boolean, ColumnElement, Integer, Select, and_, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.orm import InstrumentedAttribute, joinedload
from sqlalchemy.types import Text

from iew.domain.actors import Actor
from iew.domain.matches import OPEN, WITH_CONTACTS, Insight, ProposalStatus
from iew.domain.matches import Status as MatchStatus
from iew.domain.plans import Plan, periods_of
from iew.domain.schools import Side
from iew.errors import NotAllowed
from iew.models import (
    Invitation,
    Match,
    Proposal,
    School,
    Suggestion,
    SuggestionDismissal,
    Unit,
    find_match,
    in_area,
    open_to_all,
)
from iew.uow import UnitOfWork

MOST: Final = 50
SECOND_CHOICES: Final = 3


@dataclass(frozen=True)
class Candidate:
    """A school and its best fitting post.

    fits: what speaks for it, of `post` (it is the school asked about), `area`, `exchange_types`, `languages`, `levels`,
    `periods`. load: its agreed visits in the months of the case.
    """

    school: School
    invitation: Invitation
    fits: list[str]
    load: int


@dataclass(frozen=True)
class _Wanted:
    """What the asking school looks for."""

    plan: Plan
    languages: frozenset[str]
    levels: frozenset[str]
    place: dict[str, str] = field(default_factory=dict)


def candidates(uow: UnitOfWork, match_id: str, actor: Actor, *, limit: int = 20) -> list[Candidate]:
    """Schools of the other side with public posts, the best fitting first; each once, none that was asked already.

    Raises NotFound, NotAllowed (only the unit that has the case, and the administrator).
    """
    match = find_match(uow.session, match_id, actor)
    if match.insight_of(actor) is not Insight.WHOLE:
        raise NotAllowed
    wanted = _wanted(match)
    found = uow.session.execute(_ranked(uow, match, wanted).limit(min(limit, MOST))).all()
    load = _load(uow, {post.school_id for post, _ in found}, wanted.plan)
    return [
        Candidate(post.school, post, _fits(match, post, wanted, in_own_area), load.get(post.school_id, 0))
        for post, in_own_area in found
    ]


def search_params(
    uow: UnitOfWork, match_id: str, actor: Actor, *, instead: Collection[str] = ()
) -> dict[str, list[str]]:
    """What the search within a case begins with: the wish, by the names of the search; always the other side.

    instead: names of what is asked for in the place of the wish; they are left out, but for the side.
    Raises NotFound, NotAllowed (only the unit that has the case, and the administrator).
    """
    match = find_match(uow.session, match_id, actor)
    if match.insight_of(actor) is not Insight.WHOLE:
        raise NotAllowed
    wanted = _wanted(match)
    other = match.posting_school
    country = wanted.place.get("country") or (other.country if other else None)
    abroad = match.asking_school.side is Side.DOMESTIC
    wished = {
        "country": [country] if country and abroad else [],
        "county": [wanted.place["county"]] if "county" in wanted.place else [],
        "type": sorted(wanted.plan.exchange_types),
        "level": sorted(wanted.levels),
        "language": sorted(wanted.languages),
    }
    other_side = [(Side.OVERSEAS if abroad else Side.DOMESTIC).value]
    return {name: codes for name, codes in wished.items() if name not in instead} | {"side": other_side}


def standing(uow: UnitOfWork, match_id: str) -> dict[str, str]:
    """School id -> how its proposal in this case stands, for those that were asked."""
    asked = uow.session.scalars(select(Proposal).where(Proposal.match_id == match_id))
    return {proposal.school_id: proposal.status for proposal in asked}


def second_choices(uow: UnitOfWork, match: Match, *, limit: int = SECOND_CHOICES) -> list[Candidate]:
    """For the asking school of a case that came to nothing: the next best schools that it has not tried.

    Those found by comparing both sides' posts come first, then those that meet what was looked for.
    """
    wanted = _wanted(match)
    untried = Invitation.school_id.not_in(_tried_by(match.asking_school_id))
    own = select(Invitation.id).where(Invitation.school_id == match.asking_school_id)
    turned_down = select(SuggestionDismissal.other_id).where(SuggestionDismissal.invitation_id.in_(own))
    open_to_us = (untried, Invitation.id.not_in(turned_down))
    alike = (
        select(Invitation)
        .join(Suggestion, Suggestion.other_id == Invitation.id)
        .where(Suggestion.invitation_id.in_(own), open_to_all(uow.today), *open_to_us)
        .options(joinedload(Invitation.school))
        .order_by(Suggestion.score.desc(), Invitation.id)
        .limit(limit * 2)
    )
    ranked = _ranked(uow, match, wanted, *open_to_us).limit(limit * 2)
    posts = [*uow.session.scalars(alike), *(post for post, _ in uow.session.execute(ranked))]
    best = {post.school_id: post for post in reversed(posts)}
    return [
        Candidate(post.school, post, _fits(match, post, wanted, in_own_area=False), 0)
        for post in dict.fromkeys(best[post.school_id] for post in posts)
    ][:limit]


def _tried_by(school_id: str) -> Select[str]:
    """Schools that this one talks with, has exchanged with, or had a no or no answer from."""
    over = (*OPEN, MatchStatus.COMPLETED, MatchStatus.DECLINED, MatchStatus.NO_REPLY)
    known = and_(Match.asking_school_id == school_id, Match.status.in_([status.value for status in over]))
    declined = and_(Match.asking_school_id == school_id, Proposal.status == ProposalStatus.DECLINED.value)
    partner = func.coalesce(Match.partner_school_id, Match.posting_school_id)
    asked = select(partner).where(known, partner.is_not(None))
    return asked.union(select(Proposal.school_id).join(Match, Match.id == Proposal.match_id).where(declined))  # type: ignore[return-value]  # a union selects as its parts do


def _wanted(match: Match) -> _Wanted:
    """From the post asked about or the wish, else from the asking school's own post."""
    wish, post = match.wish or {}, match.invitation or match.from_invitation
    languages = wish.get("languages") or (post.languages if post else [])
    levels = wish.get("levels") or ([match.posting_school.level] if match.posting_school else [])
    place = {name: wish[name] for name in ("country", "subdivision", "county") if wish.get(name)}
    return _Wanted(match.plan, frozenset(languages), frozenset(levels), place)


def _ranked(uow: UnitOfWork, match: Match, wanted: _Wanted, *also: ColumnElement[bool]) -> Select[Invitation, bool]:
    """The best post of each school, by how much of what is wanted it meets."""
    in_own_area = _area(uow, match)
    score = (
        cast(Invitation.id == match.invitation_id, Integer) * 8
        + cast(in_own_area, Integer) * 4
        + cast(_meets(Invitation.exchange_types, wanted.plan.exchange_types), Integer) * 4
        + cast(_meets(Invitation.languages, wanted.languages), Integer) * 2
        + cast(School.level.in_(wanted.levels), Integer) * 2
    )
    best = (
        select(Invitation.id, in_own_area.label("in_own_area"), func.coalesce(score, 0).label("score"))
        .join(School, School.id == Invitation.school_id)
        .where(open_to_all(uow.today), *_possible(match, wanted), *also)
        .ext(distinct_on(Invitation.school_id))
        .order_by(Invitation.school_id, func.coalesce(score, 0).desc(), Invitation.published_at.desc(), Invitation.id)
        .subquery()
    )
    return (
        select(Invitation, best.c.in_own_area)
        .join(best, best.c.id == Invitation.id)
        .options(joinedload(Invitation.school))
        .order_by(best.c.score.desc(), Invitation.published_at.desc(), Invitation.id)
    )


def _possible(match: Match, wanted: _Wanted) -> list[ColumnElement[bool]]:
    """On the other side, in the place wished for, and not asked yet."""
    asked = select(Proposal.school_id).where(
        Proposal.match_id == match.id, Proposal.status != ProposalStatus.SUPERSEDED.value
    )
    abroad = match.asking_school.side is Side.DOMESTIC
    side = School.country != "TW" if abroad else School.country == "TW"
    place = [getattr(School, name) == code for name, code in wanted.place.items()]
    return [side, School.id.not_in(asked), *place]


def _area(uow: UnitOfWork, match: Match) -> ColumnElement[bool]:
    unit = uow.session.get(Unit, match.handler_code) if match.handler_code else None
    return in_area(uow.session, unit) if unit else literal(False)


def _meets(column: InstrumentedAttribute[list[str]], codes: frozenset[str]) -> ColumnElement[bool]:
    return column.op("&&", return_type=Boolean())(cast(sorted(codes), ARRAY(Text)))


def _fits(match: Match, post: Invitation, wanted: _Wanted, in_own_area: bool) -> list[str]:
    days = Plan(periods=periods_of(post.planned_periods))
    known = {
        "post": post.id == match.invitation_id,
        "area": in_own_area,
        "exchange_types": bool(wanted.plan.exchange_types & set(post.exchange_types)),
        "languages": bool(wanted.languages & set(post.languages)),
        "levels": post.school.level in wanted.levels,
        "periods": bool(days.periods and wanted.plan.periods and days.competes_with(Plan(periods=wanted.plan.periods))),
    }
    return [name for name, holds in known.items() if holds]


def _load(uow: UnitOfWork, school_ids: set[str], plan: Plan) -> dict[str, int]:
    """School id -> agreed matches whose days meet the months of the plan; without days, all that are agreed."""
    months = tuple(_whole_months(start, end) for start, end in plan.periods)
    agreed = uow.session.scalars(
        select(Match)
        .where(
            Match.status.in_(status.value for status in WITH_CONTACTS),
            or_(Match.partner_school_id.in_(school_ids), Match.asking_school_id.in_(school_ids)),
        )
        .options(joinedload(Match.invitation), joinedload(Match.from_invitation))
    )
    load: dict[str, int] = {}
    for match in agreed:
        if Plan(periods=months).competes_with(Plan(periods=match.plan.periods)):
            for school_id in school_ids & {match.partner_school_id, match.asking_school_id}:
                load[school_id] = load.get(school_id, 0) + 1
    return load


def _whole_months(start: date, end: date) -> tuple[date, date]:
    next_month = (end.replace(day=28) + timedelta(days=4)).replace(day=1)
    return start.replace(day=1), next_month - timedelta(days=1)
