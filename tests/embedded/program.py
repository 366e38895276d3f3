"""A small stand-in for the program, for the supervisor to run: same names, a web that answers, nothing else.

    python -m tests.embedded.program up HOME PORT [--no-sample]

Its web and worker have children of their own, one of which leaves the session, as the real ones do.
"""

import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import click

from iew.embedded.faults import PartFault
from iew.embedded.processes import python_command
from iew.embedded.supervisor import Program, Supervisor

SCRIPT = str(Path(__file__))


class Health(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format, *arguments):
        pass


def web(port: str) -> None:
    if os.fork() == 0:
        time.sleep(600)
    HTTPServer(("127.0.0.1", int(port)), Health).serve_forever()


def worker() -> None:
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
    time.sleep(600)


def note(what: str) -> None:
    with (Path(os.environ["IEW_HOME"]) / "steps.txt").open("a") as steps:
        steps.write(f"{what}\n")


def step(what: str) -> None:
    note(what)
    if what == os.environ.get("FAILING_STEP"):
        sys.exit("Traceback ...\nthe last line says it")
    if what == "sample":
        print("loading 1 of 1")
        print("school first@school.example pass-word-1")


def up(home: str, port: str, *flags: str) -> None:
    def own(*words: str) -> tuple[str, ...]:
        return python_command(SCRIPT, *words)

    program = Program(
        migrate=(own("step", "migrate"), own("step", "reference")),
        sample=(own("step", "sample"),),
        index=(own("step", "index"),),
        processes={"web": own("web", port), "relay": own("relay"), "worker": own("worker"),
                   "scheduler": own("scheduler")},
    )  # fmt: skip
    try:
        Supervisor(Path(home), "127.0.0.1", int(port), program, os.environ, lambda line: print(line, flush=True)).run(
            with_sample="--no-sample" not in flags
        )
    except PartFault as fault:
        click.echo(f"iew: {fault}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["up", *rest]:
            up(*rest)
        case ["step", what]:
            step(what)
        case ["web", port]:
            web(port)
        case ["worker"]:
            worker()
        case ["relay" | "scheduler"]:
            time.sleep(600)
