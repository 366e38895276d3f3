"""Measurements: `make bench`, or `python -m tests.bench NAME …` for some of them.

Each prints one line a figure, with the yardstick it is to be read against; nothing here is a test, for a busy machine
would make it fail without a fault.
"""

import argparse
import logging
import os
import sys

import structlog

from tests.bench import complete, findable, million, outbox, pairing, routed

BENCHES = {
    "complete": complete.run,
    "findable": findable.run,
    "outbox": outbox.run,
    "pairing": pairing.run,
    "routed": routed.run,
    "million": million.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], help="which to run (default: all)")
    chosen = parser.parse_args().names or list(BENCHES)
    os.environ.setdefault("IEW_RATE_LIMITS", "off")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))  # not a line a request
    for name in chosen:
        print(f"== {name}", flush=True)
        BENCHES[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
