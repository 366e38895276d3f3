"""`iew db`: bring the database to the schema of this release, and compare the two."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

import config
from iew.db import Base

_LOCK = 4_815_162_342
"""Key of the advisory lock that lets one process migrate at a time."""


def alembic_config() -> Config:
    """Alembic's settings; it needs no file."""
    settings = Config()
    settings.set_main_option(
        "script_location", str(Path(config.__file__).parent.parent / "migrations")
    )
    settings.set_main_option("path_separator", "os")
    return settings


def upgrade(engine: Engine) -> None:
    """Run every migration that the database has not seen."""
    with engine.connect() as connection, connection.begin():
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        settings = alembic_config()
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")


def differences(engine: Engine) -> list[str]:
    """What a migration would have to change to make the database equal to the models, a line each."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [
            str(difference) for difference in compare_metadata(context, Base.metadata)
        ]
