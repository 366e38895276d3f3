"""What must not change by accident between one start and the next.

With another secret key everybody would be signed out and every link in a sent mail would be dead, silently.
"""

import hashlib
import hmac
from typing import Any, ClassVar, Final

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert

from iew.domain.actors import SYSTEM
from iew.models import Fingerprint
from iew.uow import UnitOfWork

SECRET_KEY: Final = "secret_key"  # noqa: S105 - the name of a row


def schema_version(uow: UnitOfWork) -> str | None:
    """The migration the database is at; None where it was never migrated."""
    table = uow.session.scalar(text("select to_regclass('alembic_version')"))
    return uow.session.scalar(text("select version_num from alembic_version")) if table else None


def knows_secret(uow: UnitOfWork, secret_key: str) -> bool:
    """Whether this is the secret key of the first start; the first one that comes is kept, as a fingerprint."""
    mark = _mark(secret_key)
    uow.session.execute(insert(Fingerprint).values(name=SECRET_KEY, value=mark).on_conflict_do_nothing())
    kept = uow.session.scalars(select(Fingerprint.value).where(Fingerprint.name == SECRET_KEY)).one()
    return hmac.compare_digest(kept, mark)


def forget_secret(uow: UnitOfWork) -> None:
    """Take the secret key of the next start, whatever it is: it was changed on purpose, or the database moved."""
    uow.session.execute(delete(Fingerprint).where(Fingerprint.name == SECRET_KEY))
    uow.record(None, _Installation(), SYSTEM, action="forget_secret")


class _Installation:
    """This installation, as history names it."""

    subject_type: ClassVar[str] = "installation"
    id: Any = SECRET_KEY


def _mark(secret_key: str) -> str:
    return hashlib.sha256(f"iew.fingerprint\n{secret_key}".encode()).hexdigest()
