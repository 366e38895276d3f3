"""Databases made for a test or a measurement, and dropped after it."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

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


@contextmanager
def created_database(parts: Parts, template: str = "template1") -> Iterator[str]:
    """A database of its own; its address."""
    name = f"iew_{secrets.token_hex(6)}"
    administer(parts, f"create database {name} template {template}")
    try:
        yield address_of(parts, name)
    finally:
        administer(parts, f"drop database if exists {name} with (force)")
