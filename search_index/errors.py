"""What can go wrong between us and the search engine.

Without a type of its own every caller would have to know the client library to tell "the engine is away" (fall back,
try later) from "we asked nonsense" (a bug).
"""


class SearchUnavailable(Exception):
    """The engine does not answer, answers in part, or has no index under the alias: no reply may be built on it.

    retry_after_seconds: when another try makes sense.
    """

    def __init__(self, reason: str, *, retry_after_seconds: int = 5) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


class SearchBusy(SearchUnavailable):
    """The engine has more to do than it can take, and says so: the same again in a moment may be taken."""

    def __init__(self) -> None:
        super().__init__("the search engine is busy")


class PluginMissing(SearchUnavailable):
    """The engine lacks an analyser that the mapping needs; `missing` names each plugin to install."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__(f"the search engine lacks: {', '.join(missing)}", retry_after_seconds=60)
        self.missing = missing


class IndexMissing(SearchUnavailable):
    """There is no index under the alias."""

    def __init__(self) -> None:
        super().__init__("there is no index under the alias")


class IndexOutdated(SearchUnavailable):
    """The index was built with other words or another mapping than this program has; `what` says which differ.

    Writing to it would spoil it, or be refused for good; it has to be built anew.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"the search index was built with {what}; run `iew search rebuild`", retry_after_seconds=60)
        self.what = what


class WriteRefused(Exception):
    """The engine refused a document for good; writing the same again will not help."""


class BadPosition(ValueError):
    """A place in a result list that this query cannot have produced."""
