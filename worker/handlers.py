"""The jobs by name: what an owed row of the outbox means.

A row outlives releases; so it holds a name, never a function, and a name that nobody knows is parked where the
administrator sees it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from iew.mail import posting
from iew.mail.recipients import Recipient
from iew.models import Event, OutboxRow
from iew.uow import UnitOfWork
from worker.equipment import Equipment


@dataclass(frozen=True)
class Work:
    """What a job gets: the transaction that also marks its row as done, the row, and the tools of the process."""

    uow: UnitOfWork
    row: OutboxRow
    tools: Equipment

    @property
    def subject_id(self) -> str:
        return self.row.subject_id

    @property
    def event(self) -> Event:
        """The fact that owed this job. Raises NotFound for a job that no fact owed."""
        return self.uow.get(Event, self.row.event_id or 0)

    def detail(self, name: str) -> Any:
        """What the fact says beside its subject; None where it says nothing of it."""
        return self.event.details.get(name)

    def post(self, kind: str, recipients: Iterable[Recipient], compose: posting.Compose) -> None:
        """Plan a mail of this kind about the fact, once for each recipient."""
        posting.post(self.uow, self.tools.stationery, self.event, kind, recipients, compose)


Job = Callable[[Work], None]
HANDLERS: Final[dict[str, Job]] = {}


def job(name: str) -> Callable[[Job], Job]:
    """Register a function as the job of this name."""

    def register(handler: Job) -> Job:
        if name in HANDLERS:
            raise ValueError(f"two jobs are called {name}")
        HANDLERS[name] = handler
        return handler

    return register
