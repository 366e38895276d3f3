"""`If-Match`: nobody overwrites what they have not seen.

A missing or unreadable version is not refused before the services have said whether the asker may know of the object at
all; so it becomes a version that no row has, and the refusal is told as 428 afterwards.
"""

import re
from typing import Final

from flask import Response, g, request

from iew.errors import N_, BadRequest, Conflict, IewError, VersionMissing

_VERSION: Final = re.compile(r'"([1-9][0-9]{0,9})"')
_NO_VERSION: Final = -1


def if_match(*, required: bool = False) -> int | None:
    """The version the asker has seen, from the header `If-Match: "<version>"`; None where it is absent and optional.

    Raises BadRequest for a malformed header.
    """
    given = request.headers.get("If-Match", "").strip()
    if not given or given == "*":
        if not required:
            return None
        g.version_missing = True
        return _NO_VERSION
    found = _VERSION.fullmatch(given)
    if found is None:
        raise BadRequest(N_('Write If-Match as the version in quotes, for example "3".'), code="bad_if_match")
    return int(found[1])


def seen_in_form() -> int | None:
    """The version a page's form was made from, in its hidden field `version`; None where the form has none."""
    given = request.form.get("version", "")
    return int(given) if re.fullmatch(r"[1-9][0-9]{0,9}", given) else None


def told(error: IewError) -> IewError:
    """The error as the asker should read it: a conflict with no version is a missing version."""
    return VersionMissing() if isinstance(error, Conflict) and g.get("version_missing") else error


def settle(reply: Response) -> None:
    """Refuse a change that went through without the version it needed. Raises VersionMissing."""
    if g.get("version_missing") and reply.status_code < 400:
        raise VersionMissing
