"""What a reader sees of a match: the one place that decides which notes, names and reasons come out.

The verbs stand in `matches`. They return the match itself; a view shows it by `seen`, so that an action and a look give
the same person the same picture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from iew import i18n
from iew.db import Page, keyset_page
from iew.domain.actors import NAMES_WITHOUT_BODY, Actor, Role
from iew.domain.matches import MATCH, OPEN, Insight, Status, Via
from iew.domain.plans import Plan, periods_of
from iew.errors import NotFound
from iew.models import (
    Body,
    Event,
    Invitation,
    Match,
    Message,
    MessageReading,
    Proposal,
    Report,
    School,
    Unit,
    bodies_of,
    find_match,
    matches_of,
    messages_of,
)
from iew.uow import UnitOfWork

MOST_COUNTED: Final = 100
"""Cases whose unread messages are counted together; nobody has more to read at once."""
_STEPS: Final = frozenset(MATCH.actions) | {"ask", "pair"}
_OWN_WORK: Final = frozenset({"message", "contact_read", "messages_read"})
_PROGRESS: Final = (Insight.WHOLE, Insight.ASKING)
_OUTSIDE: Final = (Insight.CANDIDATE, Insight.FORMER)
_WITH_REASON_FOR_ALL: Final = frozenset({"not_found", "cancel"})

_ALL_AROUND: Final = (
    joinedload(Match.asking_school),
    joinedload(Match.posting_school),
    joinedload(Match.partner_school),
    selectinload(Match.invitation).joinedload(Invitation.school),
    selectinload(Match.from_invitation).joinedload(Invitation.school),
    selectinload(Match.proposals).joinedload(Proposal.school),
)
"""Whatever every line shows, read in a few statements rather than one a line."""


@dataclass(frozen=True)
class Handler:
    """Who has the case: a centre, an office or the administrator."""

    kind: str
    code: str | None
    name: str


@dataclass(frozen=True)
class ProposalSeen:
    """A proposed school; the notes are None for whoever they are not for."""

    school: School
    status: str
    proposed_at: datetime
    answered_at: datetime | None
    note: str | None = None
    reason_code: str | None = None
    answer_note: str | None = None


@dataclass(frozen=True)
class Step:
    """One line of the timeline. school: whom it was about, where that is not the actor; unit: whom it was given to."""

    action: str
    at: datetime
    by: Body
    status: str | None
    reason: str | None
    reason_code: str | None
    school: Body | None
    unit: Body | None = None


@dataclass(frozen=True)
class Seen:
    """A match as one reader sees it. Lists leave `timeline` and `reports` empty.

    parallel_requests: how many other open cases of the asking school compete with it; None where it is not shown.
    """

    match: Match
    insight: Insight
    for_admin: bool
    available_actions: list[str]
    handler: Handler | None
    suggested_handler: Handler | None
    partner: School | None
    proposals: list[ProposalSeen]
    unread_messages: int
    parallel_requests: int | None = None
    timeline: list[Step] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)

    @property
    def handed_back_reason(self) -> str | None:
        return self.match.handed_back_reason if self.for_admin else None

    @property
    def reason(self) -> str | None:
        return None if self.insight in _OUTSIDE else self.match.reason

    @property
    def reason_code(self) -> str | None:
        return None if self.insight in _OUTSIDE else self.match.reason_code


@dataclass(frozen=True)
class Filters:
    """What a list is narrowed to; an empty one lets everything through."""

    status: Sequence[str] = ()
    direction: str | None = None
    via: str | None = None
    overdue: bool | None = None
    handler: str | None = None
    invitation_id: str | None = None


# one match


def look(uow: UnitOfWork, match_id: str, actor: Actor, *, language: str) -> Seen:
    """A match as the actor sees it. Raises NotFound."""
    match = find_match(uow.session, match_id, actor, *_ALL_AROUND)
    return seen(uow, match, actor, language=language)


def seen(uow: UnitOfWork, match: Match, actor: Actor, *, language: str) -> Seen:
    """The whole picture of a match that the actor may know of, or has just acted on."""
    uow.session.flush()
    line = _line(match, actor, _Around(uow, [match], actor, language))
    return replace(
        line,
        timeline=_timeline(uow, match, actor, line.insight, language),
        reports=[] if line.insight in _OUTSIDE else list(match.reports),
        parallel_requests=_parallel(uow, match) if line.insight in _PROGRESS and not match.ended else None,
    )


def listed(
    uow: UnitOfWork, filters: Filters, actor: Actor, *, language: str, cursor: str | None = None, limit: int = 20
) -> Page[Seen]:
    """The matches the actor may know of, newest first. Raises BadRequest (`bad_cursor`)."""
    page = keyset_page(
        uow.session,
        _narrowed(select(Match).where(matches_of(actor)), filters).options(*_ALL_AROUND),
        [Match.created_at, Match.id],
        key=lambda match: (match.created_at, match.id),
        cursor=cursor,
        limit=limit,
        descending=True,
    )
    return Page(_lines(uow, page.items, actor, language), page.next_cursor, page.total)


def side_by_side(uow: UnitOfWork, invitation_id: str, actor: Actor, *, language: str) -> list[Seen]:
    """The direct requests that wait for an answer about one post, to compare them; oldest first. Raises NotFound."""
    post = uow.session.get(Invitation, invitation_id)
    if post is None or not (actor.is_admin or post.school_id == actor.school_id):
        raise NotFound
    waiting = select(Match).where(
        matches_of(actor),
        Match.invitation_id == post.id,
        Match.via == Via.DIRECT.value,
        Match.status == Status.REQUESTED.value,
    )
    matches = uow.session.scalars(waiting.options(*_ALL_AROUND).order_by(Match.created_at, Match.id)).all()
    return _lines(uow, matches, actor, language)


def _narrowed(statement: Select[Match], filters: Filters) -> Select[Match]:
    if filters.status:
        statement = statement.where(Match.status.in_(filters.status))
    for column, value in (
        (Match.direction, filters.direction),
        (Match.via, filters.via),
        (Match.overdue, filters.overdue),
        (Match.handler_code, filters.handler),
        (Match.invitation_id, filters.invitation_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    return statement


def _lines(uow: UnitOfWork, matches: Sequence[Match], actor: Actor, language: str) -> list[Seen]:
    around = _Around(uow, matches, actor, language)
    return [_line(match, actor, around) for match in matches]


class _Around:
    """What belongs to several matches at once: names of units, counts of unread messages."""

    def __init__(self, uow: UnitOfWork, matches: Sequence[Match], actor: Actor, language: str) -> None:
        self.language = language
        codes = {code for match in matches for code in (match.handler_code, match.suggested_code) if code}
        found = uow.session.scalars(select(Unit).where(Unit.code.in_(codes))).all() if codes else []
        self.units = {unit.code: unit for unit in found}
        self.unread = _unread(uow, matches, actor)

    def handler(self, kind: str | None, code: str | None) -> Handler | None:
        if kind is None:
            return None
        unit = self.units.get(code or "")
        name = unit.name(self.language) if unit else i18n.say(NAMES_WITHOUT_BODY[Role.IEW_ADMIN], self.language)
        return Handler(kind, code, name)

    def suggested(self, match: Match) -> Handler | None:
        unit = self.units.get(match.suggested_code or "")
        return Handler(unit.kind, unit.code, unit.name(self.language)) if unit else None


def _line(match: Match, actor: Actor, around: _Around) -> Seen:
    insight = match.insight_of(actor)
    return Seen(
        match=match,
        insight=insight,
        for_admin=actor.is_admin,
        available_actions=match.available_actions(actor),
        handler=around.handler(match.handler_kind, match.handler_code),
        suggested_handler=around.suggested(match) if actor.is_admin else None,
        partner=None if insight in _OUTSIDE else match.partner_school,
        proposals=_proposals(match, actor, insight),
        unread_messages=around.unread.get(match.id, 0),
    )


def _proposals(match: Match, actor: Actor, insight: Insight) -> list[ProposalSeen]:
    """All of them for the unit and the asking school, its own for a proposed school; notes for those they are for."""
    return [
        _proposal(proposal, with_notes=insight is Insight.WHOLE or proposal.school_id == actor.school_id)
        for proposal in match.proposals
        if insight in _PROGRESS or proposal.school_id == actor.school_id
    ]


def _proposal(proposal: Proposal, *, with_notes: bool) -> ProposalSeen:
    return ProposalSeen(
        school=proposal.school,
        status=proposal.status,
        proposed_at=proposal.proposed_at,
        answered_at=proposal.answered_at,
        note=proposal.note if with_notes else None,
        reason_code=proposal.reason_code if with_notes else None,
        answer_note=proposal.answer_note if with_notes else None,
    )


def competing(uow: UnitOfWork, actor: Actor, post: Invitation | None) -> list[Match]:
    """The open cases of the actor's school that may be about the same exchange as a new request would be.

    post: what it would ask about; None for a wish, of which nothing is known yet.
    """
    plan = Plan(frozenset(post.exchange_types), periods_of(post.planned_periods)) if post else Plan()
    return _competing(uow, actor.school_id, plan)


def unread_total(uow: UnitOfWork, actor: Actor) -> int:
    """How many messages of others the actor may read and has not, over all cases; an administrator reads when asked."""
    if actor.user_id is None or actor.is_operator:
        return 0
    reading = and_(MessageReading.match_id == Message.match_id, MessageReading.user_id == actor.user_id)
    news = (
        select(Message.match_id)
        .outerjoin(MessageReading, reading)
        .where(
            Message.author_id.is_distinct_from(actor.user_id),
            or_(MessageReading.read_at.is_(None), Message.created_at > MessageReading.read_at),
        )
    )
    found = uow.session.scalars(select(Match).where(matches_of(actor), Match.id.in_(news)).limit(MOST_COUNTED)).all()
    return sum(_unread(uow, found, actor).values())


def _parallel(uow: UnitOfWork, match: Match) -> int:
    return sum(1 for other in _competing(uow, match.asking_school_id, match.plan) if other.id != match.id)


def _competing(uow: UnitOfWork, school_id: str | None, plan: Plan) -> list[Match]:
    others = uow.session.scalars(
        select(Match)
        .where(Match.asking_school_id == school_id, Match.status.in_([s.value for s in OPEN]))
        .options(selectinload(Match.invitation), selectinload(Match.from_invitation))
        .order_by(Match.created_at, Match.id)
    )
    return [other for other in others if plan.competes_with(other.plan)]


def _unread(uow: UnitOfWork, matches: Sequence[Match], actor: Actor) -> dict[str, int]:
    """Match id -> messages of others that the actor may read and has not."""
    if not matches or actor.user_id is None:
        return {}
    counted = (
        select(Message.match_id, func.count())
        .outerjoin(
            MessageReading,
            and_(MessageReading.match_id == Message.match_id, MessageReading.user_id == actor.user_id),
        )
        .where(
            or_(*(messages_of(match, actor) for match in matches)),
            Message.author_id.is_distinct_from(actor.user_id),
            or_(MessageReading.read_at.is_(None), Message.created_at > MessageReading.read_at),
        )
        .group_by(Message.match_id)
    )
    return {match_id: count for match_id, count in uow.session.execute(counted)}  # noqa: C416 - rows, typed one by one


# the timeline


def _timeline(uow: UnitOfWork, match: Match, actor: Actor, insight: Insight, language: str) -> list[Step]:
    events = [
        event for event in uow.history_of(Match.subject_type, match.id) if _is_shown(event, match, actor, insight)
    ]
    keys = {key for event in events for key in (_who(event), _whom(event), _to_whom(event))}
    others = {kind: i18n.say(name, language) for kind, name in NAMES_WITHOUT_BODY.items()}
    bodies = bodies_of(uow.session, keys, language, others)
    return [_step(event, match, actor, insight, bodies) for event in events]


def _step(
    event: Event, match: Match, actor: Actor, insight: Insight, bodies: Mapping[tuple[str, str | None], Body]
) -> Step:
    shown = _reason_is_shown(event, match, actor, insight)
    return Step(
        action=event.action,
        at=event.at,
        by=bodies[_who(event)],
        status=event.after,
        reason=(event.details.get("reason") or event.details.get("note")) if shown else None,
        reason_code=event.details.get("reason_code") if shown else None,
        school=bodies[_whom(event)] if event.details.get("school_id") else None,
        unit=bodies[_to_whom(event)] if event.action == "route" and _to_whom(event)[1] else None,
    )


def _who(event: Event) -> tuple[str, str | None]:
    return event.actor_role, event.actor_body


def _whom(event: Event) -> tuple[str, str | None]:
    return Role.SCHOOL.value, event.details.get("school_id")


def _to_whom(event: Event) -> tuple[str, str | None]:
    """The unit that a case was given to."""
    handler = event.details.get("handler") or {}
    return str(handler.get("kind") or "unit"), handler.get("code")


def _is_shown(event: Event, match: Match, actor: Actor, insight: Insight) -> bool:
    if event.fact is None and event.action != "ask":
        return False
    if insight is Insight.WHOLE:
        return event.action not in _OWN_WORK
    if insight is Insight.ASKING:
        return event.action in _STEPS
    if event.action not in _STEPS | {"supersede"} or event.action == "hand_back":
        return False
    return not _is_about_another(event, match, actor) and not _is_too_late(event, match, actor, insight)


def _is_about_another(event: Event, match: Match, actor: Actor) -> bool:
    """What another candidate was asked or answered is no business of this school."""
    involved = {match.asking_school_id, actor.school_id}
    by_school = event.actor_role == Role.SCHOOL and event.actor_body not in involved
    return by_school or event.details.get("school_id", actor.school_id) not in involved


def _is_too_late(event: Event, match: Match, actor: Actor, insight: Insight) -> bool:
    proposal = match.proposal_of(actor.school_id) if actor.school_id else None
    left_at = proposal.answered_at if proposal and insight is Insight.FORMER else None
    return left_at is not None and event.at > left_at


def _reason_is_shown(event: Event, match: Match, actor: Actor, insight: Insight) -> bool:
    if insight is Insight.WHOLE or event.action in _WITH_REASON_FOR_ALL:
        return True
    if event.action == "propose":
        return event.details.get("school_id") == actor.school_id
    own = event.actor_body is not None and event.actor_body == actor.school_id
    return event.action == "decline" and (own or match.via == Via.DIRECT)
