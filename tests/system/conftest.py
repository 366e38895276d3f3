"""What the system tests stand on: Debian's own servers, and a browser."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parts import Parts, parts_for_tests

POSTGRES_15 = Path("/usr/lib/postgresql/15/bin")
START_SECONDS = 30


@pytest.fixture(scope="session")
def parts() -> Parts:
    return parts_for_tests()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server does not answer")


@pytest.fixture
def postgresql_15(tmp_path: Path) -> Iterator[str]:
    """The oldest PostgreSQL that is supported, from Debian's package; its address."""
    if not (POSTGRES_15 / "postgres").exists():
        pytest.skip("PostgreSQL 15 is not installed")
    data, port = tmp_path / "data", free_port()
    as_nobody = _as_somebody_else(tmp_path)
    subprocess.run(
        [*as_nobody, POSTGRES_15 / "initdb", "-D", data, "-A", "trust", "-U", "iew", "-E", "UTF8"],
        check=True,
        capture_output=True,
    )
    options = ["-p", str(port), "-h", "127.0.0.1", "-k", str(tmp_path), "-c", "fsync=off", "-c", "max_connections=200"]
    process = subprocess.Popen([*as_nobody, POSTGRES_15 / "postgres", "-D", data, *options], stderr=subprocess.DEVNULL)
    try:
        _until_open(port, process)
        yield f"postgresql+psycopg://iew@127.0.0.1:{port}/postgres"
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def _as_somebody_else(directory: Path) -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    somebody = pwd.getpwnam("nobody")
    shutil.chown(directory, somebody.pw_uid, somebody.pw_gid)
    for parent in directory.parents:
        if parent.stat().st_uid == 0 and str(parent).startswith("/tmp/"):
            parent.chmod(parent.stat().st_mode | 0o055)
    return ["setpriv", "--reuid", "nobody", "--regid", str(somebody.pw_gid), "--clear-groups"]


@pytest.fixture
def redis_7(tmp_path: Path) -> Iterator[str]:
    """Redis as Debian ships it; its address."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    directory = tmp_path / "redis"
    directory.mkdir()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory), "--appendonly", "yes"]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        _until_open(port, process)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(START_SECONDS)
