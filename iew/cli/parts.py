"""`iew up`, the processes of production, and what concerns the parts they need."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NoReturn

import click

from config.settings import Settings
from iew.embedded import checks, opensearch
from iew.embedded import fetch as fetching
from iew.embedded import home as homes
from iew.embedded.faults import PartFault
from iew.embedded.processes import die_with_parent, python_command
from iew.embedded.supervisor import Supervisor, program_of_iew

WEB_WORKERS: Final = 2
WEB_THREADS: Final = 4
WEB_STOP_SECONDS: Final = 20

_home_option = click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), envvar="IEW_HOME", default=Path("var"),
    show_default=True, help="Where the embedded parts keep their data.",
)  # fmt: skip
_port_option = click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="The port of the web."
)
_host_option = click.option("--host", default="127.0.0.1", show_default=True, help="The address the web listens on.")


@click.command()
@_port_option
@_host_option
@_home_option
@click.option("--no-sample", is_flag=True, help="Load no sample data on a first start.")
def up(port: int, host: str, home: Path, no_sample: bool) -> None:
    """Start the whole product on this machine, with the servers it needs.

    A server whose variable is set (IEW_DATABASE_URL, IEW_REDIS_URL, IEW_OPENSEARCH_URL, IEW_SMTP_URL) is used, not
    started. Ctrl-C stops everything.
    """
    with _one_line():
        Supervisor(home, host, port, program_of_iew(host, port), os.environ, _say).run(with_sample=not no_sample)


@click.command()
@_port_option
@_host_option
@click.option("--workers", type=click.IntRange(1), default=WEB_WORKERS, show_default=True, help="Processes.")
@click.option("--threads", type=click.IntRange(1), default=WEB_THREADS, show_default=True, help="Threads of each.")
def web(port: int, host: str, workers: int, threads: int) -> None:
    """Serve the pages and the API."""
    from granian.constants import Interfaces
    from granian.server import Server

    os.environ.update(_environment())
    Settings.from_environ()  # all faults of the variables at once, before anything starts
    with TemporaryDirectory(prefix="iew-figures-") as figures:  # where the processes add up what they counted
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", figures)
        import_module("iew.app")  # before the processes fork: a fault shows once, and they share the memory
        server = Server(
            "iew.app:create_app", address=host, port=port, interface=Interfaces.WSGI, factory=True, workers=workers,
            blocking_threads=threads, respawn_failed_workers=True, workers_kill_timeout=WEB_STOP_SECONDS,
        )  # fmt: skip
        server.serve(target_loader=_loader_of_application(os.getpid()), wrap_loader=False)


@click.command()
def relay() -> None:
    """Bring what the outbox owes to the queue."""
    _become_worker("relay")


@click.command()
@click.option("--processes", type=click.IntRange(1), default=1, show_default=True, help="How many jobs at a time.")
def worker(processes: int) -> None:
    """Do the jobs of the queue."""
    _become_worker("worker", "--processes", str(processes))


@click.command()
def scheduler() -> None:
    """Do each minute what is due at that time."""
    _become_worker("scheduler")


@click.command()
@_home_option
def doctor(home: Path) -> None:
    """Check every part, one line each; exit 1 if one is down."""
    variables = homes.environment_of(home) | {name: value for name, value in os.environ.items() if value}
    is_well = True
    for finding in checks.examine(variables, home):
        is_well &= finding.is_well
        state = "ok" if finding.is_well else "DOWN"
        click.echo(f"{finding.part:<10} {state:<5} {finding.address or '-'}  {finding.detail}")
    if variables.get("IEW_RATE_LIMITS") == "off":
        click.echo("warning: IEW_RATE_LIMITS is off; anybody may ask as often as he likes")
    if not is_well:
        sys.exit(1)


@click.group(hidden=True)
def parts() -> None:
    """The files of the embedded parts."""


@parts.command()
def fetch() -> None:
    """Fetch what the embedded search engine needs, once, and check it against the lock."""
    with _one_line():
        fetched = fetching.fetch()
    place = opensearch.distribution_directory()
    click.echo(f"The embedded search engine {'is now' if fetched else 'is already'} in {place}.")


@contextmanager
def _one_line() -> Iterator[None]:
    """Turn a fault of a part into one line on stderr and exit status 1."""
    try:
        yield
    except PartFault as fault:
        click.echo(f"iew: {fault}", err=True)
        sys.exit(1)


def _say(line: str) -> None:
    click.echo(line)
    sys.stdout.flush()


def _loader_of_application(server: int) -> Callable[[], Callable[..., Any]]:
    """What each web process runs first. server: its parent, whose end is its own, however it comes."""
    import signal

    def load() -> Callable[..., Any]:
        die_with_parent(server, signal.SIGKILL)
        from iew.app import create_app

        application: Callable[..., Any] = create_app()
        return application

    return load


def _become_worker(*words: str) -> NoReturn:
    """Turn this process into a part of the worker, which this package may run but not import."""
    command = python_command("-m", "worker", *words)
    os.execve(command[0], command, _environment())  # noqa: S606 (our own interpreter)


def _environment() -> Mapping[str, str]:
    """Our variables, and where one is unset that of the parts that run in the home."""
    home = Path(os.environ.get("IEW_HOME") or "var")
    return homes.environment_of(home) | {name: value for name, value in os.environ.items() if value}
