"""Seals over the record: when they are made, what they find, and that nobody waits for them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from iew.cli import main
from iew.db import SessionFactory
from iew.domain.actors import SYSTEM
from iew.duties import run_due
from iew.models import AuditSeal, Event
from iew.services import seals
from iew.uow import UnitOfWork
from tests.parts import Parts
from tests.world import World

NOW = datetime(2027, 3, 1, 4, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


def tick(factory: SessionFactory, now: datetime) -> None:
    run_due(lambda moment: UnitOfWork(factory, now=moment), now)


def chain(factory: SessionFactory) -> list[AuditSeal]:
    with UnitOfWork(factory) as uow:
        return list(uow.session.scalars(select(AuditSeal).order_by(AuditSeal.number)))


def events(factory: SessionFactory) -> list[int]:
    with UnitOfWork(factory) as uow:
        return list(uow.session.scalars(select(Event.id).order_by(Event.id)))


def verdict(factory: SessionFactory, noted: str | None = None) -> seals.Verdict:
    with UnitOfWork(factory) as uow:
        return seals.verify(uow, noted=noted)


def tamper(factory: SessionFactory, statement: str) -> None:
    """What somebody does who owns the database and knows how to get around what refuses him."""
    with UnitOfWork(factory) as uow:
        for table in ("events", "audit_seals"):
            uow.session.execute(text(f"alter table {table} disable trigger user"))
        uow.session.execute(text("update outbox set event_id = null"))
        uow.session.execute(text(statement))
        for table in ("events", "audit_seals"):
            uow.session.execute(text(f"alter table {table} enable trigger user"))


@pytest.fixture
def sealed(world: World) -> SessionFactory:
    """Three seals, with events under each."""
    for hours in range(3):
        world.match()
        tick(world.session_factory, NOW + hours * HOUR)
    assert verdict(world.session_factory).broken == []
    return world.session_factory


# when


def test_once_an_hour_what_is_new_comes_under_the_next_seal(world: World) -> None:
    factory = world.session_factory
    tick(factory, NOW)
    world.match()
    tick(factory, NOW + HOUR)
    first = chain(factory)[-1]
    world.match()
    tick(factory, NOW + HOUR)
    assert chain(factory)[-1].number == first.number

    tick(factory, NOW + 2 * HOUR)

    last, newest = chain(factory)[-1], events(factory)[-1]
    assert (last.number, last.after_id, last.previous_hash) == (first.number + 1, first.up_to_id, first.hash)
    assert last.up_to_id == newest and last.sealed_at == NOW + 2 * HOUR
    tick(factory, NOW + 3 * HOUR)
    assert chain(factory)[-1].number == last.number, "nothing new needs no seal"


def test_many_events_come_under_several_seals(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "MOST_SEALED", 2)
    for _ in range(3):
        world.school()
    tick(world.session_factory, NOW)

    found = verdict(world.session_factory)

    assert found.seals >= 2 and all(seal.count <= 2 for seal in chain(world.session_factory))
    assert (found.events, found.unsealed, found.broken) == (len(events(world.session_factory)), 0, [])


def test_a_seal_covers_all_that_an_event_says() -> None:
    assert [column.key for column in seals._SEALED] == [column.key for column in Event.__table__.columns]


# what they find


@pytest.mark.parametrize(
    "change",
    [
        'update events set details = \'{{"reason": "another"}}\' where id = {id}',
        "update events set at = at + interval '1 microsecond' where id = {id}",
        "update events set actor_id = 'somebody' where id = {id}",
        "delete from events where id = {id}",
        "update events set id = {id} + 1000000 where id = {id}",
        "update audit_seals set sealed_at = sealed_at - interval '1 day' where number = 2",
        "update audit_seals set hash = repeat('a', 64) where number = 2",
        "update audit_seals set count = count - 1 where number = 2",
        "delete from audit_seals where number = 2",
    ],
)
def test_whatever_is_changed_under_a_seal_is_found(sealed: SessionFactory, change: str) -> None:
    tamper(sealed, change.format(id=chain(sealed)[1].up_to_id))

    assert {broken.number for broken in verdict(sealed).broken} <= {2, 3} and verdict(sealed).broken


def test_an_event_that_is_slipped_in_is_found(world: World) -> None:
    school = world.school()
    with world.unit_of_work() as undone:
        gap = undone.record(None, school, SYSTEM, action="look").id
        undone.roll_back()
    world.school()
    tick(world.session_factory, NOW)
    assert verdict(world.session_factory).broken == []

    tamper(
        world.session_factory,
        f"insert into events (id, at, action, subject_type, subject_id, actor_role, details)"
        f" values ({gap}, now(), 'approve', 'school', '{school.id}', 'office', '{{}}')",
    )

    found = verdict(world.session_factory).broken
    assert [broken.number for broken in found] == [1] and "are there" in found[0].why


def test_a_single_seal_that_is_made_anew_breaks_the_next_one(sealed: SessionFactory) -> None:
    second = chain(sealed)[1]
    tamper(sealed, f"update events set actor_role = 'office' where id = {second.up_to_id}")
    with UnitOfWork(sealed) as uow:
        rows = uow.session.execute(seals._events(second.after_id, second.up_to_id)).all()
    tamper(sealed, f"update audit_seals set hash = '{seals._hash_of(second, rows)}' where number = 2")

    assert verdict(sealed).broken == [seals.Broken(3, "it does not follow the seal before it")]


def test_a_seal_that_is_gone_is_named(sealed: SessionFactory) -> None:
    tamper(sealed, "delete from audit_seals where number = 2")

    assert verdict(sealed).broken == [seals.Broken(3, "seal 2 is missing before it")]


def test_who_makes_the_whole_chain_anew_cannot_bring_a_noted_hash_back(sealed: SessionFactory) -> None:
    noted, newest = chain(sealed)[-1].hash, chain(sealed)[-1].up_to_id
    assert verdict(sealed, noted.upper()).noted
    tamper(sealed, f"update events set actor_role = 'office' where id = {newest}")
    tamper(sealed, "delete from audit_seals")

    with UnitOfWork(sealed, now=NOW) as uow:
        assert seals.seal_next(uow, newest)

    assert verdict(sealed).broken == []
    assert not verdict(sealed, noted).noted


@pytest.mark.parametrize(
    "change", ["update audit_seals set count = 0", "delete from audit_seals", "truncate audit_seals"]
)
def test_the_database_refuses_to_change_a_seal(sealed: SessionFactory, change: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), UnitOfWork(sealed) as uow:
        uow.session.execute(text(change))


# nobody waits, and nothing slips through


def test_an_event_whose_transaction_ends_late_is_not_left_out(
    committed_session_factory: SessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(committed_session_factory)
    subject = world.school()
    monkeypatch.setattr("iew.duties.SEAL_PATIENCE_SECONDS", 0.1)
    with world.unit_of_work() as slow:
        early = slow.record(None, subject, SYSTEM, action="early")
        with world.unit_of_work() as quick:
            late = quick.record(None, subject, SYSTEM, action="late")
        assert early.id < late.id

        tick(committed_session_factory, NOW)
        assert chain(committed_session_factory) == [], "a lower number may still come"
        world.match()

    tick(committed_session_factory, NOW)
    found = verdict(committed_session_factory)
    assert found.unsealed == 0 and found.broken == []
    assert chain(committed_session_factory)[0].up_to_id > late.id


def test_the_patience_ends_when_the_writers_of_that_moment_have(
    committed_session_factory: SessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(committed_session_factory)
    subject = world.school()
    slow, later = world.unit_of_work(), world.unit_of_work()
    slow.__enter__()
    slow.record(None, subject, SYSTEM, action="slow")

    def meanwhile(_: float) -> None:
        """While the seal waits the first writer ends, and another begins that it need not wait for."""
        if slow.session.in_transaction():
            slow.__exit__(None, None, None)
            later.__enter__()
            later.record(None, subject, SYSTEM, action="later")

    monkeypatch.setattr(seals.time, "sleep", meanwhile)
    with world.unit_of_work() as uow:
        assert seals.settled_up_to(uow, patience_seconds=2) is not None
    later.__exit__(None, None, None)


def test_writers_do_not_wait_for_a_seal_that_is_being_made(committed_session_factory: SessionFactory) -> None:
    world = World(committed_session_factory)
    subject = world.school()
    with world.unit_of_work() as sealing:
        assert seals.seal_next(sealing, seals.settled_up_to(sealing, patience_seconds=1) or 0)
        sealing.session.flush()
        with world.unit_of_work() as writer:
            writer.session.execute(text("set local lock_timeout = '100ms'"))
            writer.record(None, subject, SYSTEM, action="look")
    assert verdict(committed_session_factory).unsealed == 1


# the shell

Shell = Callable[..., Result]


@pytest.fixture
def shell(committed_database_url: str, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Type a command."""
    variables = {
        "IEW_DATABASE_URL": committed_database_url, "IEW_REDIS_URL": parts.redis_url,
        "IEW_OPENSEARCH_URL": parts.opensearch_url, "IEW_SMTP_URL": parts.smtp_url,
        "IEW_BASE_URL": "http://localhost:8000", "IEW_SECRET_KEY": "a secret key of the tests",
        "IEW_MAIL_FROM": "window@iew.example",
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    def shell(*words: str) -> Result:
        return CliRunner().invoke(main, list(words))

    return shell


def test_the_operator_is_told_that_all_seals_hold_or_which_does_not(
    committed_session_factory: SessionFactory, shell: Shell
) -> None:
    empty = shell("audit", "verify")
    assert (empty.exit_code, empty.stdout) == (0, "0 seals hold over 0 events; 0 came since\n")
    World(committed_session_factory).match()
    tick(committed_session_factory, NOW)
    seal = chain(committed_session_factory)[-1]

    whole = shell("audit", "verify", "--noted", seal.hash)
    assert whole.exit_code == 0
    assert f"1 seals hold over {seal.count} events; 0 came since" in whole.stdout
    assert seal.hash in whole.stdout

    another = shell("audit", "verify", "--noted", "0" * 64)
    assert (another.exit_code, "no seal has the hash" in another.stderr) == (1, True)

    tamper(committed_session_factory, f"update events set action = 'ask' where id = {seal.up_to_id}")
    broken = shell("audit", "verify")
    assert (broken.exit_code, broken.stderr) == (1, "iew: 1 of 1 seals do not hold\n")
    assert broken.stdout == "seal 1: an event under it, or the seal itself, was changed\n"
