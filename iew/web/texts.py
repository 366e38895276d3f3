"""A post's text in the languages it is written in, and the one that suits the reader best."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

SUMMARY_LENGTH: Final = 200
"""Characters of the description that a card shows."""


@dataclass(frozen=True)
class PostText:
    """Title and description in one language; `original` is the one its school wrote first."""

    language: str
    title: str
    description: str | None
    original: bool


def texts_of(post: Mapping[str, Any]) -> list[PostText]:
    """The original, then the translations, of a post as `InvitationView` shows it."""
    original = PostText(post["content_language"], post["title"], post["description"], original=True)
    return [
        original,
        *(
            PostText(other["language"], other["title"], other.get("description") or post["description"], original=False)
            for other in post["translations"] or ()
        ),
    ]


def chosen_text(post: Mapping[str, Any], asked: str | None, language: str) -> PostText:
    """The text asked for, else that in the reader's language, else the original."""
    texts = {text.language: text for text in reversed(texts_of(post))}
    for wanted in (asked, language, post["content_language"]):
        if wanted in texts:
            return texts[wanted]
    return texts_of(post)[0]


def card_of(post: Mapping[str, Any], language: str) -> dict[str, Any]:
    """A post of `InvitationView` as lists show it, in the text that suits the reader."""
    text = chosen_text(post, None, language)
    words = " ".join((text.description or "").split())
    summary = words if len(words) <= SUMMARY_LENGTH else f"{words[:SUMMARY_LENGTH]}…"
    return {**post, "title": text.title, "summary": summary, "text_language": text.language}
