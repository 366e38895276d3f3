"""The unit of work: the one transaction, and the one door through which a status changes.

Without it every use case would commit, lock and write history in its own way, and one of them would forget.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from types import TracebackType
from typing import Any, Self, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from iew.db import SessionFactory, new_id
from iew.domain.actors import SYSTEM, Actor
from iew.domain.limits import Limits
from iew.errors import Conflict, NotFound
from iew.models import Duty, EmailDelivery, Event, Living, OutboxRow
from iew.models.columns import HasSubject
from iew.outbox import INDEX_POST, SEND_MAIL, Fact, jobs_for

Row = TypeVar("Row")


class UnitOfWork:
    """One transaction. `with uow:` commits at the end, or rolls back on any error.

    now: the moment that stamps history, deadlines and period keys; aware, UTC. It may differ from the wall clock in
    `iew tick --at`; the rows of the outbox are due at once all the same.
    """

    session: Session

    def __init__(
        self,
        session_factory: SessionFactory,
        *,
        now: datetime | None = None,
        limits: Limits | None = None,
        zone: str = "Asia/Taipei",
    ) -> None:
        self._session_factory = session_factory
        self.now = now or datetime.now(UTC)
        self.limits = limits or Limits()
        self.zone = zone

    def __enter__(self) -> Self:
        self.session = self._session_factory()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.session.commit()
            else:
                self.session.rollback()
        finally:
            self.session.close()

    def commit(self) -> None:
        """Keep what was done so far, and go on in a new transaction."""
        self.session.commit()

    def roll_back(self) -> None:
        """Undo what was done so far, and go on in a new transaction."""
        self.session.rollback()

    # reading

    @property
    def today(self) -> date:
        """The day it is where the house's days begin and end."""
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    def get(self, table: type[Row], key: str | int) -> Row:
        """The row with this id. Raises NotFound."""
        found = self.session.get(table, key)
        if found is None:
            raise NotFound
        return found

    # writing

    def start(
        self,
        entity: Living,
        status: str,
        actor: Actor,
        *,
        action: str,
        fact: Fact | None = None,
        **details: Any,
    ) -> Event:
        """Give a new row its first status, and record the fact if there is one."""
        entity.id = entity.id or new_id()
        entity.status = status
        entity.version = 1
        entity.created_at = entity.updated_at = self.now
        self.session.add(entity)
        self.session.flush()
        return self._event(entity, action, actor, fact, None, status, details)

    def start_all(
        self,
        entities: Sequence[Living],
        status: str,
        actor: Actor,
        *,
        action: str,
        fact: Fact | None = None,
        **details: Any,
    ) -> None:
        """As `start`, for many new rows of one kind in few statements."""
        for entity in entities:
            entity.id = entity.id or new_id()
            entity.status = status
            entity.version = 1
            entity.created_at = entity.updated_at = self.now
        self.session.add_all(entities)
        self.session.flush()
        self._events(entities, action, actor, fact, details, are_new=True)

    def amend_all(
        self, entities: Sequence[Living], actor: Actor, *, action: str, fact: Fact | None, **details: Any
    ) -> None:
        """As `amend`, for many rows of one kind in few statements. Set the new content after this call."""
        if not entities:
            return
        table = type(entities[0])
        self.session.flush()
        ids = [entity.id for entity in entities]
        locked = select(table).where(table.id.in_(ids)).order_by(table.id).with_for_update()
        self.session.scalars(locked, execution_options={"populate_existing": True}).all()
        for entity in entities:
            self._bump(entity, fact)
        self.session.flush()
        self._events(entities, action, actor, fact, details)

    def record_all(
        self,
        fact: Fact,
        subjects: Sequence[HasSubject],
        actor: Actor,
        *,
        action: str,
        each: Mapping[str, Mapping[str, Any]] | None = None,
        **details: Any,
    ) -> None:
        """As `record`, for many subjects in few statements. each: further details by the id of the subject."""
        self.session.flush()
        self._events(subjects, action, actor, fact, details, each=each)

    def transition(
        self,
        entity: Living,
        action: str,
        actor: Actor,
        *,
        seen_version: int | None = None,
        **details: Any,
    ) -> Event:
        """Change the status of `entity` by `action`, or raise and change nothing.

        seen_version: the version the actor looked at; None skips the check. `details` go into the history; those the
        table asks for must be there. Raises Conflict, NotAllowed, InvalidTransition, Invalid.
        """
        self.lock(entity)
        parties = entity.parties_of(actor)
        entity.lifecycle.permit(action, kind=entity.kind, parties=parties)
        self._compare(entity, seen_version)
        row = entity.lifecycle.row_for(
            action,
            status=entity.status,
            kind=entity.kind,
            parties=parties,
            details=details,
        )
        before = entity.status
        entity.status = row.to or before
        self._bump(entity, row.fact)
        return self._event(entity, action, actor, row.fact, before, entity.status, details)

    def amend(
        self,
        entity: Living,
        actor: Actor,
        *,
        action: str,
        fact: Fact | None,
        seen_version: int | None = None,
        **details: Any,
    ) -> Event:
        """Lock `entity` for a change of its content, and give it its next version. Raises Conflict.

        Set the new content after this call: it reads the row afresh.
        """
        self.lock(entity)
        self._compare(entity, seen_version)
        self._bump(entity, fact)
        return self._event(entity, action, actor, fact, entity.status, entity.status, details)

    def lock(self, entity: Living) -> None:
        """Hold the row until the end of the transaction; it and all that was read before are read afresh."""
        self.session.flush()
        self.session.expire_all()
        self.session.refresh(entity, with_for_update=True)

    def hold(self, name: str) -> None:
        """Hold a name that has no row yet until the end of the transaction; who comes second waits and sees the row."""
        self.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))

    def allow_idle(self, *, hours: int) -> None:
        """Let this transaction lie idle so long, while it holds something and another part is waited for."""
        self.session.execute(select(func.set_config("idle_in_transaction_session_timeout", f"{hours}h", True)))

    def record(
        self,
        fact: Fact | None,
        subject: HasSubject,
        actor: Actor = SYSTEM,
        *,
        action: str,
        **details: Any,
    ) -> Event:
        """Write a fact that changes no status, with the jobs it owes; `fact` None records a mere access."""
        status = getattr(subject, "status", None)
        return self._event(subject, action, actor, fact, status, status, details)

    def once(self, name: str, period_key: str) -> bool:
        """True for the first caller with this key, ever; the others get False."""
        added = self.session.execute(
            insert(Duty)
            .values(name=name, period_key=period_key, done_at=self.now)
            .on_conflict_do_nothing()
            .returning(Duty.name)
        )
        return added.first() is not None

    def owe(
        self,
        job: str,
        *,
        subject_type: str,
        subject_id: str,
        event: Event | None = None,
        dedup_key: str | None = None,
    ) -> None:
        """Owe one job; a second row with the same `dedup_key` is not added."""
        self.session.flush()
        self.session.execute(
            insert(OutboxRow)
            .values(
                job=job,
                subject_type=subject_type,
                subject_id=subject_id,
                event_id=event.id if event else None,
                dedup_key=dedup_key,
                created_at=func.now(),
                available_at=func.now(),
            )
            .on_conflict_do_nothing()
        )

    def plan_mail(self, delivery: EmailDelivery) -> bool:
        """Save one mail to one recipient with the job that sends it; False if its `dedup_key` is there already."""
        values = {
            column.name: getattr(delivery, column.name)
            for column in EmailDelivery.__table__.columns
            if getattr(delivery, column.name) is not None
        }
        values |= {"id": new_id(), "created_at": self.now, "status": "queued"}
        added = self.session.execute(
            insert(EmailDelivery).values(values).on_conflict_do_nothing().returning(EmailDelivery.id)
        ).scalar_one_or_none()
        if added is None:
            return False
        self.owe(SEND_MAIL, subject_type="delivery", subject_id=added, event=None)
        return True

    def history_of(self, subject_type: str, subject_id: str) -> list[Event]:
        """All events about a subject, oldest first."""
        return list(
            self.session.scalars(
                select(Event)
                .where(Event.subject_type == subject_type, Event.subject_id == subject_id)
                .order_by(Event.id)
            )
        )

    def _compare(self, entity: Living, seen_version: int | None) -> None:
        if seen_version is not None and seen_version != entity.version:
            raise Conflict

    def _bump(self, entity: Living, fact: Fact | None) -> None:
        """Give the row its next version; the index follows only what it is told of by a job of this fact."""
        entity.version += 1
        entity.updated_at = self.now
        index_version = getattr(entity, "index_version", None)
        if index_version is not None and fact and INDEX_POST in jobs_for(fact):
            setattr(entity, "index_version", index_version + 1)  # noqa: B010 - only posts have one

    def _event(
        self,
        subject: HasSubject,
        action: str,
        actor: Actor,
        fact: Fact | None,
        before: str | None,
        after: str | None,
        details: Mapping[str, Any],
    ) -> Event:
        event = Event(**self._event_values(subject, action, actor, fact, before, after, details))
        self.session.add(event)
        self.session.flush()
        for job in jobs_for(fact) if fact else ():
            self.owe(
                job,
                subject_type=subject.subject_type,
                subject_id=subject.id,
                event=event,
            )
        return event

    def _events(
        self,
        subjects: Sequence[HasSubject],
        action: str,
        actor: Actor,
        fact: Fact | None,
        details: Mapping[str, Any],
        *,
        are_new: bool = False,
        each: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """One event a subject, and the jobs they owe."""
        if not subjects:
            return
        rows = []
        for subject in subjects:
            status = getattr(subject, "status", None)
            before = None if are_new else status
            told = {**details, **(each or {}).get(subject.id, {})}
            rows.append(self._event_values(subject, action, actor, fact, before, status, told))
        added = self.session.execute(
            insert(Event).returning(Event.id, Event.subject_type, Event.subject_id), rows
        ).all()
        owed = [
            {
                "job": job,
                "subject_type": subject_type,
                "subject_id": subject_id,
                "event_id": event_id,
                "created_at": func.now(),
                "available_at": func.now(),
            }
            for event_id, subject_type, subject_id in added
            for job in (jobs_for(fact) if fact else ())
        ]
        if owed:
            self.session.execute(insert(OutboxRow).values(owed))

    def _event_values(
        self,
        subject: HasSubject,
        action: str,
        actor: Actor,
        fact: Fact | None,
        before: str | None,
        after: str | None,
        details: Mapping[str, Any],
    ) -> dict[str, Any]:
        return {
            "at": self.now,
            "fact": fact,
            "action": action,
            "subject_type": subject.subject_type,
            "subject_id": subject.id,
            "actor_id": actor.user_id,
            "actor_role": "system" if actor.is_system else actor.role or "visitor",
            "actor_body": actor.unit_code or actor.school_id,
            "before": before,
            "after": after,
            "details": dict(details),
        }
