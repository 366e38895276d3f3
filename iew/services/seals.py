"""Seals over the record of who did what, so that nobody changes it unseen, not even who runs the database.

A chain from row to row would make every transaction wait for the one before it. So the events are written as ever, and
once an hour those that are new come under a seal: a hash over them and over the seal before it. Whoever changes, adds
or removes a sealed event has to make every later seal anew, and their hashes were noted elsewhere by then.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Select, Text, cast, func, select, text

from iew.models import AuditSeal, Event
from iew.uow import UnitOfWork

MOST_SEALED: Final = 10_000
"""How many events one seal holds; so many are read well within the time of a statement."""
_NO_SEAL: Final = "0" * 64
"""What stands for the hash before the first seal."""
_SEALED: Final = (
    Event.id, Event.at, Event.fact, Event.action, Event.subject_type, Event.subject_id, Event.actor_id,
    Event.actor_role, Event.actor_body, Event.before, Event.after, Event.details,
)  # fmt: skip
"""Every column of an event, in the order in which it is hashed."""
_WRITERS: Final = text(
    "select virtualtransaction from pg_locks where locktype = 'relation' and relation = 'events'::regclass"
    " and database = (select oid from pg_database where datname = current_database())"
    " and mode = 'RowExclusiveLock' and pid is distinct from pg_backend_pid()"
)
_LOOK_AGAIN_SECONDS: Final = 0.05


@dataclass(frozen=True)
class Broken:
    """A seal that does not hold, and what is wrong with it."""

    number: int
    why: str


@dataclass(frozen=True)
class Verdict:
    """What became of the chain. events: under all seals. unsealed: written since the last seal. last: the newest seal,
    None where nothing was sealed yet. noted: whether a hash that was noted elsewhere still stands in the chain."""

    seals: int
    events: int
    unsealed: int
    last: AuditSeal | None
    broken: Sequence[Broken]
    noted: bool


# sealing


def settled_up_to(uow: UnitOfWork, *, patience_seconds: float) -> int | None:
    """The last event below which no other can appear any more; None where somebody still writes after the patience.

    Numbers are given out when an event is written and seen when its transaction commits, so a lower one may come
    later. But who has taken a number holds a lock on the table until the end: when all who hold one after the newest
    number was read are gone, what they wrote below it is seen or will never be. Nobody is made to wait.
    """
    newest = uow.session.scalar(select(func.max(Event.id))) or 0
    writers = _writers(uow)
    end = time.monotonic() + patience_seconds
    while writers:
        if time.monotonic() >= end:
            return None
        time.sleep(_LOOK_AGAIN_SECONDS)
        writers &= _writers(uow)
    return newest


def seal_next(uow: UnitOfWork, up_to: int) -> bool:
    """Put the next events under a seal, none beyond `up_to`; False where there are none."""
    uow.hold("audit_seals")
    last = _last(uow)
    after = last.up_to_id if last else 0
    rows = uow.session.execute(_events(after, up_to).limit(MOST_SEALED)).all()
    if not rows:
        return False
    seal = AuditSeal(
        number=last.number + 1 if last else 1,
        after_id=after,
        up_to_id=rows[-1].id,
        count=len(rows),
        previous_hash=last.hash if last else _NO_SEAL,
        sealed_at=uow.now,
    )
    seal.hash = _hash_of(seal, rows)
    uow.session.add(seal)
    return True


def _writers(uow: UnitOfWork) -> set[str]:
    """Transactions of others that have written an event, or are about to."""
    return set(uow.session.scalars(_WRITERS))


def _last(uow: UnitOfWork) -> AuditSeal | None:
    return uow.session.scalar(select(AuditSeal).order_by(AuditSeal.number.desc()).limit(1))


def _events(after: int, up_to: int) -> Select[Any]:
    """Events as they are hashed; the details as the database writes them, which says every number exactly."""
    columns = [cast(column, Text) if column is Event.details else column for column in _SEALED]
    return select(*columns).where(Event.id > after, Event.id <= up_to).order_by(Event.id)


def _hash_of(seal: AuditSeal, rows: Sequence[Any]) -> str:
    """SHA-256, in hex, over a line of JSON for the seal and one for each of its events."""
    head = [seal.number, seal.after_id, seal.up_to_id, seal.count, seal.previous_hash, _plain(seal.sealed_at)]
    digest = hashlib.sha256(_line(head))
    for row in rows:
        digest.update(_line([_plain(value) for value in row]))
    return digest.hexdigest()


def _line(values: Sequence[Any]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(value, datetime) else value


# looking whether they hold


def verify(uow: UnitOfWork, *, noted: str | None = None) -> Verdict:
    """Compare every seal with the events under it and with the seal before it.

    noted: a hash that was written down elsewhere; whoever made the whole chain anew cannot bring it back.
    """
    before: AuditSeal | None = None
    broken: list[Broken] = []
    seals = events = 0
    hashes: set[str] = set()
    for seal in _chain(uow):
        broken += [Broken(seal.number, why) for why in _faults(uow, before, seal)]
        seals, events, before = seals + 1, events + seal.count, seal
        hashes.add(seal.hash)
    after = before.up_to_id if before else 0
    unsealed = uow.session.scalar(select(func.count()).select_from(Event).where(Event.id > after)) or 0
    return Verdict(seals, events, unsealed, before, broken, noted is None or noted.strip().lower() in hashes)


def _chain(uow: UnitOfWork) -> Iterator[AuditSeal]:
    yield from uow.session.scalars(select(AuditSeal).order_by(AuditSeal.number)).all()


def _faults(uow: UnitOfWork, before: AuditSeal | None, seal: AuditSeal) -> Iterator[str]:
    number, up_to, hash_before = (before.number, before.up_to_id, before.hash) if before else (0, 0, _NO_SEAL)
    if seal.number != number + 1:
        yield f"seal {number + 1} is missing before it"
    elif (seal.after_id, seal.previous_hash) != (up_to, hash_before):
        yield "it does not follow the seal before it"
    rows = uow.session.execute(_events(seal.after_id, seal.up_to_id)).all()
    if len(rows) != seal.count:
        yield f"{seal.count} events were sealed, {len(rows)} are there"
    elif _hash_of(seal, rows) != seal.hash:
        yield "an event under it, or the seal itself, was changed"
