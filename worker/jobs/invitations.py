"""Mails about posts: to the school that wrote them, and to the schools they are passed on to."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from iew import i18n
from iew.domain.invitations import Status
from iew.mail import recipients
from iew.mail.letter import Letter
from iew.mail.letters import invitations as letters
from iew.mail.stationery import Writer
from iew.models import Forward, Invitation, Revision
from worker.handlers import Work, job

_LEFT: Final = frozenset({Status.WITHDRAWN, Status.CLOSED})


def _post_of(work: Work) -> tuple[Invitation, bool]:
    """The post that a decision is about, and whether the decision was about its revision."""
    if work.event.subject_type == Revision.subject_type:
        return work.uow.get(Revision, work.subject_id).invitation, True
    return work.uow.get(Invitation, work.subject_id), False


def _tell_school(work: Work, kind: str, post: Invitation, compose: Callable[[Writer], Letter]) -> None:
    work.post(kind, recipients.of_school(work.uow, post.school_id), compose)


@job("notify_review_decided")
def review_decided(work: Work) -> None:
    """Tell a school what the administrator decided about its post or revision, with the remarks."""
    post, revision = _post_of(work)
    reason, remarks = str(work.detail("reason") or ""), work.detail("remarks") or []
    match work.event.fact:
        case "InvitationPublished" | "RevisionPublished" if post.status not in _LEFT:
            _tell_school(work, "review_published", post, lambda w: letters.review_published(w, post, revision=revision))
        case "InvitationReturned" | "RevisionReturned" if post.status not in _LEFT:
            _tell_school(
                work, "review_returned", post,
                lambda w: letters.review_returned(w, post, reason, remarks, revision=revision),
            )  # fmt: skip
        case "InvitationRejected" | "RevisionRejected":
            _tell_school(
                work, "review_rejected", post,
                lambda w: letters.review_rejected(w, post, reason, remarks, revision=revision),
            )  # fmt: skip
        case "InvitationTakenDown":
            _tell_school(work, "taken_down", post, lambda w: letters.taken_down(w, post, reason))


@job("notify_returned_reminder")
def returned_reminder(work: Work) -> None:
    """Remind a school of a post that still waits for its correction."""
    post, uow = work.uow.get(Invitation, work.subject_id), work.uow
    if post.status == Status.RETURNED:
        returned_at = post.decided_at or post.updated_at
        closes_on = i18n.in_zone(returned_at + timedelta(days=uow.limits.returned_close_days), uow.zone).date()
        _tell_school(work, "returned_reminder", post, lambda w: letters.returned_reminder(w, post, closes_on))


@job("notify_returned_lapsed")
def returned_lapsed(work: Work) -> None:
    """Tell a school that a post it never corrected was closed."""
    post = work.uow.get(Invitation, work.subject_id)
    _tell_school(work, "returned_lapsed", post, lambda w: letters.returned_lapsed(w, post))


@job("notify_expiry_soon")
def expiry_soon(work: Work) -> None:
    """Remind a school that its post will leave the public, unless it was renewed or left meanwhile."""
    post = work.uow.get(Invitation, work.subject_id)
    announced = work.detail("expires_on")
    if post.status == Status.PUBLISHED and post.expires_on and post.expires_on.isoformat() == announced:
        _tell_school(work, "expiry_soon", post, lambda w: letters.expiry_soon(w, post))


@job("notify_expired")
def expired(work: Work) -> None:
    """Tell a school that its post has left the public, unless it was renewed meanwhile."""
    post = work.uow.get(Invitation, work.subject_id)
    if post.status == Status.EXPIRED:
        _tell_school(work, "expired", post, lambda w: letters.expired(w, post))


@job("notify_forwarded")
def forwarded(work: Work) -> None:
    """Show a school a post that a unit passed on to it, while it is public."""
    forward = work.uow.get(Forward, work.subject_id)
    post = work.uow.get(Invitation, forward.invitation_id)
    if post.is_open_to_all(work.uow.today):
        to = recipients.of_school(work.uow, forward.school_id)
        work.post("forwarded", to, lambda w: letters.forwarded(w, post, forward))
