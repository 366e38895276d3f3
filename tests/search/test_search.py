"""What a search finds, on the real engine."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search_index.cluster import Cluster
from search_index.document import Document, Period, Text
from search_index.errors import BadPosition
from search_index.highlight import Highlighter
from search_index.lexicon import Lexicon
from search_index.query import Position, Request, clauses_in
from search_index.reader import Found, Reader
from search_index.writer import Writer
from tests.search.conftest import NOW, TODAY, Search, a_document, asking, filled, ids


def on(day: int) -> datetime:
    return datetime(2026, 11, day, tzinfo=UTC)


def school(country: str, level: str = "senior_high_general", **facets: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    side = "domestic" if country == "TW" else "overseas"
    return {"country": (country,), "level": (level,), "side": (side,)} | facets


DOCUMENTS = [
    a_document(
        "tea-ja",
        "お茶の町どうしで語りませんか",
        "煎茶と烏龍茶は同じ木から作られます。",
        "ja",
        facets=school("JP", language=("ja",), type=("online_exchange",)),
        names=("静岡県立茶野原高等学校",),
        published_at=on(1),
        expires_on=date(2027, 1, 1),
    ),
    a_document(
        "tea-zh",
        "小小茶師等你來",
        "我們在臺東的山上有茶園。",
        "zh-Hant",
        facets=school("TW", "primary", county=("TTT",), language=("zh",), type=("inbound_visit",)),
        published_at=on(2),
        expires_on=date(2027, 3, 1),
        students=20,
        periods=(Period(date(2027, 4, 1), date(2027, 4, 10)),),
    ),
    a_document(
        "sister-ko",
        "함께 성장할 학교를 기다립니다",
        "오래 이어질 인연을 바랍니다.",
        "ko",
        facets=school("KR", language=("ko", "en"), type=("sister_school",)),
        published_at=on(3),
        expires_on=date(2027, 2, 1),
        students=40,
    ),
    a_document(
        "biscay-en",
        "Underwater kaleidoscopes from the Bay of Biscay",
        "Our zorblax workshop welcomes everybody. Growing together.",
        facets=school("ES", language=("en", "es"), type=("joint_class",)),
        wished={"country": ("TW", "JP")},
        published_at=on(4),
        periods=(Period(date(2027, 5, 1), date(2027, 6, 30)), Period(date(2027, 9, 1), date(2027, 9, 30))),
        students=12,
        keys=("IEW-2026-001234",),
    ),
    a_document(
        "baseball-zh",
        "少棒隊想打一場球",
        "國小棒球隊找友誼賽。",
        "zh-Hant",
        facets=school("TW", "primary", county=("TTT",), language=("zh", "ja"), type=("outbound_visit",)),
        wished={"country": ("JP",)},
        published_at=on(5),
        students=18,
    ),
    a_document("expired", "Old kaleidoscopes", facets=school("ES"), expires_on=date(2026, 11, 23)),
    Document("hidden", 7, visible=False),
]


@pytest.fixture(scope="module")
def reader(cluster: Cluster, lexicon: Lexicon) -> Reader:
    return filled(cluster, lexicon, DOCUMENTS)


@pytest.fixture
def search(reader: Reader) -> Search:
    return asking(reader)


class TestAcrossLanguages:
    @pytest.mark.parametrize("text", ["tea", "茶", "お茶", "차", "녹차", "Tee anbauen"])
    def test_a_topic_is_found_in_every_language(self, search: Search, text: str) -> None:
        assert {"tea-ja", "tea-zh"} <= set(ids(search(text, language="de" if "Tee" in text else None)))

    @pytest.mark.parametrize(
        "text", ["姊妹校", "姐妹校", "sister school", "姉妹校", "자매학교", "자매 학교", "Ｓｉｓｔｅｒ school"]
    )
    def test_a_post_that_carries_only_the_code_is_found_by_its_name(self, search: Search, text: str) -> None:
        found = search(text)

        assert ids(found)[0] == "sister-ko"
        assert found.hits[0].meets_all

    @pytest.mark.parametrize(
        "text", ["台東 國小", "臺東 小學", "台东 国小", "Taitung primary school", "타이둥 초등학교", "台東 小学校"]
    )
    def test_place_and_level_are_found_however_they_are_written(self, search: Search, text: str) -> None:
        found = search(text)

        assert {hit.id for hit in found.hits if hit.meets_all} == {"tea-zh", "baseball-zh"}
        assert found.total_all == 2

    def test_the_country_of_the_school_comes_before_a_wish_for_it(self, search: Search) -> None:
        found = ids(search("日本"))

        assert found[0] == "tea-ja"
        assert set(found) == {"tea-ja", "biscay-en", "baseball-zh"}


class TestWords:
    @pytest.mark.parametrize("text", ["zorblax", "ZORBLAX", "ｚｏｒｂｌａｘ", "zorblaxes", "zorblx"])
    def test_a_word_that_no_list_knows_is_found_as_it_is_and_with_a_slip(self, search: Search, text: str) -> None:
        assert ids(search(text)) == ["biscay-en"]

    def test_another_form_of_an_english_word_is_found(self, search: Search) -> None:
        assert "biscay-en" in ids(search("grows zorblax"))

    @pytest.mark.parametrize(("text", "meant"), [("basball", "baseball"), ("kaleidoskope", "kaleidoscope")])
    def test_a_slip_is_forgiven_and_named(self, search: Search, text: str, meant: str) -> None:
        found = search(text)

        assert found.did_you_mean is not None
        assert found.did_you_mean.startswith(meant)
        assert found.total == 1

    def test_a_suggestion_never_comes_from_what_is_hidden(self, search: Search) -> None:
        found = search("kaleidoscopez")

        assert ids(found) == ["biscay-en"]
        assert search("Olt kaleidoscopes").did_you_mean is None

    def test_a_hidden_word_is_not_named_in_the_company_of_a_public_one(
        self, fresh_cluster: Cluster, lexicon: Lexicon
    ) -> None:
        """The engine proposes words of documents that are hidden, and of such as were overwritten a moment ago."""
        reader = filled(
            fresh_cluster,
            lexicon,
            [
                a_document("public", "Zorblaxian garden"),
                a_document("gone", "Quondlefrib"),
                a_document("past", "Mulvaters", expires_on=date(2026, 11, 1)),
            ],
        )
        assert reader.search(Request(today=TODAY, text="quondlefirb")).did_you_mean == "quondlefrib"
        Writer(fresh_cluster, lexicon).write(Document("gone", 2, visible=False), wait=True)

        assert reader.search(Request(today=TODAY, text="quondlefirb mulvatesr")).did_you_mean is None
        found = reader.search(Request(today=TODAY, text="zorblaxain quondlefirb mulvatesr"))
        assert found.did_you_mean == "zorblaxian quondlefirb mulvatesr"
        assert found.unmatched == ("quondlefirb", "mulvatesr")

    @pytest.mark.parametrize("text", ["Older", "Wyth", "Undd"])
    def test_a_word_is_not_read_as_one_that_says_nothing(self, search: Search, text: str) -> None:
        found = search(text)

        assert (found.total, found.did_you_mean, found.unmatched) == (0, None, (text,))

    def test_words_that_no_public_post_meets_are_named_as_they_were_typed(self, search: Search) -> None:
        found = search("茶道 Qwrtzp 日本")

        assert found.unmatched == ("茶道", "Qwrtzp")
        assert found.total_all == 0

    def test_a_word_of_an_expired_post_is_unmatched(self, search: Search) -> None:
        assert search("Old").unmatched == ("Old",)

    def test_a_phrase_is_met_word_by_word_in_its_order(self, search: Search) -> None:
        assert ids(search('"bay of biscay"')) == ["biscay-en"]
        assert ids(search('"biscay bay"')) == []
        assert ids(search("「棒球隊找友誼賽」")) == ["baseball-zh"]

    def test_a_proper_name_finds_its_school(self, search: Search) -> None:
        assert ids(search("茶野原"))[0] == "tea-ja"

    def test_a_case_number_finds_its_post(self, search: Search) -> None:
        found = search("iew-2026-001234")

        assert ids(found)[0] == "biscay-en"
        assert found.hits[0].meets_all

    def test_all_comes_before_part(self, search: Search) -> None:
        found = search("tea 臺東")

        assert [hit.meets_all for hit in found.hits] == sorted((hit.meets_all for hit in found.hits), reverse=True)
        assert ids(found)[0] == "tea-zh"
        assert found.total_all == sum(hit.meets_all for hit in found.hits)

    def test_a_hit_of_two_words_is_a_hit_of_each(self, search: Search) -> None:
        def complete(text: str) -> set[str]:
            return {hit.id for hit in search(text).hits if hit.meets_all}

        for one, other in [("tea", "日本"), ("臺東", "棒球"), ("zorblax", "Spain"), ("sister school", "영어")]:
            assert complete(f"{one} {other}") == complete(one) & complete(other)

    def test_words_that_say_nothing_narrow_nothing(self, search: Search) -> None:
        assert search("exchange school tea").total == search("tea").total > 0
        assert search("exchange school tea").total_all == search("tea").total_all > 0

    def test_words_that_say_nothing_are_looked_for_where_they_are_all_there_is(self, search: Search) -> None:
        assert ids(search("학교를 기다립니다")) == ["sister-ko"]
        assert ids(search("together")) == ["biscay-en"]
        assert search("exchange").unmatched == ("exchange",)


class TestNothingIsSyntax:
    @pytest.mark.parametrize(
        "text",
        [
            "visible:false OR *:*",
            "_exists_:keys",
            "*",
            "?*",
            "a*~9",
            "+zorblax -zorblax",
            "zorblax^1000000",
            "/.*/",
            "[* TO *]",
            '{"match_all": {}}',
            "\\",
            '"',
            '"' * 199,
            "(" * 200,
            "𠮷野家 𠀋",
            "\u202eabc\u202c",
            "🎌🏫",
            "ﷺ" * 50,
        ],
    )
    def test_signs_find_no_hidden_thing_and_break_nothing(self, search: Search, text: str) -> None:
        assert not {"expired", "hidden"} & set(ids(search(text)))

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=220))
    def test_any_text_is_answered(self, search: Search, text: str) -> None:
        found = search(text)

        assert found.total_all <= found.total <= 5

    @pytest.mark.parametrize(
        "text",
        [
            " ".join(f"wordy{number}word" for number in range(20)),
            "保健看護実習" * 33,
            "日本 韓國 德國 美國 英國 法國 越南 泰國 茶 棒球 足球 高中 國中 英語 日語 姊妹校 " * 4,
            "German French Spanish Korean Japanese Chinese Thai Vietnamese Indonesian Georgia visit musical",
            "가나다라마바사아자차카타파하" * 14,
            "ある いる うる える おる かる きる くる ける こる さる しる する せる そる",
        ],
    )
    def test_a_long_query_stays_within_what_the_engine_takes(self, reader: Reader, text: str) -> None:
        explained = reader.explain(text, today=TODAY)

        assert 0 < explained.clauses <= 1024
        assert asking(reader)(text).total <= 5


class TestFacets:
    def test_a_facets_counts_ignore_its_own_choice(self, search: Search) -> None:
        found = search(facets={"country": ("JP",)})
        counts = {row.code: (row.count, row.selected) for row in found.facets["country"]}

        assert found.total == 1
        assert counts == {"TW": (2, False), "JP": (1, True), "KR": (1, False), "ES": (1, False)}
        assert [row.code for row in found.facets["language"]] == ["ja"]

    def test_codes_of_one_facet_are_alternatives_and_facets_add_up(self, search: Search) -> None:
        assert search(facets={"country": ("JP", "KR")}).total == 2
        assert ids(search(facets={"country": ("TW", "KR"), "language": ("ja",)})) == ["baseball-zh"]

    def test_a_chosen_code_is_listed_without_a_count(self, search: Search) -> None:
        found = search(facets={"country": ("XX",)})

        assert found.total == 0
        assert found.facets["country"][-1].code == "XX"
        assert (found.facets["country"][-1].count, found.facets["country"][-1].selected) == (0, True)

    def test_what_cannot_be_found_counts_nowhere(self, search: Search) -> None:
        counts = {row.code: row.count for row in search().facets["country"]}

        assert counts == {"TW": 2, "JP": 1, "KR": 1, "ES": 1}

    @pytest.mark.parametrize(
        ("start", "end", "found"),
        [
            ("2027-04-10", None, {"tea-zh", "biscay-en"}),
            ("2027-04-11", None, {"biscay-en"}),
            (None, "2027-04-01", {"tea-zh"}),
            ("2027-07-01", "2027-08-31", set()),
            ("2027-06-30", "2027-06-30", {"biscay-en"}),
            ("2027-08-01", "2027-01-01", set()),
        ],
    )
    def test_a_period_overlaps(self, search: Search, start: str | None, end: str | None, found: set[str]) -> None:
        days = {"start": start and date.fromisoformat(start), "end": end and date.fromisoformat(end)}

        assert set(ids(search(**days))) == found

    def test_a_group_is_at_most_that_large(self, search: Search) -> None:
        assert set(ids(search(students=18))) == {"biscay-en", "baseball-zh"}
        assert set(ids(search(students=0))) == set()

    def test_taking_a_parameter_away_brings_what_is_promised(self, search: Search) -> None:
        narrowed = {
            "facets": {"country": ("TW",), "language": ("ja",)},
            "start": date(2027, 4, 1),
            "end": date(2027, 4, 30),
            "students": 15,
        }
        found = search(**narrowed)

        assert found.total == 0
        for name, total in found.relax:
            left = dict(narrowed)
            if name in ("country", "language"):
                left["facets"] = {key: codes for key, codes in narrowed["facets"].items() if key != name}
            else:
                left.pop({"from": "start", "to": "end"}.get(name, name))
            assert search(**left).total == total > 0, name


class TestOrderAndPages:
    def test_the_orders(self, search: Search) -> None:
        newest = ["baseball-zh", "biscay-en", "sister-ko", "tea-zh", "tea-ja"]

        assert ids(search(sort="newest")) == newest
        assert ids(search()) == newest
        assert ids(search(sort="expiring"))[:3] == ["tea-ja", "sister-ko", "tea-zh"]

    @pytest.mark.parametrize("sort", ["relevance", "newest", "expiring"])
    @pytest.mark.parametrize("text", ["", "日本 tea"])
    def test_pages_put_together_are_the_whole_list(self, search: Search, sort: str, text: str) -> None:
        whole = ids(search(text, sort=sort))

        assert pages(search, text=text, sort=sort, limit=2) == whole
        assert len(set(whole)) == len(whole)

    def test_a_place_survives_its_writing(self, search: Search) -> None:
        place = search("日本 basball", limit=1).next

        assert place is not None
        assert Position.decode(place.encode()) == replace(place, after=tuple(place.after))

    @pytest.mark.parametrize(
        "text", ["", "[]", "1", "{}", "[1,2,3]", "[[1],[2]]", '[[1],"x",[1,2]]', "null", '[[1],"x",7]']
    )
    def test_a_place_that_nobody_gave_out_is_refused(self, search: Search, text: str) -> None:
        with pytest.raises(BadPosition):
            search("日本", after=Position.decode(text))

    def test_a_place_in_another_list_is_refused(self, search: Search) -> None:
        place = search("日本", limit=1).next

        assert place is not None
        for other in ({"text": "日本 tea"}, {"text": "日本", "sort": "newest"}, {"text": ""}):
            with pytest.raises(BadPosition):
                search(**other, after=place)


def pages(search: Search, **options: object) -> list[str]:
    found: list[str] = []
    after = None
    while True:
        page: Found = search(**options, after=after)
        found += ids(page)
        if page.next is None:
            return found
        after = Position.decode(page.next.encode())


def test_a_list_goes_on_undisturbed_while_documents_are_added(fresh_cluster: Cluster, lexicon: Lexicon) -> None:
    words = ["zorblax", "zorblax zorblax", "zorblax robotics", "robotics", "robotics Japan", "Japan zorblax robotics"]
    before = [a_document(f"post-{at:02}", words[at % 6], published_at=on(1 + at % 20)) for at in range(30)]
    reader = filled(fresh_cluster, lexicon, before)
    writer = Writer(fresh_cluster, lexicon)
    search = asking(reader)
    expected = ids(search("zorblax robotics Japan", limit=100))
    found: list[str] = []
    after = None
    for turn in count():
        page = search("zorblax robotics Japan", limit=4, after=after)
        found += ids(page)
        if page.next is None:
            break
        after = page.next
        if turn > 3:
            continue
        more = [a_document(f"new-{turn}-{at}", words[at % 3], published_at=on(23)) for at in range(9)]
        writer.write_many(more, wait=True)

    assert [key for key in found if key.startswith("post")] == expected
    assert len(found) == len(set(found))


class TestHighlights:
    def marked(self, lexicon: Lexicon, reader: Reader, query: str, text: str, language: str = "en") -> str | None:
        plan = reader.search(Request(today=TODAY, text=query)).plan
        return Highlighter(plan, lexicon).highlight(text, language, whole=True)

    def test_a_concept_is_marked_in_the_language_of_the_text(self, lexicon: Lexicon, reader: Reader) -> None:
        assert self.marked(lexicon, reader, "tea", "お茶の町", "ja") == "<mark>お茶</mark>の町"

    def test_everything_else_is_escaped(self, lexicon: Lexicon, reader: Reader) -> None:
        marked = self.marked(lexicon, reader, "tea", '<script>alert("tea")</script> & <mark>')

        assert marked == "&lt;script&gt;alert(&quot;<mark>tea</mark>&quot;)&lt;/script&gt; &amp; &lt;mark&gt;"

    @pytest.mark.parametrize(
        ("query", "text", "marks"),
        [
            ("growing", "They grow. Growing!", "They grow. <mark>Growing</mark>!"),
            ("gardens", "A Garden", "A <mark>Garden</mark>"),
            ("zorblx", "zorblax", "<mark>zorblax</mark>"),
            ('"bay of"', "Bay of Biscay, of", "<mark>Bay of</mark> Biscay, of"),
            ("臺東", "台东 and ﾀｲﾄｳ", "<mark>台东</mark> and ﾀｲﾄｳ"),
        ],
    )
    def test_what_is_marked(self, lexicon: Lexicon, reader: Reader, query: str, text: str, marks: str) -> None:
        assert self.marked(lexicon, reader, query, text) == marks

    def test_where_nothing_meets_nothing_is_marked(self, lexicon: Lexicon, reader: Reader) -> None:
        assert self.marked(lexicon, reader, "タイ", "スタイルとタイトル", "ja") is None

    def test_a_long_text_is_cut_around_its_first_mark(self, lexicon: Lexicon, reader: Reader) -> None:
        plan = reader.search(Request(today=TODAY, text="baseball")).plan
        piece = Highlighter(plan, lexicon).highlight("word " * 100 + "baseball " + "word " * 100, "en")

        assert piece is not None
        assert "<mark>baseball</mark>" in piece
        assert len(piece) < 220
        assert piece.startswith("…word")


class TestCompletion:
    def test_names_and_documents_that_begin_so(self, reader: Reader) -> None:
        names, documents = reader.complete("Underw", today=TODAY)
        assert [(row.id, row.by) for row in documents] == [("biscay-en", {"title"})]
        assert names == ()
        _, schools = reader.complete("静岡", today=TODAY)
        assert [(row.id, row.by) for row in schools] == [("tea-ja", {"name"})]

    def test_a_beginning_that_many_words_share_still_finds_the_last_of_them(
        self, fresh_cluster: Cluster, lexicon: Lexicon
    ) -> None:
        """The engine's own phrase prefix looks at the first few words alone."""
        documents = [a_document(f"doc-{at:03}", f"zor{at:03} garden") for at in range(120)]
        reader = filled(fresh_cluster, lexicon, [*documents, a_document("last", "Zorzz garden")])

        _, found = reader.complete("garden zorz", today=TODAY)
        assert [row.id for row in found] == ["last"]
        assert len(reader.complete("zor", today=TODAY, limit=50)[1]) == 121

    def test_what_is_hidden_is_not_completed(self, reader: Reader) -> None:
        assert reader.complete("Old", today=TODAY)[1] == ()

    @pytest.mark.parametrize("text", ["", " ", "*", '"', "\\", "a" * 500, "(((", "🎌"])
    def test_signs_complete_nothing(self, reader: Reader, text: str) -> None:
        assert reader.complete(text, today=TODAY) == ((), ())


def test_who_asks_for_something_narrow_also_finds_what_lies_just_above(
    fresh_cluster: Cluster, lexicon: Lexicon
) -> None:
    documents = [a_document("wide", "We write calligraphy"), a_document("narrow", "Inkstones"), a_document("other")]
    search = asking(filled(fresh_cluster, lexicon, documents))

    found = search("inkstone")

    assert ids(found) == ["narrow", "wide"]
    assert [hit.meets_all for hit in found.hits] == [True, False]


def test_a_side_lifts_schools_of_it_and_hides_none(fresh_cluster: Cluster, lexicon: Lexicon) -> None:
    documents = [
        a_document("home", "弦樂團", "我們想找國外學校，一起練弦樂。", "zh-Hant", facets=school("TW")),
        a_document("away", "String orchestra", facets=school("GB")),
        a_document("other", facets=school("GB")),
    ]
    search = asking(filled(fresh_cluster, lexicon, documents))

    found = search("國外學校 弦樂", language="zh")
    assert ids(found) == ["away", "home"]
    assert (found.total, found.total_all) == (2, 2)
    assert ids(search("弦樂", language="zh")) == ["home", "away"]
    assert [hit.meets_all for hit in search("國外", language="zh").hits] == [True, True, False]


@pytest.mark.parametrize(("typed", "wanted"), [("ＦＲＣ機器人", "frc"), ("單車", "單車")])
def test_the_very_word_comes_before_what_only_means_the_same(
    fresh_cluster: Cluster, lexicon: Lexicon, typed: str, wanted: str
) -> None:
    documents = [
        a_document("contest", "機器人競賽：機器人競賽", "機器人競賽、機器人競賽。", "zh-Hant", published_at=on(3)),
        a_document("frc", "FRC 隊伍", "找一起參加機器人競賽的隊友。", "zh-Hant", published_at=on(1)),
        a_document("自行車", "自行車隊", "", "zh-Hant", published_at=on(3)),
        a_document("單車", "單車隊", "", "zh-Hant", published_at=on(1)),
    ]
    search = asking(filled(fresh_cluster, lexicon, documents))

    found = search(typed)
    assert ids(found)[0] == wanted
    assert found.total == len(found.hits) == 2


def test_a_season_is_no_dance_in_vietnamese(fresh_cluster: Cluster, lexicon: Lexicon) -> None:
    documents = [
        a_document("season", "Mùa thu", "Gặp nhau vào mùa thu.", "vi"),
        a_document("dance", "Nhóm múa", "Chúng em thích múa.", "vi"),
    ]
    reader = filled(fresh_cluster, lexicon, documents)

    found = asking(reader)("舞蹈")
    assert ids(found) == ["dance"]
    highlighter = Highlighter(found.plan, lexicon)
    assert highlighter.highlight("Nhóm múa vào mùa thu", "vi") == "Nhóm <mark>múa</mark> vào mùa thu"


def test_a_query_is_explained(reader: Reader) -> None:
    explained = reader.explain("basball zorblax", today=TODAY)

    assert [(unit.kind, unit.codes, unit.count) for unit in explained.units] == [
        ("concept", ("v:baseball",), 1),
        ("word", (), 1),
    ]
    assert explained.corrections == {"basball": "baseball"}


def test_a_clause_count_knows_what_fuzzy_words_grow_to() -> None:
    fuzzy = {"match": {"title": {"query": "two words", "fuzziness": "AUTO", "max_expansions": 5}}}

    assert clauses_in({"bool": {"should": [fuzzy, {"term": {"a": {"value": "b"}}}]}}) == 11


def test_a_text_in_several_languages_is_found_in_each(fresh_cluster: Cluster, lexicon: Lexicon) -> None:
    texts = (
        Text("ja", "化石の発掘体験"),
        Text("en", "Digging for zorbs"),
        Text("th", "โรงเรียนริมแม่น้ำ"),
        Text("vi", "Chợ nổi Cái Răng"),
    )
    reader = filled(fresh_cluster, lexicon, [a_document("many", texts=texts, published_at=NOW)])

    for query in ("発掘", "發掘", "digs zorb", "แม่น้ำ", "cho noi cai rang"):
        assert ids(asking(reader)(query)) == ["many"], query
