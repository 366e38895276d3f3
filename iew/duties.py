"""What is due at a moment: reminders, deadlines, expiry, digests, the nightly look at the index, clearing away.

Everything is found by asking the database at the given moment, so nothing is lost while nobody asks, and asking twice
does nothing twice: each effect is one small transaction that looks again under the lock of its row and leaves a key of
its period. States change here; mails and index writes are left to the workers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, all_, and_, delete, func, literal, or_, select, tuple_, update
from sqlalchemy.exc import OperationalError

from iew.domain import rhythms
from iew.domain.actors import SYSTEM
from iew.domain.invitations import Status as PostStatus
from iew.domain.matches import HandlerKind, Via
from iew.domain.matches import Status as MatchStatus
from iew.domain.meetings import Status as MeetingStatus
from iew.models import (
    Duty,
    EmailDelivery,
    Event,
    IdempotencyKey,
    Invitation,
    MailLink,
    Match,
    Meeting,
    OutboxRow,
    SignInSession,
    Unit,
    User,
)
from iew.outbox import RECONCILE_INDEX, SUGGEST
from iew.services import deliveries, digests, invitations, matches, meetings, saved_searches, seals, suggestions
from iew.uow import UnitOfWork

Open = Callable[[datetime], UnitOfWork]

NEWS, LOOK = "news", "news_look"
SUGGEST_HOUR: Final = time(6)
"""From then on the lists of possible partners are made anew, so that they are there when schools begin their day."""
NIGHT: Final = time(3)
SEAL: Final = "seal_audit"
SEAL_PATIENCE_SECONDS: Final = 2.0
"""How long one call waits for those who write at that moment; the next call tries again."""
BATCH: Final = 1000
MOST_SUGGESTED: Final = 200
"""How many lists one call owes; the next one goes on."""
KEPT_KEYS: Final = timedelta(days=7)
KEPT_SESSIONS: Final = timedelta(days=30)
KEPT_LINKS: Final = timedelta(days=30)
KEPT_ROWS: Final = timedelta(days=30)
KEPT_MAILS: Final = timedelta(days=30)


class DutiesFailed(ExceptionGroup[Exception]):
    """Some effects failed; all others were done, and these come again with the next call."""


@dataclass(frozen=True)
class Each:
    """A duty towards rows of one kind. find: the ids that are due. do: the effect on one of them, looked at afresh."""

    find: Callable[[UnitOfWork], Select[str]]
    do: Callable[[UnitOfWork, str], None]


def run_due(open_unit_of_work: Open, now: datetime) -> None:
    """Do once all that is due at `now`. Raises DutiesFailed; OperationalError where the database is away."""
    faults: list[Exception] = []
    for duty in DUTIES:
        with open_unit_of_work(now) as uow:
            ids = uow.session.scalars(duty.find(uow)).all()
        for subject_id in ids:
            _attempt(faults, partial(_do, duty, open_unit_of_work, now, subject_id))
    for own in (_seal, _reconcile, _prune):
        _attempt(faults, partial(own, open_unit_of_work, now))
    if faults:
        raise DutiesFailed("duties failed", faults)


def _do(duty: Each, open_unit_of_work: Open, now: datetime, subject_id: str) -> None:
    with open_unit_of_work(now) as uow:
        duty.do(uow, subject_id)


def _attempt(faults: list[Exception], effect: Callable[[], None]) -> None:
    """Have one effect; its failure must not hold the deadlines of the others back."""
    try:
        effect()
    except Exception as fault:  # told to the caller together with the others
        if isinstance(fault, OperationalError) and _is_away(fault):
            raise
        faults.append(fault)


def _is_away(fault: OperationalError) -> bool:
    """Whether the database does not answer, rather than refuse one statement, as it does over a held lock."""
    state = getattr(fault.orig, "sqlstate", None)
    return state is None or state.startswith(("08", "57P"))


# matches


def _unanswered(uow: UnitOfWork, *conditions: ColumnElement[bool]) -> Select[str]:
    return (
        select(Match.id)
        .where(Match.via == Via.DIRECT, Match.status == MatchStatus.REQUESTED, *conditions)
        .order_by(Match.since, Match.id)
    )


def _without_reply(uow: UnitOfWork) -> Select[str]:
    return _unanswered(uow, Match.due_at <= uow.now)


def _end_without_reply(uow: UnitOfWork, match_id: str) -> None:
    match = _locked_match(uow, match_id, _without_reply(uow))
    if match is not None:
        matches.no_reply(uow, match_id)


def _to_remind(uow: UnitOfWork) -> Select[str]:
    since = uow.now - timedelta(days=uow.limits.reminder_days)
    return _unanswered(uow, Match.reminded_at.is_(None), Match.since <= since)


def _remind(uow: UnitOfWork, match_id: str) -> None:
    match = _locked_match(uow, match_id, _to_remind(uow))
    if match is not None and uow.once("match_reminder", f"{match.id}:{match.since.isoformat()}"):
        match.reminded_at = uow.now
        uow.record("MatchReminderDue", match, SYSTEM, action="remind")


def _late(uow: UnitOfWork) -> Select[str]:
    """Cases that somebody let lie: a unit, the administrator, or two schools that owe a report."""
    in_queue = and_(Match.status == MatchStatus.REQUESTED, Match.handler_kind == HandlerKind.ADMIN)
    with_unit = Match.status.in_((MatchStatus.ROUTED, MatchStatus.IN_PROGRESS))
    report_owed = Match.status == MatchStatus.AGREED
    return (
        select(Match.id)
        .where(or_(in_queue, with_unit, report_owed), Match.overdue.is_(False), Match.due_at <= uow.now)
        .order_by(Match.due_at, Match.id)
    )


def _mark_overdue(uow: UnitOfWork, match_id: str) -> None:
    match = _locked_match(uow, match_id, _late(uow))
    if match is None:
        return
    match.overdue = True
    if uow.once("match_overdue", f"{match.id}:{match.since.isoformat()}"):
        uow.record("MatchBecameOverdue", match, SYSTEM, action="overdue")
        if match.status == MatchStatus.AGREED:
            uow.record("ReportBecameDue", match, SYSTEM, action="report_due", again=False)


def _report_still_owed(uow: UnitOfWork) -> Select[str]:
    due = uow.now - timedelta(days=uow.limits.report_days)
    done = select(Duty.period_key).where(Duty.name == "report_reminder", Duty.period_key == Match.id)
    return (
        select(Match.id)
        .where(Match.status == MatchStatus.AGREED, Match.overdue, Match.due_at <= due, ~done.exists())
        .order_by(Match.due_at, Match.id)
    )


def _remind_of_report(uow: UnitOfWork, match_id: str) -> None:
    match = _locked_match(uow, match_id, _report_still_owed(uow))
    if match is not None and uow.once("report_reminder", match.id):
        uow.record("ReportBecameDue", match, SYSTEM, action="report_due", again=True)


def _locked_match(uow: UnitOfWork, match_id: str, due: Select[str]) -> Match | None:
    """The match, held and still due; None where somebody acted meanwhile."""
    match = uow.get(Match, match_id)
    uow.lock(match)
    return match if uow.session.scalar(due.where(Match.id == match_id)) else None


# meetings


def _unchosen(uow: UnitOfWork) -> Select[str]:
    """Meetings for which every time that was named has passed."""
    return (
        select(Meeting.id)
        .where(Meeting.status == MeetingStatus.PROPOSED, uow.now >= all_(Meeting.starts))
        .order_by(Meeting.updated_at, Meeting.id)
    )


def _let_meeting_lapse(uow: UnitOfWork, meeting_id: str) -> None:
    meeting = uow.get(Meeting, meeting_id)
    uow.lock(meeting)
    if uow.session.scalar(_unchosen(uow).where(Meeting.id == meeting_id)):
        meetings.lapse(uow, meeting_id)


# posts


def _past_last_day(uow: UnitOfWork) -> Select[str]:
    return (
        select(Invitation.id)
        .where(Invitation.status == PostStatus.PUBLISHED, Invitation.expires_on < uow.today)
        .order_by(Invitation.expires_on, Invitation.id)
    )


def _expire(uow: UnitOfWork, invitation_id: str) -> None:
    if _locked_post(uow, invitation_id, _past_last_day(uow)) is not None:
        invitations.expire(uow, invitation_id)


def _expiring_soon(uow: UnitOfWork) -> Select[str]:
    last = uow.today + timedelta(days=uow.limits.expiry_notice_days)
    key = func.concat(Invitation.id, ":", func.to_char(Invitation.expires_on, "YYYY-MM-DD"))
    done = select(Duty.period_key).where(Duty.name == "expiry_notice", Duty.period_key == key)
    return (
        select(Invitation.id)
        .where(
            Invitation.status == PostStatus.PUBLISHED,
            Invitation.expires_on.between(uow.today, last),
            ~done.exists(),
        )
        .order_by(Invitation.expires_on, Invitation.id)
    )


def _give_notice(uow: UnitOfWork, invitation_id: str) -> None:
    post = _locked_post(uow, invitation_id, _expiring_soon(uow))
    if post is None or post.expires_on is None:
        return
    last_day = post.expires_on.isoformat()
    if uow.once("expiry_notice", f"{post.id}:{last_day}"):
        uow.record("InvitationExpirySoon", post, SYSTEM, action="expiry_notice", expires_on=last_day)


_returned_at: Final = func.coalesce(Invitation.decided_at, Invitation.updated_at)


def _returned(uow: UnitOfWork, days: int) -> Select[str]:
    return (
        select(Invitation.id)
        .where(Invitation.status == PostStatus.RETURNED, _returned_at <= uow.now - timedelta(days=days))
        .order_by(_returned_at, Invitation.id)
    )


def _given_up(uow: UnitOfWork) -> Select[str]:
    return _returned(uow, uow.limits.returned_close_days)


def _lapse(uow: UnitOfWork, invitation_id: str) -> None:
    if _locked_post(uow, invitation_id, _given_up(uow)) is not None:
        invitations.lapse(uow, invitation_id)


def _still_returned(uow: UnitOfWork) -> Select[str]:
    reminded = select(Event.id).where(
        Event.subject_type == Invitation.subject_type,
        Event.subject_id == Invitation.id,
        Event.action == "returned_reminder",
        Event.at >= _returned_at,
    )
    return _returned(uow, uow.limits.returned_reminder_days).where(~reminded.exists())


def _remind_of_returned(uow: UnitOfWork, invitation_id: str) -> None:
    post = _locked_post(uow, invitation_id, _still_returned(uow))
    if post is None:
        return
    returned_at = post.decided_at or post.updated_at
    if uow.once("returned_reminder", f"{post.id}:{returned_at.isoformat()}"):
        uow.record("ReturnedReminderDue", post, SYSTEM, action="returned_reminder")


def _locked_post(uow: UnitOfWork, invitation_id: str, due: Select[str]) -> Invitation | None:
    """The post, held and still due; None where somebody acted meanwhile."""
    post = uow.get(Invitation, invitation_id)
    uow.lock(post)
    return post if uow.session.scalar(due.where(Invitation.id == invitation_id)) else None


# possible partners


def _without_suggestions(uow: UnitOfWork) -> Select[str]:
    """Public posts whose list was not made since the last morning, and for which nothing is owed yet; a part of them,
    for what else is owed waits behind."""
    waiting = select(OutboxRow.id).where(
        OutboxRow.job == SUGGEST,
        OutboxRow.subject_id == Invitation.id,
        OutboxRow.done_at.is_(None),
        OutboxRow.parked_at.is_(None),
    )
    key = func.concat("suggest:", Invitation.id, ":", _morning(uow).date().isoformat())
    owed = select(OutboxRow.id).where(OutboxRow.dedup_key == key)
    return suggestions.stale(uow, _morning(uow)).where(~waiting.exists(), ~owed.exists()).limit(MOST_SUGGESTED)


def _owe_suggestions(uow: UnitOfWork, invitation_id: str) -> None:
    key = f"suggest:{invitation_id}:{_morning(uow).date().isoformat()}"
    uow.owe(SUGGEST, subject_type="invitation", subject_id=invitation_id, dedup_key=key)


def _morning(uow: UnitOfWork) -> datetime:
    """The last time it was the hour of suggestions, where the house is."""
    local = uow.now.astimezone(ZoneInfo(uow.zone))
    day = local.date() if local.time() >= SUGGEST_HOUR else local.date() - timedelta(days=1)
    return datetime.combine(day, SUGGEST_HOUR, local.tzinfo)


# digests


def _readers(uow: UnitOfWork) -> Select[str]:
    """Units whose digest of the present period has not been looked at yet."""
    units = uow.session.scalars(select(Unit).where(Unit.enabled, Unit.digest_frequency != rhythms.PAUSED)).all()
    keys = {_period_key(unit, uow.now): unit.code for unit in units}
    done = set(uow.session.scalars(select(Duty.period_key).where(Duty.name == "digest", Duty.period_key.in_(keys))))
    open_codes = [code for key, code in keys.items() if key not in done]
    return select(Unit.code).where(Unit.code.in_(open_codes)).order_by(Unit.code)


def _issue_digest(uow: UnitOfWork, code: str) -> None:
    unit = uow.get(Unit, code)
    if uow.once("digest", _period_key(unit, uow.now)):
        digests.make_issue(uow, unit, rhythms.last_day(unit.digest_frequency, unit.timezone, uow.now).isoformat())


def _period_key(unit: Unit, now: datetime) -> str:
    return rhythms.digest_key(unit.code, unit.digest_frequency, unit.timezone, now)


# the one mail a day to a person: what saved searches met, and who could fit


def _with_news(uow: UnitOfWork) -> Select[str]:
    """People whose hour has come and who were not looked at since, if something may wait for them."""
    waiting = or_(User.id.in_(saved_searches.readers()), User.id.in_(suggestions.readers(uow)))
    clocks = uow.session.execute(select(User.id, User.timezone, User.news_hour).where(waiting)).all()
    keys = {
        _look_key(user_id, zone, hour, uow.now): user_id
        for user_id, zone, hour in clocks
        if rhythms.hour_has_come(hour, zone, uow.now)
    }
    done = set(uow.session.scalars(select(Duty.period_key).where(Duty.name == LOOK, Duty.period_key.in_(keys))))
    ids = [user_id for key, user_id in keys.items() if key not in done]
    return select(User.id).where(User.id.in_(ids)).order_by(User.id)


def _issue_news(uow: UnitOfWork, user_id: str) -> None:
    """Look once a day at what waits for a person, once more after another hour was chosen; tell of it once a day."""
    user = uow.get(User, user_id)
    zone, hour = user.timezone, user.news_hour
    if not rhythms.hour_has_come(hour, zone, uow.now) or not uow.once(LOOK, _look_key(user.id, zone, hour, uow.now)):
        return
    day, monday = (rhythms.last_moment(frequency, zone, uow.now, hour=hour) for frequency in ("daily", "weekly"))
    pairs = saved_searches.due_pairs(uow, user.id, day=day, monday=monday)
    fitting = suggestions.untold(uow, user)
    if (pairs or fitting) and uow.once(NEWS, _news_key(user.id, zone, uow.now)):
        period = rhythms.local_day(zone, uow.now).isoformat()
        uow.record("NewsBecameDue", user, SYSTEM, action="news", period=period, pairs=pairs, fitting=fitting)


def _look_key(user_id: str, timezone: str, hour: int, now: datetime) -> str:
    return f"{_news_key(user_id, timezone, now)}:{hour}"


def _news_key(user_id: str, timezone: str, now: datetime) -> str:
    return f"{user_id}:{rhythms.local_day(timezone, now).isoformat()}"


DUTIES: Final[Sequence[Each]] = (
    Each(_without_reply, _end_without_reply),  # before the reminders: what has ended needs none
    Each(_to_remind, _remind),
    Each(_late, _mark_overdue),
    Each(_report_still_owed, _remind_of_report),
    Each(_unchosen, _let_meeting_lapse),
    Each(_past_last_day, _expire),
    Each(_expiring_soon, _give_notice),
    Each(_given_up, _lapse),
    Each(_still_returned, _remind_of_returned),
    Each(_readers, _issue_digest),
    Each(_with_news, _issue_news),
    Each(_without_suggestions, _owe_suggestions),
)


def settle_after_restore(open_unit_of_work: Open, now: datetime) -> None:
    """Take what a restored database believes to be unsent for sent, as far as nobody can know.

    Between the backup and the restore mails went out and digests were issued that the database has forgotten; to send
    them again would break the promise that no digest comes twice. The mails are shown as `unknown`.
    """
    with open_unit_of_work(now) as uow:
        deliveries.settle_unsent(uow)
        saved_searches.settle_untold(uow)
        suggestions.settle_untold(uow)
        for unit in uow.session.scalars(select(Unit)):
            for frequency in ("daily", "weekly"):
                uow.once("digest", rhythms.digest_key(unit.code, frequency, unit.timezone, now))


# the record, once an hour


def _seal(open_unit_of_work: Open, now: datetime) -> None:
    """Seal what was written since the last time, in bites; the hour is marked as done at the end."""
    hour = now.astimezone(UTC).strftime("%Y-%m-%dT%H")
    with open_unit_of_work(now) as uow:
        if uow.session.get(Duty, (SEAL, hour)) is not None:
            return
        up_to = seals.settled_up_to(uow, patience_seconds=SEAL_PATIENCE_SECONDS)
    if up_to is None:
        return
    while _sealed_some(open_unit_of_work, now, up_to):
        pass
    with open_unit_of_work(now) as uow:
        uow.once(SEAL, hour)


def _sealed_some(open_unit_of_work: Open, now: datetime, up_to: int) -> bool:
    with open_unit_of_work(now) as uow:
        return seals.seal_next(uow, up_to)


# once a night


def _night_of(uow: UnitOfWork) -> str:
    """The day whose night hour was the last one."""
    local = uow.now.astimezone(ZoneInfo(uow.zone))
    day = local.date() if local.time() >= NIGHT else local.date() - timedelta(days=1)
    return day.isoformat()


def _reconcile(open_unit_of_work: Open, now: datetime) -> None:
    with open_unit_of_work(now) as uow:
        night = _night_of(uow)
        if uow.once("reconcile_index", night):
            uow.owe(RECONCILE_INDEX, subject_type="index", subject_id="invitations", dedup_key=f"reconcile:{night}")


def _prune(open_unit_of_work: Open, now: datetime) -> None:
    """Clear away what nobody needs any more, in small bites; the night is marked as done at the end."""
    with open_unit_of_work(now) as uow:
        night = _night_of(uow)
        if uow.session.get(Duty, ("prune", night)) is not None:
            return
    for clear in _CLEARINGS:
        while _bite(open_unit_of_work, now, clear):
            pass
    with open_unit_of_work(now) as uow:
        uow.once("prune", night)


def _bite(open_unit_of_work: Open, now: datetime, clear: Callable[[datetime], Any]) -> bool:
    """Whether there may be more."""
    with open_unit_of_work(now) as uow:
        statement = clear(now).returning(literal(1))
        cleared = uow.session.execute(statement, execution_options={"synchronize_session": False})
        return len(cleared.all()) >= BATCH


def _some(table: Any, *conditions: ColumnElement[bool]) -> Any:
    """The first of the rows that are to go."""
    keys = list(table.__table__.primary_key.columns)
    return select(*keys).where(*conditions).limit(BATCH)


def _old_keys(now: datetime) -> Any:
    key = tuple_(IdempotencyKey.owner, IdempotencyKey.route, IdempotencyKey.key)
    return delete(IdempotencyKey).where(key.in_(_some(IdempotencyKey, IdempotencyKey.created_at < now - KEPT_KEYS)))


def _ended_sessions(now: datetime) -> Any:
    before = now - KEPT_SESSIONS
    over = or_(SignInSession.ended_at < before, SignInSession.expires_at < before)
    return delete(SignInSession).where(SignInSession.id.in_(_some(SignInSession, over)))


def _old_links(now: datetime) -> Any:
    return delete(MailLink).where(MailLink.id.in_(_some(MailLink, MailLink.expires_at < now - KEPT_LINKS)))


def _done_rows(now: datetime) -> Any:
    return delete(OutboxRow).where(OutboxRow.id.in_(_some(OutboxRow, OutboxRow.done_at < now - KEPT_ROWS)))


def _old_mails(now: datetime) -> Any:
    old = and_(
        EmailDelivery.created_at < now - KEPT_MAILS,
        EmailDelivery.status.not_in(("queued", "sending")),
        EmailDelivery.text.is_not(None),
    )
    return (
        update(EmailDelivery)
        .where(EmailDelivery.id.in_(_some(EmailDelivery, old)))
        .values(text=None, html=None, calendar=None)
    )


def _old_marks(now: datetime) -> Any:
    key = tuple_(Duty.name, Duty.period_key)
    return delete(Duty).where(key.in_(_some(Duty, Duty.name.in_((LOOK, SEAL)), Duty.done_at < now - KEPT_KEYS)))


_CLEARINGS: Final = (_old_marks, _old_keys, _ended_sessions, _old_links, _done_rows, _old_mails)
