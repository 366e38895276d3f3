"""The tools of a worker, with fakes where the world outside would begin, and a way to do what is owed at once."""

from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from typing import Any

from sqlalchemy import select

from iew.db import SessionFactory
from iew.mail.stationery import Stationery
from iew.models import EmailDelivery, OutboxRow
from iew.uow import UnitOfWork
from worker import runner
from worker.equipment import Equipment

SECRET = "a secret key of the tests"
STATIONERY = Stationery("https://window.example", SECRET, "International Exchange Window <window@iew.example>")


@dataclass
class Postbox:
    """Takes every mail; or raises what a test put into `outcomes` for an address, once each."""

    sent: list[tuple[str, EmailMessage]] = field(default_factory=list)
    outcomes: dict[str, list[Exception]] = field(default_factory=dict)

    def send(self, message: EmailMessage, *, sender: str, recipient: str) -> None:
        if self.outcomes.get(recipient):
            raise self.outcomes[recipient].pop(0)
        self.sent.append((recipient, message))


class NoSearches:
    """Keeps no stored search: what most tests need to know of them."""

    def ask(self, document: Any, *, among: Any = None) -> frozenset[str]:
        return frozenset()

    def put(self, search: Any) -> bool:
        return True

    def remove(self, search_id: str) -> None:
        """Nothing is kept."""

    def held(self) -> tuple[()]:
        return ()


@dataclass
class Workshop:
    """Runs owed jobs in this process, in the order in which they were owed."""

    session_factory: SessionFactory
    postbox: Postbox = field(default_factory=Postbox)
    index: Any = None
    searches: Any = field(default_factory=NoSearches)
    now: datetime | None = None

    @property
    def tools(self) -> Equipment:
        return Equipment(
            open=self.unit_of_work,
            leave_connections=lambda: None,
            index=self.index,
            searches=self.searches,
            mailer=self.postbox,
            stationery=STATIONERY,
        )

    def unit_of_work(self) -> UnitOfWork:
        return UnitOfWork(self.session_factory, now=self.now)

    def perform(self, row_id: int) -> None:
        runner.perform(row_id, self.tools)

    def work_off(self, *, skip: tuple[str, ...] = ("index_invitation", "index_school", "suggest_partners")) -> None:
        """Do everything that is owed, and what that owes, once each."""
        tried: set[int] = set()
        while row_ids := [row.id for row in self.rows() if row.id not in tried and row.job not in skip]:
            for row_id in row_ids:
                tried.add(row_id)
                self.perform(row_id)

    def rows(self, *, everything: bool = False) -> list[OutboxRow]:
        """The rows that wait, or all."""
        waiting = (OutboxRow.done_at.is_(None), OutboxRow.parked_at.is_(None))
        with self.unit_of_work() as uow:
            found = select(OutboxRow).order_by(OutboxRow.id)
            return list(uow.session.scalars(found if everything else found.where(*waiting)))

    def row(self, row_id: int) -> OutboxRow:
        with self.unit_of_work() as uow:
            row = uow.get(OutboxRow, row_id)
            uow.session.refresh(row)
            return row

    def deliveries(self, kind: str | None = None) -> list[EmailDelivery]:
        with self.unit_of_work() as uow:
            found = select(EmailDelivery).order_by(EmailDelivery.created_at, EmailDelivery.id)
            return list(uow.session.scalars(found if kind is None else found.where(EmailDelivery.kind == kind)))

    def mails(self) -> set[tuple[str, str]]:
        """(kind, address) of every planned mail."""
        return {(delivery.kind, delivery.address) for delivery in self.deliveries()}
