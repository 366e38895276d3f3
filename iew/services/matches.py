"""The verbs of a match: asking, routing, taking up, proposing, agreeing, ending, reporting.

Each one locks the match before it looks at it, so of two people who act at the same moment the second meets the state
that the first one left. What a reader may see of a match stands in `cases`, not here.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NoReturn

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError

from iew.db import new_id
from iew.domain.actors import SYSTEM, Actor, Role
from iew.domain.matches import OPEN, SEEKS_ANOTHER, HandlerKind, ProposalStatus, Status, Via
from iew.domain.meetings import OPEN as OPEN_MEETINGS
from iew.domain.plans import due_at
from iew.domain.routing import Place, Routing, Unit, route
from iew.domain.schools import side_of
from iew.errors import N_, Invalid, InvalidTransition, NotAllowed, NotFound, StateConflict, Text
from iew.models import (
    Invitation,
    Match,
    Proposal,
    Report,
    School,
    find_match,
    find_post,
    matches_of,
    meetings_of,
    open_to_all,
    territory_of,
)
from iew.models import Unit as UnitRow
from iew.uow import UnitOfWork

ONE_OPEN = "uq_matches_one_open"
"""The index that lets a school have one open match on a post."""


def ask(uow: UnitOfWork, values: Mapping[str, Any], actor: Actor) -> Match:
    """Ask about a post, directly or with help, or ask for help with a wish; the case goes to its unit at once.

    values: `via`, `message` and either `invitation_id` or `wish`; `from_invitation_id` names the asking school's own
    post. Raises NotAllowed (no school), NotFound (a hidden post), InvalidTransition (a known one that left the public),
    Invalid (also `same_side`), StateConflict (`already_open`).
    """
    if actor.role is not Role.SCHOOL or actor.school_id is None:
        raise NotAllowed(N_("Only a school can ask another school."))
    school = uow.get(School, actor.school_id)
    post, wish = _subject(uow, values, school, actor)
    routing = route(school.side, _place(post, wish), territory_of(uow.session))
    match = Match(
        via=values["via"],
        direction=routing.direction.value,
        asking_school_id=school.id,
        asked_by_id=actor.user_id,
        invitation_id=post.id if post else None,
        posting_school_id=post.school_id if post else None,
        from_invitation_id=_own_post(uow, values.get("from_invitation_id"), school),
        wish=wish,
        message=values["message"],
        since=uow.now,
    )
    if match.via == Via.ASSISTED:
        match.handler_kind = HandlerKind.ADMIN.value
        match.suggested_code = routing.suggested.code if routing.suggested else None
    _start(uow, match, actor, routing)
    return match


def ask_again_with_help(uow: UnitOfWork, match_id: str, actor: Actor) -> Match:
    """Ask for help with what came to nothing, in the words that were written then.

    The new case is about the same post while that is public, else about a wish like it. Raises NotFound, NotAllowed
    (another school), InvalidTransition (it did not end without a partner), StateConflict (`already_open`).
    """
    ended = find_match(uow.session, match_id, actor)
    if actor.school_id != ended.asking_school_id:
        raise NotAllowed
    if ended.status not in SEEKS_ANOTHER:
        raise InvalidTransition
    if not can_ask_again(uow, ended):
        raise StateConflict(N_("You have asked for help with this already. Go on there."), code="already_open")
    return ask(uow, again(uow, ended), actor)


def again(uow: UnitOfWork, ended: Match) -> dict[str, Any]:
    """What to ask for help with after a case that came to nothing; shaped as for `ask`."""
    post, own = ended.invitation, ended.from_invitation
    values: dict[str, Any] = {"via": Via.ASSISTED.value, "message": ended.message}
    if own is not None and _open(uow, own):
        values["from_invitation_id"] = own.id
    if post is not None and _open(uow, post):
        return values | {"invitation_id": post.id}
    return values | {"wish": ended.wish if post is None else _wish_like(post)}


def can_ask_again(uow: UnitOfWork, ended: Match) -> bool:
    """Whether no open case of the school is about the same post or wish already."""
    about = Match.wish == ended.wish if ended.invitation_id is None else Match.invitation_id == ended.invitation_id
    later = select(Match.id).where(
        Match.asking_school_id == ended.asking_school_id,
        Match.created_at > ended.created_at,
        or_(about, Match.message == ended.message),
        Match.via == Via.ASSISTED.value,
        Match.status.in_([status.value for status in OPEN]),
    )
    return ended.status in SEEKS_ANOTHER and uow.session.scalar(select(later.exists())) is False


def _wish_like(post: Invitation) -> dict[str, Any]:
    school = post.school
    return {
        "country": school.country,
        "subdivision": None if school.country == "TW" else school.subdivision,
        "county": school.county,
        "levels": [school.level],
        "exchange_types": list(post.exchange_types),
        "languages": list(post.languages),
    }


def _subject(
    uow: UnitOfWork, values: Mapping[str, Any], school: School, actor: Actor
) -> tuple[Invitation | None, dict[str, Any] | None]:
    """The post asked about, or the wish. Raises NotFound, Invalid."""
    invitation_id, wish = values.get("invitation_id"), values.get("wish")
    if invitation_id is not None and wish is not None:
        raise Invalid.field("wish", N_("Ask about a post or tell a wish, not both."))
    if invitation_id is not None:
        return _post(uow, invitation_id, school, actor), None
    if values["via"] == Via.DIRECT or wish is None:
        raise Invalid.field("invitation_id", N_("Say which post you ask about."))
    return None, _checked_wish(uow, wish, school)


def _post(uow: UnitOfWork, invitation_id: str, school: School, actor: Actor) -> Invitation:
    post = find_post(uow.session, invitation_id, actor, uow.today)
    if post.side is school.side:
        raise _same_side("invitation_id")
    if not _open(uow, post):
        raise InvalidTransition(N_("This post is no longer public, so nobody can ask about it."))
    return post


def _open(uow: UnitOfWork, post: Invitation) -> bool:
    return uow.session.scalar(select(Invitation.id).where(Invitation.id == post.id, open_to_all(uow.today))) is not None


def _same_side(field: str) -> Invalid:
    return Invalid.field(
        field, N_("Both schools are in Taiwan, or both abroad. The window joins one with the other."), code="same_side"
    )


def _checked_wish(uow: UnitOfWork, wish: Mapping[str, Any], school: School) -> dict[str, Any]:
    """The wish without what is empty; it names a place on the other side, or none. Raises Invalid."""
    told = {name: value for name, value in wish.items() if value}
    subdivision, county = told.get("subdivision"), told.get("county")
    if subdivision and "country" not in told:
        told["country"] = subdivision.partition("-")[0]
    if county and "country" not in told:
        told["country"] = "TW"
    country = told.get("country")
    if country is not None and side_of(country) is school.side:
        raise _same_side("wish")
    if subdivision and (country == "TW" or not subdivision.startswith(f"{country}-")):
        raise Invalid.field("wish.subdivision", N_("This place is not in the country you named."))
    if county and (country != "TW" or county not in territory_of(uow.session).zone_of_county):
        raise Invalid.field("wish.county", N_("This is no county of Taiwan."))
    return told


def _place(post: Invitation | None, wish: Mapping[str, Any] | None) -> Place:
    if post is not None:
        school = post.school
        return Place(school.country, school.subdivision, school.county, school.level, school.ownership)
    told = wish or {}
    return Place(told.get("country"), told.get("subdivision"), told.get("county"))


def _own_post(uow: UnitOfWork, invitation_id: str | None, school: School) -> str | None:
    if invitation_id is None:
        return None
    post = uow.session.get(Invitation, invitation_id)
    if post is None or post.school_id != school.id or not _open(uow, post):
        raise Invalid.field("from_invitation_id", N_("This is none of your published posts."))
    return post.id


def _start(uow: UnitOfWork, match: Match, actor: Actor, routing: Routing) -> None:
    """Save the match; an assisted one goes on to its unit. Raises StateConflict where another is open."""
    unit = routing.handler if match.via == Via.ASSISTED and routing.handler.kind is not HandlerKind.ADMIN else None
    try:
        with uow.session.begin_nested():
            uow.start(
                match, Status.REQUESTED, actor, action="ask", fact="MatchRequested",
                via=match.via, direction=match.direction, handler=_named(unit) if unit else _handler_named(match),
            )  # fmt: skip
    except IntegrityError as fault:
        if getattr(getattr(fault.orig, "diag", None), "constraint_name", None) != ONE_OPEN:
            raise
        raise StateConflict(
            N_("Your school has an open case on this post already. Go on there."), code="already_open"
        ) from None
    if unit is None:
        _restart_clock(uow, match)
    else:
        _hand_to(uow, match, unit, SYSTEM)


def _named(unit: Unit) -> dict[str, str | None]:
    return {"kind": unit.kind.value, "code": unit.code}


def _handler_named(match: Match) -> dict[str, str | None] | None:
    return {"kind": match.handler_kind, "code": match.handler_code} if match.handler_kind else None


def _held(uow: UnitOfWork, match_id: str, actor: Actor) -> Match:
    """A match that the actor may know of, locked, so that what is decided next stays true. Raises NotFound."""
    find_match(uow.session, match_id, actor)
    match = uow.session.scalar(
        select(Match)
        .where(Match.id == match_id, matches_of(actor))
        .with_for_update(of=Match)
        .execution_options(populate_existing=True)
    )
    if match is None:
        raise NotFound
    uow.session.expire(match, ["proposals", "reports"])
    return match


def _refuse_late_answer(match: Match, actor: Actor) -> None:
    """A proposal is answered once; whoever comes after the first school is told so, and not that it is a stranger."""
    proposal = match.proposal_of(actor.school_id) if actor.school_id else None
    if match.via == Via.ASSISTED and proposal is not None and proposal.status != ProposalStatus.OPEN:
        raise InvalidTransition


# on its way


def route_by_hand(
    uow: UnitOfWork,
    match_id: str,
    handler: Mapping[str, str] | None,
    actor: Actor,
    *,
    seen_version: int | None = None,
) -> Match:
    """Give a case to a unit, which starts with a clean slate; whoever had it loses sight of it at once.

    handler: `{kind: "ierc"|"office", code}`. Raises NotFound, NotAllowed, InvalidTransition, Conflict, Invalid (no such
    open unit).
    """
    match = _held(uow, match_id, actor)
    unit = Unit(HandlerKind(handler["kind"]), handler["code"]) if handler else None
    _hand_to(uow, match, unit, actor, seen_version=seen_version)
    return match


def _hand_to(
    uow: UnitOfWork, match: Match, unit: Unit | None, actor: Actor, *, seen_version: int | None = None
) -> None:
    uow.transition(match, "route", actor, seen_version=seen_version, handler=_named(unit) if unit else None)
    row = uow.session.get(UnitRow, unit.code or "") if unit else None
    if row is None or unit is None or row.kind != unit.kind or not row.enabled:
        raise Invalid.field("handler", N_("There is no open unit of this kind with this code."))
    _close_proposals(uow, match, actor)
    match.handler_kind, match.handler_code = row.kind, row.code
    match.suggested_code = match.handed_back_reason = None
    _restart_clock(uow, match)


def accept(uow: UnitOfWork, match_id: str, actor: Actor, *, seen_version: int | None = None) -> Match:
    """Take a case up (its unit), or say yes (the invited school of a direct match, a proposed one of an assisted).

    A yes is an agreement: it releases both contacts and closes the other proposals. Raises NotFound, NotAllowed,
    InvalidTransition, Conflict.
    """
    match = _held(uow, match_id, actor)
    _refuse_late_answer(match, actor)
    uow.transition(match, "accept", actor, seen_version=seen_version)
    if match.status == Status.AGREED:
        _conclude(uow, match, actor.school_id or "", actor)
    else:
        _restart_clock(uow, match)
    return match


def hand_back(
    uow: UnitOfWork, match_id: str, reason: str | None, actor: Actor, *, seen_version: int | None = None
) -> Match:
    """Give a case back to the administrator, who sees why. Raises NotFound, NotAllowed, InvalidTransition, Conflict."""
    match = _held(uow, match_id, actor)
    uow.transition(match, "hand_back", actor, seen_version=seen_version, reason=reason)
    _close_proposals(uow, match, actor)
    match.handler_kind, match.handler_code = HandlerKind.ADMIN.value, None
    match.handed_back_reason = reason
    _restart_clock(uow, match)
    return match


def propose(
    uow: UnitOfWork,
    match_id: str,
    school_id: str | None,
    actor: Actor,
    *,
    note: str | None = None,
    seen_version: int | None = None,
) -> Match:
    """Ask a school of the other side whether it wants this exchange; it answers for itself.

    note: for that school and the unit alone. Raises NotFound, NotAllowed, InvalidTransition, Conflict, Invalid.
    """
    match = _held(uow, match_id, actor)
    uow.transition(match, "propose", actor, seen_version=seen_version, school_id=school_id, note=note)
    school = _candidate(uow, match, school_id or "")
    proposal = match.proposal_of(school.id)
    if proposal is None:
        proposal = Proposal(id=new_id(), match_id=match.id, school_id=school.id)
        uow.session.add(proposal)
    elif proposal.status != ProposalStatus.SUPERSEDED:
        raise Invalid.field("school_id", N_("This school was asked already."))
    proposal.status = ProposalStatus.OPEN.value
    proposal.note, proposal.proposed_at, proposal.answered_at = note, uow.now, None
    uow.session.flush()
    uow.session.expire(match, ["proposals"])
    return match


MOST_AT_ONCE = 10
"""Schools that are asked with one click; who asks more asks nobody in particular."""


def propose_several(
    uow: UnitOfWork,
    match_id: str,
    school_ids: Sequence[str],
    actor: Actor,
    *,
    note: str | None = None,
    seen_version: int | None = None,
) -> int:
    """Ask several schools, all or none of them; each answers for itself, and the first yes counts. How many were asked.

    Raises as `propose`; Invalid also where none or too many are named.
    """
    if not school_ids:
        raise Invalid.field("school_ids", N_("Choose at least one school."))
    if len(school_ids) > MOST_AT_ONCE:
        raise Invalid({"school_ids": [Text(N_("Ask at most %(most)s schools at once."), {"most": MOST_AT_ONCE})]})
    for number, school_id in enumerate(school_ids):
        propose(uow, match_id, school_id, actor, note=note, seen_version=seen_version if number == 0 else None)
    return len(school_ids)


def _candidate(uow: UnitOfWork, match: Match, school_id: str) -> School:
    school = uow.session.get(School, school_id)
    if school is None or not school.approved:
        raise Invalid.field("school_id", N_("There is no such approved school."))
    if school.side is match.asking_school.side:
        raise _same_side("school_id")
    return school


def agree(
    uow: UnitOfWork, match_id: str, school_id: str | None, actor: Actor, *, seen_version: int | None = None
) -> Match:
    """Record that both schools said yes to the unit. school_id: the posting school, or one that was proposed.

    Raises NotFound, NotAllowed, InvalidTransition, Conflict, Invalid (another school, or one that said no).
    """
    match = _held(uow, match_id, actor)
    uow.transition(match, "agree", actor, seen_version=seen_version, school_id=school_id)
    proposal = match.proposal_of(school_id)
    asked = proposal.status == ProposalStatus.OPEN if proposal else school_id == match.posting_school_id
    if school_id is None or not asked:
        raise Invalid.field(
            "school_id", N_("Name the school of the post, or one that was proposed and has not declined.")
        )
    _conclude(uow, match, school_id, actor)
    return match


def decline(
    uow: UnitOfWork,
    match_id: str,
    reason_code: str | None,
    actor: Actor,
    *,
    note: str | None = None,
    seen_version: int | None = None,
) -> Match:
    """Say no: it ends a direct match; in an assisted one the unit goes on looking.

    Raises NotFound, NotAllowed, InvalidTransition, Conflict.
    """
    match = _held(uow, match_id, actor)
    _refuse_late_answer(match, actor)
    uow.transition(match, "decline", actor, seen_version=seen_version, reason_code=reason_code, note=note)
    proposal = match.proposal_of(actor.school_id)
    if match.status == Status.DECLINED:
        _end(uow, match, actor, reason=note, reason_code=reason_code)
    elif proposal is not None:
        proposal.status = ProposalStatus.DECLINED.value
        proposal.reason_code, proposal.answer_note, proposal.answered_at = reason_code, note, uow.now
    return match


def _conclude(uow: UnitOfWork, match: Match, partner_id: str, actor: Actor) -> None:
    """Both sides said yes: the first school wins, the others are released."""
    proposal = match.proposal_of(partner_id)
    if proposal is not None:
        proposal.status, proposal.answered_at = ProposalStatus.ACCEPTED.value, uow.now
    _close_proposals(uow, match, actor)
    match.partner_school_id, match.agreed_by_id, match.agreed_at = partner_id, actor.user_id, uow.now
    _restart_clock(uow, match)


# ends


def not_found(
    uow: UnitOfWork, match_id: str, reason: str | None, actor: Actor, *, seen_version: int | None = None
) -> Match:
    """Give up looking, and tell the asking school why. Raises NotFound, NotAllowed, InvalidTransition, Conflict."""
    match = _held(uow, match_id, actor)
    uow.transition(match, "not_found", actor, seen_version=seen_version, reason=reason)
    _end(uow, match, actor, reason=reason)
    return match


def cancel(
    uow: UnitOfWork, match_id: str, actor: Actor, *, reason: str | None = None, seen_version: int | None = None
) -> Match:
    """Call it off; once both agreed it takes a reason.

    Raises NotFound, NotAllowed, InvalidTransition, Conflict, Invalid.
    """
    match = _held(uow, match_id, actor)
    uow.transition(match, "cancel", actor, seen_version=seen_version, reason=reason)
    _end(uow, match, actor, reason=reason)
    return match


def no_reply(uow: UnitOfWork, match_id: str) -> Match:
    """End a direct match whose deadline has passed. Raises NotFound, InvalidTransition (answered meanwhile)."""
    match = _held(uow, match_id, SYSTEM)
    uow.transition(match, "no_reply", SYSTEM)
    _end(uow, match, SYSTEM)
    return match


def report(
    uow: UnitOfWork,
    match_id: str,
    actor: Actor,
    *,
    summary: str | None,
    held_on: date | None,
    students: int | None,
    teachers: int | None,
    seen_version: int | None = None,
) -> Match:
    """Tell what came of it; the first report completes the match, the other school may add its own.

    Raises NotFound, NotAllowed, InvalidTransition, Conflict, Invalid, StateConflict (told already).
    """
    match = _held(uow, match_id, actor)
    day = held_on.isoformat() if held_on else None
    uow.transition(
        match, "report", actor, seen_version=seen_version,
        summary=summary, held_on=day, students=students, teachers=teachers,
    )  # fmt: skip
    _check_result(uow, held_on, students, teachers)
    if any(told.school_id == actor.school_id for told in match.reports):
        raise StateConflict(N_("Your school has told the result already."))
    uow.session.add(
        Report(
            match_id=match.id, school_id=actor.school_id, summary=summary, held_on=held_on,
            students=students, teachers=teachers, created_at=uow.now,
        )
    )  # fmt: skip
    uow.session.flush()
    uow.session.expire(match, ["reports"])
    if match.ended_at is None:
        _end(uow, match, actor)
    return match


def _check_result(uow: UnitOfWork, held_on: date | None, students: int | None, teachers: int | None) -> None:
    faults = {
        name: [Text(N_("This is needed."))]
        for name, value in (("students", students), ("teachers", teachers))
        if value is None
    }
    if held_on is None or held_on > uow.today:
        faults["held_on"] = [Text(N_("This day is still to come."))]
    if faults:
        raise Invalid(faults)


def refuse(uow: UnitOfWork, match_id: str, action: str, actor: Actor) -> NoReturn:
    """Answer who tries an action that people do not take: NotFound for a hidden match or no action, else NotAllowed."""
    match = find_match(uow.session, match_id, actor)
    if action in match.lifecycle.actions:
        raise NotAllowed
    raise NotFound


# what every step leaves in order


def _end(
    uow: UnitOfWork, match: Match, actor: Actor, *, reason: str | None = None, reason_code: str | None = None
) -> None:
    _close_proposals(uow, match, actor)
    if match.status != Status.COMPLETED:
        _call_meetings_off(uow, match)
    match.ended_at = uow.now
    match.reason, match.reason_code, match.handed_back_reason = reason, reason_code, None
    _restart_clock(uow, match)


def _call_meetings_off(uow: UnitOfWork, match: Match) -> None:
    """Schools that exchange nothing meet no more; what stands in their calendars is taken out."""
    for meeting in uow.session.scalars(meetings_of(match.id)).all():
        if meeting.status in OPEN_MEETINGS and not meeting.is_over(uow.now):
            uow.transition(meeting, "cancel", SYSTEM)
            meeting.sequence += 1


def _close_proposals(uow: UnitOfWork, match: Match, actor: Actor) -> None:
    """Release the schools that have not answered: another was first, or the case went elsewhere or ended."""
    for proposal in match.proposals:
        if proposal.status == ProposalStatus.OPEN:
            proposal.status, proposal.answered_at = ProposalStatus.SUPERSEDED.value, uow.now
            uow.record(
                "ProposalSuperseded", match, actor,
                action="supersede", school_id=proposal.school_id, proposal_id=proposal.id,
            )  # fmt: skip


def _restart_clock(uow: UnitOfWork, match: Match) -> None:
    """Whoever has the match now has it from now on, with a whole term before it."""
    match.since, match.overdue, match.reminded_at = uow.now, False, None
    match.due_at = due_at(
        match.status,
        via=match.via,
        handler=match.handler_kind,
        plan=match.plan,
        now=uow.now,
        limits=uow.limits,
        zone=uow.zone,
    )
