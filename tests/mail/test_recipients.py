"""Who is told, who is not, and what a later undoing takes back."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from iew.db import new_id
from iew.domain.actors import SYSTEM, VISITOR, Role
from iew.domain.invitations import Status as PostStatus
from iew.domain.matches import Status as MatchStatus
from iew.domain.schools import Status as SchoolStatus
from iew.models import Message, Question, QuestionMessage, School, Unit, User
from iew.services.links import Purpose, find
from tests.workshop import SECRET, Workshop
from tests.world import World


def record(world: World, fact: str, subject: Any, actor: Any = SYSTEM, **details: Any) -> None:
    with world.unit_of_work() as uow:
        uow.record(fact, uow.session.merge(subject), actor, action="test", **details)


def school(world: World, user: User) -> School:
    with world.unit_of_work() as uow:
        return uow.get(School, user.school_id or "")


def test_all_confirmed_staff_of_a_school_and_nobody_else(world: World, workshop: Workshop) -> None:
    owner = world.osaka
    colleague = world.user(school=school(world, owner), language="en")
    now = datetime.now(UTC)
    for wrong in ({"disabled_at": now}, {"mail_refused_at": now}, {"email_confirmed_at": None}):
        world.user(school=school(world, owner), **wrong)
    record(world, "MatchRequested", world.match(world.tainan, world.invitation(owner)))

    workshop.work_off()

    assert workshop.mails() == {("match_requested", owner.email), ("match_requested", colleague.email)}
    assert {(mail.address, mail.language) for mail in workshop.deliveries()} == {
        (owner.email, "ja"),
        (colleague.email, "en"),
    }


def test_a_second_run_of_a_job_adds_no_mail(world: World, workshop: Workshop) -> None:
    record(world, "MatchRequested", world.match(world.tainan, world.invitation(world.osaka)))
    (row,) = workshop.rows()
    workshop.perform(row.id)
    with world.unit_of_work() as uow:
        uow.session.execute(update(type(row)).values(done_at=None))

    workshop.perform(row.id)

    assert len(workshop.deliveries()) == 1


def test_a_unit_is_told_by_its_staff_else_its_address_else_the_administrators(world: World, workshop: Workshop) -> None:
    admin, match = world.admin, world.match(world.osaka, via="assisted", status=MatchStatus.ROUTED, handler="TPE")
    handler = {"kind": "ierc", "code": "TPE"}

    with world.unit_of_work() as uow:
        uow.get(Unit, "TPE").email = None
    record(world, "MatchRouted", match, handler=handler)
    workshop.work_off()
    assert workshop.mails() == {("match_routed", admin.email)}

    with world.unit_of_work() as uow:
        uow.get(Unit, "TPE").email = "centre@taipei.example"
    record(world, "MatchRouted", match, handler=handler)
    workshop.work_off()
    assert workshop.mails() >= {("match_routed", "centre@taipei.example")}

    staff = world.ierc_taipei
    record(world, "MatchRouted", match, handler=handler)
    workshop.work_off()
    assert ("match_routed", staff.email) in workshop.mails()
    assert len(workshop.deliveries()) == 3


def test_the_common_address_of_a_unit_gets_no_key_to_act(world: World, workshop: Workshop) -> None:
    with world.unit_of_work() as uow:
        uow.get(Unit, "TPE").email = "centre@taipei.example"
    match = world.match(world.osaka, via="assisted", status=MatchStatus.ROUTED, handler="TPE")
    record(world, "MatchRouted", match, handler={"kind": "ierc", "code": "TPE"})

    workshop.work_off()

    (mail,) = workshop.deliveries()
    assert "/act/" not in (mail.text or "")
    assert f"/zh-Hant/matches/{match.id}" in (mail.text or "")


def test_the_button_of_a_request_is_signed_for_its_reader_and_its_match(world: World, workshop: Workshop) -> None:
    match = world.match(world.tainan, world.invitation(world.osaka))
    record(world, "MatchRequested", match)

    workshop.work_off()

    (mail,) = workshop.deliveries()
    token = (mail.text or "").split("/ja/act/")[1].split()[0]
    with world.unit_of_work() as uow:
        link = find(uow, SECRET, Purpose.ACT, token)
        assert (link.user_id, link.address) == (world.osaka.id, world.osaka.email)
        assert (link.subject_type, link.subject_id) == ("match", match.id)
        assert (link.expires_at - link.created_at).days == 14


@pytest.mark.parametrize(
    ("fact", "status", "told"),
    [
        ("MatchRequested", MatchStatus.CANCELLED, False),
        ("MatchRequested", MatchStatus.AGREED, True),  # went on: no reason to stay silent
        ("MatchAgreed", MatchStatus.CANCELLED, False),
        ("MatchAgreed", MatchStatus.COMPLETED, True),
        ("MatchReminderDue", MatchStatus.AGREED, False),
        ("ReportBecameDue", MatchStatus.COMPLETED, False),
    ],
)
def test_only_what_was_undone_is_not_told(
    world: World, workshop: Workshop, fact: str, status: MatchStatus, told: bool
) -> None:
    record(world, fact, world.match(world.tainan, world.invitation(world.osaka), status=status))

    workshop.work_off()

    assert bool(workshop.deliveries()) is told


def test_a_post_withdrawn_since_is_not_announced_as_published(world: World, workshop: Workshop) -> None:
    record(world, "InvitationPublished", world.invitation(world.osaka, status=PostStatus.WITHDRAWN))
    workshop.work_off()
    assert workshop.deliveries() == []


def test_a_case_routed_elsewhere_is_not_given_to_its_former_unit(world: World, workshop: Workshop) -> None:
    match = world.match(world.osaka, via="assisted", status=MatchStatus.ROUTED, handler="TNN")
    record(world, "MatchRouted", match, handler={"kind": "ierc", "code": "TPE"})
    workshop.work_off()
    assert workshop.deliveries() == []


def test_an_assisted_case_without_a_unit_goes_to_the_administrators(world: World, workshop: Workshop) -> None:
    admin = world.admin
    record(world, "MatchRequested", world.match(world.tainan, via="assisted", suggested_code="JP-OSA"))
    workshop.work_off()
    assert workshop.mails() == {("match_with_admin", admin.email)}


def test_whoever_calls_off_is_not_told(world: World, workshop: Workshop) -> None:
    match = world.match(world.tainan, world.invitation(world.osaka), status=MatchStatus.CANCELLED)
    record(world, "MatchCancelled", match, world.actor(world.tainan))
    workshop.work_off()
    assert workshop.mails() == {("match_cancelled", world.osaka.email)}


def test_a_message_is_told_to_those_who_may_read_it_and_no_other_candidate(world: World, workshop: Workshop) -> None:
    asker, first, second, unit = world.osaka, world.tainan, world.taipei, world.ierc_tainan
    match = world.match(
        asker, via="assisted", status=MatchStatus.IN_PROGRESS, handler="TNN",
        proposed=(school(world, first), school(world, second)),
    )  # fmt: skip
    message = Message(
        id=new_id(), match_id=match.id, author_id=first.id, school_id=first.school_id, text="?",
        created_at=datetime.now(UTC),
    )  # fmt: skip
    with world.unit_of_work() as uow:
        uow.session.add(message)
    record(world, "MessageWritten", match, world.actor(first), message_id=message.id)

    workshop.work_off()

    assert workshop.mails() == {("message_written", asker.email), ("message_written", unit.email)}


def test_a_sign_up_goes_to_the_approving_unit_or_the_administrators(world: World, workshop: Workshop) -> None:
    office, admin = world.office_osaka, world.admin
    record(world, "SchoolSignedUp", world.school("JP", status=SchoolStatus.PENDING, approver_code="JP-OSA"), VISITOR)
    record(world, "SchoolSignedUp", world.school("DE", status=SchoolStatus.PENDING), VISITOR)
    record(world, "SchoolSignedUp", world.school("JP", status=SchoolStatus.APPROVED, approver_code="JP-OSA"), VISITOR)

    workshop.work_off()

    assert sorted(mail.address for mail in workshop.deliveries()) == sorted([office.email, admin.email])


def test_somebody_without_an_account_gets_the_answer_itself_and_a_signed_link(world: World, workshop: Workshop) -> None:
    question = Question(asker_id=None, email="visitor@ask.example", language="ko")
    now = datetime.now(UTC)
    with world.unit_of_work() as uow:
        uow.start(question, "answered", VISITOR, action="ask")
        uow.session.add(QuestionMessage(question_id=question.id, by_admin=False, text="문의", created_at=now))
        uow.session.add(QuestionMessage(question_id=question.id, by_admin=True, text="회신\n둘째 줄", created_at=now))
    record(world, "QuestionAnswered", question)

    workshop.work_off()

    (mail,) = workshop.deliveries()
    assert (mail.address, mail.language, mail.user_id) == ("visitor@ask.example", "ko", None)
    assert "회신\n  둘째 줄" in (mail.text or "")
    assert f"/ko/questions/{question.id}?key=" in (mail.text or "")


def test_links_that_prove_an_address_are_for_their_owner_and_in_time(world: World, workshop: Workshop) -> None:
    user = world.user(school=world.school("JP"), email_confirmed_at=None, language="en")
    record(world, "AddressConfirmationAsked", user, VISITOR)
    record(world, "PasswordResetAsked", user, VISITOR)

    workshop.work_off()

    texts = {mail.kind: mail.text or "" for mail in workshop.deliveries()}
    confirm = texts["confirm_address"].split("/en/confirm/")[1].split()[0]
    reset = texts["reset_password"].split("/en/reset/")[1].split()[0]
    with world.unit_of_work() as uow:
        assert find(uow, SECRET, Purpose.CONFIRM_ADDRESS, confirm).user_id == user.id
        link = find(uow, SECRET, Purpose.RESET_PASSWORD, reset)
        assert (link.expires_at - link.created_at).total_seconds() == 3600


def test_a_confirmed_address_is_not_asked_again(world: World, workshop: Workshop) -> None:
    record(world, "AddressConfirmationAsked", world.osaka, VISITOR)
    workshop.work_off()
    assert workshop.deliveries() == []


def test_times_are_those_of_the_reader(world: World, workshop: Workshop) -> None:
    late = datetime(2027, 3, 1, 15, 30, tzinfo=UTC)  # the second of March in Tokyo, the first in Los Angeles
    osaka = world.user(school=world.school("JP"), language="en", timezone="Asia/Tokyo")
    world.user(school=school(world, osaka), language="en", timezone="America/Los_Angeles")
    record(world, "MatchRequested", world.match(world.tainan, world.invitation(osaka), due_at=late))

    workshop.work_off()

    texts = [mail.text or "" for mail in workshop.deliveries()]
    assert sorted(("March 2, 2027" in text, "March 1, 2027" in text) for text in texts) == [
        (False, True),
        (True, False),
    ]


def test_administrators_only_get_what_is_for_them(world: World, workshop: Workshop) -> None:
    world.user(Role.SYSTEM_ADMIN)
    match = world.match(world.tainan, via="assisted", overdue=True)
    record(world, "MatchBecameOverdue", match)
    workshop.work_off()
    assert workshop.deliveries() == []
