"""One mail a day at most, at an hour of one's own choice: new possible partners, and what saved searches met."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from iew.db import SessionFactory
from iew.domain.schools import Status as SchoolStatus
from iew.duties import run_due, settle_after_restore
from iew.models import (
    EmailDelivery,
    Event,
    Invitation,
    OutboxRow,
    SavedSearch,
    SavedSearchHit,
    School,
    Suggestion,
    SuggestionTelling,
    User,
)
from iew.services import saved_searches, suggestions
from iew.uow import UnitOfWork
from tests.news.conftest import Suggest, Tick
from tests.pages.browser import Browser
from tests.workshop import Workshop
from tests.world import World, problem
from worker.jobs import news as jobs

TODAY = datetime.now(UTC).astimezone(ZoneInfo("Asia/Taipei")).date()
TOMORROW = TODAY + timedelta(days=1)


def at(day: date, hour: int = 8, minute: int = 0, zone: str = "Asia/Taipei") -> datetime:
    return datetime.combine(day, time(hour, minute), ZoneInfo(zone)).astimezone(UTC)


def mails(workshop: Workshop, reader: User) -> list[EmailDelivery]:
    workshop.work_off()
    return [mail for mail in workshop.deliveries("news") if mail.address == reader.email]


def text_of(mail: EmailDelivery) -> str:
    return " ".join((mail.text or "").split())


def met(world: World, reader: User, post: Invitation, name: str = "Robots", frequency: str = "daily") -> None:
    """A search that somebody keeps has met a post, and nobody was told yet."""
    with world.unit_of_work() as uow:
        values = {"name": name, "params": {"q": "robots"}, "frequency": frequency, "paused": False}
        search = saved_searches.keep(uow, values, world.actor(reader))
        uow.session.execute(update(OutboxRow).values(done_at=uow.now))
        uow.session.add(SavedSearchHit(search_id=search.id, invitation_id=post.id, found_at=uow.now))


def change(world: World, user: User, **values: Any) -> None:
    with world.unit_of_work() as uow:
        found = uow.get(User, user.id)
        for name, value in values.items():
            setattr(found, name, value)


@pytest.fixture
def pair(world: World, suggest: Suggest) -> tuple[Invitation, Invitation]:
    """A post from Tainan and one from Osaka that fit each other."""
    ours, theirs = world.invitation(world.tainan, title="From Tainan"), world.invitation(title="From Osaka")
    suggest(ours, theirs)
    return ours, theirs


Pair = tuple[Invitation, Invitation]


class Agreeable:
    """Searches that meet whatever they are asked about."""

    def ask(self, document: Any, *, among: Any = None) -> frozenset[str]:
        return frozenset(among or ())


def test_both_schools_hear_of_each_other_with_the_reasons(
    world: World, workshop: Workshop, tick: Tick, pair: Pair
) -> None:
    _ours, theirs = pair
    change(world, world.tainan, language="en")
    tick(at(TOMORROW))

    (mail,) = mails(workshop, world.tainan)
    (other,) = mails(workshop, world.osaka)

    text = text_of(mail)
    assert mail.subject == "1 school that could fit yours"
    assert "From Osaka" in text and f"/en/invitations/{theirs.id}" in text
    assert "You share a language: English" in text and "For your invitation “From Tainan”" in text
    assert "/en/posts" in text and mail.once_only
    assert (other.language, "From Tainan" in (other.text or "")) == ("ja", True)
    (sent,) = [message for address, message in workshop.postbox.sent if address == world.tainan.email]
    assert sent["List-Unsubscribe"] == f"<{mail.unsubscribe_url}>"
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_what_both_texts_speak_of_is_named_in_the_language_of_the_reader(
    world: World, workshop: Workshop, tick: Tick, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world.unit_of_work() as uow:
        reasons = [{"code": "theme_shared", "values": ["sea", "fish"]}]
        uow.session.execute(update(Suggestion).values(reasons=reasons))
    named = {("sea", "zh-Hant"): "海洋", ("fish", "zh-Hant"): "魚類", ("sea", "ja"): "海", ("fish", "ja"): "魚"}
    monkeypatch.setattr(jobs, "_theme", lambda work, code, language: named[code, language])
    tick(at(TOMORROW))
    (mail,) = mails(workshop, world.tainan)
    assert "海洋、魚類" in (mail.text or "")


def test_nobody_is_told_of_a_school_twice(
    world: World, workshop: Workshop, tick: Tick, pair: Pair, suggest: Suggest
) -> None:
    ours, theirs = pair
    for days in range(1, 4):
        tick(at(TODAY + timedelta(days=days)))
    second = world.invitation(world.tainan, title="Another of ours")
    suggest(ours, theirs)
    suggest(second, theirs)
    tick(at(TODAY + timedelta(days=5)))

    assert len(mails(workshop, world.tainan)) == 1


def test_a_newcomer_among_the_best_is_told_alone(
    world: World, workshop: Workshop, tick: Tick, pair: Pair, suggest: Suggest
) -> None:
    ours, theirs = pair
    tick(at(TOMORROW))
    suggest(ours, theirs, world.invitation(world.seoul, title="From Seoul"))
    tick(at(TOMORROW + timedelta(days=1)))

    first, second = mails(workshop, world.tainan)
    assert "From Osaka" in (first.text or "") and "From Seoul" not in (first.text or "")
    assert "From Seoul" in (second.text or "") and "From Osaka" not in (second.text or "")


def test_alerts_and_suggestions_come_in_one_mail(world: World, workshop: Workshop, tick: Tick, pair: Pair) -> None:
    workshop.searches = Agreeable()
    change(world, world.tainan, language="en")
    met(world, world.tainan, world.invitation(world.seoul, title="From Seoul"))
    tick(at(TOMORROW))
    tick(at(TOMORROW, 9))

    (mail,) = mails(workshop, world.tainan)

    assert mail.subject == "1 new invitation and 1 school that could fit yours"
    assert "From Seoul" in (mail.text or "") and "From Osaka" in (mail.text or "")
    assert [kind for kind, address in workshop.mails() if address == world.tainan.email] == ["news"]


def test_what_a_search_found_is_not_told_again_as_a_suggestion(
    world: World, workshop: Workshop, tick: Tick, pair: Pair
) -> None:
    workshop.searches = Agreeable()
    met(world, world.tainan, pair[1])
    for days in (0, 1):
        tick(at(TOMORROW + timedelta(days=days)))
    (mail,) = mails(workshop, world.tainan)
    assert (mail.text or "").count("From Osaka") == 1


@pytest.mark.parametrize("hour", [0, 5, 20, 23])
def test_it_comes_at_the_hour_that_was_chosen(
    world: World, workshop: Workshop, tick: Tick, pair: Pair, hour: int
) -> None:
    zone = "America/Los_Angeles"
    change(world, world.tainan, news_hour=hour, timezone=zone)
    day = datetime.now(UTC).astimezone(ZoneInfo(zone)).date() + timedelta(days=2)
    before = at(day, hour, 0, zone) - timedelta(minutes=1)
    if hour:
        tick(before)
        assert mails(workshop, world.tainan) == []
    tick(at(day, hour, 0, zone))
    assert len(mails(workshop, world.tainan)) == 1


def test_another_hour_brings_no_second_mail_on_the_same_day(
    world: World, workshop: Workshop, tick: Tick, pair: Pair, suggest: Suggest
) -> None:
    ours, theirs = pair
    tick(at(TOMORROW))
    suggest(ours, theirs, world.invitation(world.seoul, title="From Seoul"))
    change(world, world.tainan, news_hour=20)
    tick(at(TOMORROW, 20))
    assert len(mails(workshop, world.tainan)) == 1
    tick(at(TOMORROW + timedelta(days=1), 19, 59))
    assert len(mails(workshop, world.tainan)) == 1
    tick(at(TOMORROW + timedelta(days=1), 20))
    assert len(mails(workshop, world.tainan)) == 2


def test_a_later_hour_still_brings_what_the_earlier_one_found_empty(
    world: World, workshop: Workshop, tick: Tick
) -> None:
    workshop.searches = Agreeable()
    met(world, world.tainan, world.invitation(world.seoul, title="From Seoul"))
    with world.unit_of_work() as uow:
        uow.session.execute(update(SavedSearchHit).values(found_at=at(TOMORROW, 9)))
    tick(at(TOMORROW, 9, 5))
    assert mails(workshop, world.tainan) == []
    change(world, world.tainan, news_hour=20)
    tick(at(TOMORROW, 20))
    tick(at(TOMORROW, 21))
    assert len(mails(workshop, world.tainan)) == 1


def test_a_day_that_was_missed_is_covered_at_the_next_hour_and_not_in_the_night(
    world: World, workshop: Workshop, tick: Tick, pair: Pair
) -> None:
    workshop.searches = Agreeable()
    met(world, world.tainan, world.invitation(world.seoul, title="From Seoul"))
    change(world, world.tainan, news_hour=22)
    tick(at(TOMORROW + timedelta(days=2), 2))
    assert mails(workshop, world.tainan) == []
    tick(at(TOMORROW + timedelta(days=2), 22))
    (mail,) = mails(workshop, world.tainan)
    assert "From Seoul" in (mail.text or "") and "From Osaka" in (mail.text or "")


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2027, 3, 14), ["01:59", "03:00", "03:01", "23:00"]),  # 02:00 does not exist in Los Angeles
        (date(2027, 11, 7), ["00:59", "01:00", "01:30"]),  # 01:00 comes twice
    ],
)
def test_a_clock_change_brings_one_mail(
    world: World, workshop: Workshop, tick: Tick, day: date, hours: list[str], suggest: Suggest
) -> None:
    zone = "America/Los_Angeles"
    hour = 2 if day.month == 3 else 1
    change(world, world.tainan, news_hour=hour, timezone=zone)
    last = (day + timedelta(days=60)).isoformat()
    suggest(world.invitation(world.tainan, expires_on=last), world.invitation(world.osaka, expires_on=last))
    sent = []
    for moment in hours:
        for fold in (0, 1):
            local = datetime.combine(day, time.fromisoformat(moment), ZoneInfo(zone)).replace(fold=fold)
            tick(local.astimezone(UTC))
            sent.append(len(mails(workshop, world.tainan)))
    assert sent == [0, 0, *[1] * (len(sent) - 2)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"suggestions_wanted": False},
        {"disabled_at": datetime.now(UTC)},
        {"mail_refused_at": datetime.now(UTC)},
        {"email_confirmed_at": None},
    ],
)
def test_who_does_not_want_or_cannot_get_it_gets_none(
    world: World, workshop: Workshop, tick: Tick, pair: Pair, wrong: dict[str, Any]
) -> None:
    change(world, world.tainan, **wrong)
    tick(at(TOMORROW))
    assert mails(workshop, world.tainan) == []
    assert len(mails(workshop, world.osaka)) == 1


def test_a_school_that_is_not_approved_any_more_is_told_nothing(
    world: World, workshop: Workshop, tick: Tick, pair: Pair
) -> None:
    tick(at(TOMORROW))
    with world.unit_of_work() as uow:
        uow.session.execute(
            update(School).where(School.id == world.tainan.school_id).values({"status": SchoolStatus.PENDING.value})
        )
    assert mails(workshop, world.tainan) == mails(workshop, world.osaka) == []


@pytest.mark.parametrize("change_of_mind", ["dismissed", "withdrawn", "stopped"])
def test_what_has_gone_by_the_time_of_sending_leaves_no_mail(
    world: World, workshop: Workshop, tick: Tick, pair: Pair, change_of_mind: str
) -> None:
    ours, theirs = pair
    tick(at(TOMORROW))
    with world.unit_of_work() as uow:
        if change_of_mind == "dismissed":
            suggestions.dismiss(uow, ours.id, theirs.id, world.actor(world.tainan))
        elif change_of_mind == "withdrawn":
            uow.transition(uow.get(Invitation, theirs.id), "withdraw", world.actor(world.osaka))
    if change_of_mind == "stopped":
        change(world, world.tainan, suggestions_wanted=False)
    assert mails(workshop, world.tainan) == []
    with world.unit_of_work() as uow:
        told = select(SuggestionTelling.other_id).where(SuggestionTelling.user_id == world.tainan.id)
        assert uow.session.scalars(told).all() == []


def test_a_job_done_twice_tells_once(world: World, workshop: Workshop, tick: Tick, pair: Pair) -> None:
    tick(at(TOMORROW))
    mails(workshop, world.tainan)
    with world.unit_of_work() as uow:
        uow.session.execute(update(OutboxRow).values(done_at=None))
    mails(workshop, world.tainan)
    assert len([to for to, _ in workshop.postbox.sent if to == world.tainan.email]) == 1


def test_after_a_restore_nothing_is_told_again(
    world: World, workshop: Workshop, tick: Tick, pair: Pair, session_factory: SessionFactory
) -> None:
    settle_after_restore(lambda moment: UnitOfWork(session_factory, now=moment), datetime.now(UTC))
    tick(at(TOMORROW))
    assert mails(workshop, world.tainan) == []


def test_two_schedulers_at_once_owe_one_mail(committed_session_factory: SessionFactory) -> None:
    world = World(committed_session_factory)
    ours, theirs = world.invitation(world.tainan), world.invitation(world.osaka)
    with world.unit_of_work() as uow:
        suggestions.suggest(uow, ours.id, [theirs.id], concepts=lambda text: frozenset())

    def tick(_: int) -> None:
        run_due(lambda moment: UnitOfWork(committed_session_factory, now=moment), at(TOMORROW))

    with ThreadPoolExecutor(4) as schedulers:
        list(schedulers.map(tick, range(4)))

    with world.unit_of_work() as uow:
        due = select(Event.subject_id).where(Event.fact == "NewsBecameDue")
        assert sorted(uow.session.scalars(due)) == sorted([world.tainan.id, world.osaka.id])


class TestTheLinkInTheMail:
    def test_one_click_stops_all_of_it_and_can_be_taken_back(
        self, world: World, workshop: Workshop, tick: Tick, pair: Pair
    ) -> None:
        met(world, world.tainan, world.invitation(world.seoul), frequency="weekly")
        tick(at(TOMORROW))
        (mail,) = mails(workshop, world.tainan)
        path, client = (mail.unsubscribe_url or "").removeprefix("https://window.example"), world.app.test_client()

        assert client.get(path).status_code == 200
        assert self.state(world) == (True, [False])
        for _ in range(2):
            assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
        assert self.state(world) == (False, [True])
        assert client.post(path, data={"resume": "yes"}).status_code == 200
        assert self.state(world) == (True, [False])

    def state(self, world: World) -> tuple[bool, list[bool]]:
        with world.unit_of_work() as uow:
            searches = uow.session.scalars(select(SavedSearch.paused).where(SavedSearch.user_id == world.tainan.id))
            return uow.get(User, world.tainan.id).suggestions_wanted, list(searches)


class TestChoosing:
    def test_the_hour_is_chosen_on_the_page_of_the_account(self, world: World, browser: Browser) -> None:
        browser.sign_in(world.tainan)
        form = browser.open("account").form_to("/account/news")
        assert (form.fields["news_hour"], form.fields.getlist("suggestions_wanted")) == ("8", ["", "yes"])
        page = browser.send(form, news_hour="21", suggestions_wanted=[""])
        assert page.status == 302
        form = browser.open("account").form_to("/account/news")
        assert (form.fields["news_hour"], form.fields.getlist("suggestions_wanted")) == ("21", [""])
        met(world, world.tainan, world.invitation())
        assert "every day at 21:00" in browser.open("saved-searches").words

    @pytest.mark.parametrize("hour", ["24", "-1", "noon", ""])
    def test_an_hour_that_does_not_exist_is_refused_and_changes_nothing(
        self, world: World, browser: Browser, hour: str
    ) -> None:
        browser.sign_in(world.tainan)
        page = browser.send(browser.open("account").form_to("/account/news"), news_hour=hour)
        assert page.status == 422
        assert page.fault_at("news_hour", form="news")
        with world.unit_of_work() as uow:
            assert uow.get(User, world.tainan.id).news_hour == 8

    def test_the_api_takes_it_too(self, world: World) -> None:
        client = world.as_(world.tainan)
        reply = client.patch("/me", {"news_hour": 0, "suggestions_wanted": False}, version=1)
        assert (reply.status_code, reply.json["news_hour"], reply.json["suggestions_wanted"]) == (200, 0, False)
        refused = client.patch("/me", {"news_hour": 24}, version=2)
        assert problem(refused) == (422, "invalid") and list(refused.json["errors"]) == ["news_hour"]
