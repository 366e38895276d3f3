"""`iew mail`: what a mail server of one's own tells about mails that came back."""

import sys

import click

from iew.cli.settings import house
from iew.mail import bounces
from iew.services import addresses


@click.group()
def mail() -> None:
    """Mails that came back."""


@mail.command()
@click.argument("address", required=False)
@click.option("--stdin-dsn", is_flag=True, help="Read the report of a mail server (RFC 3464) from stdin.")
def bounced(address: str | None, stdin_dsn: bool) -> None:
    """Note that mail to ADDRESS does not arrive, or what a report on stdin says.

    A mail server pipes what comes back to the sender's mailbox into `iew mail bounced --stdin-dsn`. A report counts
    only if it returns a mail that was sent from here.
    """
    if bool(address) == stdin_dsn:
        raise click.UsageError("give an ADDRESS, or --stdin-dsn with a report on stdin")
    with house().unit_of_work() as uow:
        if address:
            addresses.bounced(uow, address)
            click.echo("nothing is sent there any more, but what its owner asks for")
            return
        final = [each for each in bounces.read(sys.stdin.buffer.read(bounces.MOST_BYTES)) if each.final]
        for each in final:
            delivery = addresses.came_back(uow, each)
            click.echo(f"{delivery.id} {each.status}")
    if not final:
        click.echo("no mail has failed for good; nothing to note")
