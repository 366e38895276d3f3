"""The home: one directory with the data of the embedded parts, their addresses and the secret that signs sessions.

`parts.json` holds, while the parts run, the variables under which they are reached; other commands read it. Whoever
runs the parts holds a lock, so that two never share a home and nobody trusts the addresses of parts that are gone.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from iew.embedded.faults import PartFault

PARTS_FILE: Final = "parts.json"
LOCK_FILE: Final = "up.lock"
PROCESSES_FILE: Final = "processes.json"


def environment_of(home: Path) -> dict[str, str]:
    """The variables of the parts that run in `home`; empty where none run."""
    parts = home / PARTS_FILE
    if not parts.is_file() or not is_locked(home):
        return {}
    return dict(json.loads(parts.read_text()))


def processes_of(home: Path) -> dict[str, int]:
    """The process of each part that `iew up` runs in `home`, by name; empty where none run."""
    file = home / PROCESSES_FILE
    if not file.is_file() or not is_locked(home):
        return {}
    return {name: int(pid) for name, pid in json.loads(file.read_text()).items()}


def is_locked(home: Path) -> bool:
    """Whether somebody runs the parts of this home."""
    try:
        lock = (home / LOCK_FILE).open()
    except FileNotFoundError:
        return False
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the home, or raise PartFault where somebody else does."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock: IO[str] = (home / LOCK_FILE).open("a+")
    except OSError as refusal:
        raise PartFault(f"cannot write to {home}: {refusal.strerror}; choose another place with --home") from refusal
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            lock.seek(0)
            raise PartFault(f"iew already runs on {home} (process {lock.read().strip() or 'unknown'})") from held
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def write_parts(home: Path, variables: Mapping[str, str]) -> None:
    """Tell the other commands where the parts are; readable by this user alone, for it holds passwords."""
    write_privately(home / PARTS_FILE, json.dumps(dict(variables), indent=1) + "\n")


def previous_ports(home: Path) -> dict[str, int]:
    """The ports of the last run, so that addresses stay the same where they can."""
    try:
        return {name: int(port) for name, port in json.loads((home / "ports.json").read_text()).items()}
    except FileNotFoundError:
        return {}


def keep_ports(home: Path, ports: Mapping[str, int]) -> None:
    """Remember the ports for the next run."""
    write_privately(home / "ports.json", json.dumps(dict(ports)) + "\n")


def secret(home: Path, name: str) -> str:
    """A secret of this home, made once and kept."""
    file = home / "secrets" / name
    if not file.is_file():
        write_privately(file, secrets.token_urlsafe(32))
    return file.read_text()


def write_privately(file: Path, text: str) -> None:
    """Write a file whole or not at all, for this user's eyes only."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
