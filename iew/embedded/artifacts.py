"""Fetches the files of the embedded search engine, once per user, and proves that they are the locked ones.

The lock names every file with its SHA-256 and size. What is in the cache and does not match is fetched again; what
matches is never asked for again, so that after one good run no network is touched. A killed run leaves only `.part`
files, which the next one continues.
"""

import errno
import fcntl
import hashlib
import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from threading import Event
from typing import Final
from urllib.error import HTTPError
from urllib.request import HTTPSHandler, OpenerDirector, Request, build_opener

import certifi

from iew.embedded.faults import PartFault

LOCK_FILE: Final = Path(__file__).with_name("opensearch.lock")
CENTRAL: Final = "https://repo1.maven.org/maven2/"
THREADS: Final = 8
TRIES: Final = 4
FIRST_PAUSE_SECONDS = 0.5
TIMEOUT_SECONDS: Final = 60
BLOCK_BYTES: Final = 1 << 18
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
HOPELESS: Final = frozenset({401, 403, 404, 410})  # asking again will not help

Progress = Callable[[str, int], None]  # told which file, and how many bytes of it are there by now


@dataclass(frozen=True)
class Artifact:
    """One file of the lock."""

    sha256: str
    size: int
    path: str  # below the base address of a Maven repository

    @property
    def name(self) -> str:
        """The file's own name; unique within the lock."""
        return self.path.rpartition("/")[2]

    def is_whole(self, file: Path) -> bool:
        """Whether `file` is exactly this artifact, by size and hash."""
        if not file.is_file() or file.stat().st_size != self.size:
            return False
        return digest_of(file) == self.sha256


def digest_of(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_lock(lock_file: Path = LOCK_FILE) -> tuple[Artifact, ...]:
    """Every artifact of the lock, in its order."""
    rows = (line.split() for line in lock_file.read_text().splitlines() if line and not line.startswith("#"))
    return tuple(Artifact(sha256, int(size), path) for sha256, size, path in rows)


def cache_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Where this user keeps what was fetched; shared by all homes."""
    base = environment.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "iew"


def mirror_address(environment: Mapping[str, str] = os.environ) -> str:
    """The base address of the repository, with a slash at its end."""
    return (environment.get("IEW_ARTIFACT_MIRROR") or CENTRAL).rstrip("/") + "/"


def incomplete(artifacts: tuple[Artifact, ...], directory: Path, *, thorough: bool = False) -> list[Artifact]:
    """Those that are missing from `directory`, biggest first.

    thorough: compare hashes too, not only sizes. A file gets its name only after its hash was right, so the quick look
    finds all but damage done later.
    """

    def is_there(artifact: Artifact) -> bool:
        file = directory / artifact.name
        return artifact.is_whole(file) if thorough else file.is_file() and file.stat().st_size == artifact.size

    return sorted((a for a in artifacts if not is_there(a)), key=lambda a: -a.size)


def fetch(artifacts: tuple[Artifact, ...], directory: Path, base: str, progress: Progress) -> None:
    """Bring `directory` up to the lock, or raise PartFault; whole files stay whatever happens.

    base: address of the repository. progress: called from several threads.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with _only_one(directory):
        wanted = incomplete(artifacts, directory, thorough=True)
        given_up = Event()
        with ThreadPoolExecutor(THREADS, thread_name_prefix="fetch") as pool:
            jobs = [pool.submit(_bring, artifact, directory, base, progress, given_up) for artifact in wanted]
            done, waiting = wait(jobs, return_when=FIRST_EXCEPTION)
            given_up.set()
            for job in waiting:
                job.cancel()
        for job in done:
            job.result()


@contextmanager
def _only_one(directory: Path) -> Iterator[None]:
    """Wait until no other process fetches into this directory."""
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _opener() -> OpenerDirector:
    """Reads the proxy variables as they are now, and trusts the usual authorities where the machine names none."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return build_opener(HTTPSHandler(context=context))


class _NotThere(Exception):
    """The server refuses this file, and will refuse it again."""


class _Broken(Exception):
    """This try failed; another may not."""


def _bring(artifact: Artifact, directory: Path, base: str, progress: Progress, given_up: Event) -> None:
    """One file, with a few tries; a part that turns out wrong is thrown away."""
    part, reason = directory / f"{artifact.name}.part", ""
    for attempt in range(TRIES):
        if given_up.wait(0 if attempt == 0 else FIRST_PAUSE_SECONDS * 4 ** (attempt - 1)):
            return
        try:
            _continue_part(artifact, part, base, progress)
        except _Broken as fault:
            reason = str(fault)
        except _NotThere as refusal:
            reason = str(refusal)
            break
        else:
            if artifact.is_whole(part):
                part.replace(directory / artifact.name)
                return
            part.unlink()
            reason = "its checksum is not the locked one"
    raise PartFault(f"cannot fetch {base}{artifact.path}: {reason}; run it again, or set IEW_ARTIFACT_MIRROR")


def _continue_part(artifact: Artifact, part: Path, base: str, progress: Progress) -> None:
    """Append to the part what it lacks, or start anew where the server cannot continue; it has its full size then."""
    have = part.stat().st_size if part.exists() else 0
    have = have if have < artifact.size else 0
    headers = {"User-Agent": "iew"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with _opener().open(Request(base + artifact.path, headers=headers), timeout=TIMEOUT_SECONDS) as reply:
            have = have if reply.status == 206 else 0
            with part.open("ab" if have else "wb") as out:
                while have < artifact.size and (block := reply.read(min(BLOCK_BYTES, artifact.size - have))):
                    out.write(block)
                    have += len(block)
                    progress(artifact.name, have)
                out.flush()
                os.fsync(out.fileno())
    except HTTPError as refusal:
        refusal.close()
        kind = _NotThere if refusal.code in HOPELESS else _Broken
        raise kind(f"{refusal.code} {refusal.reason}") from refusal
    except (OSError, HTTPException) as trouble:
        if isinstance(trouble, OSError) and (trouble.filename or trouble.errno in FULL):  # our disk, not the network
            raise PartFault(f"cannot write {trouble.filename or part}: {trouble.strerror}") from trouble
        raise _Broken(str(getattr(trouble, "reason", trouble))) from trouble
    if have < artifact.size:
        raise _Broken("the connection broke")
