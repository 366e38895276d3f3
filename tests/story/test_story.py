"""The whole story on the embedded servers."""

import pytest

from tests.parts import Parts
from tests.story import telling
from tests.story.running import installation, world_of


@pytest.mark.timeout(600)
def test_every_step_happens_once_though_the_worker_is_killed_three_times(
    parts: Parts, committed_database_url: str
) -> None:
    with installation(parts, committed_database_url) as running:
        running.start("relay", "worker")
        telling.tell(running, world_of(running))
