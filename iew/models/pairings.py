"""Pairings: the posts of both sides, how each fits each, what a person has said about pairs, and the pairs proposed."""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import ColumnElement, ForeignKey, LargeBinary, false, true
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from iew.db import Base
from iew.domain.actors import Actor
from iew.domain.fit import Post
from iew.domain.lifecycle import Lifecycle
from iew.domain.pairings import IMPOSSIBLE, PAIRING, Absence, Hold, Party, Schools
from iew.domain.schools import Side
from iew.models.columns import Living
from iew.models.invitations import Invitation
from iew.models.matches import Match
from iew.models.partners import post_of

if TYPE_CHECKING:  # every process reads the models, and few of them ever pair schools
    import numpy as np
    from numpy.typing import NDArray

Place = tuple[int, int]
"""Row and column of a pair in the table of scores."""


class Pairing(Living, Base):
    """Posts of both sides that a unit brings together."""

    __tablename__ = "pairings"
    lifecycle: ClassVar[Lifecycle] = PAIRING
    subject_type: ClassVar[str] = "pairing"

    name: Mapped[str]
    unit_code: Mapped[str | None] = mapped_column(ForeignKey("units.code"), index=True)
    """Whose it is, and who will handle its cases; None where the administrator leaves that to the routing."""
    made_by: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    max_per_school: Mapped[int]
    solved_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    total: Mapped[int] = mapped_column(default=0)
    """Sum of the scores of the pairs, in ten-thousandths."""

    posts: Mapped[list["PairingPost"]] = relationship(order_by="PairingPost.side, PairingPost.position")
    holds: Mapped[list["PairingHold"]] = relationship(order_by="PairingHold.at, PairingHold.domestic_id")
    pairs: Mapped[list["PairingPair"]] = relationship(
        order_by="PairingPair.score.desc(), PairingPair.domestic_id, PairingPair.overseas_id"
    )

    @property
    def total_score(self) -> float:
        return self.total / 10_000

    def parties_of(self, actor: Actor) -> frozenset[Party]:
        held = {
            Party.OWNER: actor.is_unit and actor.unit_code is not None and actor.unit_code == self.unit_code,
            Party.ADMIN: actor.is_admin,
        }
        return frozenset(party for party, holds in held.items() if holds)


class PairingPost(Base):
    """A post in a pairing, with what counted of it when it was compared last."""

    __tablename__ = "pairing_posts"

    pairing_id: Mapped[str] = mapped_column(ForeignKey("pairings.id", ondelete="CASCADE"), primary_key=True)
    invitation_id: Mapped[str] = mapped_column(ForeignKey("invitations.id"), primary_key=True, index=True)
    side: Mapped[str]
    position: Mapped[int]
    """Its row or column in the table of scores."""
    school_id: Mapped[str] = mapped_column(ForeignKey("schools.id"))
    facts: Mapped[dict[str, Any]]
    """An `iew.domain.fit.Post`, so that the reasons of a score stay those it was made of."""
    gone: Mapped[bool] = mapped_column(default=False)
    """Was not public any more when it was compared last."""

    invitation: Mapped[Invitation] = relationship(viewonly=True)

    @property
    def compared(self) -> Post:
        """The post as the rules saw it."""
        return post_of(self.invitation_id, self.facts, public=not self.gone)


class PairingScores(Base):
    """How each post fits each: two tables with a row for each post in Taiwan and a column for each one abroad."""

    __tablename__ = "pairing_scores"

    pairing_id: Mapped[str] = mapped_column(ForeignKey("pairings.id", ondelete="CASCADE"), primary_key=True)
    scores: Mapped[bytes] = mapped_column(LargeBinary)
    """16-bit numbers, packed: ten-thousandths, or -1 where a hard rule forbids the pair."""
    apart: Mapped[bytes] = mapped_column(LargeBinary)
    """Bits, packed: pairs of schools that already have a case, or where one of the two said no."""

    def take(self, scores: "NDArray[np.int16]", apart: "NDArray[np.bool_]") -> None:
        import numpy as np

        self.scores = zlib.compress(scores.astype("<i2").tobytes(), 1)
        self.apart = zlib.compress(np.packbits(apart).tobytes(), 1)

    def read(self, rows: int, columns: int) -> "tuple[NDArray[np.int16], NDArray[np.bool_]]":
        """Both tables."""
        import numpy as np

        scores = np.frombuffer(zlib.decompress(self.scores), dtype="<i2").reshape(rows, columns)
        bits = np.frombuffer(zlib.decompress(self.apart), dtype=np.uint8)
        return scores.astype(np.int16), np.unpackbits(bits, count=rows * columns).reshape(rows, columns).astype(bool)


class PairingHold(Base):
    """A person pinned a pair, or banned it."""

    __tablename__ = "pairing_holds"

    pairing_id: Mapped[str] = mapped_column(ForeignKey("pairings.id", ondelete="CASCADE"), primary_key=True)
    domestic_id: Mapped[str] = mapped_column(ForeignKey("invitations.id"), primary_key=True)
    overseas_id: Mapped[str] = mapped_column(ForeignKey("invitations.id"), primary_key=True)
    kind: Mapped[str]
    """`pin` or `ban`."""
    by_user: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime]


class PairingPair(Base):
    """Two posts that are proposed to come together; once accepted, with their case."""

    __tablename__ = "pairing_pairs"

    pairing_id: Mapped[str] = mapped_column(ForeignKey("pairings.id", ondelete="CASCADE"), primary_key=True)
    domestic_id: Mapped[str] = mapped_column(ForeignKey("invitations.id"), primary_key=True)
    overseas_id: Mapped[str] = mapped_column(ForeignKey("invitations.id"), primary_key=True)
    score: Mapped[int]
    """Ten-thousandths."""
    pinned: Mapped[bool] = mapped_column(default=False)
    match_id: Mapped[str | None] = mapped_column(ForeignKey("matches.id"), index=True)

    match: Mapped[Match | None] = relationship(viewonly=True)


@dataclass(frozen=True)
class Table:
    """The posts of a pairing and what stands between them; a row for each post in Taiwan, a column for each abroad.

    scores: ten-thousandths, -1 where a hard rule forbids the pair. apart: pairs that are not to be suggested.
    """

    rows: Sequence[PairingPost]
    columns: Sequence[PairingPost]
    scores: "NDArray[np.int16]"
    apart: "NDArray[np.bool_]"

    @cached_property
    def row_of(self) -> dict[str, int]:
        return {post.invitation_id: number for number, post in enumerate(self.rows)}

    @cached_property
    def column_of(self) -> dict[str, int]:
        return {post.invitation_id: number for number, post in enumerate(self.columns)}

    @cached_property
    def schools(self) -> Schools:
        return Schools(_numbered(self.rows), _numbered(self.columns))

    @property
    def open(self) -> "NDArray[np.int16]":
        """The scores of the pairs that may be made; -1 for the others."""
        import numpy as np

        return np.where(self.apart, np.int16(IMPOSSIBLE), self.scores)

    def weights(self, holds: Iterable[PairingHold]) -> "NDArray[np.int16]":
        """The scores of the pairs that may be made and are not banned; -1 for the others."""
        weights = self.open
        for hold in holds:
            if hold.kind == Hold.BAN:
                weights[self.place_of(hold)] = IMPOSSIBLE
        return weights

    def place_of(self, pair: "PairingHold | PairingPair") -> Place:
        return self.row_of[pair.domestic_id], self.column_of[pair.overseas_id]

    def absence_of(self, place: Place) -> Absence | None:
        """Why a pair cannot be made, whatever anybody holds of it; None where it can."""
        if self.rows[place[0]].gone or self.columns[place[1]].gone:
            return Absence.GONE
        if self.apart[place]:
            return Absence.APART
        return Absence.RULED_OUT if self.scores[place] < 0 else None


def _numbered(posts: Sequence[PairingPost]) -> list[int]:
    numbers: dict[str, int] = {}
    return [numbers.setdefault(post.school_id, len(numbers)) for post in posts]


def table_of(session: Session, pairing: Pairing) -> Table:
    """What a pairing proposes from."""
    rows = [post for post in pairing.posts if post.side == Side.DOMESTIC]
    columns = [post for post in pairing.posts if post.side == Side.OVERSEAS]
    kept = session.get_one(PairingScores, pairing.id)
    return Table(rows, columns, *kept.read(len(rows), len(columns)))


def pairings_of(actor: Actor) -> ColumnElement[bool]:
    """The pairings that `actor` may know of: its unit's own; the administrator all."""
    if actor.is_admin:
        return true()
    return Pairing.unit_code == actor.unit_code if actor.is_unit and actor.unit_code is not None else false()
