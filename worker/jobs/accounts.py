"""Mails about accounts and sign-ups."""

from iew.domain.schools import Status
from iew.mail import recipients
from iew.mail.letters import accounts as letters
from iew.mail.recipients import Recipient
from iew.models import MailLink, School, User
from worker.handlers import Work, job


@job("notify_confirm_address")
def confirm_address(work: Work) -> None:
    """Send the link that confirms an address, unless it is confirmed by now and takes our mails."""
    user = work.uow.get(User, work.subject_id)
    if user.email_confirmed_at is None or user.mail_refused_at is not None:
        to = recipients.of_asking(work.uow, user.id)
        work.post("confirm_address", to, lambda w: letters.confirm_address(w, user.school))


@job("notify_known_address")
def known_address(work: Work) -> None:
    """Tell the owner of an address that it signed up again."""
    work.post("known_address", recipients.of_user(work.uow, work.subject_id), letters.known_address)


@job("notify_reset_password")
def reset_password(work: Work) -> None:
    """Send the link that lets a person choose a new password."""
    work.post("reset_password", recipients.of_asking(work.uow, work.subject_id), letters.reset_password)


@job("notify_change_address")
def change_address(work: Work) -> None:
    """Send the link that makes another address the one of an account, there; and tell the present address of it."""
    user, link = work.uow.get(User, work.subject_id), work.uow.get(MailLink, str(work.detail("link")))
    if link.used_at is not None or not user.active:
        return
    there = Recipient(link.address, user.language, user.timezone, user.name, user_id=user.id)
    work.post("change_address", [there], lambda w: letters.change_address(w, link))
    work.post("address_change_asked", recipients.of_user(work.uow, user.id), letters.address_change_asked)


@job("notify_colleague_invited")
def colleague_invited(work: Work) -> None:
    """Send a colleague the link to a first password, unless one is chosen by now."""
    user = work.uow.get(User, work.subject_id)
    school = user.school
    if school is not None and user.password_hash is None:
        to = recipients.of_asking(work.uow, user.id)
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
