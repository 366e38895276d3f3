"""A simulated year: three hundred schools, two thousand posts, two schedulers, a kill every two weeks.

The gate lives through its first weeks; `IEW_TEST_DAYS=365` lives through all of it.
"""

import os

import pytest

from tests.databases import created_database, prepare
from tests.parts import Parts
from tests.story.running import installation
from tests.year.people import Size
from tests.year.simulation import Year
from tests.year.verdict import assert_nothing_was_lost

DAYS = int(os.environ.get("IEW_TEST_DAYS", "60"))
A_YEAR = Size(schools=300, posts=2000, days=DAYS, asks=4, acts=15, kills=max(4, DAYS // 15))


@pytest.mark.timeout(3600)
def test_at_the_end_of_the_days_every_case_is_ended_or_owned_or_the_administrator_knows(parts: Parts) -> None:
    with created_database(parts) as url:
        prepare(url)
        with installation(parts, url) as running:
            year = Year(running, A_YEAR, seed=20271124)
            year.pass_by()
            assert_nothing_was_lost(year)
