"""A queue of its own for every test, and a database with real commits."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import Engine, text

from iew.db import make_engine, make_session_factory
from iew.embedded.valkey import Valkey
from tests.databases import created_database
from tests.parts import Parts
from tests.workshop import Workshop
from worker.queueing import connect


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A server that these tests may kill and empty."""
    home = tmp_path_factory.mktemp("valkey")
    server = Valkey(Path(home), os.environ, password="test")
    server.choose_ports({})
    server.start()
    server.wait_until_ready()
    yield server
    server.stop()


@pytest.fixture
def redis(valkey: Valkey) -> Iterator[Redis]:
    connection = connect(valkey.url)
    connection.flushall()
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def worker_database_url(parts: Parts, template_database: str) -> Iterator[str]:
    """One database with real commits for all tests of the worker: making one takes longer than most of them do."""
    with created_database(parts, template_database) as address:
        yield address


@pytest.fixture(scope="session")
def worker_engine(worker_database_url: str) -> Iterator[Engine]:
    engine = make_engine(worker_database_url, statement_seconds=20, pool_size=20)
    yield engine
    engine.dispose()


@pytest.fixture
def committed(worker_engine: Engine) -> Workshop:
    """A workshop whose commits are real; nothing is owed, planned or done when a test begins. History stays."""
    with worker_engine.begin() as connection:
        for table in ("outbox", "email_deliveries", "duties"):
            connection.execute(text(f"delete from {table}"))
        connection.execute(text("update users set disabled_at = now()"))
        connection.execute(text("update invitations set status = 'closed'"))
    return Workshop(make_session_factory(worker_engine))
