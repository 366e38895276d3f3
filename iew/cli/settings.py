"""What every command starts with: the variables, those of a home in which `iew up` runs, and the house they make."""

import os
from pathlib import Path

import click

from config.settings import Settings, SettingsError
from iew.app import House, build
from iew.embedded import home as homes

PATIENCE_SECONDS = 120
"""When a command of the shell gives a statement up; nobody waits in a browser for it."""


def home() -> Path:
    """Where the embedded parts keep their data."""
    return Path(os.environ.get("IEW_HOME") or "var")


def environment() -> dict[str, str]:
    """The variables of this process; where one is unset, that of the parts that run in the home."""
    return homes.environment_of(home()) | {name: value for name, value in os.environ.items() if value}


def settings() -> Settings:
    """The settings of this command. Raises SettingsError that names every fault at once."""
    try:
        return Settings.from_environ(environment())
    except SettingsError as fault:
        if homes.is_locked(home()):
            raise
        raise SettingsError([*fault.faults, f"and no `iew up` runs in {home()}, which would set them"]) from fault


def house() -> House:
    """The house of this command, with patience for long statements; its connections end with the command."""
    made = build(settings(), statement_seconds=PATIENCE_SECONDS, pool_size=2)
    if (context := click.get_current_context(silent=True)) is not None and made.engine is not None:
        context.find_root().call_on_close(made.engine.dispose)
    return made
