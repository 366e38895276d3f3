"""What waits for somebody: one list for every role, the most urgent first.

A mail only tells; this list is the truth, so it reads the tables of the work itself and keeps no copy that could lag.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, DateTime, Select, Text, and_, cast, func, literal, null, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from iew import i18n
from iew.db import Page, keyset_page
from iew.domain.actors import NAMES_WITHOUT_BODY, Actor, Role
from iew.domain.invitations import RevisionStatus
from iew.domain.invitations import Status as PostStatus
from iew.domain.matches import HandlerKind, ProposalStatus, Via
from iew.domain.matches import Status as MatchStatus
from iew.domain.meetings import Status as MeetingStatus
from iew.domain.questions import Status as QuestionStatus
from iew.domain.schools import Status as SchoolStatus
from iew.errors import N_
from iew.errors import Text as Sentence
from iew.models import (
    EmailDelivery,
    Event,
    Invitation,
    Match,
    Meeting,
    OutboxRow,
    Proposal,
    Question,
    Revision,
    School,
    Unit,
    User,
    in_area,
)
from iew.outbox import SEND_MAIL
from iew.uow import UnitOfWork

SHOWN_DAYS: Final = 30
"""How long a mail that did not arrive is shown; nobody can send it again, so it is news and not a task for ever."""
_NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)
_AMBIGUOUS: Final = ("failed", "unknown")

Waiting = Select[tuple[str, str, str, datetime, datetime]]
Column = ColumnElement[Any] | InstrumentedAttribute[Any]


@dataclass(frozen=True)
class Item:
    """One thing to do. language: in which its title is and its page should be."""

    kind: str
    subject_type: str
    subject_id: str
    title: str
    since: datetime
    due_at: datetime | None
    language: str

    @property
    def subject(self) -> dict[str, str]:
        return {"type": self.subject_type, "id": self.subject_id}


def waiting(
    uow: UnitOfWork,
    actor: Actor,
    *,
    language: str,
    kinds: Iterable[str] = (),
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Item]:
    """What waits for the actor: by deadline, then by how long it waits. Raises BadRequest (`bad_cursor`)."""
    rows = _everything(uow, actor, tuple(kinds))
    if rows is None:
        return Page([], None, 0)
    table = rows.subquery()
    columns = table.c
    page = keyset_page(
        uow.session,
        select(func.jsonb_build_object(*(part for column in columns for part in (literal(column.name), column)))),
        [columns.due, columns.since, columns.kind, columns.subject_id],
        key=lambda row: (_moment(row["due"]), _moment(row["since"]), row["kind"], row["subject_id"]),
        cursor=cursor,
        limit=limit,
    )
    titles = _titles(uow, page.items, language)
    return Page([_item(row, titles, language) for row in page.items], page.next_cursor, page.total)


def counts(uow: UnitOfWork, actor: Actor) -> dict[str, int]:
    """Kind -> how much of it waits; kinds of which nothing waits are left out."""
    rows = _everything(uow, actor, ())
    if rows is None:
        return {}
    table = rows.subquery()
    counted = uow.session.execute(select(table.c.kind, func.count()).group_by(table.c.kind))
    return {kind: count for kind, count in counted}  # noqa: C416 - rows, typed one by one


def _everything(uow: UnitOfWork, actor: Actor, kinds: tuple[str, ...]) -> Any:
    parts = [part for kind, part in _parts(uow, actor) if not kinds or kind in kinds]
    return union_all(*parts) if parts else None


def _parts(uow: UnitOfWork, actor: Actor) -> list[tuple[str, Waiting]]:
    """The statements that find the actor's work, each with its kind."""
    found: list[tuple[str, Waiting]] = []
    if actor.is_admin:
        found += [*_reviews(), _approvals(School.approver_code.is_(None)), _queue(), _open_questions()]
    if actor.is_operator:
        found += _deliveries(uow.now)
    unit = uow.session.get(Unit, actor.unit_code) if actor.is_unit and actor.unit_code else None
    if unit is not None:
        found += [_approvals(School.approver_code == unit.code), _cases_of_unit(actor)]
        found.append(_unreached(in_area(uow.session, unit)))
    if actor.role is Role.SCHOOL and actor.school_id is not None:
        found += [
            *_asked_of(actor.school_id),
            _times_to_choose(actor.school_id),
            _reports(actor.school_id, uow.now),
            *_returned(actor.school_id, uow),
        ]
    if actor.user_id is not None:
        found.append(_answers(actor.user_id))
    return found


def _work(
    kind: str,
    subject: str,
    subject_id: Column,
    since: Column,
    due: Column | None,
    *conditions: ColumnElement[bool],
) -> tuple[str, Waiting]:
    at = DateTime(timezone=True)
    columns = (
        literal(kind, Text()).label("kind"),
        literal(subject, Text()).label("subject_type"),
        cast(subject_id, Text()).label("subject_id"),
        cast(since, at).label("since"),
        func.coalesce(null() if due is None else due, literal(_NEVER, at)).label("due"),
    )
    return kind, select(*columns).where(*conditions)


# the work of each role


def _reviews() -> list[tuple[str, Waiting]]:
    return [
        _work(
            "review", "invitation", Invitation.id, func.coalesce(Invitation.submitted_at, Invitation.updated_at), None,
            Invitation.status == PostStatus.SUBMITTED.value,
        ),
        _work(
            "review", "invitation", Revision.invitation_id, func.coalesce(Revision.submitted_at, Revision.updated_at),
            None,
            Revision.status == RevisionStatus.SUBMITTED.value,
        ),
    ]  # fmt: skip


def _approvals(whose: ColumnElement[bool]) -> tuple[str, Waiting]:
    pending = School.status == SchoolStatus.PENDING.value
    return _work("school_approval", "school", School.id, School.created_at, None, pending, whose)


def _queue() -> tuple[str, Waiting]:
    return _case(
        Match.status == MatchStatus.REQUESTED.value,
        Match.via == Via.ASSISTED.value,
        Match.handler_kind == HandlerKind.ADMIN.value,
    )


def _cases_of_unit(actor: Actor) -> tuple[str, Waiting]:
    return _case(
        Match.status.in_([MatchStatus.ROUTED.value, MatchStatus.IN_PROGRESS.value]),
        Match.handler_kind == str(actor.role),
        Match.handler_code == actor.unit_code,
    )


def _case(*conditions: ColumnElement[bool]) -> tuple[str, Waiting]:
    return _work("match", "match", Match.id, Match.since, Match.due_at, *conditions)


def _asked_of(school_id: str) -> list[tuple[str, Waiting]]:
    """Direct requests to the school, and proposals it has not answered."""
    direct = _case(
        Match.via == Via.DIRECT.value,
        Match.status == MatchStatus.REQUESTED.value,
        Match.posting_school_id == school_id,
    )
    proposed = _work(
        "match", "match", Match.id, Proposal.proposed_at, Match.due_at,
        Proposal.match_id == Match.id,
        Proposal.school_id == school_id,
        Proposal.status == ProposalStatus.OPEN.value,
        Match.status == MatchStatus.IN_PROGRESS.value,
    )  # fmt: skip
    return [direct, proposed]


def _times_to_choose(school_id: str) -> tuple[str, Waiting]:
    """Meetings for which the school is to choose a time; a request it has not answered stands there already."""
    asking = Match.asking_school_id == school_id
    other = or_(Match.partner_school_id == school_id, Match.posting_school_id == school_id)
    return _work(
        "match", "match", Match.id, Meeting.updated_at, None,
        Meeting.match_id == Match.id,
        Meeting.status == MeetingStatus.PROPOSED.value,
        Meeting.proposed_by_id != school_id,
        or_(asking, and_(other, Match.status == MatchStatus.AGREED.value)),
    )  # fmt: skip


def _reports(school_id: str, now: datetime) -> tuple[str, Waiting]:
    return _work(
        "report", "match", Match.id, Match.since, Match.due_at,
        Match.status == MatchStatus.AGREED.value,
        Match.due_at <= now,
        or_(Match.asking_school_id == school_id, Match.partner_school_id == school_id),
    )  # fmt: skip


def _returned(school_id: str, uow: UnitOfWork) -> list[tuple[str, Waiting]]:
    """What came back to the school to be corrected: posts, revisions, its own entry."""
    post, revision = Invitation, Revision
    returned_at = func.coalesce(post.decided_at, post.updated_at)
    closes_at = returned_at + timedelta(days=uow.limits.returned_close_days)
    return [
        _work(
            "returned", "invitation", post.id, returned_at, closes_at,
            post.status == PostStatus.RETURNED.value, post.school_id == school_id,
        ),
        _work(
            "returned", "invitation", post.id, revision.updated_at, None,
            revision.invitation_id == post.id, revision.status == RevisionStatus.RETURNED.value,
            post.school_id == school_id,
        ),
        _work(
            "returned", "school", School.id, School.updated_at, None,
            School.id == school_id, School.status == SchoolStatus.ASKED.value,
        ),
    ]  # fmt: skip


def _open_questions() -> tuple[str, Waiting]:
    return _work(
        "question", "question", Question.id, Question.updated_at, None, Question.status == QuestionStatus.OPEN.value
    )


def _answers(user_id: str) -> tuple[str, Waiting]:
    """Answers that the asker has not read."""
    return _work(
        "question", "question", Question.id, Question.updated_at, None,
        Question.asker_id == user_id,
        Question.status == QuestionStatus.ANSWERED.value,
        or_(Question.seen_at.is_(None), Question.seen_at < Question.updated_at),
    )  # fmt: skip


def _unreached(here: ColumnElement[bool]) -> tuple[str, Waiting]:
    """Schools to which mail does not arrive, or not to all of their accounts; whoever looks after them can ring up."""
    refused = (User.school_id == School.id, User.disabled_at.is_(None), User.mail_refused_at.is_not(None))
    since = select(func.min(User.mail_refused_at)).where(*refused).correlate(School).scalar_subquery()
    any_refused = select(User.id).where(*refused).correlate(School).exists()
    return _work("delivery", "school", School.id, since, None, any_refused, here)


def _deliveries(now: datetime) -> list[tuple[str, Waiting]]:
    """Jobs that were given up, mails that did not arrive, and accounts that mail does not reach; named by kind or by
    body, without any address. A mail that failed because of its address stands for nothing beside the account.
    """
    parked = (OutboxRow.parked_at.is_not(None), OutboxRow.done_at.is_(None))
    shown_as_job = (
        select(OutboxRow.id)
        .where(*parked, OutboxRow.job == SEND_MAIL, OutboxRow.subject_id == EmailDelivery.id)
        .correlate(EmailDelivery)
        .exists()
    )
    blamed = (
        select(Event.id)
        .where(
            Event.subject_type == User.subject_type,
            Event.subject_id == EmailDelivery.user_id,
            Event.action == "mail_refused",
            Event.at >= EmailDelivery.created_at,
        )
        .correlate(EmailDelivery)
        .exists()
    )
    refused = (User.mail_refused_at.is_not(None), User.disabled_at.is_(None))
    return [
        _work("delivery", "user", User.id, User.mail_refused_at, None, *refused),
        _work("delivery", "job", OutboxRow.id, OutboxRow.parked_at, None, *parked),
        _work(
            "delivery", "delivery", EmailDelivery.id, EmailDelivery.created_at, None,
            EmailDelivery.status.in_(_AMBIGUOUS),
            EmailDelivery.created_at > now - timedelta(days=SHOWN_DAYS),
            ~shown_as_job,
            or_(EmailDelivery.status != "failed", ~blamed),
        ),
    ]  # fmt: skip


# how the items are called


def _item(row: Mapping[str, str], titles: Mapping[tuple[str, str], str], language: str) -> Item:
    due = _moment(row["due"])
    return Item(
        kind=row["kind"],
        subject_type=row["subject_type"],
        subject_id=row["subject_id"],
        title=titles.get((_named_as(row), row["subject_id"]), ""),
        since=_moment(row["since"]),
        due_at=None if due == _NEVER else due,
        language=language,
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _titles(uow: UnitOfWork, rows: Iterable[Mapping[str, str]], language: str) -> dict[tuple[str, str], str]:
    wanted: dict[str, set[str]] = {}
    for row in rows:
        wanted.setdefault(_named_as(row), set()).add(row["subject_id"])
    return {
        (subject, subject_id): title
        for subject, ids in wanted.items()
        for subject_id, title in _TITLES[subject](uow, ids, language)
    }


def _named_as(row: Mapping[str, str]) -> str:
    """What to look a title up by: a school that waits for approval is called otherwise than one without mail."""
    return "unreached" if row["kind"] == "delivery" and row["subject_type"] == "school" else row["subject_type"]


Titled = Iterable[tuple[str, str]]


def _post_titles(uow: UnitOfWork, ids: set[str], language: str) -> Titled:
    rows = uow.session.execute(select(Invitation.id, Invitation.title).where(Invitation.id.in_(ids)))
    return ((row.id, row.title) for row in rows)


def _school_names(uow: UnitOfWork, ids: set[str], language: str) -> Titled:
    for school in uow.session.scalars(select(School).where(School.id.in_(ids))):
        yield school.id, school.display_name(language)


def _unreached_schools(uow: UnitOfWork, ids: set[str], language: str) -> Titled:
    return ((school_id, _unreached_words(name, language)) for school_id, name in _school_names(uow, ids, language))


def _bodies_of_users(uow: UnitOfWork, ids: set[str], language: str) -> Titled:
    """Accounts by their school or unit: an operator's list names nobody."""
    people = select(User).where(User.id.in_(ids)).options(joinedload(User.school))
    for user in uow.session.scalars(people):
        unit = uow.session.get(Unit, user.unit_code) if user.unit_code else None
        if user.school is not None:
            name = user.school.display_name(language)
        else:
            name = unit.name(language) if unit else i18n.say(Sentence(NAMES_WITHOUT_BODY[user.role]), language)
        yield user.id, _unreached_words(name, language)


def _unreached_words(name: str, language: str) -> str:
    return i18n.say(Sentence(N_("%(name)s: mail does not arrive"), {"name": name}), language)


def _case_titles(uow: UnitOfWork, ids: set[str], language: str) -> Titled:
    matches = select(Match).where(Match.id.in_(ids))
    for match in uow.session.scalars(matches.options(joinedload(Match.invitation), joinedload(Match.asking_school))):
        about = match.invitation.title if match.invitation else match.asking_school.display_name(language)
        yield match.id, f"{match.number} · {about}"


def _question_numbers(uow: UnitOfWork, ids: set[str], language: str) -> Titled:
    for question in uow.session.scalars(select(Question).where(Question.id.in_(ids))):
        yield question.id, question.number


def _job_names(uow: UnitOfWork, ids: set[str], language: str) -> Titled:
    rows = select(OutboxRow.id, OutboxRow.job).where(OutboxRow.id.in_(int(row_id) for row_id in ids))
    return ((str(row.id), row.job) for row in uow.session.execute(rows))


def _mail_kinds(uow: UnitOfWork, ids: set[str], language: str) -> Titled:
    rows = uow.session.execute(select(EmailDelivery.id, EmailDelivery.kind).where(EmailDelivery.id.in_(ids)))
    return ((row.id, row.kind) for row in rows)


_TITLES: Final[Mapping[str, Callable[[UnitOfWork, set[str], str], Titled]]] = {
    "invitation": _post_titles,
    "school": _school_names,
    "unreached": _unreached_schools,
    "user": _bodies_of_users,
    "match": _case_titles,
    "question": _question_numbers,
    "job": _job_names,
    "delivery": _mail_kinds,
}
