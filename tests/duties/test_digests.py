"""The digest: at eight in the morning of its unit, with all that is new, never empty, never twice."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from iew.domain.actors import SYSTEM
from iew.domain.matches import Status as MatchStatus
from iew.domain.matches import Via
from iew.domain.rhythms import last_day
from iew.domain.schools import Status as SchoolStatus
from iew.errors import NotFound
from iew.models import EmailDelivery, Invitation, Unit, User
from iew.services import subscriptions
from tests.duties.conftest import Tick
from tests.workshop import SECRET, Workshop
from tests.world import World

TODAY = datetime.now(UTC).date()


def eight(days: int = 1, *, minutes: int = 0) -> datetime:
    """Eight in the morning in Taipei, some days from now."""
    at = TODAY + timedelta(days=days)
    return datetime(at.year, at.month, at.day, tzinfo=UTC) + timedelta(minutes=minutes)


def post(world: World, by: User | None = None, **changes: Any) -> Invitation:
    """A post that is published now, in the way of the use cases."""
    invitation = world.invitation(by or world.osaka, status="submitted", **changes)
    with world.unit_of_work() as uow:
        found = uow.get(Invitation, invitation.id)
        uow.transition(found, "publish", world.actor(world.admin))
        found.published_at = uow.now
    return invitation


def digests(workshop: Workshop, reader: User) -> list[EmailDelivery]:
    workshop.work_off()
    return [mail for mail in workshop.deliveries("digest") if mail.address == reader.email]


def test_each_of_the_staff_gets_one_mail_in_its_language(world: World, tick: Tick, workshop: Workshop) -> None:
    first, second = world.ierc_tainan, world.user("ierc", unit="TNN", language="en")
    invitation = post(world, title="Robots for Tainan", target_counties=["TNN"])

    tick(eight())
    tick(eight())
    tick(eight(minutes=300))

    assert [mail.language for mail in digests(workshop, first)] == ["zh-Hant"]
    (mail,) = digests(workshop, second)
    assert mail.once_only
    assert "1 new invitation" in mail.subject
    assert "Robots for Tainan" in (mail.text or "")
    assert f"/en/invitations/{invitation.id}" in (mail.text or "")
    assert mail.unsubscribe_url and mail.unsubscribe_url.startswith("https://window.example/unsubscribe/")


def test_it_comes_at_eight_and_not_before(world: World, tick: Tick, workshop: Workshop) -> None:
    reader = world.ierc_tainan
    tick(eight(0, minutes=1))
    post(world)
    tick(eight(minutes=-1))
    assert digests(workshop, reader) == []
    tick(eight())
    assert len(digests(workshop, reader)) == 1


def test_nothing_new_and_nothing_waiting_is_no_mail(world: World, tick: Tick, workshop: Workshop) -> None:
    reader = world.ierc_tainan
    tick(eight(1))
    tick(eight(2))
    assert digests(workshop, reader) == []


def test_it_tells_only_what_is_new_since_the_last_one(world: World, tick: Tick, workshop: Workshop) -> None:
    reader = world.ierc_tainan
    post(world, title="The first one")
    tick(eight(1))
    post(world, title="The second one")
    tick(eight(2))

    first, second = digests(workshop, reader)
    assert "The first one" in (first.text or "") and "The second one" not in (first.text or "")
    assert "The second one" in (second.text or "") and "The first one" not in (second.text or "")


def test_a_post_that_was_told_is_not_told_again_however_many_digests_follow(
    world: World, tick: Tick, workshop: Workshop
) -> None:
    """Each issue keeps what it told, and the one before the last counts as well; the ticks follow upon each other."""
    reader = world.user("ierc", unit="TNN", language="en")
    world.match(world.osaka, via=Via.ASSISTED, wish={"county": "TNN"}, status=MatchStatus.ROUTED, handler="TNN")
    post(world, title="Told on the first day")
    for day in range(1, 5):
        tick(eight(day))

    mails = digests(workshop, reader)

    assert len(mails) == 4
    assert ["Told on the first day" in (mail.text or "") for mail in mails] == [True, False, False, False]


def test_after_missed_days_one_digest_covers_them_all(world: World, tick: Tick, workshop: Workshop) -> None:
    reader = world.ierc_tainan
    post(world, title="Day one")
    post(world, title="Day two")
    tick(eight(5, minutes=90))
    (mail,) = digests(workshop, reader)
    assert "Day one" in (mail.text or "") and "Day two" in (mail.text or "")


def test_a_post_aimed_elsewhere_is_not_in_it(world: World, tick: Tick, workshop: Workshop) -> None:
    tainan, taipei, osaka, seoul = world.ierc_tainan, world.ierc_taipei, world.office_osaka, world.office_seoul
    post(world, title="For Tainan", target_counties=["TNN"])
    post(world, world.tainan, title="For Japan", target_countries=["JP"])

    tick(eight(2))

    def told(reader: User) -> set[str]:
        text = "".join(mail.text or "" for mail in digests(workshop, reader))
        return {title for title in ("For Tainan", "For Japan") if title in text}

    assert told(tainan) == {"For Tainan", "For Japan"}  # the second is by a school of its own ground
    assert told(taipei) == set()
    assert told(osaka) == {"For Tainan", "For Japan"}  # the first is by a school of its own ground
    assert told(seoul) == set()


def test_tasks_and_what_is_overdue_are_in_it_even_without_news(world: World, tick: Tick, workshop: Workshop) -> None:
    reader = world.user("ierc", unit="TNN", language="en")
    late, fresh = (
        world.match(
            world.osaka, via=Via.ASSISTED, wish={"county": "TNN"}, status=MatchStatus.ROUTED, handler="TNN",
            due_at=eight(1) + timedelta(days=days),
        )
        for days in (-1, 5)
    )  # fmt: skip

    tick(eight())

    (mail,) = digests(workshop, reader)
    overdue, cases = (mail.text or "").split("Your cases")
    assert late.number in overdue and fresh.number in cases
    assert "2 tasks" in mail.subject


def test_schools_that_wait_for_the_office_are_in_it(world: World, tick: Tick, workshop: Workshop) -> None:
    reader = world.office_osaka
    world.school("JP", name="新しい学校", status=SchoolStatus.PENDING, approver_code="JP-OSA")
    tick(eight(1))
    (mail,) = digests(workshop, reader)
    assert "新しい学校" in (mail.text or "")


def test_what_has_gone_by_the_time_of_sending_leaves_no_mail(world: World, tick: Tick, workshop: Workshop) -> None:
    reader, invitation = world.ierc_tainan, post(world)
    tick(eight())
    with world.unit_of_work() as uow:
        uow.transition(uow.get(Invitation, invitation.id), "withdraw", world.actor(world.osaka))
    assert digests(workshop, reader) == []


def test_weekly_units_get_it_on_monday(world: World, tick: Tick, workshop: Workshop) -> None:
    reader = world.ierc_tainan
    with world.unit_of_work() as uow:
        uow.get(Unit, "TNN").digest_frequency = "weekly"
    monday = 7 - TODAY.weekday()
    tick(eight(0))
    post(world)
    tick(eight(monday, minutes=-1))
    assert digests(workshop, reader) == []
    for days in range(monday, monday + 7):
        tick(eight(days))
    assert len(digests(workshop, reader)) == 1


def test_a_paused_or_closed_unit_gets_none(world: World, tick: Tick, workshop: Workshop) -> None:
    tainan, taipei = world.ierc_tainan, world.ierc_taipei
    post(world)
    with world.unit_of_work() as uow:
        uow.get(Unit, "TNN").digest_frequency = "paused"
        uow.get(Unit, "TPE").enabled = False
    tick(eight())
    assert digests(workshop, tainan) == digests(workshop, taipei) == []


def test_one_person_can_stop_it_and_take_that_back(world: World, tick: Tick, workshop: Workshop) -> None:
    stopped, other = world.ierc_tainan, world.user("ierc", unit="TNN")
    key = subscriptions.key_of(SECRET, stopped.id)
    post(world)
    with world.unit_of_work() as uow:
        subscriptions.stop(uow, SECRET, key)
        subscriptions.stop(uow, SECRET, key)
    tick(eight(1))
    assert (len(digests(workshop, stopped)), len(digests(workshop, other))) == (0, 1)

    with world.unit_of_work() as uow:
        assert subscriptions.is_stopped(uow, SECRET, key)
        subscriptions.resume(uow, SECRET, key)
        with pytest.raises(NotFound):
            subscriptions.stop(uow, SECRET, key + "x")
    post(world)
    tick(eight(2))
    assert len(digests(workshop, stopped)) == 1


def test_a_long_list_is_cut_and_says_so(world: World, tick: Tick, workshop: Workshop) -> None:
    reader = world.user("ierc", unit="TNN", language="en")
    posts = [world.invitation(world.osaka) for _ in range(25)]
    tick(eight())
    (mail,) = digests(workshop, reader)
    assert sum(invitation.id in (mail.text or "") for invitation in posts) == 20
    assert "and 5 more" in (mail.text or "")


def test_an_import_that_updates_a_post_makes_no_news_of_it(world: World, tick: Tick, workshop: Workshop) -> None:
    reader, invitation = world.ierc_tainan, post(world)
    tick(eight(1))
    with world.unit_of_work() as uow:
        uow.amend(uow.get(Invitation, invitation.id), SYSTEM, action="import", fact="InvitationImported")
    tick(eight(2))
    assert len(digests(workshop, reader)) == 1


@pytest.mark.parametrize(
    ("frequency", "zone", "now", "period"),
    [
        ("daily", "Asia/Taipei", "2027-03-01T00:00:00+00:00", date(2027, 3, 1)),
        ("daily", "Asia/Taipei", "2027-02-28T23:59:59+00:00", date(2027, 2, 28)),
        ("daily", "America/Los_Angeles", "2027-03-13T16:00:00+00:00", date(2027, 3, 13)),  # eight in winter
        ("daily", "America/Los_Angeles", "2027-03-14T14:59:59+00:00", date(2027, 3, 13)),
        ("daily", "America/Los_Angeles", "2027-03-14T15:00:00+00:00", date(2027, 3, 14)),  # eight in summer
        ("daily", "America/Los_Angeles", "2027-11-07T15:59:59+00:00", date(2027, 11, 6)),
        ("daily", "America/Los_Angeles", "2027-11-07T16:00:00+00:00", date(2027, 11, 7)),
        ("weekly", "Asia/Tokyo", "2027-02-28T22:59:00+00:00", date(2027, 2, 22)),
        ("weekly", "Asia/Tokyo", "2027-02-28T23:00:00+00:00", date(2027, 3, 1)),
        ("weekly", "Asia/Tokyo", "2027-03-06T23:00:00+00:00", date(2027, 3, 1)),
    ],
)
def test_the_period_follows_the_clock_of_the_unit(frequency: str, zone: str, now: str, period: date) -> None:
    assert last_day(frequency, zone, datetime.fromisoformat(now)) == period
