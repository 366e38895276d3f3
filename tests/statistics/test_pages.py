"""The pages of figures, as their readers open them."""

import csv
import io
import re
from datetime import UTC, datetime

import pytest
from openpyxl import load_workbook

from iew.i18n import say_school_year
from iew.models import Invitation
from iew.web.charts import MOST_COLUMNS, bars, columns, map_of
from iew.web.figure_words import GROUP_NAMES
from tests.pages.browser import Browser, HtmlPage
from tests.statistics.crowd import Crowd
from tests.statistics.test_figures import ask
from tests.statistics.test_persons import completed
from tests.world import World

QUERIES = [
    "", "?measure=matches&group_by=unit&then_by=status", "?measure=searches&group_by=language&from=2025-01-01",
    "?measure=invitations&group_by=country&state=open", "?measure=matches&group_by=", "?group_by=school_year",
    "?measure=matches&group_by=month,type,level", "?utm_source=mail",
]  # fmt: skip


def count_at(page: HtmlPage, name: str) -> str:
    """The number in the line of the first table that begins with this name."""
    found = re.search(rf'<th scope="row">{re.escape(name)}</th>.*?class="number">(.*?)</td>', page.text, re.DOTALL)
    assert found is not None, page.words
    return re.sub(r"<[^>]+>", "", found[1]).split(":")[-1].strip()


def squeezed(page: HtmlPage) -> str:
    """The words without spaces: cells of a table stand close to each other."""
    return "".join(page.words.split())


@pytest.mark.parametrize(
    ("who", "language"), [(None, "zh-Hant"), ("osaka", "ja"), ("office_seoul", "ko"), ("admin", "en")]
)  # fmt: skip
def test_everybody_opens_the_figures(crowd: Crowd, browser: Browser, who: str | None, language: str) -> None:
    if who:
        browser.sign_in(getattr(crowd.world, who))
    for query in QUERIES:
        page = browser.open(f"/{language}/statistics{query}")
        assert page.status == 200, (query, page.words)
        assert " style=" not in page.text
        for picture in page.all("svg", role="img"):
            title, about = picture.attributes["aria-labelledby"].split()
            assert next(page.all("title", id=title)).text.strip() and next(page.all("desc", id=about)).text.strip()


def test_a_number_leads_to_its_list(world: World, browser: Browser) -> None:
    for by in (world.tainan, world.tainan, world.taipei):
        world.match(by)
    page = browser.sign_in(world.admin).open("statistics?measure=matches&group_by=county")
    assert count_at(page, "Tainan City") == "2"
    (link,) = [href for href in page.links() if "county=TNN" in href and "/statistics/list" in href][:1]
    listed = browser.open(link)
    assert listed.heading == "2 cases behind the number"
    assert len([href for href in listed.links() if "/matches/" in href]) == 2


def test_a_unit_sees_its_area_and_the_lines_it_may_not_open_without_a_link(world: World, browser: Browser) -> None:
    world.match()
    world.match(world.taipei)
    browser.sign_in(world.ierc_tainan)
    assert count_at(browser.open("statistics?measure=matches&group_by=county"), "Tainan City") == "1"
    assert count_at(browser.open("statistics?measure=matches&group_by=county&scope=public"), "Taipei City") == "1"
    page = browser.open("statistics/list?measure=matches")
    assert page.heading == "1 case behind the number"
    assert "not yours to open" in page.words and not [href for href in page.links() if "/matches/" in href]


def test_few_persons_are_not_on_the_page_nor_in_its_files(world: World, browser: Browser) -> None:
    completed(world, world.tainan, 24, 2)
    completed(world, world.taipei, 3, 1)
    page = browser.open("statistics?measure=matches&group_by=county")
    table = squeezed(page)
    assert "TainanCity1260" in table and "TaipeiCity1notshown0" in table and "Total226ormore0" in table
    files = [href for href in page.links() if "/statistics/file" in href]
    text = browser.client.get(files[0]).get_data()
    assert text.startswith(b"\xef\xbb\xbf")
    head, *rows = csv.reader(io.StringIO(text.decode("utf-8-sig")))
    assert head[:3] == ["County or city in Taiwan", "Cases", "Persons"]
    assert [row[:3] for row in rows] == [["Tainan City", "1", "26"], ["Taipei City", "1", ""], ["Total", "2", ""]]
    sheet = load_workbook(io.BytesIO(browser.client.get(files[1]).get_data())).active
    assert [[cell.value for cell in row][:3] for row in sheet.iter_rows(min_row=2)] == [
        ["Tainan City", 1, 26], ["Taipei City", 1, None], ["Total", 2, None]
    ]  # fmt: skip


def test_a_period_that_ends_before_it_begins_comes_back_as_it_was_typed(world: World, browser: Browser) -> None:
    page = browser.open("statistics?measure=matches&group_by=unit&from=2026-05-02&to=2026-05-01")
    assert page.status == 422
    assert page.fault_at("to").endswith("The end may not lie before the beginning.")
    fields = page.form_to("/statistics").fields
    assert (fields["measure"], fields["group_by"], fields["from"]) == ("matches", "unit", "2026-05-02")


@pytest.mark.parametrize("path", ["statistics/list?measure=matches", "statistics/report", "statistics/years"])
def test_lists_and_reports_are_not_everybody_s(world: World, browser: Browser, path: str) -> None:
    assert browser.open(path).status == 401
    assert browser.sign_in(world.osaka).open(path).status == 403


def test_the_report_of_a_year_names_cases_persons_answers_and_functions(crowd: Crowd, browser: Browser) -> None:
    browser.sign_in(crowd.world.admin)
    page = browser.open("statistics/report?school_year=2024-2025")
    cases = ask(crowd.world.as_(crowd.world.admin), "matches", school_year="2024-2025")
    assert page.status == 200
    assert f"Casesasked{cases['total']}Agreed" in squeezed(page)
    assert f"Personswhotookpart{cases['totals']['persons']}" in squeezed(page)
    searches = sum(each.count for each in crowd.searches if "2024-08" <= each.month <= "2025-07")
    assert f"Searchesbywords{searches:,}" in squeezed(page)
    assert "22 of 22 authorities" in page.words
    assert browser.open("statistics/report?school_year=1999-2000").status == 404


def test_an_administrator_closes_a_year_on_its_page_and_sees_corrections(world: World, browser: Browser) -> None:
    posts = [world.invitation(), world.invitation()]
    with world.unit_of_work() as uow:
        for post in posts:
            uow.get(Invitation, post.id).published_at = datetime(2026, 3, 1, tzinfo=UTC)
    browser.sign_in(world.admin)
    page = browser.open("statistics/years/2025-2026")
    done = browser.send(page.form_to("/close"))
    closed = browser.follow(done)
    assert "unchanged" in closed.words and "0figures" in squeezed(closed)
    assert browser.send(page.form_to("/close"), idempotency_key="another").status == 409
    with world.unit_of_work() as uow:
        uow.get(Invitation, posts[0].id).published_at = datetime(2025, 3, 1, tzinfo=UTC)
    corrected = browser.open("statistics/years/2025-2026")
    assert "All21corrected" in squeezed(corrected) and "unchanged" in corrected.words
    assert "2 when it was closed on" in browser.open("statistics?group_by=school_year").words
    assert "over, not closed" in browser.open("statistics/years").words


def test_a_running_year_has_no_button(world: World, browser: Browser) -> None:
    browser.sign_in(world.admin)
    link = next(href for href in browser.open("statistics/years").links() if "/statistics/years/" in href)
    assert not [form for form in browser.open(link).forms if form.action.endswith("/close")]


def test_the_figures_are_in_both_navigations_and_the_choice_of_language(world: World, browser: Browser) -> None:
    assert "/en/statistics" in browser.open("how").links()
    assert browser.sign_in(world.ierc_tainan).open("statistics").links().count("/en/statistics") == 3


class TestDrawings:
    def test_columns_share_the_width_and_the_largest_has_the_height(self) -> None:
        made = columns([("a", 0), ("b", 5), ("c", 10)])
        assert [column.height for column in made.columns] == [0, 85, 170]
        assert all(column.top + column.height == made.base for column in made.columns)
        assert made.columns[-1].x + made.columns[-1].width < 100
        assert len(columns([("x", 1)] * 99).columns) == MOST_COLUMNS
        assert columns([("x", 0)]).columns[0].height == 0

    def test_bars_are_the_largest_in_order(self) -> None:
        made = bars([(str(number), number) for number in range(20)])
        assert [bar.value for bar in made.bars] == list(range(19, 7, -1)) and made.left_out == 8

    def test_a_map_shades_by_number_and_its_legend_holds_every_number(self) -> None:
        made = map_of("world", {"JP": 1, "KR": 9, "US": 300, "SG": 2, "XX": 5, "FR": 0}, {"JP": "Japan"})
        shades = {place.code: place.shade for place in made.places}
        assert set(shades) == {"JP", "KR", "US", "SG"} and shades["JP"] == 1 and shades["US"] == 5
        for place in made.places:
            assert [line.shade for line in made.legend if line.least <= place.value <= line.most] == [place.shade]
        assert next(place for place in made.places if place.code == "SG").dot is not None
        assert map_of("taiwan", {}, {}).places == []

    def test_every_county_has_an_outline(self, world: World) -> None:
        codes = [
            unit["code"] for unit in world.as_(None).get("/iercs?limit=100").json["items"] if "K12" not in unit["code"]
        ]
        assert {place.code for place in map_of("taiwan", dict.fromkeys(codes, 1), {}).places} == set(codes)
        assert len(codes) == 22


def test_every_group_has_a_name() -> None:
    from iew.domain.statistics import ALL_GROUPS

    assert set(ALL_GROUPS) == set(GROUP_NAMES)


def test_a_school_year_is_called_by_the_year_of_the_republic_in_taiwan() -> None:
    assert say_school_year("2026-2027", "zh-Hant") == "115 學年度（2026–27）"
    assert say_school_year("2009-2010", "en") == "2009–10"
