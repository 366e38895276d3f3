"""Reminders, deadlines and expiry, found at a given moment and done once."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from iew.db import SessionFactory
from iew.domain.actors import SYSTEM
from iew.domain.invitations import RevisionStatus
from iew.domain.invitations import Status as PostStatus
from iew.domain.matches import Status as MatchStatus
from iew.domain.matches import Via
from iew.duties import DutiesFailed, run_due
from iew.models import Duty, EmailDelivery, Event, IdempotencyKey, Match, OutboxRow
from iew.services import matches
from iew.uow import UnitOfWork
from tests.duties.conftest import Tick
from tests.workshop import Workshop
from tests.world import World

NOW = datetime(2027, 3, 1, 4, 0, tzinfo=UTC)
TAIPEI = ZoneInfo("Asia/Taipei")


def facts(world: World, row: Any) -> list[str]:
    return [event.fact for event in world.events_of(row) if event.fact]


def asked_on(world: World, at: datetime, **changes: Any) -> Match:
    days = timedelta(days=changes.pop("days", 14))
    return world.match(world.tainan, world.invitation(world.osaka), since=at, due_at=at + days, **changes)


def ask_with_help(world: World, **changes: Any) -> Match:
    return world.match(world.osaka, via=Via.ASSISTED, **changes)


# matches


def test_an_invited_school_is_reminded_after_seven_days_and_once(world: World, tick: Tick) -> None:
    match = asked_on(world, NOW)

    tick(NOW + timedelta(days=7, seconds=-1))
    assert facts(world, match) == []

    tick(NOW + timedelta(days=7))
    tick(NOW + timedelta(days=7))
    tick(NOW + timedelta(days=8))
    assert facts(world, match) == ["MatchReminderDue"]
    assert world.now_is(match).version == match.version


def test_a_request_without_an_answer_ends_after_fourteen_days(world: World, tick: Tick, workshop: Workshop) -> None:
    match = asked_on(world, NOW, reminded_at=NOW)

    tick(NOW + timedelta(days=14, seconds=-1))
    assert world.now_is(match).status == MatchStatus.REQUESTED

    tick(NOW + timedelta(days=14))
    tick(NOW + timedelta(days=14))
    assert world.now_is(match).status == MatchStatus.NO_REPLY
    assert facts(world, match) == ["MatchNoReply"]
    workshop.work_off()
    assert workshop.mails() == {("match_no_reply", world.tainan.email)}


def test_what_was_missed_for_weeks_ends_without_a_late_reminder(world: World, tick: Tick) -> None:
    match = asked_on(world, NOW)
    tick(NOW + timedelta(days=40))
    assert facts(world, match) == ["MatchNoReply"]


def test_an_answered_request_is_left_alone(world: World, tick: Tick) -> None:
    match = asked_on(world, NOW)
    with world.unit_of_work(NOW + timedelta(days=1)) as uow:
        matches.accept(uow, match.id, world.actor(world.osaka))
    tick(NOW + timedelta(days=20))
    assert world.now_is(match).status == MatchStatus.AGREED


@pytest.mark.parametrize(
    ("status", "handler"),
    [(MatchStatus.ROUTED, "TNN"), (MatchStatus.IN_PROGRESS, "TNN"), (MatchStatus.REQUESTED, None)],
)
def test_a_case_that_lies_too_long_is_overdue_and_the_administrator_gets_one_mail(
    world: World, tick: Tick, workshop: Workshop, status: MatchStatus, handler: str | None
) -> None:
    admin = world.admin
    match = ask_with_help(world, status=status, handler=handler, since=NOW, due_at=NOW + timedelta(days=7))

    tick(NOW + timedelta(days=7, seconds=-1))
    assert world.now_is(match).overdue is False

    for days in (7, 7, 8, 30):
        tick(NOW + timedelta(days=days))
    assert world.now_is(match).overdue is True
    assert world.now_is(match).status == status
    workshop.work_off()
    assert [(m.kind, m.address) for m in workshop.deliveries() if m.kind == "match_overdue"] == [
        ("match_overdue", admin.email)
    ]


def test_a_case_given_to_another_unit_can_become_overdue_again(world: World, tick: Tick) -> None:
    match = ask_with_help(world, status=MatchStatus.ROUTED, handler="TNN", since=NOW, due_at=NOW + timedelta(days=7))
    tick(NOW + timedelta(days=7))
    with world.unit_of_work(NOW + timedelta(days=8)) as uow:
        matches.route_by_hand(uow, match.id, {"kind": "ierc", "code": "TPE"}, world.actor(world.admin))

    tick(NOW + timedelta(days=9))
    assert world.now_is(match).overdue is False
    tick(NOW + timedelta(days=15))
    assert facts(world, match).count("MatchBecameOverdue") == 2


def test_a_report_is_asked_for_when_it_is_due_and_once_more_later(world: World, tick: Tick, workshop: Workshop) -> None:
    admin = world.admin
    match = asked_on(world, NOW, status=MatchStatus.AGREED, days=30)

    tick(NOW + timedelta(days=30, seconds=-1))
    assert facts(world, match) == []

    tick(NOW + timedelta(days=30))
    tick(NOW + timedelta(days=31))
    assert facts(world, match) == ["MatchBecameOverdue", "ReportBecameDue"]
    assert world.now_is(match).overdue is True
    workshop.work_off()
    assert workshop.mails() == {
        ("report_due", world.tainan.email), ("report_due", world.osaka.email), ("match_overdue", admin.email),
    }  # fmt: skip

    tick(NOW + timedelta(days=44))
    tick(NOW + timedelta(days=60))
    assert facts(world, match) == ["MatchBecameOverdue", "ReportBecameDue", "ReportBecameDue"]


# posts


def test_a_post_expires_when_its_last_day_is_over_in_taipei(world: World, tick: Tick) -> None:
    post = world.invitation(expires_on=date(2027, 3, 1))
    last_second = datetime(2027, 3, 1, 23, 59, 59, tzinfo=TAIPEI)

    tick(last_second)
    assert world.now_is(post).status == PostStatus.PUBLISHED

    tick(last_second + timedelta(seconds=1))
    tick(last_second + timedelta(seconds=1))
    after = world.now_is(post)
    assert after.status == PostStatus.EXPIRED
    assert after.index_version > post.index_version
    assert facts(world, post).count("InvitationExpired") == 1
    assert ("index_invitation", post.id) in world.jobs()


def test_with_its_post_an_open_revision_leaves(world: World, tick: Tick) -> None:
    post = world.invitation(expires_on=date(2027, 3, 1))
    revision = world.revision(post)
    tick(datetime(2027, 3, 2, tzinfo=TAIPEI))
    assert world.now_is(revision).status == RevisionStatus.DROPPED


def test_notice_of_the_expiry_comes_fourteen_days_before_and_once_for_each_day_set(
    world: World, tick: Tick, workshop: Workshop
) -> None:
    post = world.invitation(world.osaka, expires_on=date(2027, 3, 31))

    tick(datetime(2027, 3, 16, 23, 59, tzinfo=TAIPEI))
    assert facts(world, post) == []

    for day in (17, 17, 18):
        tick(datetime(2027, 3, day, tzinfo=TAIPEI))
    assert facts(world, post) == ["InvitationExpirySoon"]
    workshop.work_off()
    assert workshop.mails() == {("expiry_soon", world.osaka.email)}

    with world.unit_of_work() as uow:
        found = uow.session.merge(post)
        uow.transition(found, "renew", world.actor(world.osaka))
        found.expires_on = date(2027, 4, 30)
    tick(datetime(2027, 4, 16, tzinfo=TAIPEI))
    assert facts(world, post).count("InvitationExpirySoon") == 2


def test_a_returned_post_is_reminded_after_fourteen_days_and_closed_after_thirty(world: World, tick: Tick) -> None:
    post = world.invitation(world.osaka, status=PostStatus.RETURNED, decided_at=NOW, reason="Too long")

    tick(NOW + timedelta(days=14, seconds=-1))
    assert facts(world, post) == []
    for days in (14, 14, 20):
        tick(NOW + timedelta(days=days))
    assert facts(world, post) == ["ReturnedReminderDue"]

    tick(NOW + timedelta(days=30, seconds=-1))
    assert world.now_is(post).status == PostStatus.RETURNED
    tick(NOW + timedelta(days=30))
    tick(NOW + timedelta(days=30))
    assert world.now_is(post).status == PostStatus.CLOSED
    assert facts(world, post) == ["ReturnedReminderDue", "InvitationLapsed"]


def test_history_carries_the_given_moment_and_jobs_are_due_at_once(world: World, tick: Tick) -> None:
    match = asked_on(world, NOW)
    tick(NOW + timedelta(days=400))
    event = world.events_of(match)[-1]
    assert (event.at, event.actor_role) == (NOW + timedelta(days=400), "system")
    with world.unit_of_work() as uow:
        row = uow.session.scalars(select(OutboxRow).where(OutboxRow.event_id == event.id)).one()
        assert row.available_at <= uow.session.scalar(select(func.now()))  # type: ignore[operator]


def test_one_broken_row_holds_nobody_back(session_factory: SessionFactory, world: World) -> None:
    broken, sound = asked_on(world, NOW), world.invitation(expires_on=date(2027, 3, 1))

    class Trap(UnitOfWork):
        def transition(self, entity: Any, *arguments: Any, **details: Any) -> Event:
            if entity.id == broken.id:
                raise ZeroDivisionError
            return super().transition(entity, *arguments, **details)

    with pytest.raises(DutiesFailed) as faults:
        run_due(lambda now: Trap(session_factory, now=now), NOW + timedelta(days=14))

    assert [type(fault) for fault in faults.value.exceptions] == [ZeroDivisionError]
    assert world.now_is(sound).status == PostStatus.EXPIRED
    assert world.now_is(broken).status == MatchStatus.REQUESTED


# the night


def test_the_index_is_compared_once_a_night(world: World, tick: Tick) -> None:
    for hour in (2, 3, 4, 5):
        tick(datetime(2027, 3, 1, hour, tzinfo=TAIPEI))
    assert world.jobs().count(("reconcile_index", "invitations")) == 2  # the night before, and this one


def test_what_is_old_is_cleared_away_and_nothing_else(world: World, tick: Tick) -> None:
    def mail(key: str, days: int, status: str) -> EmailDelivery:
        return EmailDelivery(
            dedup_key=key, kind="x", address="a@b.example", language="en", subject="s", text="t", html="h",
            once_only=False, status=status, created_at=NOW - timedelta(days=days),
        )  # fmt: skip

    def owed(days: int, done: bool) -> OutboxRow:
        at = NOW - timedelta(days=days)
        return OutboxRow(
            job="send_mail", subject_type="delivery", subject_id="x", created_at=at, available_at=at,
            done_at=at if done else None,
        )  # fmt: skip

    def key(name: str, days: int) -> IdempotencyKey:
        return IdempotencyKey(
            owner="o", route="r", key=name, request_hash="h", status=201, headers={}, body=b"",
            created_at=NOW - timedelta(days=days),
        )  # fmt: skip

    with world.unit_of_work() as uow:
        uow.session.add_all([mail("old", 31, "sent"), mail("new", 29, "sent"), mail("waiting", 31, "queued")])
        uow.session.add_all([owed(31, True), owed(29, True), owed(31, False)])
        uow.session.add_all([key("old", 8), key("new", 6)])

    tick(NOW)

    with world.unit_of_work() as uow:
        bodies = dict(uow.session.execute(select(EmailDelivery.dedup_key, EmailDelivery.text)).all())
        assert bodies == {"old": None, "new": "t", "waiting": "t"}
        done = uow.session.scalars(select(OutboxRow.done_at).where(OutboxRow.subject_id == "x")).all()
        assert sorted(str(at) for at in done) == sorted([str(NOW - timedelta(days=29)), "None"])
        assert uow.session.scalars(select(IdempotencyKey.key)).all() == ["new"]


def test_calling_twice_for_one_moment_changes_nothing(world: World, tick: Tick) -> None:
    asked_on(world, NOW)
    ask_with_help(world, status=MatchStatus.ROUTED, handler="TNN", since=NOW, due_at=NOW + timedelta(days=7))
    world.invitation(expires_on=date(2027, 3, 20))
    world.invitation(status=PostStatus.RETURNED, decided_at=NOW)
    moment = NOW + timedelta(days=15)
    tick(moment)

    def everything() -> tuple[Any, ...]:
        with world.unit_of_work() as uow:
            counted = [uow.session.scalar(select(func.count()).select_from(t)) for t in (Event, OutboxRow, Duty)]
        return (*counted, world.snapshot())

    before = everything()
    tick(moment)
    assert everything() == before
    assert SYSTEM.is_system
