"""Which language a page speaks, and that it speaks it wholly."""

import re

import pytest

from tests.catalogues import LOCALES, Sentence, missing, path_of, read, translated
from tests.pages.browser import Browser


@pytest.mark.parametrize(
    ("accepted", "start"),
    [
        ("zh-TW,zh;q=0.9,en;q=0.8", "/zh-Hant/"),
        ("zh-CN", "/zh-Hant/"),
        ("ja", "/ja/"),
        ("ko-KR,ko;q=0.9", "/ko/"),
        ("de-DE,de;q=0.9", "/en/"),
        ("", "/en/"),
    ],
)
def test_the_root_leads_to_the_language_of_the_browser(browser: Browser, accepted: str, start: str) -> None:
    page = browser.open("/", **{"Accept-Language": accepted})

    assert (page.status, page.reply.headers["Location"]) == (302, start)


def test_the_language_chosen_last_is_remembered(browser: Browser) -> None:
    browser.open("/ja/how")

    page = browser.open("/", **{"Accept-Language": "ko"})

    assert page.reply.headers["Location"] == "/ja/"


@pytest.mark.parametrize(
    ("language", "word", "tag"),
    [
        ("zh-Hant", "如何使用", "zh-Hant-TW"),
        ("en", "How it works", "en"),
        ("ja", "ご利用の流れ", "ja"),
        ("ko", "이용 방법", "ko"),
    ],
)
def test_a_page_speaks_the_language_of_its_address(browser: Browser, language: str, word: str, tag: str) -> None:
    page = browser.open(f"/{language}/how")

    assert page.heading == word
    assert next(page.all("html")).attributes["lang"] == tag


@pytest.mark.parametrize("named", ["zh-TW", "zh", "zh-HK", "en-GB"])
def test_another_name_of_a_language_leads_to_ours(browser: Browser, named: str) -> None:
    page = browser.open(f"/{named}/how?a=1")

    assert page.status == 308
    assert page.reply.headers["Location"] in ("/zh-Hant/how?a=1", "/en/how?a=1")


@pytest.mark.parametrize("named", ["xx", "static2", "..", "wp-admin"])
def test_there_is_no_page_in_a_language_we_do_not_speak(browser: Browser, named: str) -> None:
    assert browser.open(f"/{named}/how").status == 404


def test_every_page_offers_itself_in_the_other_languages(browser: Browser) -> None:
    page = browser.open("/en/search?q=robots&level=primary&level=junior_high")

    others = [link.attributes["href"] for link in page.all("link", rel="alternate")]

    assert "/ja/search?q=robots&level=primary&level=junior_high" in others
    assert len(others) == 4


@pytest.mark.parametrize("locale", LOCALES.values())
def test_every_sentence_has_a_translation(locale: str) -> None:
    assert missing(locale) == []


@pytest.mark.parametrize("locale", LOCALES.values())
def test_every_translation_names_the_values_of_its_sentence(locale: str) -> None:
    wrong = [
        message.id
        for path in path_of(locale).parent.glob("*.po")
        for message in translated(read(path, locale))
        if placeholders(message.string) != placeholders(message.id)
    ]

    assert wrong == []


def placeholders(sentence: Sentence | list[str]) -> set[str]:
    text = sentence if isinstance(sentence, str) else " ".join(sentence)
    return set(re.findall(r"%\(\w+\)s|\{\w+\}|%%", text))


@pytest.mark.parametrize("locale", LOCALES.values())
def test_no_two_catalogues_of_a_language_hold_the_same_sentence(locale: str) -> None:
    held = [message.id for path in path_of(locale).parent.glob("*.po") for message in translated(read(path, locale))]

    assert sorted({str(sentence) for sentence in held if held.count(sentence) > 1}) == []
