"""The reviewer's desk: what waits, what changed since it was read last, what to look at twice, who else is at it.

Deciding is a verb of the post (`invitations.act`); here is only what helps to decide.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import selectinload

from iew.db import Page, keyset_page
from iew.domain.actors import Actor
from iew.domain.hints import Hint, borrows_letters, hints_in_body, mixed_script_words, skeleton
from iew.domain.invitations import Party, RevisionStatus, Status
from iew.domain.posts import Body, changed_fields
from iew.errors import NotAllowed, NotFound
from iew.models import Event, Invitation, Revision, School, User
from iew.uow import UnitOfWork

OPEN_MINUTES: Final = 30
"""How long a colleague is told that somebody else has a case open."""
_OTHER_POSTS: Final = 5


@dataclass(frozen=True)
class Change:
    """A field that is not as it was when it was read last; of a contact only that it changed."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class OpenedBy:
    """A colleague who has the case open."""

    name: str
    at: datetime


@dataclass(frozen=True)
class ReviewCase:
    """A text that waits for its reader: a new post, or the revision of a published one.

    since: when it was submitted. text: what is to be read. first: nobody has read any text of this post before.
    others: the latest other posts of the school. opened: a colleague who is at it.
    """

    invitation: Invitation
    kind: str
    since: datetime
    text: Body
    first: bool
    changed: list[Change]
    hints: list[Hint]
    others: list[Invitation]
    opened: OpenedBy | None


def queue(uow: UnitOfWork, actor: Actor, *, cursor: str | None = None, limit: int = 20) -> Page[ReviewCase]:
    """All texts that wait, oldest first. Raises NotAllowed, BadRequest for a bad cursor."""
    if not actor.is_admin:
        raise NotAllowed
    page = keyset_page(
        uow.session,
        _waiting(),
        (_SINCE, Invitation.id),
        key=lambda post: (_since(post), post.id),
        cursor=cursor,
        limit=limit,
    )
    return Page(_cases(uow, page.items, actor), page.next_cursor, page.total)


def open_case(uow: UnitOfWork, invitation_id: str, actor: Actor) -> ReviewCase:
    """One waiting text; colleagues who open it too are told from now on. Raises NotAllowed, NotFound."""
    if not actor.is_admin:
        raise NotAllowed
    invitation = uow.session.scalar(_waiting().where(Invitation.id == invitation_id))
    if invitation is None:
        raise NotFound
    case = _cases(uow, [invitation], actor)[0]
    invitation.opened_by, invitation.opened_at = actor.user_id, uow.now
    return case


def next_case(uow: UnitOfWork, actor: Actor, *, after: str | None = None) -> Invitation | None:
    """The oldest waiting post, but `after`, that `actor` may decide on; better one that no colleague has open."""
    waiting = [
        post
        for post in uow.session.scalars(_waiting().order_by(_SINCE, Invitation.id).limit(50))
        if post.id != after and Party.ADMIN in post.parties_of(actor)
    ]
    free = (post for post in waiting if not _is_open_elsewhere(uow, post, actor))
    return next(free, waiting[0] if waiting else None)


_SINCE: Final = func.coalesce(Revision.submitted_at, Invitation.submitted_at, Invitation.created_at)


def _waiting() -> Select[Any]:
    submitted = and_(Revision.invitation_id == Invitation.id, Revision.status == RevisionStatus.SUBMITTED)
    return (
        select(Invitation)
        .outerjoin(Revision, submitted)
        .where(
            or_(
                Invitation.status == Status.SUBMITTED,
                and_(Invitation.status == Status.PUBLISHED, Revision.id.is_not(None)),
            )
        )
        .options(selectinload(Invitation.school), selectinload(Invitation.revisions))
    )


def _since(post: Invitation) -> datetime:
    revised = post.revision.submitted_at if post.pending_revision and post.revision else None
    return revised or post.submitted_at or post.created_at


def _is_open_elsewhere(uow: UnitOfWork, post: Invitation, actor: Actor) -> bool:
    recent = post.opened_at is not None and uow.now - post.opened_at < timedelta(minutes=OPEN_MINUTES)
    return recent and post.opened_by not in (None, actor.user_id)


def _cases(uow: UnitOfWork, posts: Sequence[Invitation], actor: Actor) -> list[ReviewCase]:
    touched = _contacts_changed_at(uow, posts)
    others = _other_posts(uow, posts)
    colleagues = _colleagues(uow, posts, actor)
    twins = _twins(uow, {post.school for post in posts})
    cases = []
    for post in posts:
        revision = post.revision if post.pending_revision else None
        text = revision.body if revision else post.body
        before = post.reviewed_body or (post.body if revision else None)
        cases.append(
            ReviewCase(
                invitation=post,
                kind="revision" if revision else "post",
                since=_since(post),
                text=text,
                first=before is None,
                changed=_changes(post, before, text, touched.get(post.id)) if before is not None else [],
                hints=hints_in_body(text) + twins[post.school_id],
                others=others[post.school_id, post.id],
                opened=colleagues.get(post.id),
            )
        )
    return cases


def _changes(post: Invitation, before: Body, text: Body, contact_changed_at: datetime | None) -> list[Change]:
    changes = [Change(name, before.get(name), text.get(name)) for name in changed_fields(before, text)]
    if contact_changed_at is not None and contact_changed_at > (post.decided_at or post.created_at):
        changes.append(Change("contact", None, None))
    return changes


def _contacts_changed_at(uow: UnitOfWork, posts: Iterable[Invitation]) -> Mapping[str, datetime]:
    """Post id -> when its contact was changed last; the history says that it was, never what it is."""
    rows = uow.session.execute(
        select(Event.subject_id, func.max(Event.at))
        .where(
            Event.subject_type == Invitation.subject_type,
            Event.subject_id.in_([post.id for post in posts]),
            Event.details["fields"].contains(["contact"]),
        )
        .group_by(Event.subject_id)
    )
    return dict(rows.all())


def _other_posts(uow: UnitOfWork, posts: Sequence[Invitation]) -> Mapping[tuple[str, str], list[Invitation]]:
    """(school, post) -> the latest other posts of that school, but its drafts."""
    place = func.row_number().over(partition_by=Invitation.school_id, order_by=Invitation.created_at.desc())
    ranked = (
        select(Invitation.id, place.label("place"))
        .where(Invitation.school_id.in_({post.school_id for post in posts}), Invitation.status != Status.DRAFT)
        .subquery()
    )
    found = uow.session.scalars(
        select(Invitation)
        .join(ranked, ranked.c.id == Invitation.id)
        .where(ranked.c.place <= _OTHER_POSTS + 1)
        .order_by(Invitation.created_at.desc())
    ).all()
    return {
        (post.school_id, post.id): [
            other for other in found if other.school_id == post.school_id and other.id != post.id
        ][:_OTHER_POSTS]
        for post in posts
    }


def _colleagues(uow: UnitOfWork, posts: Iterable[Invitation], actor: Actor) -> Mapping[str, OpenedBy]:
    opened = {post.id: post for post in posts if _is_open_elsewhere(uow, post, actor)}
    names = dict(
        uow.session.execute(
            select(User.id, User.name).where(User.id.in_({post.opened_by for post in opened.values()}))
        ).all()
    )
    return {
        post.id: OpenedBy(names[post.opened_by], post.opened_at)
        for post in opened.values()
        if post.opened_by in names and post.opened_at is not None
    }


def _twins(uow: UnitOfWork, schools: Iterable[School]) -> Mapping[str, list[Hint]]:
    """School id -> hints about its names: mixed alphabets, and other schools that look the same."""
    hints: dict[str, list[Hint]] = defaultdict(list)
    for school in schools:
        for field, name in (("school.name", school.name), ("school.name_en", school.name_en or "")):
            hints[school.id] += [Hint("mixed_script", field, word) for word in mixed_script_words(name)]
            if borrows_letters(name):
                hints[school.id] += [Hint("lookalike", field, twin) for twin in _named_like(uow, school, name)]
    return hints


def _named_like(uow: UnitOfWork, school: School, name: str) -> Iterable[str]:
    seen_as = skeleton(name)
    return uow.session.scalars(
        select(School.name)
        .where(or_(func.lower(School.name) == seen_as, func.lower(School.name_en) == seen_as), School.id != school.id)
        .limit(3)
    )
