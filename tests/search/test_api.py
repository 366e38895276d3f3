"""`GET /search` and `GET /search/complete`, section 6 of the contract, on the real engine."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from iew.db import SessionFactory
from iew.domain.vocabularies import FACET_VOCABULARIES
from iew.models import Invitation, School
from iew.services import catalog
from search_index.cluster import Cluster
from search_index.document import FACETS
from search_index.lexicon import Lexicon
from search_index.reader import Reader
from search_index.writer import Writer
from tests.parts import Parts
from tests.search.conftest import own_cluster
from tests.web.houses import world_with_web
from tests.world import World

PLAIN = {"topics": [], "description": "Plain."}
TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def reader(parts: Parts, lexicon: Lexicon) -> Iterator[Reader]:
    cluster = own_cluster(parts)
    yield Reader(cluster, lexicon)
    Writer(cluster, lexicon).drop_everything()
    cluster.close()


@pytest.fixture
def world(session_factory: SessionFactory, parts: Parts, reader: Reader) -> World:
    """Three posts that can be found, and several that cannot."""
    world = world_with_web(session_factory, parts, open_searcher=lambda: reader)
    world.invitation(world.osaka, title="Zorblax robots", ref="robots", description="Robots greet <b>you</b> & us.")
    world.invitation(
        world.tainan,
        title="茶鄉的邀請",
        ref="tea",
        content_language="zh-Hant",
        translations=[{"language": "ja", "title": "お茶の町から", "description": "茶摘みをします。"}],
        description="我們在山上種茶。",
        exchange_types=["homestay"],
        languages=["zh", "ja"],
        topics=["tea"],
        group={"students": 10, "male": None, "female": None, "teachers": 1},
        periods=[{"start": "2027-10-01", "end": "2027-10-05"}],
        expires_on=(TODAY + timedelta(days=20)).isoformat(),
    )
    world.invitation(
        world.seoul, title="Sister", ref="sister", exchange_types=["sister_school"], languages=["ko"], **PLAIN
    )
    world.invitation(world.osaka, title="Zorblax drafted", status="draft", **PLAIN)
    world.invitation(world.osaka, title="Zorblax submitted", status="submitted", **PLAIN)
    world.invitation(world.osaka, title="Zorblax withdrawn", status="withdrawn", **PLAIN)
    world.invitation(world.osaka, title="Zorblax expired", expires_on=(TODAY - timedelta(days=2)).isoformat(), **PLAIN)
    pending = world.school("DE", status="pending")
    world.invitation(school=pending, title="Zorblax of a school that waits", **PLAIN)
    catalog.rebuild(world.unit_of_work, catalog.writer_of(reader))
    return world


def search(world: World, *pairs: tuple[str, str], **params: Any) -> TestResponse:
    return world.as_(None).get(f"/search?{urlencode([*pairs, *params.items()])}")


def found(world: World, *pairs: tuple[str, str], **params: Any) -> dict[str, Any]:
    reply = search(world, *pairs, **params)
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.get_json()
    return body


def refs(reply: dict[str, Any]) -> list[str]:
    return [item["ref"] for item in reply["items"]]


class TestReply:
    def test_it_has_the_shape_of_the_contract(self, world: World) -> None:
        reply = found(world, q="robots")

        assert set(reply) >= {
            "total", "total_is", "items", "facets", "next_cursor", "total_all", "unmatched", "relax", "did_you_mean",
            "took_ms",
        }  # fmt: skip
        assert (reply["total"], reply["total_is"], reply["total_all"]) == (1, "exact", 1)
        assert set(reply["facets"]) == set(FACETS)
        (item,) = reply["items"]
        assert set(item) >= {
            "id", "ref", "number", "title", "summary", "highlights", "school", "exchange_types", "languages", "levels",
            "periods", "expires_on", "published_at", "score", "match",
        }  # fmt: skip
        assert item["match"] == "all"
        assert item["school"]["country"] == "JP"
        assert "contact" not in item

    def test_without_words_everything_public_meets_everything(self, world: World) -> None:
        reply = found(world)

        assert sorted(refs(reply)) == ["robots", "sister", "tea"]
        assert {item["match"] for item in reply["items"]} == {"all"}
        assert reply["total_all"] == reply["total"] == 3

    def test_what_is_not_public_is_nowhere(self, world: World) -> None:
        reply = found(world, q="zorblax")

        assert refs(reply) == ["robots"]
        assert {row["code"] for row in reply["facets"]["country"]} == {"JP"}
        assert found(world, q="drafted submitted withdrawn expired waits")["total"] == 0
        assert {row["code"] for row in found(world)["facets"]["country"]} == {"JP", "TW", "KR"}

    def test_labels_come_in_the_language_asked_for(self, world: World) -> None:
        for language, label in (("ja", "日本"), ("ko", "일본"), ("en", "Japan"), ("zh-Hant", "日本")):
            rows = found(world, lang=language)["facets"]["country"]
            assert {row["label"] for row in rows if row["code"] == "JP"} == {label}

    def test_highlights_are_escaped_text_with_marks_alone(self, world: World) -> None:
        (item,) = found(world, q="greet you")["items"]

        assert "<mark>" in item["highlights"]["description"][0]
        assert "&lt;b&gt;" in item["highlights"]["description"][0]
        assert "<b>" not in item["highlights"]["description"][0]

    def test_a_post_is_found_by_its_code_in_any_language(self, world: World) -> None:
        for words in ("姊妹校", "sister school", "姉妹校", "자매학교", "姐妹校"):
            assert refs(found(world, q=words))[0] == "sister"

    def test_words_that_nobody_has_are_named(self, world: World) -> None:
        assert found(world, q="robots qwxzv")["unmatched"] == ["qwxzv"]

    def test_a_case_number_finds_its_post(self, world: World) -> None:
        number = found(world, q="robots")["items"][0]["number"]

        assert refs(found(world, q=number))[0] == "robots"


class TestParameters:
    def test_facets_may_be_repeated_and_add_up(self, world: World) -> None:
        assert sorted(refs(found(world, ("country", "JP"), ("country", "KR")))) == ["robots", "sister"]
        assert refs(found(world, ("country", "JP"), ("country", "KR"), ("language", "ko"))) == ["sister"]

    def test_an_unknown_code_finds_nothing_and_is_listed(self, world: World) -> None:
        reply = found(world, level="university")

        assert reply["total"] == 0
        assert next(row for row in reply["facets"]["level"] if row["selected"])["count"] == 0
        assert reply["relax"] == [{"param": "level", "total": 3}]

    def test_small_letters_of_a_country_are_folded(self, world: World) -> None:
        assert refs(found(world, country="jp")) == ["robots"]

    @pytest.mark.parametrize(
        ("params", "refs_found"),
        [
            ({"from": "2027-10-05"}, ["tea"]),
            ({"to": "2027-09-30", "from": "2027-08-01"}, []),
            ({"students": "10"}, ["tea"]),
            ({"students": "24"}, ["robots", "sister", "tea"]),
            ({"county": "TNN"}, ["tea"]),
            ({"side": "overseas"}, ["robots", "sister"]),
            ({"channel": "general", "wanted_level": "senior_high_general"}, ["robots", "sister", "tea"]),
        ],
    )
    def test_what_narrows(self, world: World, params: dict[str, str], refs_found: list[str]) -> None:
        assert sorted(refs(found(world, **params))) == refs_found

    @pytest.mark.parametrize(
        ("params", "status", "code"),
        [
            ({"status": "draft"}, 422, "invalid"),
            ({"include": "contact"}, 422, "invalid"),
            ({"page": "2"}, 422, "invalid"),
            ({"limit": "0"}, 422, "invalid"),
            ({"limit": "101"}, 422, "invalid"),
            ({"limit": "１２"}, 422, "invalid"),
            ({"limit": "1e1"}, 422, "invalid"),
            ({"sort": "_score;drop"}, 422, "invalid"),
            ({"lang": "klingon"}, 422, "invalid"),
            ({"from": "2027-13-01"}, 422, "invalid"),
            ({"from": "tomorrow"}, 422, "invalid"),
            ({"students": "-1"}, 422, "invalid"),
            ({"cursor": "nonsense"}, 400, "bad_cursor"),
            ({"cursor": "x" * 5000}, 400, "bad_cursor"),
            ({"cursor": "\ud7ff"}, 400, "bad_cursor"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, world: World, params: dict[str, str], status: int, code: str) -> None:
        reply = search(world, **params)

        assert (reply.status_code, reply.get_json()["code"]) == (status, code)
        assert reply.mimetype == "application/problem+json"
        if status == 422:
            assert set(reply.get_json()["errors"]) == set(params)

    def test_a_scalar_may_stand_only_once(self, world: World) -> None:
        reply = search(world, ("q", "a"), ("q", "b"))

        assert (reply.status_code, reply.get_json()["code"]) == (400, "repeated_parameter")

    def test_too_many_codes_are_refused(self, world: World) -> None:
        assert search(world, *(("country", f"X{at}") for at in range(51))).status_code == 422
        assert search(world, *(("country", f"X{at}") for at in range(50))).status_code == 200

    @pytest.mark.parametrize(
        "words",
        ["status:draft OR *:*", "_exists_:email", "*", "x" * 10_000, "\u202eabc", "𠮷", "🎌", " ", '"', "a\x00b"],
    )
    def test_words_of_any_kind_are_answered(self, world: World, words: str) -> None:
        assert "Zorblax drafted" not in search(world, q=words).text
        assert search(world, q=words).status_code == 200


class TestPages:
    def test_a_cursor_goes_on_where_the_page_ended(self, world: World) -> None:
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = found(world, sort="newest", limit="1", **cursor)
            seen += refs(page)
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}

        assert sorted(seen) == ["robots", "sister", "tea"]

    def test_a_cursor_belongs_to_its_search(self, world: World) -> None:
        cursor = found(world, q="robots tea 학교", limit="1", sort="newest")["next_cursor"]

        assert cursor
        for other in ({"q": "robots"}, {"q": "robots tea 학교", "sort": "expiring"}, {}):
            reply = search(world, limit="1", cursor=cursor, **other)
            assert (reply.status_code, reply.get_json()["code"]) == (400, "bad_cursor"), other

    def test_an_altered_cursor_is_refused(self, world: World) -> None:
        cursor = found(world, limit="1")["next_cursor"]

        for altered in (cursor[:-1], f"{cursor}A", cursor[1:], cursor.replace(".", "")):
            assert search(world, limit="1", cursor=altered).status_code == 400


class TestTruth:
    def test_a_post_that_was_taken_down_a_moment_ago_is_not_shown_by_an_index_that_lags(self, world: World) -> None:
        with world.unit_of_work() as uow:
            uow.session.query(Invitation).filter_by(ref="robots").update({"status": "withdrawn"})

        reply = found(world, q="zorblax")
        assert (reply["items"], reply["total"], reply["total_all"]) == ([], 0, 0)

    def test_nor_one_whose_school_is_no_longer_approved(self, world: World) -> None:
        with world.unit_of_work() as uow:
            uow.session.query(School).filter_by(country="KR").update({"status": "asked"})

        assert "sister" not in refs(found(world))

    def test_a_title_changed_since_is_shown_as_it_is_now(self, world: World) -> None:
        with world.unit_of_work() as uow:
            uow.session.query(Invitation).filter_by(ref="robots").update({"title": "Renamed"})

        assert found(world, q="zorblax")["items"][0]["title"] == "Renamed"


class TestAbsence:
    def test_an_engine_that_is_away_is_said_to_be(
        self, session_factory: SessionFactory, parts: Parts, lexicon: Lexicon
    ) -> None:
        away = Cluster("http://127.0.0.1:1")
        world = world_with_web(session_factory, parts, open_searcher=lambda: Reader(away, lexicon))

        for path in ("/search?q=tea", "/search", "/search/complete?q=te"):
            reply = world.as_(None).get(path)
            assert (reply.status_code, reply.get_json()["code"]) == (503, "search_unavailable")
            assert int(reply.headers["Retry-After"]) > 0
            assert reply.mimetype == "application/problem+json"
        away.close()

    def test_no_index_is_an_absence_and_not_an_empty_list(
        self, session_factory: SessionFactory, parts: Parts, lexicon: Lexicon
    ) -> None:
        cluster = own_cluster(parts)
        world = world_with_web(session_factory, parts, open_searcher=lambda: Reader(cluster, lexicon))

        assert world.as_(None).get("/search").status_code == 503
        cluster.close()


class TestCompletion:
    def items(self, world: World, **params: str) -> list[dict[str, Any]]:
        reply = world.as_(None).get(f"/search/complete?{urlencode(params)}")
        assert reply.status_code == 200, reply.text
        items: list[dict[str, Any]] = reply.get_json()["items"]
        return items

    def test_codes_schools_and_titles_that_begin_so(self, world: World) -> None:
        assert {"param": "country", "code": "JP"}.items() <= self.items(world, q="Japa", lang="en")[0].items()
        assert {"text": "Zorblax robots", "kind": "title"}.items() <= self.items(world, q="Zorb", lang="en")[0].items()
        schools = [item["text"] for item in self.items(world, q="大阪府立みな", lang="ja") if item["kind"] == "school"]
        assert schools == ["大阪府立みなと台高等学校"]

    def test_nothing_hidden_is_completed(self, world: World) -> None:
        texts = {item["text"] for item in self.items(world, q="Zorblax")}

        assert texts == {"Zorblax robots"}

    def test_a_title_taken_down_a_moment_ago_is_not_completed_nor_an_old_one(self, world: World) -> None:
        with world.unit_of_work() as uow:
            uow.session.query(Invitation).filter_by(ref="robots").update({"title": "Renamed"})
            uow.session.query(Invitation).filter_by(ref="sister").update({"status": "withdrawn"})

        assert self.items(world, q="Zorb", lang="en") == []
        assert "title" not in {item["kind"] for item in self.items(world, q="Sister", lang="en")}

    def test_the_language_of_the_reader_comes_first_and_half_is_left_to_titles(
        self, world: World, reader: Reader
    ) -> None:
        for at in range(9):
            world.invitation(world.osaka, title=f"Japan trip {at}", **PLAIN)
        catalog.rebuild(world.unit_of_work, catalog.writer_of(reader))

        items = self.items(world, q="ja", lang="en")

        assert [item["text"] for item in items[:2]] == ["Japan", "Jamaica"]
        assert [item["kind"] for item in items].count("title") == 4
        assert {item["text"] for item in self.items(world, q="日", lang="ja")} >= {"日本", "日本語"}
        assert {"param": "language", "code": "ja"}.items() <= self.items(world, q="にほん", lang="ja")[0].items()

    def test_a_title_is_completed_in_the_language_in_which_it_was_typed(self, world: World) -> None:
        assert {"お茶の町から"} <= {item["text"] for item in self.items(world, q="お茶の", lang="en")}
        assert {"茶鄉的邀請"} <= {item["text"] for item in self.items(world, q="茶乡", lang="en")}

    def test_a_code_is_a_parameter_only_where_it_narrows(self, world: World) -> None:
        for typed in ("a", "h", "s", "j", "k", "高", "日", "학", "北"):
            for item in self.items(world, q=typed, lang="ja", limit="20"):
                if item["param"]:
                    assert search(world, (item["param"], item["code"])).status_code == 200
                    assert item["code"] in {row["code"] for row in self.vocabulary(world, item["param"])}

    def vocabulary(self, world: World, facet: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = world.as_(None).get("/vocabularies?lang=en").get_json()[FACET_VOCABULARIES[facet]]
        return rows

    def test_nothing_typed_is_nothing_completed(self, world: World) -> None:
        assert self.items(world, q="") == []

    def test_unknown_parameters_are_refused(self, world: World) -> None:
        assert world.as_(None).get("/search/complete?q=a&country=JP").status_code == 422
