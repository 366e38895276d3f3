"""An installation that holds a crowd: the database filled by COPY, the index by whoever measures that."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

import requests
from psycopg.types.json import Jsonb
from sqlalchemy import Engine, Table, text
from sqlalchemy.dialects.postgresql import JSONB

from config.settings import Settings
from iew.app import LEXICON_DIR
from iew.app import build as build_house
from iew.db import make_engine
from iew.models import Invitation, School
from iew.services import catalog
from iew.uow import UnitOfWork
from iew.web.house import House
from search_index import wordlists
from search_index.reader import Reader
from search_index.writer import Writer
from tests.bench.crowd import BEGAN, Crowd
from tests.databases import address_of, administer, prepare
from tests.parts import Parts
from tests.story.running import ROOT, wait_until

STATEMENT_SECONDS: Final = 600


@dataclass
class Installed:
    """house: of this process. environment: of the others."""

    house: House
    crowd: Crowd
    environment: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def reader(self) -> Reader:
        return self.house.searcher

    @property
    def writer(self) -> Writer:
        return catalog.writer_of(self.reader)

    def open_uow(self) -> UnitOfWork:
        return self.house.unit_of_work()

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start `iew …` beside; it ends with this installation."""
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, env=self.environment, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def start_web(self) -> str:
        """Start the web as it runs in production; its address."""
        with socket.socket() as door:
            door.bind(("127.0.0.1", 0))
            port = door.getsockname()[1]
        address = f"http://127.0.0.1:{port}"
        self.environment["IEW_BASE_URL"] = address
        self.start("iew", "web", "--port", str(port))
        wait_until(lambda: _answers(f"{address}/healthz"), "the web did not start")
        return address

    def stop(self) -> None:
        for process in self.processes:
            os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes:
            process.wait(60)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.ConnectionError:
        return False


@contextmanager
def installed(parts: Parts, count: int) -> Iterator[Installed]:
    """A database that holds a crowd of `count` posts, made where the server has none yet; no index."""
    name = f"iew_crowd_{count}"
    url = address_of(parts, name)
    crowd = Crowd(wordlists.load(LEXICON_DIR), count)
    engine = make_engine(url, statement_seconds=STATEMENT_SECONDS)
    if not _exists(parts, name):
        began = time.monotonic()
        administer(parts, f"drop database if exists {name}_new with (force)", f"create database {name}_new")
        prepare(f"{url}_new")
        fill(make_engine(f"{url}_new", statement_seconds=STATEMENT_SECONDS), crowd)
        administer(parts, f"alter database {name}_new rename to {name}")
        print(
            f"   ({count:,} posts of {crowd.schools:,} schools written in {time.monotonic() - began:.0f} s)", flush=True
        )
    environment = os.environ | parts.variables | {
        "IEW_DATABASE_URL": url, "IEW_INDEX_PREFIX": f"crowd{count}", "IEW_RATE_LIMITS": "off",
    }  # fmt: skip
    engine.dispose()
    settings = Settings.from_environ(environment)
    found = Installed(build_house(settings, statement_seconds=STATEMENT_SECONDS), crowd, environment)
    try:
        yield found
    finally:
        found.stop()
        found.house.engine.dispose()


def _exists(parts: Parts, name: str) -> bool:
    engine = make_engine(parts.database_url)
    with engine.connect() as connection:
        there = connection.scalar(text("select 1 from pg_database where datname = :name"), {"name": name})
    engine.dispose()
    return there is not None


def fill(engine: Engine, crowd: Crowd) -> None:
    """Copy the crowd in."""
    lived = {"version": 1, "created_at": BEGAN, "updated_at": BEGAN}
    raw = engine.raw_connection()
    with raw.cursor() as cursor:
        schools = (crowd.school(at) | lived | {"status": "approved"} for at in range(crowd.schools))
        _copy(cursor, School.__table__, schools)
        _copy(cursor, Invitation.__table__, _posts(crowd, lived))
    raw.commit()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("analyze"))
    raw.close()
    engine.dispose()


def _posts(crowd: Crowd, lived: dict[str, Any]) -> Iterator[dict[str, Any]]:
    schools = [crowd.school(at) for at in range(crowd.schools)]
    for at in range(crowd.count):
        school = schools[at % crowd.schools]
        yield crowd.body(at, school) | lived | {
            "id": f"{at:032x}", "school_id": school["id"], "status": "published", "remarks": [],
            "published_at": crowd.published_at(at),
        }  # fmt: skip


def _copy(cursor: Any, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    """Copy rows into the columns that the first of them names."""
    first = next(rows)
    names = list(first)
    documents = {name for name in names if isinstance(table.c[name].type, JSONB)}
    columns = ", ".join(f'"{name}"' for name in names)
    with cursor.copy(f'copy "{table.name}" ({columns}) from stdin') as copy:
        for row in chain([first], rows):
            copy.write_row([_value(row[name], name in documents) for name in names])


def _value(value: Any, is_document: bool) -> Any:
    return Jsonb(value) if is_document and value is not None else value
