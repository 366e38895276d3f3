"""The real servers that the tests run against, started once per test run.

The first process of a run starts a keeper, which runs the servers in a temporary home; the processes of pytest-xdist
share it. Each user holds a lock for as long as it lives, and the keeper stops when nobody holds it any more, however
the users ended. `IEW_TEST_PARTS=<a parts.json>` reuses servers that run already.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

START_SECONDS = 180
POSTGRES_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "autovacuum": "off",  # its workers keep a database from being dropped by a role that may not end them
}
HEAP = "640m"
OF_THE_PROGRAM = {
    "IEW_BASE_URL": "http://window.test",
    "IEW_SECRET_KEY": "for-tests-only-0123456789",
    "IEW_MAIL_FROM": "window@iew.example",
}

_held: list[IO[str]] = []  # the locks of this process; closed by its end, never before


@dataclass(frozen=True)
class Parts:
    """Where the servers of this test run are."""

    database_url: str  # a role that may create databases
    redis_url: str
    opensearch_url: str
    smtp_url: str
    mail_page: str  # with a slash at the end; the mails are at messages.json below it
    variables: dict[str, str]  # all of it, as a process under test gets it


@cache
def parts_for_tests() -> Parts:
    """The servers of this test run; started by the first one who asks, and stopped after the last one has ended."""
    named = os.environ.get("IEW_TEST_PARTS")
    variables = json.loads(Path(named).read_text()) if named else _of_this_run()
    return Parts(
        database_url=variables["IEW_DATABASE_URL"],
        redis_url=variables["IEW_REDIS_URL"],
        opensearch_url=variables["IEW_OPENSEARCH_URL"],
        smtp_url=variables["IEW_SMTP_URL"],
        mail_page=variables["IEW_MAIL_PAGE"],
        variables=variables,
    )


def _of_this_run() -> dict[str, str]:
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"process-{os.getpid()}"
    home = Path(tempfile.gettempdir()) / f"iew-tests-{os.getuid()}-{run}"
    home.mkdir(exist_ok=True)
    users = (home / "users.lock").open("w")
    fcntl.flock(users, fcntl.LOCK_SH)
    _held.append(users)
    with (home / "start.lock").open("w") as start:
        fcntl.flock(start, fcntl.LOCK_EX)
        if not (home / "parts.json").exists():
            _start_keeper(home)
    return dict(json.loads((home / "parts.json").read_text()))


def _start_keeper(home: Path) -> None:
    log = home / "keeper.log"
    with log.open("ab") as out:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.parts", str(home)], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            cwd=Path(__file__).parent.parent, start_new_session=True,
        )  # fmt: skip
    end = time.monotonic() + START_SECONDS
    while not (home / "parts.json").exists():
        if keeper.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"the servers for the tests did not start: {log.read_text()[-2000:]}")
        time.sleep(0.05)
    keeper.returncode = 0  # it outlives this process on purpose; nobody waits for it


def _keep(home: Path) -> None:
    """The keeper: run the servers until nobody uses them, then remove all traces."""
    from iew.embedded import home as homes
    from iew.embedded import opensearch
    from iew.embedded.servers import Servers

    if not opensearch.is_set_up():
        opensearch.set_up(lambda name, size: None)
    heap = os.environ.get("IEW_OPENSEARCH_HEAP", HEAP)
    outside = {name: value for name, value in os.environ.items() if not name.startswith("IEW_")}
    with homes.locked(home):
        servers = Servers(home, outside | {"IEW_OPENSEARCH_HEAP": heap}, postgres_settings=POSTGRES_SETTINGS)
        servers.start()
        try:
            servers.wait_until_ready()
            homes.write_parts(home, servers.variables() | OF_THE_PROGRAM)
            _wait_until_unused(home)
        finally:
            servers.stop()
    shutil.rmtree(home, ignore_errors=True)


def _wait_until_unused(home: Path) -> None:
    with (home / "users.lock").open() as users:
        while True:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.5)
            else:
                return


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))
