"""Online meetings of the two schools of a match: the times named, and the one both agreed on."""

from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import DateTime, ForeignKey, Index, Select, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from iew.db import Base
from iew.domain.actors import Actor
from iew.domain.lifecycle import Lifecycle
from iew.domain.meetings import MEETING, Kind, Party, Status
from iew.models.accounts import School
from iew.models.columns import Living
from iew.models.matches import Match


class Meeting(Living, Base):
    """A meeting by video. Its id stands in calendars, so a meeting that moves stays the same row."""

    __tablename__ = "meetings"
    __table_args__ = (
        Index("uq_meetings_one_proposed", "match_id", unique=True, postgresql_where=text("status = 'proposed'")),
    )
    lifecycle: ClassVar[Lifecycle] = MEETING
    subject_type: ClassVar[str] = "meeting"

    match_id: Mapped[str] = mapped_column(ForeignKey("matches.id"), index=True)
    proposed_by_id: Mapped[str] = mapped_column(ForeignKey("schools.id"))
    """The school that named the times last; the other one answers."""
    starts: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)))
    minutes: Mapped[int]
    link: Mapped[str | None]
    """Address of the video room, where one is known."""
    agreed_start: Mapped[datetime | None]
    """When it takes place; while other times are proposed, when it would without them."""
    agreed_minutes: Mapped[int | None]
    sequence: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """Grows with every change that calendars are told of."""
    reason: Mapped[str | None]
    """Why it was called off."""

    match: Mapped[Match] = relationship()
    proposed_by: Mapped[School] = relationship(foreign_keys=[proposed_by_id])

    @property
    def kind(self) -> str:
        return Kind.NEW if self.agreed_start is None else Kind.MOVED

    @property
    def last_start(self) -> datetime:
        return max(self.starts)

    @property
    def answering_school_id(self) -> str | None:
        """The school that the times were proposed to."""
        asking, other = self.match.asking_school_id, self.match.other_school_id
        return other if self.proposed_by_id == asking else asking

    def is_over(self, now: datetime) -> bool:
        """Whether it took place already, as far as anybody knows."""
        if self.status != Status.AGREED or self.agreed_start is None:
            return False
        return self.agreed_start + timedelta(minutes=self.agreed_minutes or 0) <= now

    def parties_of(self, actor: Actor) -> frozenset[Party]:
        school = actor.school_id
        held = {
            Party.PROPOSING: school is not None and school == self.proposed_by_id,
            Party.ANSWERING: school is not None and school == self.answering_school_id,
            Party.SYSTEM: actor.is_system,
        }
        return frozenset(party for party, holds in held.items() if holds)


def meetings_of(match_id: str) -> Select[Meeting]:
    """The meetings of a match, the latest first."""
    return select(Meeting).where(Meeting.match_id == match_id).order_by(Meeting.created_at.desc(), Meeting.id)
