"""Posts in the index: what is written of them, and that index and database can be brought together again."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text, update

from iew.db import SessionFactory
from iew.domain.vocabularies import FACET_VOCABULARIES
from iew.errors import StateConflict, Unavailable
from iew.models import Contact, Invitation, OutboxRow
from iew.outbox import INDEX_POST
from iew.services import catalog
from iew.uow import UnitOfWork
from iew.web.results import VOCABULARY_OF
from search_index.cluster import Cluster
from search_index.document import FACETS, Document
from search_index.lexicon import Lexicon
from search_index.reader import Reader
from search_index.writer import Writer
from tests.parts import Parts
from tests.search.conftest import a_document, own_cluster
from tests.world import World

TODAY = datetime.now(UTC).astimezone(ZoneInfo("Asia/Taipei")).date()


@pytest.fixture
def writer(fresh_cluster: Cluster, lexicon: Lexicon) -> Writer:
    return Writer(fresh_cluster, lexicon)


@pytest.fixture
def reader(writer: Writer) -> Reader:
    return Reader(writer.cluster, writer.lexicon)


def differences(world: World, writer: Writer, *, repair: bool = False) -> set[tuple[str, str]]:
    writer._refresh(writer.cluster.names.alias)
    with world.unit_of_work() as uow:
        return {(found.kind, found.id) for found in catalog.reconcile(uow, writer, repair=repair)}


def owed(world: World) -> set[str]:
    with world.unit_of_work() as uow:
        return set(uow.session.scalars(select(OutboxRow.subject_id).where(OutboxRow.job == INDEX_POST)))


def do_what_is_owed(world: World, writer: Writer) -> None:
    ids = sorted(owed(world))
    with world.unit_of_work() as uow:
        catalog.index_invitations(uow, writer, ids)
        uow.session.execute(update(OutboxRow).values(done_at=uow.now))


class TestDocument:
    def test_a_public_post_is_visible_with_its_codes(self, world: World) -> None:
        travel = {"destination_counties": ["TPE", "TNN"]}
        wishes = {"target_countries": ["JP"], "target_counties": ["TPE"], "homestay": "offered", "travel": travel}
        post = world.invitation(world.tainan, **wishes)
        with world.unit_of_work() as uow:
            document = catalog.document_of(uow.get(Invitation, post.id), uow.today)

        assert document.visible
        assert document.facets["county"] == ("TNN",)
        assert document.facets["side"] == ("domestic",)
        wished = {
            "country": ("JP",),
            "county": ("TPE", "TNN"),
            "level": ("senior_high_general",),
            "type": ("homestay",),
        }
        assert document.wished == wished
        assert document.students == 24

    @pytest.mark.parametrize("status", ["draft", "submitted", "returned", "rejected", "withdrawn", "closed", "expired"])
    def test_any_other_is_a_tombstone(self, world: World, status: str) -> None:
        post = world.invitation(world.osaka, status=status)
        with world.unit_of_work() as uow:
            document = catalog.document_of(uow.get(Invitation, post.id), uow.today)

        assert document == Document(post.id, document.version, visible=False)

    def test_no_contact_data_is_in_it(self, world: World) -> None:
        post = world.invitation(world.osaka)
        with world.unit_of_work() as uow:
            document = catalog.document_of(uow.get(Invitation, post.id), uow.today)
            contact = uow.session.scalars(select(Contact).where(Contact.invitation_id == post.id)).one()

        for secret in (contact.name, contact.email, contact.phone):
            assert str(secret) not in str(document)


class TestKeeping:
    def test_a_rebuilt_index_differs_in_nothing(self, world: World, writer: Writer, reader: Reader) -> None:
        world.invitation(world.osaka)
        world.invitation(world.tainan, status="expired")
        told: list[int] = []

        rebuilt = catalog.rebuild(world.unit_of_work, writer, told=told.append)

        assert sum(told) == rebuilt.written.taken == 2
        assert differences(world, writer) == set()
        with world.unit_of_work() as uow:
            status = catalog.status(uow, reader)
        assert (status.index, status.visible, status.public, status.differs) == (rebuilt.index, 1, 1, ())

    def test_every_kind_of_difference_is_seen_and_repaired(self, world: World, writer: Writer) -> None:
        posts = [world.invitation(world.osaka, title=f"Post {at}") for at in range(3)]
        catalog.rebuild(world.unit_of_work, writer)
        missing = world.invitation(world.osaka, title="Never written")
        with world.unit_of_work() as uow:
            stale, wrong = uow.get(Invitation, posts[0].id), uow.get(Invitation, posts[1].id)
            stale.title, stale.index_version = "Changed", stale.index_version + 1
            wrong.title = "Changed past the house"
        writer.write(a_document("nobody-has-this", version=3))
        expected = {
            ("missing", missing.id),
            ("stale", posts[0].id),
            ("wrong", posts[1].id),
            ("extra", "nobody-has-this"),
        }

        assert differences(world, writer) == expected
        assert owed(world) == set()
        assert differences(world, writer, repair=True) == expected
        assert owed(world) == {key for _, key in expected}
        do_what_is_owed(world, writer)
        assert differences(world, writer) == set()

    def test_what_is_on_its_way_is_no_difference(self, world: World, writer: Writer) -> None:
        catalog.rebuild(world.unit_of_work, writer)
        post = world.invitation(world.osaka)
        with world.unit_of_work() as uow:
            uow.owe(INDEX_POST, subject_type="invitation", subject_id=post.id)

        assert differences(world, writer) == set()

    def test_an_index_that_was_lost_is_made_and_filled(self, world: World, writer: Writer, reader: Reader) -> None:
        world.invitation(world.osaka)

        assert catalog.ensure(world.unit_of_work, writer) is True
        assert catalog.ensure(world.unit_of_work, writer) is False
        assert reader.count_visible(TODAY) == 1

    def test_a_post_leaves_the_index_with_its_publicity(self, world: World, writer: Writer, reader: Reader) -> None:
        post = world.invitation(world.osaka)
        catalog.rebuild(world.unit_of_work, writer)
        with world.unit_of_work() as uow:
            changed = uow.get(Invitation, post.id)
            changed.status, changed.index_version = "withdrawn", changed.index_version + 1
        with world.unit_of_work() as uow:
            catalog.index_invitations(uow, writer, [post.id])
        writer._refresh(writer.cluster.names.alias)

        assert reader.count_visible(TODAY) == 0
        assert [held.hash for held in reader.held()] == ["tombstone"]

    def test_a_post_past_its_last_day_is_not_found_before_the_tick_comes_by(
        self, world: World, writer: Writer, reader: Reader
    ) -> None:
        world.invitation(world.osaka, expires_on=TODAY.isoformat())
        catalog.rebuild(world.unit_of_work, writer)

        assert reader.count_visible(TODAY) == 1
        assert reader.count_visible(TODAY + timedelta(days=1)) == 0

    def test_an_engine_that_is_away_is_said_to_be(self, world: World, lexicon: Lexicon) -> None:
        away = Cluster("http://127.0.0.1:1")
        writer = Writer(away, lexicon)

        for call in (
            lambda: catalog.rebuild(world.unit_of_work, writer),
            lambda: catalog.ensure(world.unit_of_work, writer),
            lambda: catalog.status(world.unit_of_work().__enter__(), Reader(away, lexicon)),
        ):
            with pytest.raises(Unavailable):
                call()
        away.close()


class TestOneAtATime:
    @pytest.fixture
    def world(self, committed_session_factory: SessionFactory) -> World:
        return World(committed_session_factory)

    @pytest.fixture
    def writer(self, parts: Parts, lexicon: Lexicon) -> Iterator[Writer]:
        writer = Writer(own_cluster(parts), lexicon)
        yield writer
        writer.drop_everything()
        writer.cluster.close()

    def test_a_second_rebuild_is_refused_while_one_runs(self, world: World, writer: Writer) -> None:
        with world.unit_of_work() as uow:
            uow.session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": catalog.REBUILD_LOCK})
            with pytest.raises(StateConflict):
                catalog.rebuild(world.unit_of_work, writer)

        catalog.rebuild(world.unit_of_work, writer)
        assert writer.cluster.index_behind_alias() is not None

    def test_a_rebuild_may_take_longer_than_a_transaction_may_lie_idle(
        self, committed_session_factory: SessionFactory, world: World, writer: Writer
    ) -> None:
        class Hasty(UnitOfWork):
            """On a database that ends idle transactions soon."""

            def __enter__(self) -> "Hasty":
                super().__enter__()
                self.session.execute(text("set local idle_in_transaction_session_timeout = '400ms'"))
                return self

        world.invitation(world.osaka)

        rebuilt = catalog.rebuild(lambda: Hasty(committed_session_factory), writer, told=lambda count: time.sleep(1))

        assert writer.cluster.index_behind_alias() == rebuilt.index

    def test_publishing_goes_on_during_rebuilds_and_nothing_is_missed(self, world: World, writer: Writer) -> None:
        posts = [world.invitation(world.osaka, title=f"Post {at}") for at in range(20)]
        catalog.rebuild(world.unit_of_work, writer)
        reader, over, seen = Reader(writer.cluster, writer.lexicon), Event(), list[int]()

        def publish() -> None:
            while not over.is_set() and len(seen) < 60:
                post = world.invitation(world.osaka, title=f"Zorblax {len(seen)}")
                with world.unit_of_work() as uow:
                    gone = uow.get(Invitation, posts[len(seen) % 20].id)
                    gone.status, gone.index_version, gone.updated_at = "withdrawn", gone.index_version + 1, uow.now
                with world.unit_of_work() as uow:
                    catalog.index_invitations(uow, writer, [post.id, gone.id])
                seen.append(reader.count_visible(TODAY))

        with ThreadPoolExecutor(1) as crew:
            publishing = crew.submit(publish)
            for _ in range(4):
                catalog.rebuild(world.unit_of_work, writer)
            over.set()
            publishing.result()

        assert seen and min(seen) > 0, "there was a moment without an index"
        assert differences(world, writer) == set()

    def test_a_change_during_a_rebuild_is_not_lost(self, world: World, writer: Writer) -> None:
        posts = [world.invitation(world.osaka, title=f"Post {at}") for at in range(3)]

        def change(count: int) -> None:
            with world.unit_of_work() as uow:
                post = uow.get(Invitation, posts[0].id)
                post.title, post.index_version, post.updated_at = "Changed", post.index_version + 1, uow.now

        catalog.rebuild(world.unit_of_work, writer, told=change)

        assert differences(world, writer) == set()


def test_every_facet_of_the_index_has_its_vocabulary_and_its_place_on_the_page() -> None:
    assert set(FACET_VOCABULARIES) == set(FACETS) == set(VOCABULARY_OF)
