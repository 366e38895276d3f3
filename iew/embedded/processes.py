"""Child processes that never outlive their parent.

Every child is in a session of its own, so that Ctrl-C reaches the supervisor alone, and the kernel signals it when the
supervisor dies, however that happens. The kernel ties this to the thread that forked: start children from the main
thread only.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from iew.embedded.faults import PartFault

PR_SET_PDEATHSIG: Final = 1
LOG_TAIL_CHARACTERS: Final = 4000
LARGEST_LOG_BYTES: Final = 20 * 1024 * 1024
POLL_SECONDS: Final = 0.05

_libc: Final = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int, death_signal: int) -> None:
    """In a fresh child: ask the kernel to send `death_signal` when `parent` is gone; leave if it is gone already."""
    _libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


@dataclass
class Child:
    """One child process and how to start it again.

    death_signal: what it gets when the supervisor is killed. stop_signal: what asks it to end in good order.
    stop_seconds: how long it may take over that before it is killed. before_exec: runs in the child.
    """

    name: str
    command: Callable[[], Sequence[str]]
    log: Path
    environment: Mapping[str, str]
    directory: Path | None = None
    death_signal: int = signal.SIGKILL
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 20
    before_exec: Callable[[], None] | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it now; what it writes is appended to its log."""
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("children die with the thread that starts them; start them from the main thread")
        parent = os.getpid()
        before_exec, death_signal = self.before_exec, self.death_signal

        def prepare() -> None:
            if before_exec is not None:
                before_exec()
            die_with_parent(parent, death_signal)  # last: a change of user would clear it

        with open_log(self.log) as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.PIPE, stdout=log, stderr=log, env=dict(self.environment),
                cwd=self.directory, start_new_session=True, preexec_fn=prepare,
            )  # fmt: skip

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    @property
    def exit_status(self) -> int | None:
        """Its exit status once it has ended; negative for a signal."""
        return None if self.process is None else self.process.poll()

    def ask_to_stop(self) -> None:
        """Ask it to end in good order; returns at once."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)

    def end_rest(self) -> None:
        """Kill what a child that has ended left in its session's first group, as its own children do."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def end_input(self, last_word: bytes) -> None:
        """Say a last word to one that reads its standard input, and wait until it ends."""
        if self.process is not None and self.process.stdin is not None:
            with suppress(BrokenPipeError), self.process.stdin as line:
                line.write(last_word)
            self.process.wait()

    def stop(self) -> None:
        """End it: politely first, by force after `stop_seconds`."""
        if self.process is None:
            return
        self.ask_to_stop()
        try:
            self.process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.end_rest()
        if self.process.stdin is not None:
            self.process.stdin.close()

    def wait_until(self, is_ready: Callable[[], bool], seconds: float) -> None:
        """Block until `is_ready`, or raise PartFault when the child ends or `seconds` have passed."""
        end = time.monotonic() + seconds
        while not is_ready():
            if not self.is_running:
                raise PartFault(f"{self.name} ended with status {self.exit_status}: {self.last_words()}")
            if time.monotonic() > end:
                raise PartFault(f"{self.name} did not answer within {seconds:.0f} s; see {self.log}")
            time.sleep(POLL_SECONDS)

    def last_words(self) -> str:
        """The line of its log that says best why it ended: the last one that speaks of an error, else the last one."""
        text = self.log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:] if self.log.exists() else ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        faults = [line for line in lines if "error" in line.casefold() or line.startswith("iew: ")]
        return (faults or lines or ["it said nothing"])[-1] + f" (more in {self.log})"


def open_log(file: Path) -> BinaryIO:
    """A log to append to; a large one is set aside first."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists() and file.stat().st_size > LARGEST_LOG_BYTES:
        file.replace(file.with_suffix(".log.1"))
    return file.open("ab")


def python_command(*arguments: str) -> tuple[str, ...]:
    """A command of this interpreter, which does not look for modules in the directory it happens to be run in."""
    return (sys.executable, "-P", *arguments)


def free_port(preferred: int | None = None) -> int:
    """A loopback port that is free at this moment, the preferred one if it is."""
    for port in (preferred, 0) if preferred else (0,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise PartFault("no free port on 127.0.0.1")


def accepts_connections(port: int) -> bool:
    """Whether something listens on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
