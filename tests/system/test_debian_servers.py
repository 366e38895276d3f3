"""The same story on the PostgreSQL and the Redis that Debian ships: the oldest that are supported."""

import pytest
from sqlalchemy.orm import sessionmaker

from config.settings import REFERENCE_DIR
from iew.cli.db import differences, upgrade
from iew.db import make_engine
from iew.services import reference
from iew.uow import UnitOfWork
from tests.parts import Parts
from tests.story import telling
from tests.story.running import installation, world_of


@pytest.mark.timeout(600)
def test_the_story_on_postgresql_15_and_redis_7(parts: Parts, postgresql_15: str, redis_7: str) -> None:
    engine = make_engine(postgresql_15, statement_seconds=60)
    upgrade(engine)
    assert differences(engine) == []
    with UnitOfWork(sessionmaker(engine, expire_on_commit=False)) as uow:
        reference.load(uow, REFERENCE_DIR)
    engine.dispose()

    with installation(parts, postgresql_15, redis_7) as running:
        running.start("relay", "worker")
        telling.tell(running, world_of(running))
