"""A child that dies is started again, later and later while it goes on dying."""

import sys
from pathlib import Path

import pytest

from iew.embedded.faults import PartFault
from iew.embedded.processes import Child
from iew.embedded.watch import Watched


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def dead_child(tmp_path: Path):
    child = Child("part", lambda: (sys.executable, "-c", "raise SystemExit(7)"), tmp_path / "log", {})
    child.start()
    child.process.wait()
    yield child
    child.stop()


def test_the_delays_grow_to_half_a_minute_and_begin_anew_after_a_steady_minute(dead_child):
    clock, told, starts = Clock(), [], []
    watched = Watched(dead_child, lambda: starts.append(clock.now), told.append, clock)
    delays = []
    for _ in range(9):
        died = clock.now
        while not watched.look_after():
            clock.now += 0.25
        delays.append(starts[-1] - died)
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert told[0] == "part ended with status 7; starting it again"

    clock.now += 61
    died = clock.now
    while not watched.look_after():
        clock.now += 0.25
    assert starts[-1] - died == 0.5


def test_a_start_that_fails_is_told_and_tried_again(dead_child):
    clock, told, tries = Clock(), [], []

    def start() -> None:
        tries.append(clock.now)
        raise PartFault("no space left")

    watched = Watched(dead_child, start, told.append, clock)
    for _ in range(40):
        watched.look_after()
        clock.now += 0.25
    assert len(tries) >= 3
    assert "part cannot be started: no space left" in told
