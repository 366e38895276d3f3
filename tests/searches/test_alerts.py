"""Who is told of a new post: once, not of what has gone, not of one's own, at the hour that was chosen."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from iew.db import SessionFactory
from iew.duties import settle_after_restore
from iew.models import EmailDelivery, Invitation, OutboxRow, SavedSearch, SavedSearchHit, User
from iew.services import catalog, exchange, saved_searches
from iew.uow import UnitOfWork
from search_index.errors import SearchUnavailable
from search_index.reader import Reader
from search_index.searches import SearchWriter
from tests.files.rows import post_row, school_row
from tests.searches.conftest import Tick, keep, publish
from tests.workshop import SECRET, Workshop
from tests.world import World

KIND = "saved_search_alert"
TODAY = datetime.now(UTC).astimezone(ZoneInfo("Asia/Taipei")).date()


def at(day: date, hour: int = 8, minute: int = 0, zone: str = "Asia/Taipei") -> datetime:
    return datetime.combine(day, time(hour, minute), ZoneInfo(zone)).astimezone(UTC)


def next_monday() -> date:
    return TODAY + timedelta(days=7 - TODAY.weekday())


def alerts(workshop: Workshop, reader: User) -> list[EmailDelivery]:
    workshop.work_off()
    return [mail for mail in workshop.deliveries() if mail.kind in (KIND, "news") and mail.address == reader.email]


def do(workshop: Workshop, *jobs: str) -> None:
    """Do what is owed of these kinds, and no more."""
    for row in workshop.rows():
        if row.job in jobs:
            workshop.perform(row.id)


def hits(world: World) -> list[tuple[str, bool]]:
    with world.unit_of_work() as uow:
        return [
            (hit.invitation_id, hit.announced_at is not None) for hit in uow.session.scalars(select(SavedSearchHit))
        ]


def import_posts(world: World, ref: str = "p-1", *, publish: bool = True, **changes: Any) -> None:
    """One post of a file, as the operator brings it in."""
    with world.unit_of_work() as uow:
        exchange.import_invitations(uow, [exchange.Line(1, post_row(ref, **changes))], publish=publish)


def owed(workshop: Workshop) -> list[str]:
    """What waits of the jobs about saved searches."""
    names = ("index_search", "announce_to_searches", "notify_saved_search_alert", "send_news")
    return [row.job for row in workshop.rows() if row.job in names]


class TestAtOnce:
    def test_a_new_post_that_fits_is_told_in_the_language_of_the_reader(self, world: World, workshop: Workshop) -> None:
        search = keep(world, world.tainan, q="機器人", country=["JP"])
        post = publish(world, title="Robots say hello")

        (mail,) = alerts(workshop, world.tainan)

        assert (mail.language, mail.once_only) == ("zh-Hant", True)
        assert mail.subject == "My robots：1 則新邀請" or "My robots" in mail.subject
        assert "Robots say hello" in (mail.text or "")
        assert f"/zh-Hant/invitations/{post.id}" in (mail.text or "")
        assert f"/zh-Hant/search?q={'%E6%A9%9F%E5%99%A8%E4%BA%BA'}&country=JP" in (mail.text or "")
        assert (mail.unsubscribe_url or "").startswith("https://window.example/stop-search/")
        (sent,) = [message for address, message in workshop.postbox.sent if address == world.tainan.email]
        assert sent["List-Unsubscribe"] == f"<{mail.unsubscribe_url}>"
        assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        with world.unit_of_work() as uow:
            assert uow.get(SavedSearch, search.id).last_alert_at is not None

    def test_what_does_not_fit_is_not_told(self, world: World, workshop: Workshop) -> None:
        keep(world, world.tainan, q="robots", country=["KR"])
        keep(world, world.tainan, q="robots turtles")
        keep(world, world.tainan, q="robots", students=5)
        publish(world)
        assert alerts(workshop, world.tainan) == []
        assert hits(world) == []

    def test_every_job_done_twice_tells_once(self, world: World, workshop: Workshop) -> None:
        keep(world, world.tainan)
        post = publish(world)
        alerts(workshop, world.tainan)
        with world.unit_of_work() as uow:
            for row in uow.session.scalars(select(OutboxRow).where(OutboxRow.job.not_in(["index_invitation"]))):
                row.done_at = None
        alerts(workshop, world.tainan)
        with world.unit_of_work() as uow:
            uow.record("InvitationRevised", uow.get(Invitation, post.id), action="revise")

        assert len(alerts(workshop, world.tainan)) == 1
        assert len([to for to, _ in workshop.postbox.sent if to == world.tainan.email]) == 1
        assert hits(world) == [(post.id, True)]

    def test_a_post_that_fits_only_since_its_revision_is_told_then(self, world: World, workshop: Workshop) -> None:
        keep(world, world.tainan, q="turtles")
        post = publish(world)
        assert alerts(workshop, world.tainan) == []
        with world.unit_of_work() as uow:
            found = uow.get(Invitation, post.id)
            found.title = "Sea turtles"
            uow.record("InvitationRevised", found, action="revise")
        assert len(alerts(workshop, world.tainan)) == 1

    def test_nobody_is_told_of_the_posts_of_the_own_school(self, world: World, workshop: Workshop) -> None:
        keep(world, world.osaka)
        keep(world, world.office_osaka)
        publish(world, world.osaka)
        assert alerts(workshop, world.osaka) == []
        assert len(alerts(workshop, world.office_osaka)) == 1

    def test_a_paused_search_finds_nothing_and_tells_nothing(self, world: World, workshop: Workshop) -> None:
        search = keep(world, world.tainan)
        publish(world)
        do(workshop, "index_search")
        do(workshop, "announce_to_searches")
        self._pause(world, search)
        assert alerts(workshop, world.tainan) == []
        publish(world)
        assert alerts(workshop, world.tainan) == []
        assert hits(world) == []

    def _pause(self, world: World, search: SavedSearch) -> None:
        reply = world.as_(world.tainan).patch(f"/saved-searches/{search.id}", {"paused": True}, version=1)
        assert reply.status_code == 200

    @pytest.mark.parametrize("change", ["withdrawn", "edited", "expired"])
    def test_a_post_that_fits_no_more_when_the_mail_is_due_is_not_told(
        self, world: World, workshop: Workshop, change: str
    ) -> None:
        keep(world, world.tainan)
        post = publish(world)
        do(workshop, "index_search")
        do(workshop, "announce_to_searches")
        assert hits(world) == [(post.id, False)]
        with world.unit_of_work() as uow:
            found = uow.get(Invitation, post.id)
            if change == "withdrawn":
                uow.transition(found, "withdraw", world.actor(world.osaka))
            elif change == "edited":
                found.title, found.description, found.topics = "Turtles", "We count turtles.", []
            else:
                found.expires_on = uow.today - timedelta(days=1)
        assert alerts(workshop, world.tainan) == []
        assert hits(world) == []

    def test_a_search_that_was_deleted_is_told_nothing(self, world: World, workshop: Workshop) -> None:
        search = keep(world, world.tainan)
        publish(world)
        do(workshop, "index_search")
        do(workshop, "announce_to_searches")
        assert world.as_(world.tainan).delete(f"/saved-searches/{search.id}").status_code == 204
        assert alerts(workshop, world.tainan) == []
        publish(world)
        assert alerts(workshop, world.tainan) == []

    def test_a_post_waits_for_searches_that_are_on_their_way(self, world: World, workshop: Workshop) -> None:
        keep(world, world.tainan)
        publish(world)
        do(workshop, "announce_to_searches")
        assert owed(workshop) == ["index_search", "announce_to_searches"]
        assert len(alerts(workshop, world.tainan)) == 1

    def test_while_the_engine_is_away_everything_waits(self, world: World, workshop: Workshop) -> None:
        class Away:
            def put(self, search: Any) -> bool:
                raise SearchUnavailable("away")

            def ask(self, document: Any, *, among: Any = None) -> frozenset[str]:
                raise SearchUnavailable("away")

        there, workshop.searches = workshop.searches, Away()
        keep(world, world.tainan)
        publish(world)
        assert alerts(workshop, world.tainan) == []
        assert not any(row.parked_at for row in workshop.rows(everything=True))
        workshop.searches = there
        assert len(alerts(workshop, world.tainan)) == 1


class TestTogether:
    def test_at_eight_one_mail_covers_all_searches_of_a_person(
        self, world: World, workshop: Workshop, tick: Tick
    ) -> None:
        keep(world, world.tainan, "daily", name="Robots")
        keep(world, world.tainan, "daily", name="Japan", country=["JP"])
        keep(world, world.tainan, "daily", name="Korea", country=["KR"])
        publish(world, title="One")
        publish(world, title="Two")
        assert alerts(workshop, world.tainan) == []
        tomorrow = TODAY + timedelta(days=1)
        tick(at(tomorrow, 7, 59))
        assert alerts(workshop, world.tainan) == []
        for minute in (0, 1, 59):
            tick(at(tomorrow, 8, minute))

        (mail,) = alerts(workshop, world.tainan)

        text = mail.text or ""
        assert (text.count("One"), text.count("Two")) == (2, 2)
        assert "Korea" not in text and "/zh-Hant/saved-searches" in text
        tick(at(tomorrow + timedelta(days=1)))
        assert len(alerts(workshop, world.tainan)) == 1

    def test_a_weekly_search_waits_for_monday(self, world: World, workshop: Workshop, tick: Tick) -> None:
        keep(world, world.tainan, "weekly")
        publish(world)
        workshop.work_off()
        day = TODAY + timedelta(days=1)
        while day < next_monday():
            tick(at(day, 9))
            day += timedelta(days=1)
        tick(at(next_monday(), 7, 59))
        assert alerts(workshop, world.tainan) == []
        tick(at(next_monday()))
        assert len(alerts(workshop, world.tainan)) == 1

    def test_on_monday_daily_and_weekly_come_in_one_mail(self, world: World, workshop: Workshop, tick: Tick) -> None:
        keep(world, world.tainan, "weekly", name="Slowly")
        keep(world, world.tainan, "daily", name="Quickly")
        publish(world)
        workshop.work_off()
        tick(at(next_monday()))
        (mail,) = alerts(workshop, world.tainan)
        assert "Slowly" in (mail.text or "") and "Quickly" in (mail.text or "")

    def test_after_missed_days_one_mail_covers_them(self, world: World, workshop: Workshop, tick: Tick) -> None:
        keep(world, world.tainan, "daily")
        keep(world, world.tainan, "weekly", name="Weekly")
        publish(world, title="One")
        workshop.work_off()
        tick(at(next_monday() + timedelta(days=3), 15))
        (mail,) = alerts(workshop, world.tainan)
        assert (mail.text or "").count("One") == 2

    def test_eight_is_where_the_reader_is(self, world: World, workshop: Workshop, tick: Tick) -> None:
        reader = world.user(school=world.school("US"), timezone="America/Los_Angeles")
        keep(world, reader, "daily")
        publish(world)
        workshop.work_off()
        there = datetime.now(UTC).astimezone(ZoneInfo("America/Los_Angeles")).date() + timedelta(days=1)
        tick(at(there, 7, 59, "America/Los_Angeles"))
        if datetime.now(UTC).astimezone(ZoneInfo("America/Los_Angeles")).hour >= 8:
            assert alerts(workshop, reader) == []
        tick(at(there, 8, 0, "America/Los_Angeles"))
        assert len(alerts(workshop, reader)) == 1

    def test_it_is_never_empty(self, world: World, workshop: Workshop, tick: Tick) -> None:
        keep(world, world.tainan, "daily")
        post = publish(world)
        workshop.work_off()
        tomorrow = TODAY + timedelta(days=1)
        tick(at(tomorrow))
        with world.unit_of_work() as uow:
            uow.transition(uow.get(Invitation, post.id), "withdraw", world.actor(world.osaka))
        assert alerts(workshop, world.tainan) == []
        tick(at(tomorrow + timedelta(days=1)))
        assert alerts(workshop, world.tainan) == []

    def test_what_was_made_daily_before_it_was_told_is_told_once(
        self, world: World, workshop: Workshop, tick: Tick
    ) -> None:
        search = keep(world, world.tainan, "weekly")
        publish(world)
        workshop.work_off()
        path = f"/saved-searches/{search.id}"
        assert world.as_(world.tainan).patch(path, {"frequency": "instant"}, version=1).status_code == 200
        tick(at(TODAY + timedelta(days=1)))
        assert len(alerts(workshop, world.tainan)) == 1

    def test_after_a_restore_nothing_is_told_again(
        self, world: World, workshop: Workshop, tick: Tick, session_factory: SessionFactory
    ) -> None:
        keep(world, world.tainan, "daily")
        publish(world)
        workshop.work_off()
        settle_after_restore(lambda moment: UnitOfWork(session_factory, now=moment), datetime.now(UTC))
        tick(at(TODAY + timedelta(days=1)))
        assert alerts(workshop, world.tainan) == []


class TestTheLinkInTheMail:
    def key(self, mail: EmailDelivery) -> str:
        return (mail.unsubscribe_url or "").rpartition("/")[2]

    def paused(self, world: World) -> list[bool]:
        with world.unit_of_work() as uow:
            rows = uow.session.scalars(select(SavedSearch).order_by(SavedSearch.name))
            return [search.paused for search in rows]

    def test_one_click_pauses_that_search_alone(self, world: World, workshop: Workshop) -> None:
        keep(world, world.tainan, name="A")
        keep(world, world.tainan, name="B", q="turtles")
        publish(world)
        (mail,) = alerts(workshop, world.tainan)
        path, client = f"/stop-search/{self.key(mail)}", world.app.test_client()

        assert client.get(path).status_code == 200
        assert self.paused(world) == [False, False]
        for _ in range(2):
            assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
        assert self.paused(world) == [True, False]
        publish(world)
        assert len(alerts(workshop, world.tainan)) == 1
        assert client.post(path, data={"resume": "yes"}).status_code == 200
        assert self.paused(world) == [False, False]

    def test_the_link_of_a_collected_mail_pauses_what_it_collects(
        self, world: World, workshop: Workshop, tick: Tick
    ) -> None:
        keep(world, world.tainan, "daily", name="A")
        keep(world, world.tainan, "weekly", name="B")
        keep(world, world.tainan, "instant", name="C", q="turtles")
        publish(world)
        workshop.work_off()
        tick(at(next_monday()))
        (mail,) = alerts(workshop, world.tainan)
        assert world.app.test_client().post(f"/stop-search/{self.key(mail)}").status_code == 200
        assert self.paused(world) == [True, True, False]

    def test_a_made_up_link_leads_nowhere(self, world: World) -> None:
        client = world.app.test_client()
        key = saved_searches.key_of(SECRET, search_id="gone")
        for path in ("/stop-search/rubbish", f"/stop-search/{key}", f"/stop-search/{key}x"):
            assert client.get(path).status_code == 404
            assert client.post(path).status_code == 404


class TestFiles:
    """What an operator imports and publishes is news as any other post."""

    def test_what_was_imported_is_told_once_however_often_it_is_imported(
        self, world: World, workshop: Workshop
    ) -> None:
        keep(world, world.tainan, q="turtles", level=["senior_high_general"])
        keep(world, world.seoul, q="turtles", level=["primary"])
        import_posts(world, title="Sea turtles")
        assert [mail.subject for mail in alerts(workshop, world.tainan)] != []

        import_posts(world, title="Sea turtles")
        import_posts(world, title="Sea turtles and whales")

        assert len(alerts(workshop, world.tainan)) == 1
        assert alerts(workshop, world.seoul) == []

    def test_drafts_are_not_told(self, world: World, workshop: Workshop) -> None:
        keep(world, world.tainan, q="turtles")
        import_posts(world, publish=False, title="Sea turtles")
        assert alerts(workshop, world.tainan) == []

    def test_a_text_that_fits_only_since_the_second_import_is_told_then(self, world: World, workshop: Workshop) -> None:
        keep(world, world.tainan, q="whales")
        import_posts(world, title="Sea turtles")
        assert alerts(workshop, world.tainan) == []
        import_posts(world, title="Sea turtles and whales")
        assert len(alerts(workshop, world.tainan)) == 1

    def test_a_post_older_than_the_search_is_no_news_when_its_contact_or_its_school_changes(
        self, world: World, workshop: Workshop
    ) -> None:
        import_posts(world, title="Sea turtles")
        workshop.work_off(skip=("suggest_partners",))
        keep(world, world.tainan, q="turtles")
        workshop.work_off(skip=("suggest_partners",))

        contact = {"name": "Mika", "email": "mika@school.example"}
        import_posts(world, title="Sea turtles", contact=contact)
        import_posts(world, school=school_row(name="New name"), title="Sea turtles", contact=contact)

        assert "suggest_partners" in [row.job for row in workshop.rows()]
        assert alerts(workshop, world.tainan) == []
        assert hits(world) == []

    def test_withdrawn_or_rewritten_before_the_mail_goes_it_is_not_told(self, world: World, workshop: Workshop) -> None:
        keep(world, world.tainan, q="turtles")
        import_posts(world, "p-1", title="Sea turtles")
        import_posts(world, "p-2", title="Turtles of the river")
        do(workshop, "index_search", "announce_to_searches")
        assert len(hits(world)) == 2
        with world.unit_of_work() as uow:
            (post,) = uow.session.scalars(select(Invitation).where(Invitation.ref == "p-2"))
            uow.transition(post, "withdraw", world.actor(world.admin), reason="Twice")
        import_posts(world, "p-1", title="Robots")

        assert alerts(workshop, world.tainan) == []
        assert hits(world) == []


def test_two_workers_at_once_tell_once(committed_session_factory: SessionFactory, searches: SearchWriter) -> None:
    """Both do every job that is owed, at the same moment and again."""
    world, workshop = World(committed_session_factory), Workshop(committed_session_factory, searches=searches)
    with world.unit_of_work() as uow:
        values = {"name": "Robots", "params": {"q": "robots"}, "frequency": "instant", "paused": False}
        saved_searches.keep(uow, values, world.actor(world.tainan))
    do(workshop, "index_search")
    for _ in range(3):
        publish(world)
    with world.unit_of_work() as uow:
        for post in uow.session.scalars(select(Invitation)):
            uow.record("InvitationRevised", post, action="revise")

    def work(_: int) -> None:
        Workshop(committed_session_factory, workshop.postbox, searches=searches).work_off()

    with ThreadPoolExecutor(4) as crew:
        list(crew.map(work, range(4)))
    work(0)

    assert len(workshop.deliveries(KIND)) == 3
    assert len([to for to, _ in workshop.postbox.sent if to == world.tainan.email]) == 3


class TestKeepingTheIndex:
    def test_a_rebuild_brings_every_search_back(
        self, world: World, searches: SearchWriter, session_factory: SessionFactory
    ) -> None:
        search = keep(world, world.tainan, q="robots")
        catalog.rebuild_searches(world.unit_of_work, searches)
        post = publish(world)
        with world.unit_of_work() as uow:
            assert catalog.searches_met_by(uow, searches, uow.get(Invitation, post.id)) == {search.id}
        assert not catalog.ensure_searches(world.unit_of_work, searches)

    def test_what_differs_is_written_again(self, world: World, workshop: Workshop, searches: SearchWriter) -> None:
        changed, gone = (keep(world, world.tainan, q=words) for words in ("robots", "tea"))
        workshop.work_off()
        missing = keep(world, world.tainan, q="robots", country=["JP"])
        assert self._differing(world, searches) == 0  # it is on its way
        with world.unit_of_work() as uow:
            uow.session.execute(update(OutboxRow).where(OutboxRow.subject_id == missing.id).values(done_at=uow.now))
            uow.get(SavedSearch, changed.id).params = {"q": "robots", "language": ["en"]}
            uow.session.delete(uow.get(SavedSearch, gone.id))
        assert self._differing(world, searches) == 3
        assert self._differing(world, searches, repair=True) == 3
        workshop.work_off()
        assert self._differing(world, searches) == 0
        post = publish(world)
        with world.unit_of_work() as uow:
            met = catalog.searches_met_by(uow, searches, uow.get(Invitation, post.id))
        assert met == {changed.id, missing.id}

    def _differing(self, world: World, searches: SearchWriter, *, repair: bool = False) -> int:
        with world.unit_of_work() as uow:
            return catalog.reconcile_searches(world.unit_of_work, uow, searches, repair=repair)

    def test_the_words_are_read_in_the_language_of_the_reader(self, world: World, reader: Reader) -> None:
        own = keep(world, world.tainan, q="高中")
        named = keep(world, world.tainan, q="高中", lang="ja")
        with world.unit_of_work() as uow:
            kept = {search.id: search for search in catalog.stored_searches(world.unit_of_work)}
            assert uow.get(User, world.tainan.id).language == "zh-Hant"
        requests = {key: search.request.language for key, search in kept.items() if search.request}
        assert requests == {own.id: "zh", named.id: "ja"}
