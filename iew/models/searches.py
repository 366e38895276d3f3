"""Searches that people keep, the posts these have met, and what was looked for, without anybody's name."""

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from iew.db import Base
from iew.models.accounts import User
from iew.models.columns import Identified


class SavedSearch(Identified, Base):
    """A search that a person keeps, to be told of new posts."""

    __tablename__ = "saved_searches"
    subject_type: ClassVar[str] = "saved_search"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str]
    params: Mapped[dict[str, Any]]
    """By the names of the API; what was not asked is not there."""
    frequency: Mapped[str]
    """`instant`, `daily` or `weekly`."""
    paused: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    last_alert_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()


class SavedSearchHit(Base):
    """A post that a saved search has met: one row a pair, so nobody is told of a post twice by one search."""

    __tablename__ = "saved_search_hits"
    __table_args__ = (
        Index("ix_saved_search_hits_waiting", "search_id", postgresql_where=text("announced_at is null")),
        Index("ix_saved_search_hits_invitation_id", "invitation_id"),
    )

    search_id: Mapped[str] = mapped_column(ForeignKey("saved_searches.id", ondelete="CASCADE"), primary_key=True)
    invitation_id: Mapped[str] = mapped_column(ForeignKey("invitations.id", ondelete="CASCADE"), primary_key=True)
    found_at: Mapped[datetime]
    announced_at: Mapped[datetime | None]


class SearchCount(Base):
    """How often something was looked for in a month. Nothing in it tells who asked, nor when exactly."""

    __tablename__ = "search_counts"

    month: Mapped[str] = mapped_column(primary_key=True)
    """As `2027-04`, where the house's days begin and end."""
    language: Mapped[str] = mapped_column(primary_key=True)
    """Of the interface."""
    words: Mapped[str] = mapped_column(primary_key=True)
    """Folded; empty where the words might name somebody."""
    country: Mapped[str] = mapped_column(primary_key=True)
    """The countries chosen, joined by `|`; empty for none."""
    found: Mapped[bool] = mapped_column(primary_key=True)
    """Whether any post met all of it."""
    count: Mapped[int]
    days: Mapped[int]
    """On how many different days."""
    last_day: Mapped[date]
