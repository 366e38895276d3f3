"""What a person is told once a day, at an hour of their own choice: what saved searches met, and who could fit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from iew import i18n
from iew.errors import N_
from iew.mail import paths
from iew.mail.letter import Button, Item, Letter
from iew.mail.letters.digests import post_line, section
from iew.mail.letters.searches import Met, subject_of
from iew.mail.stationery import Writer
from iew.models import Suggestion
from iew.schemas.suggestions import READ_BY_A_SCHOOL, VOCABULARY_OF

REASONS_SHOWN: Final = 3


@dataclass(frozen=True)
class News:
    """met: searches with the posts to tell of. fitting: possible partners that were not told of before.

    theme: the name of something that two texts speak of, by its code, in a language.
    """

    met: Sequence[Met]
    fitting: Sequence[Suggestion]
    theme: Callable[[str, str], str]


def news(w: Writer, letter: News) -> Letter:
    """Everything of one day in one mail."""
    sections = [section(w, each.search.name, [post_line(w, post) for post in each.posts]) for each in letter.met]
    if letter.fitting:
        heading = w.say(N_("Schools that could fit yours"))
        sections.append(section(w, heading, [_partner(w, letter, row) for row in letter.fitting]))
    return Letter(
        subject=_subject(w, letter),
        opening=_opening(w, letter),
        sections=tuple(sections),
        button=_button(w, letter),
        closing=(w.say(N_("At what hour this mail comes, and what it tells of, is set on the page of your account.")),),
        why=w.say(
            N_("You get this mail, at most once a day, because you keep searches or have an invitation of your own.")
        ),
        unsubscribe_url=w.stop_search_page(),
    )


def _subject(w: Writer, letter: News) -> str:
    if not letter.fitting:
        return subject_of(w, letter.met)
    count = len(letter.fitting)
    schools = w.ngettext("%(count)s school that could fit yours", "%(count)s schools that could fit yours", count)
    if not letter.met:
        return schools
    posts = len({post.id for each in letter.met for post in each.posts})
    found = w.ngettext("%(count)s new invitation", "%(count)s new invitations", posts)
    return w.say(N_("%(first)s and %(second)s"), first=found, second=schools)


def _opening(w: Writer, letter: News) -> tuple[str, ...]:
    said = []
    if letter.met:
        said.append(w.say(N_("These invitations are new, or have changed, and fit what you look for.")))
    if letter.fitting:
        said.append(
            w.say(
                N_(
                    "Schools that could fit were found by comparing their invitations with yours. You decide whether "
                    "to write; nobody is told that they stand here."
                )
            )
        )
    return tuple(said)


def _button(w: Writer, letter: News) -> Button:
    if letter.fitting:
        return Button(w.say(N_("Open our invitations")), w.page(paths.own_posts(w.language)))
    return Button(w.say(N_("Open my saved searches")), w.page(paths.saved_searches(w.language)))


def _partner(w: Writer, letter: News, row: Suggestion) -> Item:
    """A possible partner with the strongest reasons, as the reader's school would put them."""
    line = post_line(w, row.other)
    reasons = [_reason(w, letter, reason) for reason in row.reasons[:REASONS_SHOWN]]
    own = w.say(N_("For your invitation “%(title)s”"), title=row.invitation.title)
    return Item(line.text, line.url, " · ".join([line.note or "", *reasons, own]))


def _reason(w: Writer, letter: News, reason: Mapping[str, Any]) -> str:
    code, values = reason["code"], reason["values"]
    if code in _SAYINGS:
        what = _SAYINGS[code](w, values)
    elif code == "theme_shared":
        what = w.say(N_(", ")).join(letter.theme(value, w.language) for value in values)
    else:
        what = w.say(N_(", ")).join(w.label(VOCABULARY_OF[code], str(value)) for value in values)
    return w.say(READ_BY_A_SCHOOL[code], what=what)


def _days(w: Writer, days: Sequence[str]) -> str:
    first, last = (w.day(date.fromisoformat(day)) for day in days[:2])
    return first if first == last else f"{first} – {last}"


_SAYINGS: Final[Mapping[str, Callable[[Writer, Sequence[Any]], str]]] = {
    "topic_shared": lambda w, topics: w.say(N_(", ")).join(map(str, topics)),
    "dates_meet": _days,
    "group_size": lambda w, sizes: i18n.say_number(sizes[0], w.language),
}
