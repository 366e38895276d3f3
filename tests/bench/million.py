"""Everything that is measured over a million posts; the size is `IEW_BENCH_POSTS`, for a quick look at fewer."""

import os
from typing import Final

from tests.bench import alerts, full_text, rebuilding, searching
from tests.bench.installed import installed
from tests.parts import parts_for_tests

POSTS: Final = 1_000_000
FEW: Final = 10_000
HEAP: Final = "4g"


def run() -> None:
    """Make the crowd, rebuild its index, search it, browse it, and ask the searches that people keep."""
    os.environ.setdefault("IEW_OPENSEARCH_HEAP", HEAP)
    parts = parts_for_tests()
    with installed(parts, FEW) as few:
        rebuilding.measure(few)
        small = searching.measure(few, few.start_web())
    with installed(parts, int(os.environ.get("IEW_BENCH_POSTS", POSTS))) as many:
        rebuilding.measure(many)
        address = many.start_web()
        large = searching.measure(many, address)
        print(f"growth of p50 from {FEW:,} to {many.crowd.count:,} posts: {large.p50 / small.p50:.1f} x (goal 3 x)")
        full_text.index(many)
        searching.against_full_text(many, large)
        searching.browsing(many, address)
        alerts.measure(many)
