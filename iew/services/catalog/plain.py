"""Public posts by their codes alone, from the database: what a reader still gets while the engine is away.

No words are looked for and nothing is counted by facet; what was chosen holds as always, and the list goes on by page.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import Boolean, ColumnElement, Integer, Text, cast, column, exists, false, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import InstrumentedAttribute, joinedload, selectinload

from iew.db import Page, keyset_page
from iew.domain.schools import Side
from iew.models import Invitation, School, open_to_all
from iew.services.catalog.reading import Wanted
from iew.uow import UnitOfWork

HOME: Final = "TW"
_OF_POST: Final[Mapping[str, InstrumentedAttribute[list[str]]]] = {
    "language": Invitation.languages,
    "type": Invitation.exchange_types,
    "wanted_level": Invitation.levels,
}
_OF_SCHOOL: Final[Mapping[str, InstrumentedAttribute[Any]]] = {
    "country": School.country,
    "level": School.level,
    "ownership": School.ownership,
    "composition": School.composition,
    "county": School.county,
}


def listed(uow: UnitOfWork, wanted: Wanted, *, cursor: str | None = None) -> Page[Invitation]:
    """A page of the public posts that have every chosen code, in the order asked for; relevance is the newest first.

    Raises BadRequest (`bad_cursor`).
    """
    statement = select(Invitation).where(open_to_all(uow.today), *_narrowed(wanted))
    statement = statement.options(joinedload(Invitation.school), selectinload(Invitation.revisions))
    if wanted.sort == "expiring":
        last_day = cast(Invitation.expires_on, Text)
        return keyset_page(
            uow.session,
            statement,
            [last_day, Invitation.id],
            key=lambda post: (f"{post.expires_on:%Y-%m-%d}", post.id),
            cursor=cursor,
            limit=wanted.limit,
        )
    return keyset_page(
        uow.session,
        statement,
        [Invitation.published_at, Invitation.id],
        key=lambda post: (post.published_at, post.id),
        cursor=cursor,
        limit=wanted.limit,
        descending=True,
    )


def countries(uow: UnitOfWork) -> Sequence[str]:
    """The countries of the schools that have public posts, by their codes."""
    here = exists().where(Invitation.school_id == School.id, open_to_all(uow.today))
    return uow.session.scalars(select(School.country).where(here).distinct().order_by(School.country)).all()


def _narrowed(wanted: Wanted) -> list[ColumnElement[bool]]:
    """One condition for each parameter that narrows the search."""
    found = [_has(facet, codes) for facet, codes in (wanted.facets or {}).items() if codes]
    if wanted.start or wanted.end:
        found.append(_overlaps(wanted.start, wanted.end))
    if wanted.students is not None:
        found.append(cast(Invitation.group["students"].astext, Integer) <= wanted.students)
    return found


def _has(facet: str, codes: Sequence[str]) -> ColumnElement[bool]:
    if facet in _OF_POST:
        return _shares(_OF_POST[facet], codes)
    if facet == "channel":
        return Invitation.channel.in_(codes)
    if facet == "affiliation":
        return Invitation.school.has(_shares(School.affiliations, codes))
    if facet == "side":
        at_home = School.country == HOME
        sides = {Side.DOMESTIC: at_home, Side.OVERSEAS: ~at_home}
        return Invitation.school.has(or_(false(), *(sides[Side(code)] for code in codes if code in set(Side))))
    return Invitation.school.has(_OF_SCHOOL[facet].in_(codes))


def _shares(held: InstrumentedAttribute[list[str]], codes: Sequence[str]) -> ColumnElement[bool]:
    return held.op("&&", return_type=Boolean())(cast(list(codes), ARRAY(Text)))


def _overlaps(start: date | None, end: date | None) -> ColumnElement[bool]:
    """Whether a period of the post meets these days; both ends count, and None is open."""
    period = func.jsonb_array_elements(Invitation.periods).table_valued(column("value", JSONB))
    bounds = []
    if start:
        bounds.append(period.c.value["end"].astext >= start.isoformat())
    if end:
        bounds.append(period.c.value["start"].astext <= end.isoformat())
    return select(literal(1)).select_from(period).where(*bounds).exists()
