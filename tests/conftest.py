"""The servers of a test run, a database made once, and a fresh transaction for every test."""

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import sessionmaker

from iew.db import SessionFactory, make_engine
from tests.databases import address_of, administer, created_database, prepare
from tests.pages.browser import Browser
from tests.parts import Parts, parts_for_tests
from tests.workshop import Workshop
from tests.world import World

TEMPLATE = f"iew_template_{os.getpid()}"


@pytest.fixture(scope="session")
def parts() -> Parts:
    """Where the servers of this run are."""
    return parts_for_tests()


@pytest.fixture(scope="session")
def template_database(parts: Parts) -> Iterator[str]:
    """A migrated database with the reference data in it; others are copies of it."""
    administer(parts, f"create database {TEMPLATE}")
    prepare(address_of(parts, TEMPLATE))
    yield TEMPLATE
    administer(parts, f"drop database if exists {TEMPLATE} with (force)")


@pytest.fixture(scope="session")
def shared_engine(parts: Parts, template_database: str) -> Iterator[Engine]:
    """The database of the tests that roll back."""
    name = f"iew_shared_{os.getpid()}"
    administer(parts, f"create database {name} template {template_database}")
    engine = make_engine(address_of(parts, name), statement_seconds=20)
    yield engine
    engine.dispose()
    administer(parts, f"drop database if exists {name} with (force)")


@pytest.fixture
def session_factory(shared_engine: Engine) -> Iterator[SessionFactory]:
    """Sessions inside one transaction that is rolled back after the test; their commits are savepoints."""
    with shared_engine.connect() as connection:
        transaction = connection.begin()
        yield sessionmaker(connection, expire_on_commit=False, join_transaction_mode="create_savepoint")
        transaction.rollback()


@pytest.fixture
def committed_database_url(parts: Parts, template_database: str) -> Iterator[str]:
    """A database of its own for a test that needs real commits: several processes, races, kills."""
    with created_database(parts, template_database) as address:
        yield address


@pytest.fixture
def committed_engine(committed_database_url: str) -> Iterator[Engine]:
    engine = make_engine(committed_database_url, statement_seconds=20)
    yield engine
    engine.dispose()


@pytest.fixture
def committed_session_factory(committed_engine: Engine) -> SessionFactory:
    return sessionmaker(committed_engine, expire_on_commit=False)


@pytest.fixture
def world(session_factory: SessionFactory) -> World:
    """Things made in a line each, in the transaction of this test."""
    return World(session_factory)


@pytest.fixture
def browser(world: World) -> Browser:
    """A browser in which nobody is signed in, reading English."""
    return Browser(world.app)


@pytest.fixture
def workshop(session_factory: SessionFactory) -> Workshop:
    """Does owed jobs in the transaction of this test."""
    return Workshop(session_factory)


_connect = socket.socket.connect


def _connect_on_this_machine(door: socket.socket, address: Any) -> None:
    host = address[0] if isinstance(address, tuple) else ""
    assert isinstance(address, str | bytes) or host in ("127.0.0.1", "::1", "localhost"), f"{host} is not loopback"
    return _connect(door, address)


socket.socket.connect = _connect_on_this_machine  # type: ignore[assignment,method-assign]  # for the whole run
