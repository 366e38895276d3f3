"""Suggestions over the API and on the pages: with reasons in the reader's language, and two buttons."""

import pytest

from iew.models import Invitation
from iew.web.context import EXTENSION
from search_index.cluster import Cluster
from search_index.lexicon import Lexicon
from search_index.reader import Reader
from tests.catalogues import LOCALES, extracted, path_of, read
from tests.pages.browser import Browser
from tests.suggestions.conftest import Suggest, listed
from tests.suggestions.test_more_like import indexed
from tests.world import World, problem

LANGUAGES = ("zh-Hant", "en", "ja", "ko")
HOSTILE = "<script>alert('x')</script>"
RICH = {"topics": ["robotics"], "homestay": "offered", "target_countries": ["TW", "JP"]}


@pytest.fixture
def own(world: World) -> Invitation:
    return world.invitation(world.tainan, **RICH)


@pytest.fixture
def other(world: World) -> Invitation:
    return world.invitation(world.osaka, **RICH | {"homestay": "wanted", "title": HOSTILE})


def test_the_reply_names_the_post_the_score_and_the_reasons(
    world: World, own: Invitation, other: Invitation, suggest: Suggest
) -> None:
    suggest(own)

    reply = world.as_(world.tainan).get(f"/invitations/{own.id}/suggestions", headers={"Accept-Language": "en"}).json

    assert (reply["total"], reply["next_cursor"]) == (1, None)
    (item,) = reply["items"]
    assert item["invitation"]["id"] == other.id
    assert item["invitation"]["school"]["country"] == "JP"
    assert item["invitation"].get("contact") is None
    assert 0 < item["score"] <= 1
    labels = {reason["code"]: reason["label"] for reason in item["reasons"]}
    assert labels["shared_language"] == "You share a language: English"
    assert labels["topic_shared"] == "Same topics: robotics"
    assert {"same_level", "grades_overlap", "dates_meet", "type_fits", "group_size", "wished_country",
            "homestay_fits"} <= set(labels)  # fmt: skip


@pytest.mark.parametrize(("language", "word"), [("zh-Hant", "英語"), ("ja", "英語"), ("ko", "영어")])
def test_the_reasons_speak_the_language_of_the_reader(
    world: World, own: Invitation, other: Invitation, suggest: Suggest, language: str, word: str
) -> None:
    suggest(own)
    reply = world.as_(world.tainan).get(f"/invitations/{own.id}/suggestions", headers={"Accept-Language": language})
    labels = {reason["code"]: reason["label"] for reason in reply.json["items"][0]["reasons"]}
    assert word in labels["shared_language"]
    assert not any(label.startswith(("You ", "Same ", "The ")) for label in labels.values())


def test_a_dismissal_is_repeated_by_its_key_and_refuses_what_it_does_not_know(
    world: World, own: Invitation, other: Invitation, suggest: Suggest
) -> None:
    suggest(own)
    client, path = world.as_(world.tainan), f"/invitations/{own.id}/suggestions/{other.id}/dismiss"
    assert problem(client.post(path, {"why": "x"})) == (422, "invalid")

    replies = [client.post(path, headers={"Idempotency-Key": "once"}) for _ in range(2)]

    assert [reply.status_code for reply in replies] == [204, 204]
    assert listed(world, own) == []
    assert problem(client.get(f"/invitations/{own.id}/suggestions?limit=3"))[0] == 422


# pages


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("where", ["posts", "posts/{id}"])
def test_own_pages_name_the_schools_that_could_fit(
    world: World, browser: Browser, own: Invitation, other: Invitation, suggest: Suggest, language: str, where: str
) -> None:
    suggest(own)
    browser.sign_in(world.tainan)
    browser.language = language

    page = browser.open(where.format(id=own.id))

    assert page.status == 200
    assert HOSTILE not in page.text
    assert HOSTILE in page.words
    tags = {"en": "You share a language", "zh-Hant": "共通語言", "ja": "共通の言語", "ko": "공통 언어"}
    assert tags[language] in page.words
    assert any(f"/invitations/{other.id}/ask" in link for link in page.links())


@pytest.mark.parametrize("where", ["posts", "posts/{id}"])
def test_not_suitable_takes_it_away_and_comes_back_to_the_same_page(
    world: World, browser: Browser, own: Invitation, other: Invitation, suggest: Suggest, where: str
) -> None:
    suggest(own)
    browser.sign_in(world.tainan)
    page = browser.open(where.format(id=own.id))

    sent = browser.send(page.form_to("/dismiss"))

    assert sent.reply.headers["Location"].endswith(where.format(id=own.id))
    after = browser.follow(sent)
    assert "Schools that could fit" not in after.words
    assert "is not suggested" in after.words


def test_nobody_else_turns_a_suggestion_down(
    world: World, browser: Browser, own: Invitation, other: Invitation, suggest: Suggest
) -> None:
    suggest(own)
    form = browser.sign_in(world.tainan).open(f"posts/{own.id}").form_to("/dismiss")
    browser.client.delete_cookie("iew")
    browser.sign_in(world.osaka)
    assert browser.send(form).status in (400, 403)
    assert listed(world, own) == [other.id]


def test_five_at_most_stand_on_a_page_and_each_school_once_over_all_posts(
    world: World, browser: Browser, own: Invitation, suggest: Suggest
) -> None:
    second = world.invitation(world.tainan, title="A second one")
    for _ in range(6):
        world.invitation(school=world.school("JP"))
    for post in (own, second):
        suggest(post)
    browser.sign_in(world.tainan)

    for where in ("posts", f"posts/{own.id}"):
        asks = [link for link in browser.open(where).links() if "/ask?" in link and "direct" in link]
        assert len(asks) == len(set(asks)) == 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_public_page_shows_more_like_this(
    world: World, browser: Browser, fresh_cluster: Cluster, lexicon: Lexicon, language: str
) -> None:
    post, alike = (world.invitation(school=world.school("JP"), title=title) for title in ("Robots", HOSTILE))
    reader = Reader(fresh_cluster, lexicon)
    indexed(world, reader, post, alike)
    world.app.extensions[EXTENSION].open_searcher = lambda: reader
    browser.language = language

    page = browser.open(f"invitations/{post.id}")

    assert any(link.endswith(f"/invitations/{alike.id}") for link in page.links())
    assert HOSTILE not in page.text
    said = {"en": "More like this", "zh-Hant": "更多類似邀請", "ja": "似た募集", "ko": "비슷한 초청"}
    assert said[language] in page.words


def test_without_the_engine_a_public_page_has_no_such_part(world: World, browser: Browser, own: Invitation) -> None:
    page = browser.open(f"invitations/{own.id}")
    assert page.status == 200
    assert "More like this" not in page.words


@pytest.mark.parametrize("locale", sorted(LOCALES.values()))
def test_every_sentence_about_suggestions_is_translated(locale: str) -> None:
    held = {message.id for message in read(path_of(locale, "suggestions"), locale) if message.id and message.string}
    ours = (
        "iew/schemas/suggestions.py",
        "iew/web/suggesting.py",
        "iew/web/pages/suggestions.py",
        "iew/web/templates/suggestions/_listed.html",
    )
    others = {m.id for p in path_of(locale).parent.glob("*.po") for m in read(p, locale) if m.id and m.string}
    wanted = {m.id for m in extracted() if m.id and any(str(where) in ours for where, _ in m.locations)}
    assert len(wanted) > 15
    assert wanted - held - others == set()
