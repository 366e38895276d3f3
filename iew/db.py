"""The engine, and the base of all tables.

Time-outs are the database's own, so that a stuck statement ends even when its client is gone.
"""

import base64
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Engine,
    MetaData,
    Select,
    Text,
    create_engine,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session, sessionmaker

from iew.errors import N_, BadRequest

T = TypeVar("T")

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


def make_engine(database_url: str, *, statement_seconds: int = 5, pool_size: int = 8) -> Engine:
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
        max_overflow=3 * pool_size,  # a request may need a second connection while it holds its first
        pool_timeout=5,
        connect_args={"connect_timeout": 3, "options": options},
    )


def make_session_factory(engine: Engine) -> SessionFactory:
    return sessionmaker(engine, expire_on_commit=False, autoflush=True)


@dataclass(frozen=True)
class Page(Generic[T]):
    """A piece of a list: the items, the cursor of the next piece (None at the end), and how many there are in all."""

    items: Sequence[T]
    next_cursor: str | None
    total: int


def keyset_page(
    session: Session,
    statement: Select[T],
    columns: Sequence[ColumnElement[Any] | InstrumentedAttribute[Any]],
    *,
    key: Callable[[T], tuple[Any, ...]],
    cursor: str | None,
    limit: int,
    descending: bool = False,
) -> Page[T]:
    """One page of `statement` in the order of `columns`, which together are unique; stable while rows are added.

    key: the values of `columns` in one item. Raises BadRequest with code `bad_cursor`.
    """
    total = session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0
    ordered = statement.order_by(*(column.desc() if descending else column.asc() for column in columns))
    if cursor:
        after = tuple_(*(literal(value) for value in _read_cursor(cursor, len(columns))))
        row = tuple_(*columns)
        ordered = ordered.where(row < after if descending else row > after)
    rows = session.scalars(ordered.limit(limit + 1)).all()
    more = len(rows) > limit
    return Page(rows[:limit], _write_cursor(key(rows[limit - 1])) if more else None, total)


def _write_cursor(values: tuple[Any, ...]) -> str:
    plain = [{"at": value.isoformat()} if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def _read_cursor(cursor: str, length: int) -> list[Any]:
    try:
        plain = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        values = [datetime.fromisoformat(v["at"]) if isinstance(v, dict) else v for v in plain]
        if len(values) != length or not all(isinstance(v, datetime | str | int) for v in values):
            raise ValueError
        if any(isinstance(v, str) and "\0" in v for v in values):
            raise ValueError
    except (ValueError, KeyError, TypeError):
        raise BadRequest(
            N_("This cursor belongs to no list. Start again from the first page."), code="bad_cursor"
        ) from None
    return values
