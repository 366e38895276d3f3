"""Questions to the administrator, about a post, a case or nothing in particular."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, Identity
from sqlalchemy.orm import Mapped, mapped_column, relationship

from iew.db import Base, new_id
from iew.domain.actors import Actor
from iew.domain.lifecycle import Lifecycle
from iew.domain.questions import QUESTION, Party
from iew.models.columns import Living


class Question(Living, Base):
    """A thread between a person, signed in or not, and the administrators."""

    __tablename__ = "questions"
    lifecycle: ClassVar[Lifecycle] = QUESTION
    subject_type: ClassVar[str] = "question"

    serial: Mapped[int] = mapped_column(Identity(start=1001), unique=True)
    about_type: Mapped[str | None]
    about_id: Mapped[str | None]
    asker_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"), index=True)
    email: Mapped[str | None]
    """Where to answer somebody who is not signed in."""
    language: Mapped[str]
    seen_at: Mapped[datetime | None]
    """When the asker last read the thread."""

    messages: Mapped[list["QuestionMessage"]] = relationship(
        back_populates="question", order_by="QuestionMessage.created_at"
    )

    @property
    def number(self) -> str:
        return f"Q-{self.created_at.year}-{self.serial:06d}"

    def parties_of(self, actor: Actor) -> frozenset[Party]:
        held = {
            Party.ASKER: actor.user_id == self.asker_id if actor.signed_in else actor.link_to == self.id,
            Party.ADMIN: actor.is_admin,
        }
        return frozenset(party for party, holds in held.items() if holds)


class QuestionMessage(Base):
    __tablename__ = "question_messages"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    question_id: Mapped[str] = mapped_column(ForeignKey("questions.id"), index=True)
    author_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"))
    by_admin: Mapped[bool]
    text: Mapped[str]
    created_at: Mapped[datetime]

    question: Mapped[Question] = relationship(back_populates="messages")
