"""Where to go after signing in, and what was on its way when the sign-in had run out.

Without this a teacher who wrote for an hour and then pressed Send would read "please sign in" and start again. A form
is carried only when the browser says that it came from one of our own pages; and it goes on only by a button the person
presses, so no other site can have something sent in their name.
"""

import json
import re
from typing import Final
from urllib.parse import urlsplit

from flask import request

from iew.web.forms import CONTROLS

FIELD: Final = "carried"
GOAL: Final = "carried_to"
_PATH: Final = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")
_LONGEST_PATH: Final = 2000

Pairs = list[tuple[str, str]]


def safe_path(text: str | None) -> str | None:
    """`text` where it is an address inside this site, else None; `//evil`, `/\\evil` and schemes are none."""
    if not text or len(text) > _LONGEST_PATH or not _PATH.fullmatch(text):
        return None
    parts = urlsplit(text)
    return None if parts.scheme or parts.netloc else text


def next_page() -> str | None:
    """Where to go after signing in: what was named, or the page that was asked for and refused."""
    named = safe_path(request.form.get("next") or request.args.get("next"))
    if named or request.method != "GET" or request.endpoint == "accounts.sign_in":
        return named
    return safe_path(request.full_path.rstrip("?"))


def carried_form() -> Pairs:
    """The form of this request, name by name, where it came from a page of ours; else nothing; no passwords."""
    if request.method != "POST" or not _from_our_own_page():
        return []
    return [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in (*CONTROLS, FIELD) and not name.endswith("password")
    ]


def carried_fields() -> Pairs:
    """Hidden fields that carry a form through the sign-in page."""
    if request.form.get(FIELD):
        goal = safe_path(request.form.get(GOAL))
        return [(GOAL, goal), (FIELD, request.form[FIELD])] if goal else []
    pairs = carried_form()
    return [(GOAL, request.path), (FIELD, json.dumps(pairs, ensure_ascii=False))] if pairs else []


def carried_on() -> tuple[str, Pairs] | None:
    """(where to, the form) as it came out of the sign-in page; None where nothing was carried."""
    goal, text = safe_path(request.form.get(GOAL)), request.form.get(FIELD, "")
    if not goal or not text:
        return None
    try:
        pairs = [(str(name), str(value)) for name, value in json.loads(text)]
    except (ValueError, TypeError, RecursionError):
        return None  # not made by us: as if nothing was carried
    return goal, pairs


def _from_our_own_page() -> bool:
    if site := request.headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    return urlsplit(request.headers.get("Origin", "")).netloc == request.host
