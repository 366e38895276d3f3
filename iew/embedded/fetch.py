"""Fetches the embedded search engine before its first start.

    python -m iew.embedded.fetch

Says nothing where nothing is to do.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

from iew.embedded import artifacts, opensearch
from iew.embedded.faults import PartFault


def fetch() -> bool:
    """Fetch and compile what is missing, with a progress bar on a terminal; whether anything was. Raises PartFault."""
    if opensearch.is_set_up():
        return False
    with _progress() as progress:
        opensearch.set_up(progress)
    return True


@contextmanager
def _progress() -> Iterator[artifacts.Progress]:
    """A bar over all bytes that are missing; on anything but a terminal one line."""
    missing = artifacts.incomplete(artifacts.read_lock(), opensearch.distribution_directory())
    total = sum(artifact.size for artifact in missing)
    label = f"Fetching the search engine ({total / 1e6:.0f} MB)"
    there: dict[str, int] = {}
    one_at_a_time = threading.Lock()
    with click.progressbar(length=max(total, 1), label=label, file=sys.stderr, show_eta=True) as bar:

        def progress(name: str, size: int) -> None:
            with one_at_a_time:
                bar.update(size - there.get(name, 0))
                there[name] = size

        yield progress


def main() -> None:
    """The command line."""
    try:
        fetch()
    except PartFault as fault:
        click.echo(f"iew: {fault}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
