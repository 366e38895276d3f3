"""Saved searches: kept in the index, asked about every post that becomes public, and told of what they met.

A pair of search and post is written down before anybody is told, so a job that runs twice, or in two processes, tells
once; and the post is looked at again before a mail is planned.
"""

from collections.abc import Iterable, Sequence

from iew.mail import posting, recipients
from iew.mail.letters.searches import Met, alert
from iew.models import Invitation
from iew.outbox import ANNOUNCE, INDEX_SEARCH, TELL_OF_HIT
from iew.services import catalog, saved_searches
from iew.services.saved_searches import News
from search_index.errors import SearchUnavailable
from worker.handlers import Work, job

KIND = "saved_search_alert"


@job(INDEX_SEARCH)
def index_search(work: Work) -> None:
    """Bring a stored search to its present state."""
    catalog.index_search(work.uow, work.tools.searches, work.subject_id)


@job(ANNOUNCE)
def announce_to_searches(work: Work) -> None:
    """Ask the stored searches about a post as it stands now. Raises SearchUnavailable, to be tried again."""
    post = work.uow.get(Invitation, work.subject_id)
    if not post.is_open_to_all(work.uow.today):
        return
    _wait_for_searches(work)
    met = catalog.searches_met_by(work.uow, work.tools.searches, post)
    saved_searches.note_hits(work.uow, post, met, work.event)


@job(TELL_OF_HIT)
def tell_at_once(work: Work) -> None:
    """Tell of one post that one search met."""
    search_id, _colon, invitation_id = work.subject_id.partition(":")
    _tell(work, [(search_id, invitation_id)], period=work.subject_id)


def _tell(work: Work, pairs: Iterable[tuple[str, str]], *, period: str) -> None:
    news = still_met(work, saved_searches.untold(work.uow, pairs))
    if not news:
        return
    met = by_search(news)
    for recipient in recipients.of_user(work.uow, news[0].search.user_id):
        posting.post_once(
            work.uow, work.tools.stationery, work.event, KIND, recipient, lambda w: alert(w, met), period=period
        )
    saved_searches.mark_told(work.uow, news)


def still_met(work: Work, news: Sequence[News]) -> list[News]:
    """What the searches would find now; the rest is forgotten."""
    if news:
        _wait_for_searches(work)
    kept = []
    for post in {each.post.id: each.post for each in news}.values():
        pairs = [each for each in news if each.post.id == post.id]
        ids = [each.search.id for each in pairs]
        met = catalog.searches_met_by(work.uow, work.tools.searches, post, among=ids)
        for each in pairs:
            if each.search.id in met:
                kept.append(each)
            else:
                saved_searches.forget(work.uow, each.hit)
    return kept


def by_search(news: Sequence[News]) -> list[Met]:
    """The news under their searches, these by name."""
    searches = {each.search.id: each.search for each in news}
    met = [
        Met(search, [each.post for each in news if each.search.id == search_id])
        for search_id, search in searches.items()
    ]
    return sorted(met, key=lambda each: (each.search.name, each.search.id))


def _wait_for_searches(work: Work) -> None:
    """Raise SearchUnavailable while a search that was kept or changed has not reached the index."""
    if saved_searches.are_on_their_way(work.uow):
        raise SearchUnavailable("saved searches are on their way to the index")
