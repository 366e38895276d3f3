"""Stopping digests, and getting them again: by the link in the mail, without signing in.

The link never expires and is no key to anything else; a mail program may use it by itself (RFC 8058), so one click too
many must do no harm, and the page behind it lets one take it back.
"""

from itsdangerous import BadSignature, URLSafeSerializer

from iew.errors import NotFound
from iew.models import Unit, User
from iew.uow import UnitOfWork

_SALT = "iew.unsubscribe"


def key_of(secret_key: str, *, user_id: str | None, unit_code: str | None) -> str:
    """The part of the address that stands for one person's digests, or for those to a unit's common address."""
    owner = f"user:{user_id}" if user_id else f"unit:{unit_code}"
    return str(URLSafeSerializer(secret_key, salt=_SALT).dumps(owner))


def stop(uow: UnitOfWork, secret_key: str, key: str) -> None:
    """Send no more digests to whom the key stands for. Raises NotFound for a key that is none of ours."""
    _set(uow, secret_key, key, stopped=True)


def resume(uow: UnitOfWork, secret_key: str, key: str) -> None:
    """Send digests again. Raises NotFound for a key that is none of ours."""
    _set(uow, secret_key, key, stopped=False)


def is_stopped(uow: UnitOfWork, secret_key: str, key: str) -> bool:
    """Whether whom the key stands for gets no digests. Raises NotFound for a key that is none of ours."""
    user, unit = _owner(uow, secret_key, key)
    return user.digest_stopped_at is not None if user else unit is not None and unit.digest_frequency == "paused"


def _set(uow: UnitOfWork, secret_key: str, key: str, *, stopped: bool) -> None:
    action = "stop_digest" if stopped else "resume_digest"
    user, unit = _owner(uow, secret_key, key)
    if user is not None and (user.digest_stopped_at is not None) != stopped:
        user.digest_stopped_at = uow.now if stopped else None
        uow.record(None, user, user.as_actor(), action=action)
    if unit is not None and (unit.digest_frequency == "paused") != stopped:
        unit.digest_frequency = "paused" if stopped else "daily"


def _owner(uow: UnitOfWork, secret_key: str, key: str) -> tuple[User | None, Unit | None]:
    try:
        kind, _, name = str(URLSafeSerializer(secret_key, salt=_SALT).loads(key)).partition(":")
    except BadSignature:
        raise NotFound from None
    if kind == "user":
        return uow.get(User, name), None
    return None, uow.get(Unit, name)
