"""The guided way in and the page of a search, on the real engine."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from iew.app import LEXICON_DIR
from iew.db import SessionFactory
from iew.services import catalog
from search_index import wordlists
from search_index.cluster import Cluster
from search_index.reader import Reader
from tests.pages.browser import Browser, HtmlPage
from tests.pages.conftest import reader_away
from tests.parts import Parts
from tests.web.houses import world_with_web
from tests.world import World


@pytest.fixture(scope="module")
def reader(parts: Parts) -> Iterator[Reader]:
    """A reader of an index of these tests alone."""
    cluster = Cluster(parts.opensearch_url, prefix=f"pages-{uuid4().hex[:8]}-")
    reader = Reader(cluster, wordlists.load(LEXICON_DIR))
    yield reader
    index = cluster.index_behind_alias()
    if index is not None:
        cluster.client.indices.delete(index=index)
    cluster.close()


@pytest.fixture
def world(session_factory: SessionFactory, parts: Parts, reader: Reader) -> World:
    """Four posts that can be found, and one that cannot."""
    world = world_with_web(session_factory, parts, open_searcher=lambda: reader)
    world.invitation(world.osaka, title="Robots that greet each other")
    other = {"topics": [], "description": "We count what comes ashore."}
    world.invitation(world.osaka, title="Sea turtles", exchange_types=["joint_class"], languages=["ja"], **other)
    world.invitation(world.seoul, title="Film club", exchange_types=["homestay"], languages=["ko"], **other)
    world.invitation(world.tainan, title="機器人社找夥伴", content_language="zh-Hant", languages=["zh"], topics=[])
    world.invitation(world.osaka, title="Robots in the drawer", status="draft")
    catalog.rebuild(world.unit_of_work, catalog.writer_of(reader))
    return world


def titles(page: HtmlPage) -> list[str]:
    """The titles of the posts of a page, in their order."""
    return [element.text.strip() for element in page.all("h3")]


def choices(page: HtmlPage) -> dict[str, str]:
    """The answers of the guided way: label -> address."""
    start = next(place for place, element in enumerate(page.elements) if element.attributes.get("id") == "guided")
    end = next(place for place, element in enumerate(page.elements) if element.attributes.get("id") == "newest")
    links = [element for element in page.elements[start:end] if element.tag == "a"]
    return {" ".join(link.text.split()): link.attributes["href"] for link in links}


class TestTheGuidedWay:
    def test_each_answer_tells_how_many_posts_are_behind_it(self, browser: Browser, world: World) -> None:
        box = next(browser.open("?step=country").all("section", id="guided")).text.split()

        found = {place: int(box[box.index(place) + 1]) for place in ("Japan", "Taiwan")}

        assert found == {"Japan": 2, "Taiwan": 1}

    def test_it_leads_from_the_channel_to_the_kind_of_school(self, browser: Browser, world: World) -> None:
        page, asked = browser.open(""), []
        for answer in ("General exchange", "English", "Japan", "Online exchange", "General senior high school"):
            asked.append(next(page.all("h3", id="question")).text)
            url = next(url for label, url in choices(page).items() if label.startswith(answer))
            page = browser.open(url)
        asked.append(next(page.all("h3", id="question")).text)

        last = browser.open(next(url for label, url in choices(page).items() if label.startswith("Public")))

        assert len(set(asked)) == 6
        assert titles(last) == ["Robots that greet each other"]
        assert "country=JP" in last.reply.request.query_string.decode()

    def test_any_question_can_be_skipped_and_any_answer_taken_back(self, browser: Browser, world: World) -> None:
        first = browser.open("?channel=general&step=language")

        skipped = browser.open(choices(first)["Skip this question"])
        assert next(skipped.all("h3", id="question")).text == "Where should the partner school be?"

        back = browser.open(next(url for label, url in choices(first).items() if "take away" in label))
        assert "channel=general" not in back.reply.request.query_string.decode()

    def test_an_answer_without_posts_stays_visible_but_leads_nowhere(self, browser: Browser, world: World) -> None:
        page = browser.open("?step=type")

        assert "Sister school" in next(page.all("section", id="guided")).text
        assert not [label for label in choices(page) if label.startswith("Sister school")]

    def test_a_step_that_is_none_is_the_first_open_one(self, browser: Browser, world: World) -> None:
        page = browser.open("?step=nonsense&channel=general")

        assert next(page.all("h3", id="question")).text == "In which language can you work together?"


class TestTheSearchPage:
    def test_it_lists_what_is_public_and_counts_it(self, browser: Browser, world: World) -> None:
        page = browser.open("search")

        assert "4 invitations" in page.words
        assert "Robots in the drawer" not in page.text
        assert len(titles(page)) == 4

    def test_what_fits_in_part_stands_below_a_line(self, browser: Browser, world: World) -> None:
        page = browser.open("search?q=robots+japan")

        assert titles(page)[0] == "Robots that greet each other"
        whole, line, part = page.words.partition("These fit in part")
        assert line and "Sea turtles" in part and "Sea turtles" not in whole

    def test_words_find_across_languages(self, browser: Browser, world: World) -> None:
        assert "機器人社找夥伴" in titles(browser.open("search?q=robots"))

    def test_chosen_codes_are_shown_and_each_can_be_taken_away(self, browser: Browser, world: World) -> None:
        page = browser.open("search?country=JP&country=KR&type=homestay")

        assert titles(page) == ["Film club"]
        assert "/en/search?country=KR&type=homestay" in page.links()
        assert "/en/search?country=JP&country=KR" in page.links()
        boxes = [box.attributes for box in page.all("input", type="checkbox", name="country")]
        assert {box["value"] for box in boxes if "checked" in box} == {"JP", "KR"}

    def test_a_facet_counts_what_a_second_choice_would_add(self, browser: Browser, world: World) -> None:
        page = browser.open("search?country=JP")

        labels = {label.attributes.get("for"): label.text.split() for label in page.all("label")}
        assert labels["facet-country-KR"][-1] == "1"

    def test_where_nothing_fits_the_page_says_which_choice_to_loosen(self, browser: Browser, world: World) -> None:
        page = browser.open("search?country=KR&type=joint_class")

        assert "No invitation fits" in page.words
        assert "/en/search?country=KR" in page.links() and "/en/search?type=joint_class" in page.links()

    def test_words_that_no_post_has_are_named(self, browser: Browser, world: World) -> None:
        assert "zzyzx" in browser.open("search?q=robots+zzyzx").words.partition("No invitation has these words")[2]

    def test_a_misspelt_word_is_read_and_said(self, browser: Browser, world: World) -> None:
        page = browser.open("search?q=tutrles")

        assert "Sea turtles" in titles(page)

    def test_found_words_are_marked_and_nothing_else_is_markup(self, browser: Browser, world: World) -> None:
        page = browser.open("search?q=turtles")

        assert re.search("<mark>(Sea )?turtles</mark>", page.text)

    @pytest.mark.parametrize(("name", "value"), [("from", "x"), ("to", "2027-02-30"), ("students", "many")])
    def test_a_date_that_is_none_is_shown_as_a_fault_and_left_out(
        self, browser: Browser, world: World, name: str, value: str
    ) -> None:
        page = browser.open(f"search?q=turtles&{name}={value}")

        assert page.status == 422
        assert page.fault_at(name)
        assert "Sea turtles" in titles(page)

    def test_parameters_that_others_added_do_no_harm(self, browser: Browser, world: World) -> None:
        assert browser.open("search?q=turtles&utm_source=mail&fbclid=x").status == 200

    def test_a_page_is_never_markup_of_the_query(self, browser: Browser, world: World) -> None:
        page = browser.open("search?q=<script>alert(1)</script>\"'><b>")

        assert "<script>alert" not in page.text and "<b>" not in page.text

    def test_a_place_in_the_list_that_stood_in_for_the_engine_begins_anew(self, browser: Browser, world: World) -> None:
        assert len(titles(browser.open("search?cursor=list.WyJhIiwiYiJd"))) == 4

    def test_the_sort_order_is_kept_with_the_choices(self, browser: Browser, world: World) -> None:
        page = browser.open("search?country=JP&sort=newest")

        assert titles(page) == ["Sea turtles", "Robots that greet each other"]
        sorting = next(form for form in page.forms if "sort" in form.options)
        assert sorting.fields.getlist("country") == ["JP"] and sorting.fields["sort"] == "newest"


class TestWithoutTheEngine:
    @pytest.fixture
    def world(self, session_factory: SessionFactory, parts: Parts) -> World:
        """A house whose engine is away."""
        world = world_with_web(session_factory, parts, open_searcher=reader_away)
        world.invitation(world.osaka)
        world.invitation(world.osaka, title="Not public", status="draft")
        return world

    @pytest.fixture
    def more(self, world: World) -> None:
        """Posts that differ in what can be chosen."""
        days = [{"start": "2027-10-01", "end": "2027-10-05"}]
        soon = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
        world.invitation(
            world.seoul, title="Small and soon", group={"students": 3, "teachers": 1}, periods=days, expires_on=soon
        )
        world.invitation(world.tainan, title="In Taiwan", languages=["zh"], exchange_types=["homestay"])

    def test_the_search_page_lists_the_newest_and_says_why(self, browser: Browser, world: World) -> None:
        page = browser.open("search?q=turtles&country=JP")

        assert page.status == 200
        assert "The search does not answer at the moment" in page.words
        assert "Your words are left aside for now: turtles" in page.words
        assert titles(page) == ["Robots that greet each other"]

    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            ("", {"Robots that greet each other", "Small and soon", "In Taiwan"}),
            ("country=KR&country=TW", {"Small and soon", "In Taiwan"}),
            ("country=KR&country=TW&side=domestic", {"In Taiwan"}),
            ("side=nowhere", set()),
            ("language=zh", {"In Taiwan"}),
            ("type=homestay", {"In Taiwan"}),
            ("level=senior_high_general&wanted_level=senior_high_general&channel=general&ownership=public",
             {"Robots that greet each other", "Small and soon", "In Taiwan"}),
            ("county=TNN", {"In Taiwan"}),
            ("affiliation=boarding", set()),
            ("composition=coed&country=JP", {"Robots that greet each other"}),
            ("students=3", {"Small and soon"}),
            ("from=2027-10-05&to=2027-10-09", {"Small and soon"}),
            ("from=2027-10-06&country=KR", set()),
            ("to=2027-09-30&country=KR", set()),
        ],
    )  # fmt: skip
    def test_choices_dates_and_group_size_still_narrow(
        self, browser: Browser, world: World, more: None, asked: str, expected: set[str]
    ) -> None:
        page = browser.open(f"search?{asked}")

        assert set(titles(page)) == expected
        assert f"{len(expected)} invitation" in page.words

    def test_the_choices_are_all_there_and_stay_chosen(self, browser: Browser, world: World, more: None) -> None:
        page = browser.open("search?country=KR&type=homestay&country=FR")

        boxes = [box.attributes for box in page.all("input", type="checkbox")]
        assert {(box["name"], box["value"]) for box in boxes if "checked" in box} == {
            ("country", "KR"), ("country", "FR"), ("type", "homestay")
        }  # fmt: skip
        assert {box["value"] for box in boxes if box["name"] == "country"} == {"JP", "KR", "TW", "FR"}
        assert {"ja", "other"} <= {box["value"] for box in boxes if box["name"] == "language"}
        assert "/en/search?country=FR&type=homestay" in page.links()

    def test_the_order_can_be_chosen_as_far_as_it_makes_sense(self, browser: Browser, world: World, more: None) -> None:
        page = browser.open("search?sort=expiring")

        assert titles(page)[0] == "Small and soon"
        assert {option.attributes["value"] for option in page.all("option")} == {"newest", "expiring"}

    @pytest.mark.parametrize("sort", ["newest", "expiring"])
    def test_the_list_goes_on_by_page(self, browser: Browser, world: World, sort: str) -> None:
        for at in range(44):
            world.invitation(world.seoul, title=f"Post {at}")
        seen: list[str] = []
        address: str | None = f"search?sort={sort}&country=KR"
        while address:
            page = browser.open(address)
            seen += titles(page)
            address = next((link.attributes["href"] for link in page.all("a", rel="next")), None)
        assert sorted(seen) == sorted(f"Post {at}" for at in range(44))

    def test_the_start_page_stands(self, browser: Browser, world: World) -> None:
        page = browser.open("")

        assert page.status == 200
        assert "Robots that greet each other" in titles(page)
