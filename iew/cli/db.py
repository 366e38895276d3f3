"""`iew db`: bring the database to the schema of this release, and compare the two."""

from pathlib import Path

import click
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

import config
from iew.cli.settings import settings
from iew.db import Base, make_engine
from iew.errors import IewError

MIGRATION_SECONDS = 3600
_LOCK = 4_815_162_342
"""Key of the advisory lock that lets one process migrate at a time."""


def alembic_config() -> Config:
    """Alembic's settings; it needs no file."""
    found = Config()
    found.set_main_option("script_location", str(Path(config.__file__).parent.parent / "migrations"))
    found.set_main_option("path_separator", "os")
    return found


def upgrade(engine: Engine) -> None:
    """Run every migration that the database has not seen."""
    with engine.connect() as connection, connection.begin():
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        migrations = alembic_config()
        migrations.attributes["connection"] = connection
        command.upgrade(migrations, "head")


def differences(engine: Engine) -> list[str]:
    """What a migration would have to change to make the database equal to the models, a line each."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [str(difference) for difference in compare_metadata(context, Base.metadata)]


@click.group()
def db() -> None:
    """The schema of the database."""


@db.command("upgrade")
def upgrade_database() -> None:
    """Bring the database to the schema of this release."""
    engine = make_engine(settings().database_url, statement_seconds=MIGRATION_SECONDS, pool_size=1)
    upgrade(engine)
    engine.dispose()
    click.echo("the database is of this release")


@db.command("check")
def check_database() -> None:
    """Compare the database with the models; exit status 1 if they differ."""
    engine = make_engine(settings().database_url, pool_size=1)
    found = differences(engine)
    engine.dispose()
    for difference in found:
        click.echo(difference)
    if found:
        raise IewError(f"the database differs from the models in {len(found)} places; run `iew db upgrade`")
    click.echo("the database is of this release")
