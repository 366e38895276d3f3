"""What the searches that somebody keeps have met."""

from collections.abc import Sequence
from dataclasses import dataclass

from iew.errors import N_
from iew.mail import paths
from iew.mail.letter import Button, Letter
from iew.mail.letters.digests import post_line, section
from iew.mail.stationery import Writer
from iew.models import Invitation, SavedSearch


@dataclass(frozen=True)
class Met:
    """A search and the posts to tell of it."""

    search: SavedSearch
    posts: Sequence[Invitation]


def alert(w: Writer, met: Sequence[Met]) -> Letter:
    """New posts, under the name of each search that met them."""
    alone = met[0].search if len(met) == 1 else None
    return Letter(
        subject=subject_of(w, met),
        opening=(w.say(N_("These invitations are new, or have changed, and fit what you look for.")),),
        sections=tuple(section(w, each.search.name, [post_line(w, post) for post in each.posts]) for each in met),
        button=_button(w, alone),
        closing=(w.say(N_("What you look for, and how often you are told, is set on the page of your searches.")),),
        why=w.say(N_("You get this mail because you keep a search and asked to be told of what is new.")),
        unsubscribe_url=w.stop_search_page(alone.id if alone else None),
    )


def subject_of(w: Writer, met: Sequence[Met]) -> str:
    """How many new posts there are, under the name of the search where it is one."""
    count = len({post.id for each in met for post in each.posts})
    summary = w.ngettext("%(count)s new invitation", "%(count)s new invitations", count)
    if len(met) == 1:
        return w.say(N_("%(search)s: %(summary)s"), search=met[0].search.name, summary=summary)
    return w.say(N_("Your saved searches: %(summary)s"), summary=summary)


def _button(w: Writer, search: SavedSearch | None) -> Button:
    if search is None:
        return Button(w.say(N_("Open my saved searches")), w.page(paths.saved_searches(w.language)))
    params = {name: value for name, value in search.params.items() if name not in ("lang", "limit")}
    return Button(w.say(N_("Open this search")), w.page(paths.search(w.language, params)))
