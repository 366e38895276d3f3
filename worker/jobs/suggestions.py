"""The lists of possible partners: a pre-choice by the search index, a decision by the rules.

While the engine is away the job waits, and the lists of yesterday stay.
"""

from functools import cache

from iew.models import Invitation
from iew.outbox import SUGGEST
from iew.services import catalog, suggestions
from search_index.reader import Reader
from worker.handlers import Work, job


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
    suggestions.suggest(uow, post.id, likely, concepts=cache(lambda text: catalog.concepts_of(reader, text)))
