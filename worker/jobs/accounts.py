"""Mails about accounts and sign-ups."""

from iew.domain.schools import Status
from iew.mail import recipients
from iew.mail.letters import accounts as letters
from iew.models import School, User
from worker.handlers import Work, job


@job("notify_confirm_address")
def confirm_address(work: Work) -> None:
    """Send the link that confirms an address, unless it is confirmed by now."""
    user = work.uow.get(User, work.subject_id)
    if user.email_confirmed_at is None:
        to = recipients.of_user(work.uow, user.id)
        work.post("confirm_address", to, lambda w: letters.confirm_address(w, user.school))


@job("notify_known_address")
def known_address(work: Work) -> None:
    """Tell the owner of an address that it signed up again."""
    work.post("known_address", recipients.of_user(work.uow, work.subject_id), letters.known_address)


@job("notify_reset_password")
def reset_password(work: Work) -> None:
    """Send the link that lets a person choose a new password."""
    work.post("reset_password", recipients.of_user(work.uow, work.subject_id), letters.reset_password)


@job("notify_colleague_invited")
def colleague_invited(work: Work) -> None:
    """Send a colleague the link to a first password, unless one is chosen by now."""
    user = work.uow.get(User, work.subject_id)
    school = user.school
    if school is not None and user.password_hash is None:
        to = recipients.of_user(work.uow, user.id)
        work.post("colleague_invited", to, lambda w: letters.colleague_invited(w, school))


@job("notify_school_signed_up")
def school_signed_up(work: Work) -> None:
    """Ask the unit of the place, or the administrators, to look at a sign-up that still waits."""
    school = work.uow.get(School, work.subject_id)
    if school.status == Status.PENDING:
        answered = work.event.fact == "SchoolAnswered"
        code = school.approver_code
        to = recipients.of_unit(work.uow, code) if code else recipients.administrators(work.uow)
        work.post("sign_up_waiting", to, lambda w: letters.sign_up_waiting(w, school, answered=answered))


@job("notify_sign_up_decided")
def sign_up_decided(work: Work) -> None:
    """Tell the staff of a school what was decided about its sign-up."""
    school, reason = work.uow.get(School, work.subject_id), str(work.detail("reason") or "")
    to = recipients.of_users(school.users)
    match work.event.fact:
        case "SchoolApproved":
            work.post("sign_up_approved", to, lambda w: letters.sign_up_approved(w, school))
        case "SchoolAsked":
            work.post("sign_up_asked", to, lambda w: letters.sign_up_asked(w, school, reason))
        case "SchoolRejected":
            work.post("sign_up_rejected", to, lambda w: letters.sign_up_rejected(w, school, reason))
