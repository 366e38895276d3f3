"""Posts that could become partners, what their schools said no to, who was told, and when each list was made last."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from iew.db import Base
from iew.models.invitations import Invitation


class Suggestion(Base):
    """`other` could be a partner for the post; each pair stands twice, once for each side."""

    __tablename__ = "suggestions"
    __table_args__ = (Index("ix_suggestions_invitation_id_score", "invitation_id", "score"),)

    invitation_id: Mapped[str] = mapped_column(ForeignKey("invitations.id", ondelete="CASCADE"), primary_key=True)
    other_id: Mapped[str] = mapped_column(
        ForeignKey("invitations.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    score: Mapped[float]
    """0 to 1, the same in both rows of a pair."""
    reasons: Mapped[list[dict[str, Any]]]
    """`[{"code": "shared_language", "values": ["en"]}]`, as the school of the post reads them."""
    computed_at: Mapped[datetime]

    invitation: Mapped[Invitation] = relationship(foreign_keys=[invitation_id], viewonly=True)
    other: Mapped[Invitation] = relationship(foreign_keys=[other_id], viewonly=True)


class SuggestionDismissal(Base):
    """A school said that this pair does not suit it."""

    __tablename__ = "suggestion_dismissals"

    invitation_id: Mapped[str] = mapped_column(ForeignKey("invitations.id", ondelete="CASCADE"), primary_key=True)
    other_id: Mapped[str] = mapped_column(
        ForeignKey("invitations.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    by_user: Mapped[str] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime]


class SuggestionTelling(Base):
    """A person was told by mail that a post could fit: one row a pair, so nobody is told of a post twice."""

    __tablename__ = "suggestion_tellings"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    other_id: Mapped[str] = mapped_column(
        ForeignKey("invitations.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    at: Mapped[datetime]


class SuggestionRun(Base):
    """When the list of a post was made last, also where it came out empty."""

    __tablename__ = "suggestion_runs"

    invitation_id: Mapped[str] = mapped_column(ForeignKey("invitations.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime]
