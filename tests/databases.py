"""Databases made for a test or a measurement, and dropped after it."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from config.settings import REFERENCE_DIR
from iew.cli.db import upgrade
from iew.db import make_engine, make_session_factory
from iew.services import reference
from iew.uow import UnitOfWork
from tests.parts import Parts


def administer(parts: Parts, *statements: str) -> None:
    """Run statements that no transaction may hold."""
    engine = create_engine(parts.database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def address_of(parts: Parts, name: str) -> str:
    """The address of another database on the same server."""
    return make_url(parts.database_url).set(database=name).render_as_string(hide_password=False)


def prepare(url: str) -> None:
    """Make the tables of a database, and load the reference data."""
    engine = make_engine(url, statement_seconds=60)
    upgrade(engine)
    with UnitOfWork(make_session_factory(engine)) as uow:
        reference.load(uow, REFERENCE_DIR)
    engine.dispose()


@contextmanager
def created_database(parts: Parts, template: str = "template1") -> Iterator[str]:
    """A database of its own; its address."""
    name = f"iew_{secrets.token_hex(6)}"
    administer(parts, f"create database {name} template {template}")
    try:
        yield address_of(parts, name)
    finally:
        administer(parts, f"drop database if exists {name} with (force)")
