"""What one mail says, apart from how it looks; and how it looks, as text and as HTML.

Every mail of the house goes through these two templates, so that all look alike, and a title that somebody typed is
escaped in one place.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final

from css_inline import CSSInliner
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from iew.errors import N_
from iew.i18n import LANGUAGES, say_date, translations


@dataclass(frozen=True)
class Button:
    label: str
    url: str


@dataclass(frozen=True)
class Fact:
    """A line of a small table: what it is, and its value."""

    label: str
    value: str


@dataclass(frozen=True)
class Item:
    """A line of a list, with where it leads, what to know about it, and what the reader can do with it."""

    text: str
    url: str | None = None
    note: str | None = None
    act: Button | None = None


@dataclass(frozen=True)
class Section:
    """A list with a heading; `more` says that there is more than is listed."""

    heading: str
    items: tuple[Item, ...]
    more: str | None = None


@dataclass(frozen=True)
class Letter:
    """One mail in the reader's language. What a person wrote (titles, reasons, remarks) stands in it as plain text.

    opening: paragraphs before the facts. said: what somebody of the house wrote for the reader. closing: paragraphs
    after the button. why: why the reader gets this mail. calendar: a file for the reader's calendar.
    """

    subject: str
    opening: tuple[str, ...]
    button: Button
    why: str
    facts: tuple[Fact, ...] = ()
    said: tuple[Fact, ...] = ()
    sections: tuple[Section, ...] = ()
    closing: tuple[str, ...] = ()
    unsubscribe_url: str | None = None
    calendar: str | None = None


@dataclass(frozen=True)
class Rendered:
    text: str
    html: str


@dataclass(frozen=True)
class Frame:
    """What stands around every letter: the house's name, the greeting and the foot, in the reader's language."""

    language: str
    house: str
    greeting: str
    no_reply: str
    unsubscribe: str
    home_url: str

    @property
    def colon(self) -> str:
        """Chinese and Japanese have their own, which brings its space along."""
        return "：" if self.language in ("zh-Hant", "ja") else ": "


HOUSE: Final = N_("International Exchange Window")
_TEMPLATES: Final = ("letter.txt", "letter.html")
_LANG_TAGS: Final = {"zh-Hant": "zh-Hant-TW", "en": "en", "ja": "ja", "ko": "ko"}


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("iew.mail"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _inliner() -> CSSInliner:
    return CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


def load() -> None:
    """Read templates and catalogues now, so that the processes that are forked from this one need not, job by job."""
    for name in _TEMPLATES:
        _templates().get_template(name)
    _inliner()
    for language in LANGUAGES:
        translations(language)
        say_date(date(2027, 3, 1), language)


def render(letter: Letter, frame: Frame) -> Rendered:
    """The letter as plain text and as HTML whose styles stand at the elements."""
    values = {"letter": letter, "frame": frame, "lang": _LANG_TAGS[frame.language]}
    text, html = (_templates().get_template(name).render(values) for name in _TEMPLATES)
    return Rendered(text=text.strip() + "\n", html=_inliner().inline(html))
