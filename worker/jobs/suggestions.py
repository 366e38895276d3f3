"""The lists of possible partners: a pre-choice by the search index, a decision by the rules.

While the engine is away the job waits, and the lists of yesterday stay.
"""

from functools import cache
from typing import Final

from iew.models import Invitation
from iew.outbox import SUGGEST
from iew.services import catalog, suggestions
from search_index.reader import Reader
from worker.handlers import Work, job

MOST_KEPT: Final = 20_000
_THEMES: Final[dict[tuple[str, int, str], frozenset[str]]] = {}


@job(SUGGEST)
def suggest_partners(work: Work) -> None:
    """Make the list of a post anew; one that is public no more leaves all lists."""
    uow, tools = work.uow, work.tools
    post = uow.session.get(Invitation, work.subject_id)
    if post is None or not post.is_open_to_all(uow.today):
        suggestions.forget(uow, work.subject_id)
        return
    reader = Reader(tools.index.cluster, tools.index.lexicon)
    likely = catalog.likely_partners(uow, reader, post)
    suggestions.suggest(
        uow,
        post.id,
        likely,
        concepts=cache(lambda text: catalog.concepts_of(reader, text)),
        themes=lambda each: _themes(reader, each),
    )


def _themes(reader: Reader, post: Invitation) -> frozenset[str]:
    """What the texts of a post speak of, kept from job to job: a list looks at hundreds, and few change meanwhile."""
    key = (post.id, post.version, reader.lexicon.version)
    known = _THEMES.get(key)
    if known is None:
        if len(_THEMES) >= MOST_KEPT:
            _THEMES.clear()
        known = _THEMES[key] = catalog.themes_of(reader, post)
    return known
