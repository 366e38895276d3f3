"""What the index knows of a thing that can be found: texts, codes, dates, and a version.

The package knows no invitation. Whoever owns the things makes a `Document` of each and hands it in; what is not in
here can be found by nobody and cannot leak.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any, Final

FACETS: Final = (
    "language",
    "country",
    "type",
    "level",
    "wanted_level",
    "ownership",
    "composition",
    "affiliation",
    "channel",
    "county",
    "side",
)
"""The code fields a search can be narrowed by; each may hold several codes."""


@dataclass(frozen=True, slots=True)
class Text:
    """Title and body of a document in one language (BCP 47)."""

    language: str
    title: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `start` to `end`, both included."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Document:
    """One thing to find, as it stands at `version`.

    visible: False makes a tombstone, which keeps id and version so that a late write cannot bring the old text back.
    names: proper names (of the owner) in any language; keys: exact names such as a case number.
    places: codes of finer places than a county, such as ISO 3166-2; region: their text where there is no code.
    facets: codes by facet name; wished: codes of what the owner looks for, by facet name.
    students: size of the group, None where it is not said. expires_on: last day it may be found.
    """

    id: str
    version: int
    visible: bool
    texts: tuple[Text, ...] = ()
    topics: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    region: str = ""
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wished: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    periods: tuple[Period, ...] = ()
    students: int | None = None
    published_at: datetime | None = None
    expires_on: date | None = None

    def __post_init__(self) -> None:
        unknown = set(self.facets) - set(FACETS)
        if unknown:
            raise ValueError(f"no such facet: {', '.join(sorted(unknown))}")

    @property
    def content_hash(self) -> str:
        """A short digest of everything but the version, to compare what two stores hold."""
        if not self.visible:
            return "tombstone"
        body = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "version"}
        text = json.dumps(body, default=_plain, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:24]


def _plain(value: Any) -> Any:
    if isinstance(value, Text | Period):
        return [getattr(value, f.name) for f in fields(value)]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return dict(value)
