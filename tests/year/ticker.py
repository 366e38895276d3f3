"""A scheduler for a year that passes in minutes: does what is due at each moment that comes in, and says so.

    python -m tests.year.ticker DATABASE_URL

What `iew tick --at` does, without starting anew each time. Reads one moment a line, answers `done` or `failed`; what
failed comes again with the next moment.
"""

import sys
from datetime import datetime

from sqlalchemy.exc import DBAPIError

from iew import duties
from iew.db import make_engine, make_session_factory
from iew.uow import UnitOfWork


def main(database_url: str) -> None:
    duties.MOST_SUGGESTED = 1  # type: ignore[misc]  # possible partners have tests of their own, and cost most of a year
    sessions = make_session_factory(make_engine(database_url, statement_seconds=60, pool_size=1))
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            duties.run_due(lambda now: UnitOfWork(sessions, now=now), datetime.fromisoformat(line.strip()))
        except (duties.DutiesFailed, DBAPIError) as fault:
            print(f"failed {type(fault).__name__}: {fault!r}".replace("\n", " "), flush=True)
        else:
            print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
