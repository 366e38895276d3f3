"""`iew users` and `iew tokens`: accounts from the shell."""

import click

from iew.cli.settings import house
from iew.domain.actors import Role
from iew.errors import N_, Invalid
from iew.i18n import LANGUAGES
from iew.services import accounts, installation
from iew.services.accounts import NewUser

_ONE_YEAR_DAYS = 365


@click.group()
def users() -> None:
    """People who sign in."""


@users.command()
@click.option("--email", required=True, help="The mail address, which is also the name to sign in with.")
@click.option("--role", required=True, type=click.Choice([str(role) for role in Role]), help="What the person may do.")
@click.option("--school", help="For the role school: the outside key (ref) of the school, or its id.")
@click.option("--unit", help="For ierc and office: the code of the centre or office.")
@click.option("--name", help="The person's name; by default what stands before the @.")
@click.option("--language", type=click.Choice(LANGUAGES), help="Of pages and mails; by default that of the place.")
@click.option("--password", help="By default one is made and printed.")
def add(
    email: str,
    role: str,
    school: str | None,
    unit: str | None,
    name: str | None,
    language: str | None,
    password: str | None,
) -> None:
    """Add a confirmed account. Prints the address and, where it was made, the password."""
    _check_body(Role(role), school, unit)
    new = NewUser(_address(email), Role(role), name, school, unit, language)
    building = house()
    with building.unit_of_work() as uow:
        user, made = accounts.add_user(uow, new, password, hasher=building.hasher)
    click.echo(user.email if password else f"{user.email} {made}")


def _address(email: str) -> str:
    from marshmallow import ValidationError

    from iew.schemas.base import Address

    try:
        return str(Address().deserialize(email))
    except ValidationError:
        raise Invalid.field("email", N_("This is no mail address.")) from None


def _check_body(role: Role, school: str | None, unit: str | None) -> None:
    """Raise UsageError where the role and the body do not go together."""
    needs_school, needs_unit = role is Role.SCHOOL, role in (Role.IERC, Role.OFFICE)
    if needs_school != bool(school):
        raise click.UsageError(f"--role {role} {'needs' if needs_school else 'takes no'} --school")
    if needs_unit != bool(unit):
        raise click.UsageError(f"--role {role} {'needs' if needs_unit else 'takes no'} --unit")


@users.command("list")
def list_users() -> None:
    """Print all accounts, one a line: role, address, school or unit, language, state."""
    with house().unit_of_work() as uow:
        for user in accounts.users(uow):
            body = user.unit_code or (user.school.ref or user.school.id if user.school else "-")
            state = "disabled" if not user.active else "active" if user.email_confirmed_at else "unconfirmed"
            click.echo(f"{user.role}\t{user.email}\t{body}\t{user.language}\t{state}")


@users.command()
@click.argument("email")
def disable(email: str) -> None:
    """Close an account; its sessions and tokens end at once."""
    with house().unit_of_work() as uow:
        user = accounts.disable(uow, email)
    click.echo(f"{user.email} is disabled")


@users.command("accept-secret-key")
def accept_secret_key() -> None:
    """Let the next start use another IEW_SECRET_KEY; everybody signs in again, links in sent mails are dead."""
    with house().unit_of_work() as uow:
        installation.forget_secret(uow)
    click.echo("the next start takes whatever IEW_SECRET_KEY is set")


@click.group()
def tokens() -> None:
    """Keys for programs."""


@tokens.command()
@click.argument("email")
@click.option("--name", default="shell", show_default=True, help="What the key is for.")
@click.option(
    "--days", type=click.IntRange(1, 3650), default=_ONE_YEAR_DAYS, show_default=True, help="Until it expires."
)
def create(email: str, name: str, days: int) -> None:
    """Make a key for the API and print it, this once, alone on its line."""
    with house().unit_of_work() as uow:
        key = accounts.create_token(uow, email, name=name, days=days)
    click.echo(key)
