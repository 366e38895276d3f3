"""From a post to the document by which it is found: what is not in here can be found by nobody."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

from iew.domain.schools import side_of
from iew.models import Invitation
from search_index.document import Document, Period, Text

Row = Mapping[str, Any]


def document_of(invitation: Invitation, today: date) -> Document:
    """The post as it may be found; where it may not, a tombstone that holds its version."""
    if not invitation.is_open_to_all(today):
        return Document(invitation.id, invitation.index_version, visible=False)
    school = invitation.school
    place = {name: getattr(school, name) for name in _PLACE}
    return described(
        invitation.id,
        invitation.index_version,
        invitation.body,
        place,
        keys=(invitation.number,),
        published_at=invitation.published_at,
    )


_PLACE: Final = (
    "name",
    "name_en",
    "country",
    "subdivision",
    "region",
    "county",
    "level",
    "ownership",
    "composition",
    "affiliations",
)


def described(
    key: str,
    version: int,
    body: Row,
    school: Row,
    *,
    keys: tuple[str, ...] = (),
    published_at: datetime | None = None,
) -> Document:
    """A visible document of a post and its school, both shaped like a row of an import file."""
    group = body.get("group") or {}
    return Document(
        id=key,
        version=version,
        visible=True,
        texts=tuple(_texts(body)),
        topics=tuple(body.get("topics") or ()),
        names=tuple(name for name in (school.get("name"), school.get("name_en")) if name),
        keys=keys,
        places=some(school.get("subdivision")),
        region=school.get("region") or "",
        facets={
            "language": tuple(body.get("languages") or ()),
            "country": some(school.get("country")),
            "type": tuple(body.get("exchange_types") or ()),
            "level": some(school.get("level")),
            "wanted_level": tuple(body.get("levels") or ()),
            "ownership": some(school.get("ownership")),
            "composition": some(school.get("composition")),
            "affiliation": tuple(school.get("affiliations") or ()),
            "channel": some(body.get("channel") or "general"),
            "county": some(school.get("county")),
            "side": (side_of(str(school.get("country"))).value,),
        },
        wished=_wished(body),
        periods=tuple(Period(_day(each["start"]), _day(each["end"])) for each in body.get("periods") or ()),
        students=group.get("students"),
        published_at=published_at,
        expires_on=_day(body["expires_on"]) if body.get("expires_on") else None,
    )


def _wished(body: Row) -> dict[str, tuple[str, ...]]:
    """What the post looks for; host families count as a wish for homestay, whoever offers them."""
    counties = [*(body.get("target_counties") or ()), *((body.get("travel") or {}).get("destination_counties") or ())]
    return {
        "country": tuple(body.get("target_countries") or ()),
        "county": tuple(dict.fromkeys(counties)),
        "level": tuple(body.get("levels") or ()),
        "type": ("homestay",) if body.get("homestay") in ("wanted", "offered") else (),
    }


def _texts(body: Row) -> Iterator[Text]:
    yield Text(body["content_language"], body["title"], body.get("description") or "")
    for other in body.get("translations") or ():
        yield Text(other["language"], other["title"], other.get("description") or "")


def some(code: str | None) -> tuple[str, ...]:
    return (code,) if code else ()


def _day(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value
