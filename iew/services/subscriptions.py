"""Stopping digests, and getting them again: by the link in the mail, without signing in.

The link never expires and is no key to anything else; a mail program may use it by itself (RFC 8058), so one click too
many must do no harm, and the page behind it lets one take it back.
"""

from typing import Final

from itsdangerous import BadSignature, URLSafeSerializer

from iew.errors import NotFound
from iew.models import User
from iew.uow import UnitOfWork

_SALT: Final = "iew.unsubscribe"


def key_of(secret_key: str, user_id: str) -> str:
    """The part of the address that stands for the digests to one person."""
    return str(URLSafeSerializer(secret_key, salt=_SALT).dumps(user_id))


def is_stopped(uow: UnitOfWork, secret_key: str, key: str) -> bool:
    """Whether the person gets no digests. Raises NotFound for a key that is none of ours."""
    return _owner(uow, secret_key, key).digest_stopped_at is not None


def stop(uow: UnitOfWork, secret_key: str, key: str) -> None:
    """Send the person no more digests; the others of the unit go on getting theirs. Raises NotFound."""
    user = _owner(uow, secret_key, key)
    if user.digest_stopped_at is None:
        user.digest_stopped_at = uow.now
        uow.record(None, user, user.as_actor(), action="stop_digest")


def resume(uow: UnitOfWork, secret_key: str, key: str) -> None:
    """Send the person digests again. Raises NotFound."""
    user = _owner(uow, secret_key, key)
    if user.digest_stopped_at is not None:
        user.digest_stopped_at = None
        uow.record(None, user, user.as_actor(), action="resume_digest")


def _owner(uow: UnitOfWork, secret_key: str, key: str) -> User:
    try:
        user_id = URLSafeSerializer(secret_key, salt=_SALT).loads(key)
    except BadSignature:
        raise NotFound from None
    return uow.get(User, str(user_id))
