"""Faults that a person can do something about, each with a stable code.

They rise typed from the rules and the use cases; one table in `iew/web/errors.py` maps the code to an HTTP status, and
pages, API and shell each show the text in their way. Without them every view would invent its own wording.
"""

from collections.abc import Mapping
from typing import NamedTuple


def N_(msgid: str) -> str:  # noqa: N802 - the name that gettext tools look for
    """Mark a sentence for translation where no language is known yet."""
    return msgid


class Text(NamedTuple):
    """A sentence in English with the values of its placeholders, translated where it is shown."""

    msgid: str
    values: Mapping[str, object] = {}

    def __str__(self) -> str:
        return self.msgid % self.values if self.values else self.msgid


class IewError(Exception):
    """A refused operation. `code` is stable, `text` tells the next step."""

    code = "error"
    text = Text(N_("This could not be done."))

    def __init__(self, text: Text | str | None = None, *, code: str | None = None) -> None:
        if text is not None:
            self.text = Text(text) if isinstance(text, str) else text
        if code is not None:
            self.code = code
        super().__init__(str(self.text))


class BadRequest(IewError):
    code = "bad_request"
    text = Text(N_("The request could not be read."))


class NotSignedIn(IewError):
    code = "not_signed_in"
    text = Text(N_("Please sign in first."))


class NotAllowed(IewError):
    code = "not_allowed"
    text = Text(N_("You may not do this."))


class NotFound(IewError):
    code = "not_found"
    text = Text(N_("There is nothing at this address, or it is not yours to see."))


class InvalidTransition(IewError):
    """The action does not exist in the present state."""

    code = "invalid_transition"
    text = Text(N_("This is no longer possible: the state has changed. Reload to see what you can do now."))


class StateConflict(IewError):
    """Another fact stands in the way, such as an open match on the same post."""

    code = "conflict"


class Conflict(IewError):
    """Somebody changed the object since the actor looked at it."""

    code = "changed_meanwhile"
    text = Text(N_("Somebody changed this meanwhile. Reload, look at the change, and try again."))


class VersionMissing(IewError):
    code = "version_missing"
    text = Text(N_("Say which version you have seen, in If-Match."))


class Invalid(IewError):
    """Bad input; `errors` names each field with what to do about it."""

    code = "invalid"
    text = Text(N_("Some fields need your attention."))

    def __init__(
        self,
        errors: Mapping[str, list[Text]] | None = None,
        *,
        text: Text | str | None = None,
        code: str | None = None,
        nested: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(text, code=code)
        self.errors: dict[str, list[Text]] = {name: list(texts) for name, texts in (errors or {}).items()}
        self.nested = nested

    @classmethod
    def field(cls, name: str, msgid: str, *, code: str | None = None, **values: object) -> "Invalid":
        """One fault at one field."""
        return cls({name: [Text(msgid, values)]}, code=code)


class TooManyRequests(IewError):
    code = "too_many_requests"
    text = Text(N_("Too many tries. Wait a little and try again."))

    def __init__(self, retry_after_seconds: int, text: Text | str | None = None) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(IewError):
    """A part that is needed does not answer; trying again later will help."""

    code = "unavailable"
    text = Text(N_("A part of the service does not answer at the moment. Try again in a minute."))

    def __init__(
        self, text: Text | str | None = None, *, code: str | None = None, retry_after_seconds: int = 30
    ) -> None:
        super().__init__(text, code=code)
        self.retry_after_seconds = retry_after_seconds
