"""The digest of a unit, one mail for each of its staff and each period."""

from iew.mail import posting, recipients
from iew.mail.letters.digests import Issue, digest
from iew.models import Unit
from iew.services import digests
from worker.handlers import Work, job


@job("send_digest")
def send_digest(work: Work) -> None:
    """Plan the digest that became due; nothing where all of it has gone by now."""
    uow, unit = work.uow, work.uow.get(Unit, work.subject_id)
    issue = Issue(
        unit=unit,
        for_area=digests.posts_among(uow, work.detail("for_area") or []),
        by_area=digests.posts_among(uow, work.detail("by_area") or []),
        desk=digests.desk_of(uow, unit),
    )
    if issue.empty:
        return
    for recipient in recipients.of_digest(uow, unit.code):
        posting.post_once(
            uow, work.tools.stationery, work.event, "digest", recipient,
            lambda w: digest(w, issue), period=f"{unit.code}:{work.detail('period')}",
        )  # fmt: skip
