"""The commands. Each lives in a module of its own that is loaded when it is called, so that none waits for the others.

What a person can do something about ends as one line on stderr and exit status 1, never as a traceback.
"""

import os
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, NoReturn

import click

MODULE_OF: Final = {
    "up": "parts",
    "web": "parts",
    "relay": "parts",
    "worker": "parts",
    "scheduler": "parts",
    "doctor": "parts",
    "parts": "parts",
    "db": "db",
    "reference": "reference",
    "import": "files",
    "export": "files",
    "search": "search",
    "users": "accounts",
    "tokens": "accounts",
    "tick": "tick",
    "jobs": "jobs",
    "audit": "audit",
    "mail": "mail",
    "backup": "backup",
    "restore": "backup",
    "sample": "sample",
}
"""Command -> module of this package."""

HOME_OPTION: Final = "--home"
_OF_ANOTHER_RELEASE: Final = ("42P01", "42703")
"""What PostgreSQL says of a table or a column that is not there."""


class Commands(click.Group):
    """Loads a command when it is asked for, and turns what it refuses into one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, module in MODULE_OF.items() if find_spec(f"{__name__}.{module}") is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(f"{__name__}.{MODULE_OF[cmd_name]}")
        return next(
            (found for found in vars(module).values() if isinstance(found, click.Command) and found.name == cmd_name),
            None,
        )

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, _with_home_first(args))

    def invoke(self, ctx: click.Context) -> Any:
        from sqlalchemy.exc import OperationalError, ProgrammingError

        from config.settings import SettingsError
        from iew.errors import IewError

        try:
            return super().invoke(ctx)
        except IewError as refusal:
            _refuse(line_of(refusal))
        except SettingsError as fault:
            _refuse(str(fault))
        except OperationalError as fault:
            _refuse(f"the database does not answer: {str(fault.orig).strip().splitlines()[0]}")
        except ProgrammingError as fault:
            if getattr(fault.orig, "sqlstate", None) not in _OF_ANOTHER_RELEASE:
                raise
            _refuse("the database is not of this release; run `iew db upgrade`")


def line_of(refusal: Exception) -> str:
    """A refusal in one line, with what is wrong at which field."""
    from iew.errors import Invalid

    fields = refusal.errors.items() if isinstance(refusal, Invalid) else ()
    parts = [f"{name}: {' '.join(str(text) for text in texts)}" for name, texts in fields]
    return "; ".join(parts) or str(refusal)


def _refuse(line: str) -> NoReturn:
    click.echo(f"iew: {' '.join(line.split())}", err=True)
    raise click.exceptions.Exit(1)


def _with_home_first(args: Sequence[str]) -> list[str]:
    """`--home DIR` may stand anywhere on the line; it is brought to the front, where it is read."""
    rest: list[str] = []
    home: list[str] = []
    words = iter(args)
    for word in words:
        if word == "--":
            return [*home, *rest, word, *words]
        if word == HOME_OPTION and (value := next(words, None)) is not None:
            home = [HOME_OPTION, value]
        elif word.startswith(f"{HOME_OPTION}="):
            home = [word]
        else:
            rest.append(word)
    return [*home, *rest]


def _choose_home(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value:
        os.environ["IEW_HOME"] = value
    return value


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    HOME_OPTION,
    type=click.Path(file_okay=False),
    expose_value=False,
    is_eager=True,
    callback=_choose_home,
    help="Where the embedded parts keep their data, and where commands find them.  [default: IEW_HOME, else ./var]",
)
@click.version_option(package_name="iew", prog_name="iew")
def main() -> None:
    """The International Exchange Window: schools in Taiwan and abroad find each other for exchanges."""
