"""The jobs, one file a noun. Importing this package registers them all.

A job reads the present state and never trusts what was true when it was owed; it may run late, twice, or after another
one that was owed later. A mail about a fact is left out only where the fact was undone since, not where the case merely
went on.
"""

from worker.jobs import (
    accounts,
    digests,
    index,
    invitations,
    mails,
    matches,
    meetings,
    news,
    pairings,
    questions,
    searches,
    suggestions,
)

__all__ = [
    "accounts",
    "digests",
    "index",
    "invitations",
    "mails",
    "matches",
    "meetings",
    "news",
    "pairings",
    "questions",
    "searches",
    "suggestions",
]
