"""Where the links in our mails lead: the one list, so that a page that moves is found here.

Opening any of these changes nothing; the page behind it has a button. Those with a token are signed for one recipient
and work without a session.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode


def home(language: str) -> str:
    return f"/{language}/"


def sign_in(language: str) -> str:
    return f"/{language}/sign-in"


def inbox(language: str) -> str:
    return f"/{language}/inbox"


def search(language: str, params: Mapping[str, Any] | None = None) -> str:
    """params: by the names of the API; lists are repeated."""
    return f"/{language}/search" + (f"?{urlencode(params, doseq=True)}" if params else "")


def saved_searches(language: str) -> str:
    return f"/{language}/saved-searches"


def ask_administrator(language: str) -> str:
    return f"/{language}/questions/new"


def matches(language: str) -> str:
    return f"/{language}/matches"


def match(language: str, match_id: str) -> str:
    return f"/{language}/matches/{match_id}"


def meetings(language: str, match_id: str) -> str:
    return f"/{language}/matches/{match_id}/meetings"


def invitation(language: str, invitation_id: str) -> str:
    return f"/{language}/invitations/{invitation_id}"


def own_posts(language: str) -> str:
    """The invitations of the reader's school."""
    return f"/{language}/posts"


def account(language: str) -> str:
    return f"/{language}/account"


def editor(language: str, invitation_id: str) -> str:
    """The page on which a school changes its own post."""
    return f"/{language}/posts/{invitation_id}/edit"


def school(language: str, school_id: str) -> str:
    return f"/{language}/schools/{school_id}"


def question(language: str, question_id: str, token: str | None = None) -> str:
    """token: lets somebody without an account read the answer."""
    return f"/{language}/questions/{question_id}" + (f"?{urlencode({'key': token})}" if token else "")


def act(language: str, token: str) -> str:
    """The page on which a school or a unit answers without signing in."""
    return f"/{language}/act/{quote(token)}"


def pass_on(language: str, token: str) -> str:
    """The page on which somebody of a unit passes a post on without signing in."""
    return f"/{language}/pass-on/{quote(token)}"


def area_posts(language: str) -> str:
    """The posts that look for partners on the ground of the reader's unit."""
    return f"/{language}/unit/posts"


def confirm(language: str, token: str) -> str:
    return f"/{language}/confirm/{quote(token)}"


def change_address(language: str, token: str) -> str:
    return f"/{language}/new-address/{quote(token)}"


def reset(language: str, token: str) -> str:
    return f"/{language}/reset/{quote(token)}"


def unsubscribe(token: str) -> str:
    """Without a language: a mail program posts to it by itself."""
    return f"/unsubscribe/{quote(token)}"


def stop_search(key: str) -> str:
    """Without a language: a mail program posts to it by itself."""
    return f"/stop-search/{quote(key)}"
