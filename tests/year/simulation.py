"""A year in minutes: real relay and workers, two schedulers that tick at once, and somebody who kills at random."""

import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import IO, Final

from iew.db import make_session_factory
from tests.story.running import ROOT, Running, wait_until
from tests.world import World
from tests.year.people import People, Size

PARTS: Final = ("relay:1", "worker:1", "worker:2")
MOST_OWED: Final = 300
"""The year waits for the workers when more than this is owed, as a real day would."""
CALM_SECONDS: Final = 240
ANSWER_SECONDS: Final = 120


@dataclass
class Scheduler:
    """One scheduler in a process of its own."""

    database_url: str
    process: "subprocess.Popen[str]" = field(init=False)
    waits: bool = False

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.year.ticker", self.database_url],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        assert self._line() == "ready"

    def tick(self, now: datetime) -> None:
        """Begin to do what is due at this moment."""
        self._pipe(self.process.stdin).write(f"{now.isoformat()}\n")
        self._pipe(self.process.stdin).flush()
        self.waits = True

    def answer(self) -> str:
        """What came of it."""
        self.waits = False
        return self._line()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def _line(self) -> str:
        return self._pipe(self.process.stdout).readline().strip()

    def _pipe(self, pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe


@dataclass
class Year:
    """The days, one after the other."""

    running: Running
    size: Size
    seed: int
    failures: list[str] = field(default_factory=list)
    killed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        assert self.running.house.engine is not None
        self.dice = random.Random(self.seed)
        self.start = datetime.now(UTC).replace(hour=16, minute=30, second=0, microsecond=0)
        sessions = make_session_factory(self.running.house.engine)
        self.world = World(sessions)
        self.people = People(sessions, self.size, self.start.date(), self.dice)

    @property
    def end(self) -> datetime:
        """The moment of the last tick."""
        return self.start + timedelta(days=self.size.days)

    def pass_by(self) -> None:
        """Let the days pass, then let the workers come to rest."""
        self.people.settle()
        self._spare_the_index()
        self.running.start(*PARTS)
        schedulers = [self._scheduler() for _ in range(2)]
        days = sorted(self.dice.sample(range(self.size.days * 2 // 3), self.size.kills))
        try:
            for day in range(1, self.size.days + 1):
                self._day(schedulers, self.start + timedelta(days=day), kills=days.count(day - 1))
        finally:
            for scheduler in schedulers:
                scheduler.kill()
        wait_until(lambda: self.running.owed() == 0, "the workers did not come to rest", CALM_SECONDS)

    def _scheduler(self) -> Scheduler:
        return Scheduler(self.running.environment["IEW_DATABASE_URL"])

    def _spare_the_index(self) -> None:
        """Of the nightly comparisons with the index one in thirty is left; that they repair is shown elsewhere."""
        with self.world.unit_of_work() as uow:
            for day in range(-1, self.size.days + 2):
                if day % 30:
                    uow.once("reconcile_index", (self.start + timedelta(days=day)).date().isoformat())

    def _day(self, schedulers: list[Scheduler], now: datetime, *, kills: int) -> None:
        for scheduler in schedulers:
            scheduler.tick(now)
        for _ in range(kills):
            self._kill(schedulers)
        self.people.live(now)
        for scheduler in schedulers:
            if scheduler.waits:
                answer = scheduler.answer()
                if answer != "done":
                    self.failures.append(f"{now.date()}: {answer}")
        if self.running.owed() > MOST_OWED:
            wait_until(lambda: self.running.owed() < MOST_OWED // 3, "the workers fall behind", CALM_SECONDS)

    def _kill(self, schedulers: list[Scheduler]) -> None:
        """SIGKILL to one process in the middle of its work; another takes its place."""
        time.sleep(self.dice.random() * 0.2)
        victim = self.dice.choice([*PARTS, "scheduler"])
        self.killed.append(victim)
        if victim == "scheduler":
            number = self.dice.randrange(len(schedulers))
            schedulers[number].kill()
            schedulers[number] = self._scheduler()
            return
        self.running.kill(victim)
        self.running.start(victim)
