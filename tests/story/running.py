"""The processes beside the web, as they run in production, over a database, a queue and an index of their own."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask
from redis import Redis
from sqlalchemy import func, select
from sqlalchemy.orm import sessionmaker

from config.settings import Settings
from iew.app import build as build_house
from iew.app import create_app
from iew.models import OutboxRow
from iew.services import catalog
from iew.web.house import House
from tests.mail.sink import Sink, running_sink
from tests.parts import Parts
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]
DATABASES = 16
"""As many as the queue's server has; the first is that of the other tests."""
CALM_SECONDS = 150
"""What a killed worker held is sent again when its lease ends, after 75 seconds."""


@dataclass
class Running:
    """A whole installation: web in this process, relay and worker in processes of their own."""

    house: House
    app: Flask
    sink: Sink
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, *parts: str) -> None:
        """Start these parts; `worker:1` and `worker:2` are two of a kind."""
        for part in parts:
            kind, _, _ = part.partition(":")
            self.processes[part] = subprocess.Popen(
                [sys.executable, "-m", "worker", kind], cwd=ROOT, env=self.environment, start_new_session=True
            )

    def kill(self, part: str) -> None:
        """SIGKILL to the process and everything it started."""
        process = self.processes.pop(part)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(30)

    def owed(self) -> int:
        """Rows of the outbox that are not done."""
        with self.house.unit_of_work() as uow:
            rows = select(func.count()).where(OutboxRow.done_at.is_(None), OutboxRow.parked_at.is_(None))
            return uow.session.scalar(rows) or 0

    def calm(self) -> None:
        """Wait until nothing is owed any more."""
        wait_until(lambda: self.owed() == 0, f"still owed: {self.owed()}")

    def mails_to(self, address: str) -> list[str]:
        """Subjects of the mails that one address got, in the order they came."""
        return [
            str(mail["Subject"])
            for mail in self.sink.taken
            if str(mail["To"]).endswith(f"{address}>") or str(mail["To"]) == address
        ]


def wait_until(holds: Callable[[], bool], otherwise: str, seconds: float = CALM_SECONDS) -> None:
    """Poll until `holds`; fail with `otherwise` after so many seconds."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, otherwise
        time.sleep(0.05)


@contextmanager
def installation(parts: Parts, database_url: str, redis_url: str | None = None) -> Iterator[Running]:
    """An installation with no process beside the web started yet; its index is dropped at the end."""
    prefix = f"story-{secrets.token_hex(4)}"
    with running_sink() as sink:
        variables = {
            "IEW_DATABASE_URL": database_url,
            "IEW_REDIS_URL": redis_url or own_queue(parts.redis_url),
            "IEW_OPENSEARCH_URL": parts.opensearch_url,
            "IEW_SMTP_URL": sink.url,
            "IEW_BASE_URL": "http://localhost",
            "IEW_SECRET_KEY": "a secret key of the story",
            "IEW_MAIL_FROM": "window@window.example",
            "IEW_INDEX_PREFIX": prefix,
            "IEW_RATE_LIMITS": "off",
        }
        house = build_house(Settings.from_environ(variables))
        running = Running(house, create_app(house), sink, os.environ | variables)
        writer, searches = catalog.writer_of(house.searcher), catalog.search_writer_of(house.searcher)
        try:
            catalog.ensure(house.unit_of_work, writer)
            catalog.ensure_searches(house.unit_of_work, searches)
            yield running
        finally:
            running.stop()
            writer.drop_everything()
            searches.drop_everything()
            assert house.engine is not None
            house.engine.dispose()


def world_of(running: Running) -> World:
    """A world in the database of an installation, with its web."""
    assert running.house.engine is not None
    return World(sessionmaker(running.house.engine, expire_on_commit=False), running.app)


def own_queue(redis_url: str) -> str:
    """Another database of the same server, one for each process that shares the tests, emptied of what was before."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % (DATABASES - 1)
    url = urlsplit(redis_url)._replace(path=f"/{1 + number}").geturl()
    with Redis.from_url(url) as redis:
        redis.flushdb()
    return url
