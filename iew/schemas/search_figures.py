"""Which figures of searches to show."""

from typing import Final

from iew.i18n import LANGUAGES
from iew.schemas.base import Code, Input

FOUND: Final = ("no", "yes", "all")


class SearchFiguresQuery(Input):
    """A language of the interface, a country that was chosen, a month; `found`: whether any post met all of it."""

    language = Code(LANGUAGES, load_default=None, allow_none=True)
    country = Code(None, pattern=r"[A-Z]{2}", load_default=None, allow_none=True)
    month = Code(None, pattern=r"[0-9]{4}-[0-9]{2}", load_default=None, allow_none=True)
    found = Code(FOUND, load_default="no")
