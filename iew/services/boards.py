"""What is read of a pairing: the board with its pairs, pins and bans, the scores with their reasons, the list of all.

The verbs stand in `pairings`. Reasons are not kept but found again from what was compared, so that a score and its
reasons cannot part.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value

from iew.db import Page, keyset_page
from iew.domain.actors import Actor
from iew.domain.fit import Reason, fit
from iew.domain.fit_tables import UNITS
from iew.domain.pairings import Absence, Hold
from iew.domain.schools import Side
from iew.errors import N_, BadRequest, NotFound
from iew.models import Invitation, Pairing, PairingPair, PairingPost, Table, Unit, find_pairing, pairings_of, table_of
from iew.models.pairings import Place
from iew.uow import UnitOfWork

SHOWN: Final = 5_000
"""Scores that a board holds; of a larger table it shows the best of each post, and all that are proposed or held."""
BEST_OF_EACH: Final = 5


@dataclass(frozen=True)
class Scored:
    """Two posts and how they fit. held: `pin`, `ban` or None. paired: proposed to come together. match_id: their case.

    absence: why they cannot come together; such pairs stand nowhere but among the candidates of a post.
    """

    domestic: PairingPost
    overseas: PairingPost
    score: float
    reasons: tuple[Reason, ...]
    held: str | None = None
    paired: bool = False
    match_id: str | None = None
    match_status: str | None = None
    absence: Absence | None = None

    @property
    def pinned(self) -> bool:
        return self.held == Hold.PIN

    @property
    def forbidden(self) -> bool:
        return self.held == Hold.BAN


@dataclass(frozen=True)
class Line:
    """A pairing in the list of all. domestic, overseas: how many posts; pairs: how many are proposed or made."""

    pairing: Pairing
    unit: Unit | None
    domestic: int
    overseas: int
    pairs: int


class Board:
    """A pairing as its unit works on it."""

    def __init__(self, uow: UnitOfWork, pairing: Pairing, actor: Actor) -> None:
        self.pairing, self.actor = pairing, actor
        self.unit = uow.session.get(Unit, pairing.unit_code) if pairing.unit_code else None
        self.table: Table = table_of(uow.session, pairing)
        self.holds: Mapping[Place, str] = {self.table.place_of(hold): hold.kind for hold in pairing.holds}
        self.made: Mapping[Place, PairingPair] = {self.table.place_of(pair): pair for pair in pairing.pairs}

    @property
    def available_actions(self) -> list[str]:
        return self.pairing.available_actions(self.actor)

    @property
    def domestic(self) -> Sequence[PairingPost]:
        return self.table.rows

    @property
    def overseas(self) -> Sequence[PairingPost]:
        return self.table.columns

    @cached_property
    def possible(self) -> int:
        """How many pairs no rule and no case stands against."""
        return int((self.table.open >= 0).sum())

    @cached_property
    def pairs(self) -> list[Scored]:
        """What is proposed, or was accepted; the best first."""
        return [self.scored(place) for place in self.made]

    @cached_property
    def pins(self) -> list[Scored]:
        return [self.scored(place) for place, kind in self.holds.items() if kind == Hold.PIN]

    @cached_property
    def bans(self) -> list[Scored]:
        return [self.scored(place) for place, kind in self.holds.items() if kind == Hold.BAN]

    def alone(self, side: Side) -> list[PairingPost]:
        """Posts of schools that are in no pair."""
        posts = self.table.rows if side is Side.DOMESTIC else self.table.columns
        number = 0 if side is Side.DOMESTIC else 1
        paired = {posts[place[number]].school_id for place in self.made}
        return [post for post in posts if post.school_id not in paired]

    @cached_property
    def scores_total(self) -> int:
        return len(self._worth_showing)

    @property
    def scores_complete(self) -> bool:
        return self.scores_total <= SHOWN

    @cached_property
    def scores(self) -> list[Scored]:
        """How the posts fit, best first: for each two schools the posts that fit best, and every pair that is held.

        The best choice among these is the best of all, since two schools come together once.
        """
        places = self._worth_showing
        if not self.scores_complete:
            places = [place for place in places if place in self._among_the_best or self._is_settled(place)]
        return [self.scored(place) for place in places]

    def _is_settled(self, place: Place) -> bool:
        return place in self.made or place in self.holds

    @cached_property
    def _worth_showing(self) -> list[Place]:
        """Places of the pairs that could be proposed, or are held, by score."""
        weights = self.table.weights(self.pairing.holds)
        worth = weights >= 0
        schools = self.table.schools
        if len(set(schools.of_rows)) < len(schools.of_rows) or len(set(schools.of_columns)) < len(schools.of_columns):
            worth &= self._best_of_two_schools(weights)
        for place in (*self.holds, *self.made):
            worth[place] = self.table.scores[place] >= 0
        return _by_score(self.table.scores, worth)

    def _best_of_two_schools(self, weights: NDArray[np.int16]) -> NDArray[np.bool_]:
        """Where the best pair of posts of each two schools stands, the first of several."""
        schools = self.table.schools
        width = max(schools.of_columns) + 1
        number = (np.asarray(schools.of_rows)[:, None] * width + np.asarray(schools.of_columns)[None, :]).ravel()
        order = np.lexsort((np.arange(number.size), -weights.ravel().astype(int), number))
        first = np.ones(number.size, dtype=bool)
        first[1:] = number[order][1:] != number[order][:-1]
        best = np.zeros(number.size, dtype=bool)
        best[order[first]] = True
        return best.reshape(weights.shape)

    @cached_property
    def _among_the_best(self) -> set[Place]:
        """The best few places of each row and each column."""
        chosen: set[Place] = set()
        seen: dict[tuple[int, int], int] = {}
        for place in self._worth_showing:
            for key in enumerate(place):
                seen[key] = seen.get(key, 0) + 1
                if seen[key] <= BEST_OF_EACH:
                    chosen.add(place)
        return chosen

    def scored(self, place: Place) -> Scored:
        """A pair with its reasons, as a third party reads them: first what holds of the post in Taiwan."""
        here, there = self.table.rows[place[0]], self.table.columns[place[1]]
        found = fit(replace(here.compared, public=True), replace(there.compared, public=True))
        made = self.made.get(place)
        return Scored(
            domestic=here,
            overseas=there,
            score=max(int(self.table.scores[place]), 0) / UNITS,
            reasons=found.reasons if found else (),
            held=self.holds.get(place),
            paired=made is not None,
            match_id=made.match_id if made else None,
            match_status=made.match.status if made and made.match else None,
            absence=self.table.absence_of(place),
        )

    def post(self, invitation_id: str) -> PairingPost:
        """One of its posts. Raises NotFound."""
        found = next((post for post in self.pairing.posts if post.invitation_id == invitation_id), None)
        if found is None:
            raise NotFound
        return found

    def places_with(self, domestic: str | None, overseas: str | None) -> list[Place]:
        """Places of the pairs that may be made, by score; of named posts alone. Raises NotFound for a strange post."""
        worth = self.table.open >= 0
        asked = np.zeros_like(worth)
        asked[_one_of(self.table.row_of, domestic), _one_of(self.table.column_of, overseas)] = True
        return _by_score(self.table.scores, worth & asked)


def _one_of(known: Mapping[str, int], named: str | None) -> int | slice:
    if named is None:
        return slice(None)
    if named not in known:
        raise NotFound
    return known[named]


def _by_score(scores: NDArray[np.int16], where: NDArray[np.bool_]) -> list[Place]:
    rows, columns = np.nonzero(where)
    order = np.lexsort((columns, rows, -scores[rows, columns].astype(int)))
    return [(int(row), int(column)) for row, column in zip(rows[order], columns[order], strict=True)]


# what a view asks for


def look(uow: UnitOfWork, pairing_id: str, actor: Actor) -> Board:
    """The board of a pairing. Raises NotFound."""
    return board_of(uow, find_pairing(uow.session, pairing_id, actor), actor)


def board_of(uow: UnitOfWork, pairing: Pairing, actor: Actor) -> Board:
    """The board of a pairing that the actor has just worked on."""
    uow.session.flush()
    for name, column, around in (("posts", PairingPost.pairing_id, _POST), ("pairs", PairingPair.pairing_id, _CASE)):
        relation = getattr(Pairing, name).property
        rows = select(relation.mapper.class_).where(column == pairing.id).options(around).order_by(*relation.order_by)
        set_committed_value(pairing, name, list(uow.session.scalars(rows)))
    return Board(uow, pairing, actor)


_POST: Final = joinedload(PairingPost.invitation).joinedload(Invitation.school)
_CASE: Final = joinedload(PairingPair.match)
"""What a board shows of posts and pairs, read in two statements rather than one for each."""


def listed(uow: UnitOfWork, actor: Actor, *, cursor: str | None = None, limit: int = 20) -> Page[Line]:
    """The pairings the actor may know of, the latest first. Raises BadRequest (`bad_cursor`)."""
    found = keyset_page(
        uow.session,
        select(Pairing).where(pairings_of(actor)),
        [Pairing.created_at, Pairing.id],
        key=lambda pairing: (pairing.created_at, pairing.id),
        cursor=cursor,
        limit=limit,
        descending=True,
    )
    return Page(_lines(uow, found.items), found.next_cursor, found.total)


def _lines(uow: UnitOfWork, pairings: Sequence[Pairing]) -> list[Line]:
    ids = [pairing.id for pairing in pairings]
    codes = {pairing.unit_code for pairing in pairings if pairing.unit_code}
    units = {unit.code: unit for unit in uow.session.scalars(select(Unit).where(Unit.code.in_(codes)))}
    posts = _counted(uow, ids, PairingPost.pairing_id, PairingPost.side)
    pairs = _counted(uow, ids, PairingPair.pairing_id)
    return [
        Line(
            pairing,
            units.get(pairing.unit_code or ""),
            posts.get((pairing.id, Side.DOMESTIC), 0),
            posts.get((pairing.id, Side.OVERSEAS), 0),
            pairs.get((pairing.id,), 0),
        )
        for pairing in pairings
    ]


def _counted(uow: UnitOfWork, ids: Iterable[str], *columns: Any) -> dict[tuple[Any, ...], int]:
    counted = select(*columns, func.count()).where(columns[0].in_(list(ids))).group_by(*columns)
    return {tuple(row[:-1]): row[-1] for row in uow.session.execute(counted)}


def scores_of(
    uow: UnitOfWork,
    pairing_id: str,
    actor: Actor,
    *,
    domestic: str | None = None,
    overseas: str | None = None,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[Scored]:
    """Every pair that may be made, best first, of one post where it is named.

    Raises NotFound (also for a post that is not in the pairing), BadRequest (`bad_cursor`).
    """
    board = look(uow, pairing_id, actor)
    places = board.places_with(domestic, overseas)
    start = _start_of(cursor, board.table, places) if cursor else 0
    shown = places[start : start + limit]
    more = start + limit < len(places)
    return Page(
        [board.scored(place) for place in shown], _cursor_of(board.table, shown[-1]) if more else None, len(places)
    )


def _cursor_of(table: Table, place: Place) -> str:
    return "-".join(str(part) for part in (int(table.scores[place]), *place))


def _start_of(cursor: str, table: Table, places: Sequence[Place]) -> int:
    """How many places come before or at the cursor."""
    try:
        score, row, column = (int(part) for part in cursor.split("-"))
    except ValueError:
        raise BadRequest(
            N_("This cursor belongs to no list. Start again from the first page."), code="bad_cursor"
        ) from None
    return sum((-int(table.scores[place]), *place) <= (-score, row, column) for place in places)
