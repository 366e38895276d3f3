"""The engine, and the base of all tables.

Time-outs are the database's own, so that a stuck statement ends even when its client is gone.
"""

import secrets
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Engine, MetaData, Text, create_engine
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

SessionFactory = sessionmaker[Session]

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Every table. Strings are text (lengths are rules, not storage), times are aware, lists of codes are arrays."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        datetime: DateTime(timezone=True),
        list[str]: ARRAY(Text()),
        dict[str, Any]: JSONB(none_as_null=True),
        list[dict[str, Any]]: JSONB(none_as_null=True),
    }


def new_id() -> str:
    """An opaque identifier of 128 random bits, safe in addresses."""
    return secrets.token_hex(16)


def make_engine(
    database_url: str, *, statement_seconds: int = 5, pool_size: int = 8
) -> Engine:
    """An engine whose statements, locks and idle transactions end by themselves."""
    options = " ".join(
        f"-c {name}={milliseconds}"
        for name, milliseconds in (
            ("statement_timeout", statement_seconds * 1000),
            ("lock_timeout", min(statement_seconds, 4) * 1000),
            (
                "idle_in_transaction_session_timeout",
                max(15, 2 * statement_seconds) * 1000,
            ),
            ("timezone", "UTC"),
        )
    )
    return create_engine(
        database_url,
        pool_pre_ping=True,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=5,
        connect_args={"connect_timeout": 3, "options": options},
    )


def make_session_factory(engine: Engine) -> SessionFactory:
    return sessionmaker(engine, expire_on_commit=False, autoflush=True)
