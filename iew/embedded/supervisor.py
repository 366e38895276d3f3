"""`iew up`: the whole product on one machine, from the servers to the web, each part a child process.

The order matters. The search engine takes longest and starts first; the database is brought up to date meanwhile; the
program's own processes come last and go first. One lock on the home keeps a second supervisor away, and three things
see to it that nothing outlives this one: a clean stop, the kernel's signal to its children, and the guardian.
"""

import errno
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from iew.embedded import home as homes
from iew.embedded import opensearch
from iew.embedded.faults import PartFault
from iew.embedded.processes import Child, die_with_parent, open_log, python_command
from iew.embedded.servers import Servers
from iew.embedded.watch import Watched

ACCOUNTS_FILE: Final = "sample-accounts.txt"
METRICS_DIRECTORY: Final = "metrics"
STARTED_FILE: Final = "first-start-done"
MARK_VARIABLE: Final = "IEW_UP_MARK"
LEAST_FREE_BYTES: Final = 512 * 1024 * 1024
WEB_START_SECONDS: Final = 90
WATCH_SECONDS: Final = 0.25
WORKERS: Final = 1
"""One does a hundred jobs a second, more than one machine asks of it; each further one costs 150 MiB."""

_direct = build_opener(ProxyHandler({}))


@dataclass(frozen=True)
class Program:
    """The commands of the program itself, which this package runs but does not know.

    migrate, sample, index: run once each, before the processes start; `sample` on a first start only, and what it
    prints are sign-ins. processes: name and command of each, the web first. stop_seconds: how long a process may
    take over its last job.
    """

    migrate: Sequence[Sequence[str]]
    sample: Sequence[Sequence[str]]
    index: Sequence[Sequence[str]]
    processes: Mapping[str, Sequence[str]]
    stop_seconds: float = 30


class Stopped(BaseException):
    """A signal asked the supervisor to end."""


class Supervisor:
    """Everything `iew up` runs on one home."""

    def __init__(self, home: Path, host: str, port: int, program: Program, environment: Mapping[str, str],
                 say: Callable[[str], None]) -> None:  # fmt: skip
        """environment: the variables from outside. say: told each line for the user."""
        self.home, self.host, self.port, self.program, self.say = home.absolute(), host, port, program, say
        self._environment = dict(environment) | {MARK_VARIABLE: secrets.token_hex(16)}
        self._watched: list[Watched] = []

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the web."""
        name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 (read, not bound)
        return f"http://{f'[{name}]' if ':' in name else name}:{self.port}"

    def run(self, *, with_sample: bool) -> None:
        """Start everything and keep it running until a signal; raises PartFault where it cannot start."""
        if not self._environment.get("IEW_OPENSEARCH_URL") and not opensearch.is_set_up(self._environment):
            raise PartFault("the embedded search engine is not downloaded yet; run `iew parts fetch` once")
        with homes.locked(self.home), _signals_stop(), _clear_words():
            try:
                self._check_port()
                self._check_space()
                self._start(with_sample=with_sample)
                self._watch()
            except Stopped:
                self.say("stopping")
            finally:
                self._stop()

    def _start(self, *, with_sample: bool) -> None:
        begun = time.monotonic()
        shutil.rmtree(self.home / METRICS_DIRECTORY, ignore_errors=True)  # of processes that are no more
        (self.home / METRICS_DIRECTORY).mkdir()
        self._start_guardian()
        self._servers = Servers(self.home, self._environment)
        self._servers.start()
        for server in self._servers.by_variable.values():
            self._watched.append(Watched(server.child, server.start, self.say))
        self._servers.wait_for("IEW_DATABASE_URL")
        first = not (self.home / STARTED_FILE).exists()
        self._run_all(self.program.migrate)
        if first and with_sample:
            self._load_sample()
        self._servers.wait_until_ready()
        homes.write_parts(self.home, self._variables())
        self._start_processes()
        (self.home / STARTED_FILE).touch()
        self._announce(time.monotonic() - begun)

    def _start_guardian(self) -> None:
        """Never stopped by a signal of the kernel, unlike the others: it ends by itself when its pipe breaks."""
        script = str(Path(__file__).with_name("guardian.py"))
        mark = f"{MARK_VARIABLE}={self._environment[MARK_VARIABLE]}"
        guardian = Child(
            "guardian", lambda: (sys.executable, "-I", "-S", script, mark), self._log("guardian"), {}, death_signal=0
        )
        self._start_child(guardian)

    def _variables(self) -> dict[str, str]:
        """What every process of the program is told, beside the environment from outside."""
        ours = self._servers.variables() | {"IEW_HOME": str(self.home)}
        defaults = {
            "IEW_BASE_URL": self.address,
            "IEW_SECRET_KEY": homes.secret(self.home, "secret-key"),
            "IEW_MAIL_FROM": "International Exchange Window <window@iew.example>",
        }
        return ours | {name: self._environment.get(name) or value for name, value in defaults.items()}

    def _child_environment(self) -> dict[str, str]:
        metrics = {"PROMETHEUS_MULTIPROC_DIR": str(self.home / METRICS_DIRECTORY)}
        return self._environment | self._variables() | metrics

    def _start_processes(self) -> None:
        """The web loads while the index is made; the others would write into an index that is not there yet."""
        environment = self._child_environment()
        children = [
            Child(name, partial(tuple, command), self._log(name), environment, stop_seconds=self.program.stop_seconds)
            for name, command in self.program.processes.items()
        ]
        web, *others = children
        self._start_child(web)
        self._run_all(self.program.index)
        for child in others:
            self._start_child(child)
        web.wait_until(self._web_answers, WEB_START_SECONDS)
        self._note_processes()

    def _start_child(self, child: Child) -> None:
        child.start()
        self._watched.append(Watched(child, child.start, self.say))

    def _web_answers(self) -> bool:
        try:
            with _direct.open(f"{self.address}/healthz", timeout=5) as reply:
                return int(reply.status) == 200
        except (URLError, OSError):
            return False

    def _run_all(self, commands: Sequence[Sequence[str]]) -> str:
        """Run commands of the program one after the other, and return what they printed."""
        return "".join(self._run(command) for command in commands)

    def _run(self, command: Sequence[str]) -> str:
        parent = os.getpid()
        run = subprocess.run(
            list(command), env=self._child_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, start_new_session=True, preexec_fn=lambda: die_with_parent(parent, signal.SIGKILL),
        )  # fmt: skip
        with open_log(self._log("setup")) as log:
            log.write(f"$ {' '.join(command)}\n{run.stdout}{run.stderr}".encode())
        if run.returncode != 0:
            last = (run.stderr.strip() or run.stdout.strip() or "it said nothing").splitlines()[-1]
            raise PartFault(f"`{' '.join(command[-2:])}` failed with status {run.returncode}: {last}")
        return run.stdout

    def _load_sample(self) -> None:
        """Load the sample and keep its sign-ins, which are shown at every start."""
        printed = self._run_all(self.program.sample)
        sign_ins = [line for line in printed.splitlines() if len(line.split()) == 3 and "@" in line.split()[1]]
        homes.write_privately(self.home / ACCOUNTS_FILE, "".join(f"{line}\n" for line in sign_ins))

    def _announce(self, seconds: float) -> None:
        self.say(f"The International Exchange Window is open at {self.address} (started in {seconds:.0f} s)")
        if self._servers.mail_page:
            self.say(f"Its mails are caught and shown at {self._servers.mail_page}")
        self.say(f"Logs: {self.home / 'logs'}; stop with Ctrl-C")
        accounts = self.home / ACCOUNTS_FILE
        if accounts.is_file() and (text := accounts.read_text().strip()):
            self.say("Sample sign-ins:")
            for line in text.splitlines():
                self.say(line)

    def _watch(self) -> NoReturn:
        while True:
            time.sleep(WATCH_SECONDS)
            started = [watched.look_after() for watched in self._watched]
            if any(started):
                self._note_processes()

    def _note_processes(self) -> None:
        """Tell `iew doctor` which processes there are."""
        pids = {w.child.name: w.child.process.pid for w in self._watched if w.child.process is not None}
        homes.write_privately(self.home / homes.PROCESSES_FILE, json.dumps(pids) + "\n")

    def _stop(self) -> None:
        """Stop the program's processes together, then the servers one after the other, then the guardian."""
        for name in (homes.PARTS_FILE, homes.PROCESSES_FILE):
            (self.home / name).unlink(missing_ok=True)
        own = [w.child for w in self._watched if w.child.name in self.program.processes]
        for child in reversed(own):
            child.ask_to_stop()
        for child in reversed(own):
            child.stop()
        if hasattr(self, "_servers"):
            self._servers.stop()
        for watched in self._watched:
            if watched.child.name == "guardian":
                watched.child.end_input(b"done")  # it ends what is left, then itself

    def _log(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"

    def _check_port(self) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as refusal:
                reason = "is in use" if refusal.errno == errno.EADDRINUSE else f"cannot be used ({refusal.strerror})"
                raise PartFault(
                    f"port {self.port} on {self.host} {reason}; choose another one with --port"
                ) from refusal

    def _check_space(self) -> None:
        free = shutil.disk_usage(self.home).free
        if free < LEAST_FREE_BYTES:
            raise PartFault(
                f"only {free >> 20} MB are free on the disk of {self.home}; {LEAST_FREE_BYTES >> 20} are needed"
            )


@contextmanager
def _signals_stop() -> Iterator[None]:
    """Within: the first SIGTERM, SIGINT or SIGHUP raises Stopped, and later ones change nothing."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped

    numbers = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # under nohup it stays ignored
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _clear_words() -> Iterator[None]:
    """Turn what the disk refuses into one line."""
    try:
        yield
    except OSError as fault:
        place = f" ({fault.filename})" if fault.filename else ""
        raise PartFault(f"cannot go on: {fault.strerror or fault}{place}") from fault


def program_of_iew(host: str, port: int) -> Program:
    """The commands of iew."""

    def iew(*words: str) -> tuple[str, ...]:
        return python_command("-m", "iew", *words)

    def worker(*words: str) -> tuple[str, ...]:
        return python_command("-m", "worker", *words)

    return Program(
        migrate=(iew("db", "upgrade"), iew("reference", "load")),
        sample=(iew("sample", "load"),),
        index=(iew("search", "ensure"),),
        processes={
            "web": iew("web", "--host", host, "--port", str(port)),
            "relay": worker("relay"),
            "worker": worker("worker", "--processes", str(WORKERS)),
            "scheduler": worker("scheduler"),
        },
    )
