"""Writes with versions, tombstones, and a new index behind the alias."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from opensearchpy.exceptions import RequestError, TransportError

from search_index.cluster import Cluster
from search_index.document import Document
from search_index.errors import IndexOutdated, SearchBusy, SearchUnavailable, WriteRefused
from search_index.lexicon import Lexicon
from search_index.mapping import index_body, source_of
from search_index.reader import Reader
from search_index.writer import BATCH, Writer, Written, _outcome
from tests.search.conftest import NOW, TODAY, a_document, asking, filled, ids


def clock() -> datetime:
    return NOW


def nothing(moment: datetime) -> list[Document]:
    return []


@pytest.fixture
def writer(fresh_cluster: Cluster, lexicon: Lexicon) -> Writer:
    writer = Writer(fresh_cluster, lexicon)
    writer.ensure(now=NOW)
    return writer


@pytest.fixture
def reader(writer: Writer) -> Reader:
    return Reader(writer.cluster, writer.lexicon)


class TestVersions:
    def test_an_older_version_that_comes_late_changes_nothing(self, writer: Writer, reader: Reader) -> None:
        writer.write(a_document("a", "Newer", version=5), wait=True)

        assert writer.write(a_document("a", "Older", version=4), wait=True) is False
        assert writer.write(a_document("a", "Same", version=5), wait=True) is False
        assert ids(asking(reader)("Newer")) == ["a"]
        assert asking(reader)("Older").total == 0

    def test_a_tombstone_keeps_a_late_write_from_bringing_the_text_back(self, writer: Writer, reader: Reader) -> None:
        writer.write(a_document("a", "Zorblax", version=1))
        writer.write(Document("a", 2, visible=False), wait=True)
        writer.write(a_document("a", "Zorblax", version=1), wait=True)

        assert asking(reader)("zorblax").total == 0
        assert asking(reader)().facets["country"] == ()
        assert [(held.id, held.version, held.hash) for held in reader.held()] == [("a", 2, "tombstone")]

    def test_nothing_of_the_text_stays_in_a_tombstone(self, lexicon: Lexicon) -> None:
        hidden = replace(a_document("a", "Secret", "More"), visible=False)

        assert set(source_of(hidden, lexicon)) == {"id", "version", "hash", "visible"}

    def test_the_index_gives_back_no_text(self, writer: Writer) -> None:
        writer.write(a_document("a", "Zorblax", "Body"), wait=True)

        stored = writer.cluster.client.get(index=writer.cluster.names.alias, id="a")["_source"]
        assert set(stored) == {"id", "version", "hash"}


class TestRefusals:
    def test_a_write_never_makes_an_index(self, fresh_cluster: Cluster, lexicon: Lexicon) -> None:
        writer = Writer(fresh_cluster, lexicon)

        with pytest.raises(SearchUnavailable):
            writer.write(a_document("a"))
        assert not fresh_cluster.client.indices.exists(index=fresh_cluster.names.alias)

    def test_no_alias_is_an_absence_and_not_an_empty_result(self, fresh_cluster: Cluster, lexicon: Lexicon) -> None:
        reader = Reader(fresh_cluster, lexicon)

        for call in (
            lambda: asking(reader)(),
            lambda: asking(reader)("tea"),
            lambda: list(reader.held()),
            lambda: reader.complete("tea", today=TODAY),
            lambda: reader.count_visible(TODAY),
            reader.lexicon_of_index,
        ):
            with pytest.raises(SearchUnavailable):
                call()

    def test_a_field_that_is_not_in_the_mapping_is_refused(self, writer: Writer) -> None:
        with pytest.raises(RequestError, match="strict"):
            writer.cluster.client.index(index=writer.cluster.names.alias, body={"contact": "somebody"})

    def test_a_document_that_the_engine_refuses_is_named(self, writer: Writer) -> None:
        impossible = a_document("impossible", facets={"country": ("x" * 40_000,)})

        with pytest.raises(WriteRefused, match="impossible"):
            writer.write_many([a_document("fine"), impossible])
        with pytest.raises(WriteRefused, match="1 documents"):
            writer.write(a_document("x" * 600))

    @pytest.mark.parametrize(
        ("status", "outcome"),
        [
            (200, Written(1, 0)),
            (201, Written(1, 0)),
            (409, Written(0, 1)),
            (429, SearchBusy),
            (503, SearchUnavailable),
            (404, SearchUnavailable),
            (400, WriteRefused),
        ],
    )
    def test_each_items_own_status_decides(self, status: int, outcome: Any) -> None:
        reply = {"errors": False, "items": [{"index": {"_id": "a", "status": status, "error": {"reason": "why"}}}]}

        if isinstance(outcome, Written):
            assert _outcome(reply) == outcome
        else:
            with pytest.raises(outcome):
                _outcome(reply)

    def test_a_full_disk_is_an_absence_and_passes(self, writer: Writer) -> None:
        index = writer.cluster.index_behind_alias()
        block = {"index.blocks.read_only_allow_delete": True}
        writer.cluster.client.indices.put_settings(index=index, body=block)

        with pytest.raises(SearchUnavailable):
            writer.write(a_document("a"))
        block = {"index.blocks.read_only_allow_delete": None}
        writer.cluster.client.indices.put_settings(index=index, body=block)
        assert writer.write(a_document("a"))


class TestRebuild:
    def test_a_rebuild_turns_the_alias_and_drops_the_old_index(self, writer: Writer, reader: Reader) -> None:
        before = writer.cluster.index_behind_alias()
        writer.write(a_document("gone"), wait=True)

        rebuilt = writer.rebuild(lambda: [a_document("a"), a_document("b")], nothing, clock)

        assert rebuilt.dropped == (before,)
        assert rebuilt.written.taken == 2
        assert writer.cluster.index_behind_alias() == rebuilt.index != before
        assert set(ids(asking(reader)())) == {"a", "b"}
        assert not writer.cluster.client.indices.exists(index=before)
        assert reader.lexicon_of_index() == writer.lexicon.version

    def test_a_first_rebuild_needs_no_index(self, fresh_cluster: Cluster, lexicon: Lexicon) -> None:
        Writer(fresh_cluster, lexicon).rebuild(lambda: [a_document("a")], nothing, clock)

        assert ids(asking(Reader(fresh_cluster, lexicon))()) == ["a"]

    def test_the_old_index_answers_until_the_new_one_is_full(self, writer: Writer, reader: Reader) -> None:
        writer.write(a_document("old"), wait=True)
        seen: list[list[str]] = []

        def documents() -> Iterator[Document]:
            for at in range(BATCH + 1):
                if at % BATCH == 0:
                    seen.append(ids(asking(reader)()))
                yield a_document(f"new-{at:03}")

        writer.rebuild(documents, nothing, clock)

        assert seen == [["old"], ["old"]]
        assert asking(reader)().total == BATCH + 1

    def test_what_changes_meanwhile_is_caught_up_before_and_after_the_turn(
        self, writer: Writer, reader: Reader
    ) -> None:
        moments = iter(NOW + timedelta(minutes=minute) for minute in range(9))
        asked: list[datetime] = []

        def changed_since(moment: datetime) -> list[Document]:
            asked.append(moment)
            return [a_document("a", f"Zorblax{len(asked)}", version=1 + len(asked))]

        writer.rebuild(lambda: [a_document("a", "Zorblax0")], changed_since, lambda: next(moments))

        assert asked == [NOW, NOW + timedelta(minutes=1)]
        assert ids(asking(reader)("Zorblax2")) == ["a"]

    def test_a_rebuild_that_fails_leaves_everything_as_it_was(self, writer: Writer, reader: Reader) -> None:
        writer.write(a_document("old"), wait=True)

        def documents() -> Iterator[Document]:
            yield a_document("new")
            raise RuntimeError("the database went away")

        with pytest.raises(RuntimeError):
            writer.rebuild(documents, nothing, clock)
        assert ids(asking(reader)()) == ["old"]
        assert len(writer._dated()) == 1

    def test_what_a_killed_rebuild_left_is_dropped_by_the_next(self, writer: Writer) -> None:
        left = writer._create(NOW)

        rebuilt = writer.rebuild(list, nothing, clock)

        assert left in rebuilt.dropped
        assert writer._dated() == [rebuilt.index]

    def test_ensure_makes_one_index_and_no_second(self, fresh_cluster: Cluster, lexicon: Lexicon) -> None:
        writer = Writer(fresh_cluster, lexicon)

        assert [writer.ensure(now=NOW), writer.ensure(now=NOW)] == [True, False]

    def test_a_write_is_findable_soon_after_a_rebuild(self, writer: Writer) -> None:
        rebuilt = writer.rebuild(list, nothing, clock)

        settings = writer.cluster.client.indices.get_settings(index=rebuilt.index)[rebuilt.index]["settings"]
        assert settings["index"]["refresh_interval"] == "500ms"


class TestForm:
    """An index built with other words or another mapping is written to by nobody."""

    @pytest.fixture(params=["lexicon", "form"])
    def outdated(self, request: pytest.FixtureRequest, writer: Writer) -> Writer:
        """A writer to an index that was built before the words or the mapping changed."""
        index = writer.cluster.index_behind_alias()
        meta = writer.cluster.meta_of(writer.cluster.names.alias) | {request.param: "older"}
        writer.cluster.client.indices.put_mapping(index=index, body={"_meta": meta})
        return writer

    def test_a_new_index_is_current(self, writer: Writer) -> None:
        writer.check_current()
        assert writer.differs_in() == ()

    def test_writing_to_an_older_one_waits_and_says_what_to_do(self, outdated: Writer, reader: Reader) -> None:
        with pytest.raises(IndexOutdated, match="iew search rebuild"):
            outdated.write(a_document("a"), wait=True)
        assert list(reader.held()) == []

    def test_reading_goes_on(self, outdated: Writer, reader: Reader) -> None:
        assert asking(reader)("tea").total == 0

    def test_a_rebuild_brings_it_up_to_date(self, outdated: Writer) -> None:
        outdated.rebuild(lambda: [a_document("a")], nothing, clock)
        assert outdated.differs_in() == ()
        assert outdated.write(a_document("b"))

    def test_the_digest_changes_with_a_field(self, lexicon: Lexicon, monkeypatch: pytest.MonkeyPatch) -> None:
        def form() -> str:
            return str(index_body(lexicon.version)["mappings"]["_meta"]["form"])

        before, same = form(), form()
        monkeypatch.setattr("search_index.mapping.STEMMED", ("en", "ja"))
        assert before == same != form()

    def test_an_index_that_was_dropped_while_it_was_filled_is_not_put_behind_the_alias(
        self, writer: Writer, reader: Reader
    ) -> None:
        """The engine makes an index of its own of a write to a name it does not know, without our mapping."""
        writer.write(a_document("old"), wait=True)
        before = writer.cluster.index_behind_alias()

        def documents() -> Iterator[Document]:
            (new,) = [name for name in writer._dated() if name != before]
            writer.cluster.client.indices.delete(index=new)
            yield a_document("new")

        with pytest.raises(SearchUnavailable):
            writer.rebuild(documents, nothing, clock)

        assert writer.cluster.index_behind_alias() == before
        assert ids(asking(reader)()) == ["old"]
        assert writer._dated() == [before]

    def test_a_busy_engine_is_waited_for_while_it_is_filled(
        self, writer: Writer, reader: Reader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("search_index.writer.PAUSES", (0.0, 0.0))
        bulk = writer.cluster.client.bulk
        refusals = iter([TransportError(429, "circuit_breaking_exception", {})] * 2)

        def take(**asked: Any) -> Any:
            for refusal in refusals:
                raise refusal
            return bulk(**asked)

        monkeypatch.setattr(writer.cluster.client, "bulk", take)
        rebuilt = writer.rebuild(lambda: [a_document("a")], nothing, clock)

        assert rebuilt.written == Written(1, 0)
        assert ids(asking(reader)()) == ["a"]

    def test_one_that_stays_busy_ends_the_rebuild(self, writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("search_index.writer.PAUSES", (0.0, 0.0))

        def refuse(**_: Any) -> Any:
            raise TransportError(429, "circuit_breaking_exception", {})

        monkeypatch.setattr(writer.cluster.client, "bulk", refuse)
        with pytest.raises(SearchBusy):
            writer.rebuild(lambda: [a_document("a")], nothing, clock)


class TestWhatIsHeld:
    def test_every_document_is_listed_in_the_order_of_ids(self, fresh_cluster: Cluster, lexicon: Lexicon) -> None:
        documents = [a_document(f"doc-{at:04}", version=at + 1) for at in range(1203)]
        documents[7] = Document("doc-0007", 8, visible=False)
        reader = filled(fresh_cluster, lexicon, documents)

        held = [(row.id, row.version, row.hash) for row in reader.held()]

        assert held == [(each.id, each.version, each.content_hash) for each in documents]

    def test_the_hash_tells_of_every_change_but_the_version(self) -> None:
        document = a_document("a", "One")

        assert replace(document, version=9).content_hash == document.content_hash
        for change in (
            {"title": "Two"},
            {"students": 3},
            {"facets": {"country": ("JP",)}},
            {"wished": {"county": ("X",)}},
        ):
            changed = a_document("a", **({"title": "One"} | change))
            assert changed.content_hash != document.content_hash, change


def test_an_index_of_searches_takes_the_same_documents(fresh_cluster: Cluster, lexicon: Lexicon) -> None:
    from search_index.query import Request, stored_query
    from search_index.understanding import understand

    name = fresh_cluster.names.dated("20261124-searches")
    fresh_cluster.client.indices.create(index=name, body=index_body(lexicon.version, percolator=True))
    for key, text, facets in (("tea", "tea", {}), ("jp", "", {"country": ("JP",)}), ("ball", "baseball", {})):
        request = Request(today=TODAY, text=text, facets=facets)
        query = stored_query(understand(text, lexicon), request)
        fresh_cluster.client.index(index=name, id=key, body={"query": query}, params={"refresh": "true"})

    document = source_of(a_document("a", "お茶の町", language="ja", facets={"country": ("JP",)}), lexicon)
    body = {"query": {"percolate": {"field": "query", "document": document}}}
    found = fresh_cluster.client.search(index=name, body=body)

    assert {hit["_id"] for hit in found["hits"]["hits"]} == {"tea", "jp"}


def test_a_facet_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="colour"):
        a_document("a", facets={"colour": ("red",)})
