"""How Alembic reaches the database: by the connection it is handed, or by the settings."""

from alembic import context
from sqlalchemy import Connection

from config.settings import Settings
from iew.db import Base, make_engine
from iew.models import Living  # noqa: F401 - importing the models fills the metadata


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with make_engine(Settings.from_environ().database_url, statement_seconds=600).begin() as connection:
        run(connection)
