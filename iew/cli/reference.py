"""`iew reference`: offices, coverage, centres and vocabularies from their files."""

from pathlib import Path

import click

from config.settings import REFERENCE_DIR
from iew.cli.settings import house
from iew.services import reference as reference_data
from iew.services import schools


@click.group()
def reference() -> None:
    """The reference data."""


@reference.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False, exists=True), default=REFERENCE_DIR)
def load(directory: Path) -> None:
    """Load or refresh offices, coverage, centres and vocabularies from the CSV files of DIRECTORY.

    Without DIRECTORY, those that ship with the program. Loading again changes nothing.
    """
    with house().unit_of_work() as uow:
        counts = reference_data.load(uow, directory)
        schools.refresh_approvers(uow)
    for name, count in counts.items():
        click.echo(f"{name}: {count} rows")
