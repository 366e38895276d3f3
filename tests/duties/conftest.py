"""What the tests of the tick share."""

from collections.abc import Callable
from datetime import datetime

import pytest

from iew.db import SessionFactory
from iew.duties import run_due
from iew.uow import UnitOfWork

Tick = Callable[[datetime], None]


@pytest.fixture
def tick(session_factory: SessionFactory) -> Tick:
    """Do what is due at a moment."""

    def tick(now: datetime) -> None:
        run_due(lambda moment: UnitOfWork(session_factory, now=moment), now)

    return tick
