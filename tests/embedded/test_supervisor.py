"""What `iew up` promises, with a stand-in for the program and, where it matters, the real servers."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from iew.embedded import home as homes
from iew.embedded.processes import free_port

ROOT = Path(__file__).parent.parent.parent
ELSEWHERE = {
    "IEW_DATABASE_URL": "postgresql+psycopg://iew:x@127.0.0.1:1/iew",
    "IEW_REDIS_URL": "redis://127.0.0.1:1/0",
    "IEW_OPENSEARCH_URL": "http://127.0.0.1:1",
    "IEW_SMTP_URL": "smtp://127.0.0.1:1",
}


@dataclass
class Up:
    """One supervisor under test."""

    home: Path
    environment: dict[str, str] = field(default_factory=lambda: dict(ELSEWHERE))
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    def start(self, *flags: str) -> "Up":
        outside = {name: value for name, value in os.environ.items() if not name.startswith("IEW_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.embedded.program", "up", str(self.home), str(self.port), *flags],
            cwd=ROOT, env=outside | self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        return self

    def until_open(self, seconds: float = 60) -> list[str]:
        """The lines it printed until it was open, which end with the sign-ins."""
        assert self.process is not None and self.process.stdout is not None
        lines: list[str] = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            line = self.process.stdout.readline()
            if not line:
                break
            lines.append(line.strip())
            if line.startswith("Logs:"):
                return lines
        raise AssertionError(f"it did not open: {lines} {self.process.communicate()[1]}")

    def ended(self) -> tuple[int, str]:
        """Exit status and what it said on stderr."""
        assert self.process is not None
        said = self.process.communicate(timeout=60)[1]
        return self.process.returncode, said

    def kill(self) -> None:
        """What no process can prepare for."""
        assert self.process is not None
        self.process.kill()
        self.ended()

    def pids(self) -> dict[str, int]:
        return homes.processes_of(self.home)


@pytest.fixture
def make_up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    made: list[Up] = []

    def make(**changes: object) -> Up:
        made.append(Up(tmp_path / "home", **changes))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        if each.process is not None and each.process.poll() is None:
            each.process.terminate()
            each.ended()
    assert eventually(lambda: not of_home(tmp_path), 10), f"left behind: {of_home(tmp_path)}"


def of_home(home: Path) -> dict[int, str]:
    """Processes that belong to a home, by their command line or their environment."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                command, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(home).encode() in command + environment:
                found[int(entry.name)] = command.replace(b"\0", b" ").decode()[:120]
    return found


def runs(pid: str) -> bool:
    """Whether a process does something; one that only waits to be counted as dead has no command line."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def eventually(holds: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_the_first_start_loads_the_sample_and_every_start_shows_its_sign_ins(make_up):
    up = make_up().start()
    lines = up.until_open()
    assert f"http://127.0.0.1:{up.port}" in lines[0]
    assert up.process.stdout.readline() == "Sample sign-ins:\n"
    assert up.process.stdout.readline() == "school first@school.example pass-word-1\n"
    up.process.terminate()
    assert up.ended()[0] == 0

    up.start().until_open()
    assert [up.process.stdout.readline() for _ in range(2)][1] == "school first@school.example pass-word-1\n"
    steps = (up.home / "steps.txt").read_text().split()
    assert steps == ["migrate", "reference", "sample", "index", "migrate", "reference", "index"]


def test_without_sample_a_later_start_loads_none_either(make_up):
    up = make_up()
    up.start("--no-sample").until_open()
    up.process.terminate()
    up.ended()
    up.start().until_open()
    assert "sample" not in (up.home / "steps.txt").read_text()


def test_a_second_up_on_the_same_home_is_refused(make_up):
    make_up().start().until_open()
    status, said = make_up().start().ended()
    assert status == 1
    assert said.count("\n") == 1 and "already runs on" in said


def test_a_port_in_use_is_one_clear_line(make_up):
    up = make_up()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", up.port))
        taken.listen()
        status, said = up.start().ended()
    assert (status, said.count("\n")) == (1, 1)
    assert f"port {up.port} on 127.0.0.1 is in use" in said


def test_a_search_engine_that_was_not_fetched_is_one_clear_line(make_up, tmp_path):
    environment = {**ELSEWHERE, "IEW_OPENSEARCH_URL": "", "XDG_CACHE_HOME": str(tmp_path / "empty")}
    status, said = make_up(environment=environment).start().ended()
    assert (status, said.count("\n")) == (1, 1)
    assert "iew parts fetch" in said


def test_a_step_that_fails_stops_the_start_and_is_named(make_up):
    status, said = make_up(environment={**ELSEWHERE, "FAILING_STEP": "reference"}).start().ended()
    assert (status, said.count("\n")) == (1, 1)
    assert "`step reference` failed" in said and "the last line says it" in said


def test_an_interrupted_first_start_loads_the_sample_again(make_up):
    up = make_up(environment={**ELSEWHERE, "FAILING_STEP": "index"})
    assert up.start().ended()[0] == 1
    up.environment = dict(ELSEWHERE)
    up.start().until_open()
    assert (up.home / "steps.txt").read_text().split().count("sample") == 2


@pytest.mark.parametrize("name", ["web", "relay", "worker", "scheduler"])
def test_a_dead_process_is_started_again(make_up, name):
    up = make_up().start()
    up.until_open()
    before = up.pids()
    os.kill(before[name], signal.SIGKILL)
    assert eventually(lambda: up.pids()[name] != before[name], 15)
    assert {n: p for n, p in up.pids().items() if n != name} == {n: p for n, p in before.items() if n != name}


def test_a_killed_web_leaves_no_worker_of_its_own(make_up):
    up = make_up().start()
    up.until_open()
    web = up.pids()["web"]
    workers = Path(f"/proc/{web}/task/{web}/children").read_text().split()
    assert workers
    os.kill(web, signal.SIGKILL)
    assert eventually(lambda: up.pids()["web"] != web, 15)
    assert not [pid for pid in workers if runs(pid)]


def test_ctrl_c_stops_everything(make_up):
    up = make_up().start()
    up.until_open()
    up.process.send_signal(signal.SIGINT)
    assert up.ended() == (0, "")
    assert homes.environment_of(up.home) == {}


def test_a_killed_up_leaves_no_process(make_up):
    up = make_up().start()
    up.until_open()
    assert eventually(lambda: len(of_home(up.home)) >= 7, 10)  # the processes, and the children of web and worker
    up.kill()
    assert eventually(lambda: not of_home(up.home), 10), of_home(up.home)


def test_a_killed_up_with_real_servers_leaves_no_process_and_starts_again_with_its_data(make_up):
    up = make_up(environment={"IEW_OPENSEARCH_HEAP": "512m"}).start()
    up.until_open()
    variables = homes.environment_of(up.home)
    _write_everywhere(variables)
    up.kill()
    assert eventually(lambda: not of_home(up.home), 15), of_home(up.home)

    up.start().until_open()
    again = homes.environment_of(up.home)
    assert again == variables  # the same addresses, the same secret
    _read_everywhere(again)


def test_a_killed_server_is_started_again_on_its_port(make_up):
    up = make_up(environment={"IEW_OPENSEARCH_HEAP": "512m"}).start()
    up.until_open()
    variables = homes.environment_of(up.home)
    _write_everywhere(variables)
    before = up.pids()
    servers = ("postgres", "valkey", "opensearch", "mailcatcher")
    for name in servers:
        os.kill(before[name], signal.SIGKILL)
    assert eventually(lambda: all(up.pids()[name] != before[name] for name in servers), 30)
    assert eventually(lambda: _all_answer(variables), 60)
    _read_everywhere(variables)


def _write_everywhere(variables: dict[str, str]) -> None:
    import json
    import smtplib
    from urllib.request import Request, urlopen

    import psycopg
    from redis import Redis

    with psycopg.connect(variables["IEW_DATABASE_URL"].replace("+psycopg", "")) as connection:
        connection.execute("create table kept as select 'kept' as word")
    with Redis.from_url(variables["IEW_REDIS_URL"]) as redis:
        redis.set("kept", "kept")
        time.sleep(1.2)  # its log of writes reaches the disk once a second
    body = json.dumps({"word": "kept"}).encode()
    head = {"Content-Type": "application/json"}
    urlopen(Request(f"{variables['IEW_OPENSEARCH_URL']}/kept/_doc/1", body, head, method="PUT"), timeout=30).close()
    host, port = variables["IEW_SMTP_URL"].removeprefix("smtp://").split(":")
    with smtplib.SMTP(host, int(port)) as smtp:
        smtp.sendmail("a@school.example", ["b@school.example"], "Subject: kept\r\n\r\nkept\r\n")


def _read_everywhere(variables: dict[str, str]) -> None:
    import json
    from urllib.request import urlopen

    import psycopg
    from redis import Redis

    with psycopg.connect(variables["IEW_DATABASE_URL"].replace("+psycopg", "")) as connection:
        assert connection.execute("select word from kept").fetchall() == [("kept",)]
    with Redis.from_url(variables["IEW_REDIS_URL"]) as redis:
        assert redis.get("kept") == b"kept"
    with urlopen(f"{variables['IEW_OPENSEARCH_URL']}/kept/_doc/1", timeout=30) as reply:
        assert json.load(reply)["_source"] == {"word": "kept"}
    with urlopen(f"{variables['IEW_MAIL_PAGE']}messages.json", timeout=30) as reply:
        assert [mail["subject"] for mail in json.load(reply)] == ["kept"]


def _all_answer(variables: dict[str, str]) -> bool:
    try:
        _read_everywhere(variables)
    except Exception:  # any refusal means: not yet
        return False
    return True
