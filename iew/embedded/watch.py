"""Keeps children alive: one that ends is started again, each time a little later while it goes on failing."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from iew.embedded.faults import PartFault
from iew.embedded.processes import Child

FIRST_DELAY_SECONDS: Final = 0.5
LONGEST_DELAY_SECONDS: Final = 30.0
STEADY_SECONDS: Final = 60.0  # who lived that long begins anew with the shortest delay


@dataclass
class Watched:
    """One child that has been started and shall go on running.

    start: starts it again. tell: told a line when it ends. clock: monotonic seconds.
    """

    child: Child
    start: Callable[[], None]
    tell: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    failures: int = 0
    due: float | None = None
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock()

    def look_after(self) -> bool:
        """Start it again if it has ended and its delay has passed; whether it was started."""
        if self.child.is_running:
            return False
        now = self.clock()
        if self.due is None:
            self.due = now + self._delay(now)
            self.child.end_rest()
            self.tell(f"{self.child.name} ended with status {self.child.exit_status}; starting it again")
        if now < self.due:
            return False
        self.due, self.started = None, now
        try:
            self.start()
        except (OSError, PartFault) as fault:
            self.tell(f"{self.child.name} cannot be started: {fault}")
            return False
        return True

    def _delay(self, now: float) -> float:
        self.failures = 0 if now - self.started > STEADY_SECONDS else self.failures + 1
        return min(FIRST_DELAY_SECONDS * 2.0 ** max(self.failures - 1, 0), LONGEST_DELAY_SECONDS)
