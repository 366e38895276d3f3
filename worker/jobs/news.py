"""The one mail a day to a person: what saved searches met, and schools that could fit.

Both are looked at again before the mail is planned, and marked as told in the same transaction; so a job that runs
twice tells once, and what has gone meanwhile leaves no empty mail.
"""

from functools import partial

from iew.mail import posting, recipients
from iew.mail.letters.news import News, news
from iew.models import User
from iew.services import catalog, saved_searches, suggestions
from search_index.reader import Reader
from worker.handlers import Work, job
from worker.jobs.searches import by_search, still_met


@job("send_news")
def send_news(work: Work) -> None:
    """Tell a person in one mail of what became due; nothing where all of it has gone by now."""
    uow, user = work.uow, work.uow.get(User, work.subject_id)
    pairs = [(search_id, invitation_id) for search_id, invitation_id in work.detail("pairs") or ()]
    met = still_met(work, saved_searches.untold(uow, pairs))
    fitting = suggestions.still_untold(uow, user, work.detail("fitting") or ())
    if not met and not fitting:
        return
    found = {each.post.id for each in met}  # what a search found is not told a second time below
    letter = News(by_search(met), [row for row in fitting if row.other_id not in found], partial(_theme, work))
    for recipient in recipients.of_user(uow, user.id):
        posting.post_once(
            uow, work.tools.stationery, work.event, "news", recipient,
            lambda w: news(w, letter), period=f"{user.id}:{work.detail('period')}",
        )  # fmt: skip
    saved_searches.mark_told(uow, met)
    suggestions.mark_told(uow, user.id, fitting)


def _theme(work: Work, code: str, language: str) -> str:
    reader = Reader(work.tools.index.cluster, work.tools.index.lexicon)
    return catalog.concept_label(reader, code, language)
