"""The pages of pairings: making one from a form that comes back filled in, the board, and its buttons."""

from collections.abc import Sequence

import pytest

from iew.models import Invitation, Match, Pairing
from tests.pages.browser import Browser, HtmlForm, HtmlPage
from tests.pairings.conftest import Bring, District, Made, ids_of, pair, pairs_of
from tests.pairings.test_asking import Searcher
from tests.world import World

LANGUAGES = ("zh-Hant", "en", "ja", "ko")
HOSTILE = "<script>alert(1)</script>"


def numbers(posts: Sequence[Invitation]) -> str:
    return "\n".join(post.number for post in posts)


def form_of(page: HtmlPage, action: str, domestic: str | None = None, overseas: str | None = None) -> HtmlForm:
    """The button of an action, for a pair where it is named."""
    return next(
        form
        for form in page.forms
        if form.action.endswith(f"/{action}")
        and (domestic is None or form.fields.get("domestic") == domestic)
        and (overseas is None or form.fields.get("overseas") == overseas)
    )


def made_by_form(browser: Browser, district: District, **changes: str) -> HtmlPage:
    form = browser.open("pairings/new").form_to("/pairings/new")
    told = {
        "name": "Tainan and Osaka",
        "domestic__posts": numbers(district.domestic),
        "overseas__posts": " ".join(ids_of(district.overseas)),
    }
    return browser.send(form, **(told | changes))


def board(browser: Browser, made: Made, query: str = "") -> HtmlPage:
    page = browser.open(f"pairings/{made['id']}{query}")
    assert page.status == 200, page.words
    return page


def test_a_pairing_is_made_of_numbers_and_ids(world: World, browser: Browser, district: District) -> None:
    browser.sign_in(world.ierc_tainan)
    assert "No pairing yet" in browser.open("pairings").words

    page = browser.follow(made_by_form(browser, district))

    assert page.heading == "Tainan and Osaka"
    assert "This is a proposal; no school knows of it." in page.words
    assert "Pairs (3)" in page.words
    assert "Same topics: subject 1" in page.words
    assert "Tainan and Osaka" in browser.open("pairings").words


def test_a_search_on_the_page_takes_what_is_chosen(world: World, browser: Browser, district: District) -> None:
    searcher = Searcher(world, *((post.id, True) for post in district.domestic))
    browser.sign_in(world.ierc_tainan)
    page = made_by_form(
        browser, district, domestic__posts="", domestic__q="robots", domestic__county="TNN",
        domestic__level="senior_high_general",
    )  # fmt: skip
    assert browser.follow(page).heading == "Tainan and Osaka"
    (request,) = searcher.asked
    assert request.text == "robots"
    assert request.facets == {"county": ("TNN",), "level": ("senior_high_general",), "side": ("domestic",)}


def test_a_preview_shows_the_choice_and_makes_nothing(world: World, browser: Browser, district: District) -> None:
    browser.sign_in(world.ierc_tainan)
    page = made_by_form(browser, district, then="preview", name="")
    assert page.status == 422  # the name is missing, and everything typed is still there
    page = made_by_form(browser, district, then="preview")
    assert page.status == 200
    assert page.words.count("3 invitations · 3 schools") == 2
    assert page.form_to("/pairings/new").fields["name"] == "Tainan and Osaka"
    with world.unit_of_work() as uow:
        assert uow.session.query(Pairing).count() == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"max_per_school": "11"}, "max_per_school"),
        ({"domestic__posts": "IEW-2027-999999"}, "domestic.posts"),
        ({"overseas__posts": "nothing-like-it"}, "overseas.posts"),
    ],
)
def test_a_refused_form_comes_back_as_it_was(
    world: World, browser: Browser, district: District, changes: dict[str, str], field: str
) -> None:
    browser.sign_in(world.ierc_tainan)
    page = made_by_form(browser, district, **changes)
    assert page.status == 422
    assert page.fault_at(field)
    fields = page.form_to("/pairings/new").fields
    for name, typed in changes.items():
        assert fields[name.replace("__", ".")] == typed
    with world.unit_of_work() as uow:
        assert uow.session.query(Pairing).count() == 0


def test_while_search_is_away_the_page_says_so_and_keeps_what_was_typed(
    world: World, browser: Browser, district: District
) -> None:
    browser.sign_in(world.ierc_tainan)
    page = made_by_form(browser, district, domestic__posts="", domestic__q="robots")
    assert page.status == 503
    assert "Search does not answer" in page.words
    assert page.form_to("/pairings/new").fields["domestic.q"] == "robots"


def test_the_buttons_of_the_board(world: World, browser: Browser, district: District) -> None:
    made = district.make()
    browser.sign_in(world.ierc_tainan)
    here, there = district.domestic[0], district.overseas[0]

    page = browser.follow(browser.send(form_of(board(browser, made), "forbid", here.id, there.id)))
    assert "These two will not be paired" in page.words
    assert (here.id, there.id) not in pairs_of(district.look(made))
    assert "Pins and bans" in page.words

    page = browser.follow(browser.send(form_of(page, "release", here.id, there.id)))
    assert pairs_of(district.look(made)) == pairs_of(made)

    candidates = board(browser, made, f"?post={here.id}")
    assert "Possible partners of" in candidates.words
    other = district.overseas[1]
    page = browser.follow(browser.send(form_of(candidates, "pin", here.id, other.id)))
    assert "The pair is pinned" in page.words
    assert "Possible partners of" in page.words  # the place on the board is kept
    assert district.look(made)["pins"] == [pair(here, other)]

    page = browser.follow(browser.send(form_of(page, "solve")))
    assert "compared as they are now" in page.words
    page = browser.follow(browser.send(form_of(page, "accept")))
    assert "Every pair is a case" in page.words
    assert not [form for form in page.forms if "/pairings/" in form.action]
    with world.unit_of_work() as uow:
        cases = uow.session.query(Match).all()
        assert len(cases) == 3
    assert {f"/en/matches/{case.id}" for case in cases} <= set(page.links())
    assert browser.open(f"matches/{cases[0].id}").status == 200


def test_a_button_of_an_older_board_changes_nothing(world: World, browser: Browser, district: District) -> None:
    made = district.make()
    browser.sign_in(world.ierc_tainan)
    old = board(browser, made)
    district.act(made, "pin", **pair(district.domestic[0], district.overseas[1]))
    before = district.look(made)

    page = browser.send(form_of(old, "accept"))

    assert page.status == 412
    assert "Somebody changed this meanwhile" in page.words
    assert district.look(made) == before


def test_a_refusal_is_said_on_the_board(world: World, browser: Browser, district: District) -> None:
    made = district.make()
    browser.sign_in(world.ierc_tainan)
    page = board(browser, made)
    browser.send(form_of(page, "pin", district.domestic[0].id, district.overseas[0].id))
    candidates = board(browser, made, f"?post={district.domestic[0].id}")
    page = browser.send(form_of(candidates, "pin", district.domestic[0].id, district.overseas[1].id))
    assert page.status == 422
    assert "pinned to as many partners as it may have" in page.words


def test_a_long_list_is_read_in_pages(
    world: World, browser: Browser, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iew.web.pairing.PAIRS_SHOWN", 2)
    district = bring(5, 5)
    made = district.make()
    browser.sign_in(world.ierc_tainan)
    first = board(browser, made)
    second = board(browser, made, "?after=2")
    last = board(browser, made, "?after=4")
    shown = [len([form for form in page.forms if form.action.endswith("/forbid")]) for page in (first, second, last)]
    assert shown == [2, 2, 1]
    assert any("after=2" in link for link in first.links())
    assert not any("after=6" in link for link in last.links())


def test_nothing_to_pair_is_said_as_such(world: World, browser: Browser, district: District) -> None:
    stranger = district.post("JP", 0, exchange_types=["teacher_exchange"])
    made = district.make(overseas=[stranger.id])
    browser.sign_in(world.ierc_tainan)
    page = board(browser, made, f"?post={stranger.id}")
    assert "No pair can be proposed" in page.words
    assert "No invitation of the other side can go with this one" in page.words
    assert not [form for form in page.forms if form.action.endswith("/accept")]


def test_another_unit_and_a_school_find_nothing(world: World, browser: Browser, district: District) -> None:
    made = district.make()
    assert browser.open(f"pairings/{made['id']}").status == 401
    browser.sign_in(world.ierc_taipei)
    assert browser.open(f"pairings/{made['id']}").status == 404
    assert made["name"] not in browser.open("pairings").words
    assert Browser(world.app).sign_in(world.tainan).open("pairings").status == 403


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_in_every_language_with_hostile_names(
    world: World, browser: Browser, district: District, language: str
) -> None:
    hostile = district.post("TW", 1, title=HOSTILE)
    made = district.make(name=HOSTILE, domestic=ids_of([*district.domestic, hostile]))
    district.act(made, "pin", **pair(hostile, district.overseas[1]))
    district.act(made, "forbid", **pair(district.domestic[0], district.overseas[0]))
    browser.sign_in(world.ierc_tainan)
    for path in ("pairings", "pairings/new", f"pairings/{made['id']}", f"pairings/{made['id']}?post={hostile.id}"):
        page = browser.open(f"/{language}/{path}")
        assert page.status == 200
        assert "<script>alert" not in page.text
        if language != "en":
            assert "Possible partners" not in page.words and "Forbid" not in page.words
    district.act(made, "accept")
    page = browser.open(f"/{language}/pairings/{made['id']}")
    assert page.status == 200
    assert "<script>alert" not in page.text


def test_the_administrator_chooses_the_unit(world: World, browser: Browser, district: District) -> None:
    browser.sign_in(world.admin)
    page = browser.follow(made_by_form(browser, district, unit="JP-OSA"))
    with world.unit_of_work() as uow:
        assert uow.session.query(Pairing).one().unit_code == "JP-OSA"
    assert page.status == 200
    assert "unit" not in Browser(world.app).sign_in(world.ierc_tainan).open("pairings/new").form_to("/new").fields
