"""`iew backup` and `iew restore`: the database to one file and back, by PostgreSQL's own programs.

The file is written beside its name and moved there when it is whole, so that a broken backup never looks like one. The
search index is no part of it: it is rebuilt from the database.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from sqlalchemy import Engine, inspect, make_url

from iew.cli.db import upgrade
from iew.cli.settings import PATIENCE_SECONDS, house, settings
from iew.db import make_engine
from iew.duties import settle_after_restore
from iew.embedded.faults import PartFault
from iew.embedded.postgres import binaries
from iew.errors import IewError
from iew.services import installation

MARK: Final = b"PGDMP"
"""How a file of pg_dump's own format begins."""
NEW_SETTING: Final = b"SET transaction_timeout = 0;"
HEAD_BYTES: Final = 4096
LOCK_SECONDS: Final = 20
"""How long a program waits for the tables that a running service holds."""


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write the whole database to FILE; an older FILE is replaced once the new one is whole."""
    url = settings().database_url
    if not file.absolute().parent.is_dir():
        raise IewError(f"there is no directory {file.absolute().parent}")
    with _draft_beside(file) as draft:
        _run(["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={draft}"], url)
        _make_durable(draft, file)
    click.echo(f"{file} holds the database, {file.stat().st_size} bytes")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--replace", is_flag=True, help="Drop what the database holds now.")
def restore(file: Path, replace: bool) -> None:
    """Fill the database from FILE, which `iew backup` wrote; all of it or, where anything fails, nothing."""
    url = settings().database_url
    with file.open("rb") as content:
        if content.read(len(MARK)) != MARK:
            raise IewError(f"{file} was not written by `iew backup`")
    engine = make_engine(url, statement_seconds=PATIENCE_SECONDS, pool_size=1)
    try:
        tables = _tables(engine)
        if tables and not replace:
            raise IewError(f"the database holds {len(tables)} tables already; --replace drops them first")
        with tempfile.TemporaryDirectory() as directory:
            script = Path(directory) / "restore.sql"
            _run(["pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(file.absolute())], url)
            _spare_older_servers(script)
            _load(script, url, replace=bool(tables))
        upgrade(engine)
    finally:
        engine.dispose()
    building = house()
    settle_after_restore(building.unit_of_work, datetime.now(UTC))
    with building.unit_of_work() as uow:
        installation.forget_secret(uow)  # the file may come from a home with another one
    click.echo("the database is restored; now run `iew search rebuild`, since the index knows another past")


def _tables(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return inspect(connection).get_table_names()


def _spare_older_servers(script: Path) -> None:
    """Blank out a setting that PostgreSQL before 17 does not know, in the head of the script and nowhere else."""
    with script.open("r+b") as content:
        at = content.read(HEAD_BYTES).find(NEW_SETTING)
        if at >= 0:
            content.seek(at)
            content.write(b"--" + b" " * (len(NEW_SETTING) - 2))


def _load(script: Path, url: str, *, replace: bool) -> None:
    """Run the script in one transaction; with `replace` the old content goes in the same one."""
    first = ["--command=drop schema public cascade; create schema public"] if replace else []
    _run(
        ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction", *first, f"--file={script}"],
        url,
    )


@contextmanager
def _draft_beside(file: Path) -> Iterator[Path]:
    """A file of the same directory, for this user alone, that is gone at the end unless it was moved."""
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.absolute().parent)
    os.close(descriptor)
    draft = Path(name)
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _make_durable(draft: Path, file: Path) -> None:
    with draft.open("rb") as content:
        os.fsync(content.fileno())
    draft.replace(file)


def _run(command: Sequence[str], url: str) -> None:
    """Run one of PostgreSQL's programs against the database. Raises IewError with its last line."""
    run = subprocess.run(
        [_program(command[0]), *command[1:]], env=_environment(url), stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if run.returncode != 0:
        said = [line.strip() for line in run.stderr.splitlines() if line.strip()] or ["it said nothing"]
        fault = next((line for line in said if "error" in line.lower()), said[0])
        raise IewError(f"{command[0]} failed: {fault}")


def _program(name: str) -> str:
    """The embedded program where it is installed, else the one on the PATH."""
    try:
        return str(binaries() / name)
    except PartFault:
        found = shutil.which(name)
    if found is None:
        raise IewError(f"{name} is needed and is not on the PATH; install PostgreSQL's client programs")
    return found


def _environment(url: str) -> Mapping[str, str]:
    """The address for PostgreSQL's programs, as variables: a password on the command line would be seen by all."""
    address = make_url(url)
    given = {
        "PGHOST": address.host,
        "PGPORT": str(address.port) if address.port else None,
        "PGUSER": address.username,
        "PGPASSWORD": str(address.password) if address.password else None,
        "PGDATABASE": address.database,
        "PGOPTIONS": f"-c lock_timeout={LOCK_SECONDS}s -c client_min_messages=warning",
        "PGSSLMODE": str(address.query["sslmode"]) if "sslmode" in address.query else None,
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return inherited | {name: value for name, value in given.items() if value}
