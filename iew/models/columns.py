"""Columns that several tables share."""

from datetime import datetime
from typing import Any, ClassVar, Protocol

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from iew.db import new_id
from iew.domain.actors import Actor
from iew.domain.lifecycle import Lifecycle


class Identified:
    """An opaque id and the two times that every resource shows."""

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Living(Identified):
    """A row with a life: a status that only the unit of work changes, and a version that grows with every change."""

    status: Mapped[str] = mapped_column(index=True)
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))

    lifecycle: ClassVar[Lifecycle]
    subject_type: ClassVar[str]

    @property
    def kind(self) -> str | None:
        """The kind that the rows of the lifecycle distinguish."""
        return None

    def parties_of(self, actor: Actor) -> frozenset[Any]:
        """What `actor` is to this row."""
        raise NotImplementedError

    def available_actions(self, actor: Actor) -> list[str]:
        """What `actor` can do now, in the order of the table."""
        return self.lifecycle.available(status=self.status, kind=self.kind, parties=self.parties_of(actor))


class HasSubject(Protocol):
    """Anything a history row can be about."""

    subject_type: ClassVar[str]

    @property
    def id(self) -> Any: ...
