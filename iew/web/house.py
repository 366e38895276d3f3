"""What a running house offers to its rooms: the database, the limits, the labels, the searcher.

It is made once per process by `iew.app.build`, or by a test; nothing inside reads an environment variable.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from argon2 import PasswordHasher
from sqlalchemy import Engine, select

from iew.db import SessionFactory
from iew.domain.limits import Limits
from iew.i18n import Labels
from iew.models import Term
from iew.uow import UnitOfWork

LABELS_SECONDS: Final = 60


@dataclass(frozen=True)
class Provider:
    """An OpenID Connect provider that vouches for people's mail addresses."""

    issuer: str
    client_id: str
    client_secret: str


def _no_searcher() -> Any:
    raise RuntimeError("this house was built without a searcher")


@dataclass
class House:
    """The parts of one process. Addresses are URLs; `zone` is the IANA name in which days begin and end."""

    session_factory: SessionFactory
    base_url: str
    secret_key: str
    mail_from: str
    smtp_url: str
    redis_url: str
    engine: Engine | None = None
    limits: Limits = field(default_factory=Limits)
    zone: str = "Asia/Taipei"
    metrics_token: str | None = None
    rate_limits: bool = True
    trusted_proxies: tuple[str, ...] = ()
    provider: Provider | None = None
    """Whom to ask for single sign-on; None: nobody."""
    hasher: PasswordHasher = field(
        default_factory=lambda: PasswordHasher(memory_cost=19456, time_cost=2, parallelism=1)
    )
    open_searcher: Callable[[], Any] = _no_searcher
    """Builds the reader of the search index when it is first needed."""
    probe_search: Callable[[], None] = lambda: None
    """Raises IewError or OSError where the search engine does not answer."""
    _labels: Labels | None = field(default=None, init=False, repr=False)
    _labels_read_at: float = field(default=0.0, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def unit_of_work(self, now: datetime | None = None) -> UnitOfWork:
        """A transaction of its own; now: the moment it works at, the present one by default."""
        return UnitOfWork(self.session_factory, now=now, limits=self.limits, zone=self.zone)

    @cached_property
    def searcher(self) -> Any:
        return self.open_searcher()

    @property
    def secure(self) -> bool:
        """Whether the public address is encrypted, so that cookies must be too."""
        return self.base_url.startswith("https://")

    @property
    def labels(self) -> Labels:
        """The labels of all codes; a change of the reference data shows after a minute."""
        with self._lock:
            if self._labels is None or time.monotonic() - self._labels_read_at > LABELS_SECONDS:
                with self.unit_of_work() as uow:
                    terms = list(uow.session.scalars(select(Term).order_by(Term.vocabulary, Term.position, Term.code)))
                self._labels = labels_of(terms)
                self._labels_read_at = time.monotonic()
            return self._labels


def labels_of(terms: list[Term]) -> Labels:
    """The rows of the vocabulary table as labels, in the order of the rows."""
    labels: dict[str, dict[str, dict[str, str]]] = {}
    for term in terms:
        labels.setdefault(term.vocabulary, {})[term.code] = dict(term.labels)
    return Labels(labels)
