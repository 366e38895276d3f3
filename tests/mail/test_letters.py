"""Every fact tells the right people, in their language, and never what is not for a mail."""

import html
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from sqlalchemy import delete

from iew.db import new_id
from iew.domain.actors import SYSTEM, VISITOR, Role
from iew.domain.invitations import Status as PostStatus
from iew.domain.matches import ProposalStatus
from iew.domain.matches import Status as MatchStatus
from iew.domain.schools import Status as SchoolStatus
from iew.i18n import LANGUAGES
from iew.models import (
    EmailDelivery,
    Forward,
    Meeting,
    Message,
    OutboxRow,
    Question,
    QuestionMessage,
    Report,
    School,
    User,
)
from iew.outbox import JOBS_FOR
from iew.services import links, pairings
from iew.services.links import Purpose
from tests.workshop import Workshop
from tests.world import World

CANARIES = (
    "canary@contact.example",
    "Mika Canary",
    "+81 6 5550 0199",
    "a message nobody may quote",
    "a-room-nobody-may-quote",
)
EVIL = 'A & B <script>alert(1)</script> "Robots"'


class Elements(HTMLParser):
    """What an HTML text consists of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def check_mail(mail: EmailDelivery) -> None:
    """What must be true of any mail."""
    assert mail.text and mail.html
    assert "%(" not in mail.subject + mail.text + mail.html
    assert "\n" not in mail.subject
    elements = Elements(mail.html)
    assert "script" not in elements.tags
    assert f"https://window.example/{mail.language}/" in mail.text
    assert all(link.startswith("https://window.example/") for link in elements.links)
    for canary in CANARIES:
        assert canary not in mail.text
        assert canary not in html.unescape(mail.html)


def record(world: World, fact: str, subject: Any, actor: Any = SYSTEM, **details: Any) -> None:
    with world.unit_of_work() as uow:
        uow.record(fact, uow.session.merge(subject, load=True), actor, action="test", **details)


def school(world: World, user: User) -> School:
    with world.unit_of_work() as uow:
        return uow.get(School, user.school_id or "")


@pytest.mark.parametrize(
    "fact", sorted(fact for fact, jobs in JOBS_FOR.items() if any(j.startswith("notify") for j in jobs))
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_fact_is_told_in_every_language(world: World, workshop: Workshop, fact: str, language: str) -> None:
    STORIES[fact](world, fact, language)

    workshop.work_off()

    mails = workshop.deliveries()
    assert mails, f"{fact} told nobody"
    assert {mail.language for mail in mails} == {language}
    for mail in mails:
        check_mail(mail)
        if language != "en":
            assert not re.search(r"\b(the|you|your|because)\b", mail.text), mail.text
    assert {row.last_error for row in workshop.rows(everything=True)} == {None}
    assert {mail.status for mail in mails} == {"sent"}


def test_the_foreign_titles_and_names_are_escaped(world: World, workshop: Workshop) -> None:
    osaka, tainan = _osaka(world, "en"), _tainan(world, "en")
    match = world.match(tainan, world.invitation(osaka, title=EVIL))
    record(world, "MatchRequested", match)

    workshop.work_off()

    (mail,) = workshop.deliveries("match_requested")
    assert EVIL in mail.subject
    assert EVIL in (mail.text or "")
    assert html.escape(EVIL, quote=False).split("&quot;")[0][:20] in (mail.html or "")
    assert "<script>" not in (mail.html or "")


# one story for each fact: what happened before, and the fact itself


def _osaka(world: World, language: str) -> User:
    return world.user(
        school=world.school("JP", name="大阪府立みなと台高等学校", name_en="Minatodai"), language=language
    )


def _tainan(world: World, language: str) -> User:
    return world.user(school=world.school("TW", name="臺南市立曦光高級中學", name_en="Xiguang"), language=language)


def _staff(world: World, language: str) -> None:
    world.user(Role.IEW_ADMIN, language=language)
    world.user(Role.IERC, unit="TNN", language=language)
    world.user(Role.OFFICE, unit="JP-OSA", language=language)


def _sign_up(world: World, fact: str, language: str) -> None:
    _staff(world, language)
    waiting = world.school("JP", status=SchoolStatus.PENDING, approver_code="JP-OSA")
    world.user(school=waiting, language=language)
    record(world, fact, waiting, VISITOR)


def _decided(world: World, fact: str, language: str) -> None:
    status = {"SchoolApproved": "approved", "SchoolAsked": "asked", "SchoolRejected": "rejected"}[fact]
    decided = world.school("JP", status=status, verified_by="駐大阪辦事處" if status == "approved" else None)
    world.user(school=decided, language=language, email_confirmed_at=None)
    record(world, fact, decided, reason="請補充 · 補足 · 보완")


def _new_address(world: World, fact: str, language: str) -> None:
    user = world.user(school=world.school("JP"), language=language)
    with world.unit_of_work() as uow:
        link = links.issue(uow, Purpose.CHANGE_ADDRESS, address="new@people.example", user_id=user.id)
    record(world, fact, user, VISITOR, link=link.id)


def _account(world: World, fact: str, language: str) -> None:
    confirmed = None if fact == "AddressConfirmationAsked" else datetime.now(UTC)
    password = {"password_hash": None} if fact == "ColleagueInvited" else {}
    user = world.user(school=world.school("JP"), language=language, email_confirmed_at=confirmed, **password)
    record(world, fact, user, VISITOR)


def _review(world: World, fact: str, language: str) -> None:
    owner = _osaka(world, language)
    status = {
        "InvitationReturned": PostStatus.RETURNED,
        "InvitationRejected": PostStatus.REJECTED,
        "InvitationTakenDown": PostStatus.WITHDRAWN,
        "InvitationLapsed": PostStatus.CLOSED,
        "InvitationExpired": PostStatus.EXPIRED,
        "ReturnedReminderDue": PostStatus.RETURNED,
    }.get(fact, PostStatus.PUBLISHED)
    post = world.invitation(owner, status=status, title="ロボット 로봇", reason="理由 이유")
    remarks = [{"field": "title", "text": "短く 짧게\n二行目"}, {"field": "periods.0", "text": "日程 일정"}]
    subject = world.revision(post) if fact.startswith("Revision") else post
    expires_on = post.expires_on.isoformat() if post.expires_on else None
    record(world, fact, subject, reason="理由 이유", remarks=remarks, expires_on=expires_on)


def _forward(world: World, fact: str, language: str) -> None:
    post, target = world.invitation(_tainan(world, "en")), _osaka(world, language)
    sender = world.user(Role.OFFICE, unit="JP-OSA", language=language)
    forward = Forward(
        id=new_id(), unit_code="JP-OSA", invitation_id=post.id, school_id=target.school_id, user_id=sender.id,
        note="ご覧ください", created_at=datetime.now(UTC),
    )  # fmt: skip
    with world.unit_of_work() as uow:
        uow.session.add(forward)
    record(world, fact, forward)


def _direct(world: World, fact: str, language: str) -> None:
    status = {
        "MatchAgreed": MatchStatus.AGREED, "MatchDeclined": MatchStatus.DECLINED,
        "MatchNoReply": MatchStatus.NO_REPLY, "MatchCancelled": MatchStatus.CANCELLED,
        "MatchReported": MatchStatus.COMPLETED, "ReportAdded": MatchStatus.COMPLETED,
        "ReportBecameDue": MatchStatus.AGREED,
    }.get(fact, MatchStatus.REQUESTED)  # fmt: skip
    asker, owner = _tainan(world, language), _osaka(world, language)
    match = world.match(
        asker, world.invitation(owner, title="ロボット 로봇"), status=status, reason_code="dates",
        message=CANARIES[3], reason=CANARIES[3] if status == MatchStatus.DECLINED else None,
    )  # fmt: skip
    if status == MatchStatus.COMPLETED:
        with world.unit_of_work() as uow:
            told = {"summary": CANARIES[3], "held_on": datetime.now(UTC).date(), "students": 20, "teachers": 2}
            uow.session.add(Report(match_id=match.id, school_id=asker.school_id, created_at=datetime.now(UTC), **told))
    record(world, fact, match, world.actor(asker), reason="日程 일정", again=False)


def _assisted(world: World, fact: str, language: str) -> None:
    _staff(world, language)
    status = {
        "MatchRouted": MatchStatus.ROUTED, "MatchNotFound": MatchStatus.NOT_FOUND,
        "MatchHandedBack": MatchStatus.REQUESTED, "MatchBecameOverdue": MatchStatus.ROUTED,
    }.get(fact, MatchStatus.IN_PROGRESS)  # fmt: skip
    asker, candidate = _osaka(world, language), _tainan(world, language)
    post = world.invitation(candidate, title="機器人 로봇")
    handler = None if fact == "MatchHandedBack" else "TNN"
    match = world.match(
        asker, post, via="assisted", status=status, handler=handler, overdue=fact == "MatchBecameOverdue",
        proposed=(school(world, candidate),),
    )  # fmt: skip
    if fact == "ProposalSuperseded":
        with world.unit_of_work() as uow:
            for proposal in uow.session.merge(match).proposals:
                proposal.status = ProposalStatus.SUPERSEDED.value
    actor = world.actor(candidate) if fact == "ProposalDeclined" else SYSTEM
    record(
        world, fact, match, actor, school_id=candidate.school_id, reason="日程 일정", reason_code="level",
        handler={"kind": "ierc", "code": "TNN"},
    )  # fmt: skip


def _pairing(world: World, fact: str, language: str) -> None:
    """An administrator accepts; of its facts the one is told that is asked about."""
    osaka, tainan = _osaka(world, language), _tainan(world, language)
    posts = {"domestic": [world.invitation(tainan).id], "overseas": [world.invitation(osaka).id]}
    boss = world.actor(world.user(Role.IEW_ADMIN))
    with world.unit_of_work() as uow:
        values = {"name": "臺南 大阪 2027", "max_per_school": 1, **posts}
        made = pairings.make(uow, values, boss, concepts=lambda text: frozenset())
        pairings.accept(uow, made.id, boss)
        uow.session.execute(delete(OutboxRow).where(OutboxRow.job.not_in(JOBS_FOR[fact])))
    world.user(Role.IERC, unit="TNN", language=language)


def _message(world: World, fact: str, language: str) -> None:
    asker, owner = _tainan(world, language), _osaka(world, language)
    match = world.match(asker, world.invitation(owner, title="ロボット 로봇"))
    message = Message(
        id=new_id(), match_id=match.id, author_id=asker.id, school_id=asker.school_id, text=CANARIES[3],
        created_at=datetime.now(UTC),
    )  # fmt: skip
    with world.unit_of_work() as uow:
        uow.session.add(message)
    record(world, fact, match, world.actor(asker), message_id=message.id)


def _meeting(world: World, fact: str, language: str) -> None:
    tainan, osaka = _tainan(world, language), _osaka(world, language)
    match = world.match(tainan, world.invitation(osaka), status=MatchStatus.AGREED)
    start = datetime.now(UTC) + timedelta(days=8)
    meeting = Meeting(match_id=match.id, proposed_by_id=tainan.school_id, starts=[start], minutes=40)
    meeting.link = "https://a-room-nobody-may-quote.example"
    status = {"MeetingProposed": "proposed", "MeetingLapsed": "lapsed", "MeetingCancelled": "cancelled"}.get(fact)
    if fact in ("MeetingAgreed", "MeetingCancelled"):
        meeting.agreed_start, meeting.agreed_minutes = start, 40
    with world.unit_of_work() as uow:
        uow.start(meeting, status or "agreed", SYSTEM, action="propose")
    record(world, fact, meeting, world.actor(tainan))


def _question(world: World, fact: str, language: str) -> None:
    _staff(world, language)
    asker = _osaka(world, language)
    question = Question(asker_id=asker.id, language=language, about_type=None, about_id=None, email=None)
    with world.unit_of_work() as uow:
        uow.start(question, "open" if fact == "QuestionAsked" else "answered", world.actor(asker), action="ask")
        uow.session.add(
            QuestionMessage(question_id=question.id, by_admin=True, text=CANARIES[3], created_at=datetime.now(UTC))
        )
    record(world, fact, question)


STORIES = {
    "SchoolSignedUp": _sign_up, "SchoolAnswered": _sign_up,
    "SchoolApproved": _decided, "SchoolAsked": _decided, "SchoolRejected": _decided,
    "AddressConfirmationAsked": _account, "KnownAddressSignedUp": _account, "PasswordResetAsked": _account,
    "ColleagueInvited": _account, "AddressChangeAsked": _new_address,
    "InvitationPublished": _review, "InvitationReturned": _review, "InvitationRejected": _review,
    "InvitationTakenDown": _review, "InvitationLapsed": _review, "InvitationExpired": _review,
    "RevisionPublished": _review, "RevisionReturned": _review, "RevisionRejected": _review,
    "ReturnedReminderDue": _review, "InvitationExpirySoon": _review, "InvitationForwarded": _forward,
    "MatchRequested": _direct, "MatchAgreed": _direct, "MatchDeclined": _direct, "MatchNoReply": _direct,
    "MatchCancelled": _direct, "MatchReported": _direct, "ReportAdded": _direct, "MatchReminderDue": _direct,
    "ReportBecameDue": _direct,
    "MatchRouted": _assisted, "MatchTakenUp": _assisted, "MatchHandedBack": _assisted, "SchoolProposed": _assisted,
    "MatchPaired": _pairing, "PairingAccepted": _pairing,
    "ProposalDeclined": _assisted, "ProposalSuperseded": _assisted, "MatchNotFound": _assisted,
    "MatchBecameOverdue": _assisted,
    "MeetingProposed": _meeting, "MeetingAgreed": _meeting, "MeetingLapsed": _meeting, "MeetingCancelled": _meeting,
    "MessageWritten": _message, "QuestionAsked": _question, "QuestionAnswered": _question,
}  # fmt: skip


ASKING = {
    "MatchRequested": "match_requested", "MatchReminderDue": "match_reminder", "MatchRouted": "match_routed",
    "SchoolProposed": "school_proposed", "MatchDeclined": "match_declined", "MatchNoReply": "match_no_reply",
    "MatchNotFound": "match_not_found", "ReportBecameDue": "report_due", "MeetingProposed": "meeting_proposed",
}  # fmt: skip
"""Facts whose mails ask a school or a unit to do something, and the kind of that mail."""


@pytest.mark.parametrize(("fact", "kind"), sorted(ASKING.items()))
def test_a_mail_that_asks_for_something_opens_a_page_on_which_one_can_do_it(
    world: World, workshop: Workshop, fact: str, kind: str
) -> None:
    STORIES[fact](world, fact, "en")

    workshop.work_off()

    mails = workshop.deliveries(kind)
    assert mails
    for mail in mails:
        buttons = [link for link in Elements(mail.html or "").links if "/act/" in link]
        assert len(set(buttons)) == 1 and buttons[0] in (mail.text or "")
