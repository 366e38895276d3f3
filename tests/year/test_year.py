"""A simulated year in which nothing is lost: `make test` lives through a part of it, `make test-system` through all."""

import pytest

from tests.parts import Parts
from tests.story.running import installation
from tests.year.people import Size
from tests.year.simulation import Year
from tests.year.verdict import assert_nothing_was_lost

SIX_WEEKS = Size(schools=24, posts=80, days=45, asks=2, acts=8, kills=3)


@pytest.mark.timeout(600)
def test_at_the_end_of_six_weeks_every_case_is_ended_or_owned_or_the_administrator_knows(
    parts: Parts, committed_database_url: str
) -> None:
    with installation(parts, committed_database_url) as running:
        year = Year(running, SIX_WEEKS, seed=20261124)
        year.pass_by()
        assert_nothing_was_lost(year)
