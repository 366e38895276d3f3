"""Ends what an `iew up` that was killed has left behind.

    python -I -S guardian.py MARK

The kernel ends the children of a killed supervisor, but not theirs: web workers, jobs that are running. This process
waits until the pipe on its standard input breaks, which is the supervisor's end, and then kills every process whose
environment carries the mark. Where it was told a word before, the stop was in good order, and what is left then has
no reason to be. It imports almost nothing, so that it costs next to no memory.
"""

import os
import signal
import sys
import time

GRACE_SECONDS = 2.0  # the servers end in good order within this time
GIVE_UP_SECONDS = 60.0


def marked(mark: bytes) -> list[int]:
    """The processes that carry the mark."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdecimal() and int(entry) != os.getpid():
            try:
                with open(f"/proc/{entry}/environ", "rb") as environment:
                    if mark in environment.read():
                        found.append(int(entry))
            except OSError:  # gone meanwhile, or somebody else's
                continue
    return found


def end_all(mark: bytes, grace_seconds: float) -> None:
    """Wait a little for those that end by themselves, then kill until none is left."""
    begun = time.monotonic()
    while (left := marked(mark)) and time.monotonic() - begun < GIVE_UP_SECONDS:
        if time.monotonic() - begun >= grace_seconds:
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
        time.sleep(0.05)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    in_good_order = sys.stdin.buffer.read()
    end_all(sys.argv[1].encode(), 0.0 if in_good_order else GRACE_SECONDS)
