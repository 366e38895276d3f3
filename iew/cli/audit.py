"""`iew audit`: whether the record of who did what is still the one that was written."""

import click

from iew.cli.settings import house
from iew.errors import IewError
from iew.services import seals


@click.group()
def audit() -> None:
    """The record of who did what, which nobody may change."""


@audit.command()
@click.option("--noted", metavar="HASH", help="A hash that was noted elsewhere; it must still be that of a seal.")
def verify(noted: str | None) -> None:
    """Compare every seal with the events under it; exit status 1 if one does not hold.

    Note the last hash where nobody can change it who can change the database, and give it with --noted next time.
    """
    with house().unit_of_work() as uow:
        found = seals.verify(uow, noted=noted)
    for broken in found.broken:
        click.echo(f"seal {broken.number}: {broken.why}")
    if found.broken:
        raise IewError(f"{len({broken.number for broken in found.broken})} of {found.seals} seals do not hold")
    if not found.noted:
        raise IewError("no seal has the hash that was noted; the record was made anew, or is that of an older backup")
    click.echo(f"{found.seals} seals hold over {found.events} events; {found.unsealed} came since")
    if found.last is not None:
        click.echo(f"last seal {found.last.number} of {found.last.sealed_at.isoformat()}  {found.last.hash}")
