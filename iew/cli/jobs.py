"""`iew jobs`: the outbox and what was given up, without any personal data."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from iew.cli.settings import house
from iew.domain.actors import SYSTEM
from iew.services import deliveries
from iew.services.deliveries import Job

_number = click.argument("number", metavar="ID", type=click.IntRange(1, 2**63 - 1))


@click.group()
def jobs() -> None:
    """The jobs that are owed, and those that were given up."""


@jobs.command("list")
@click.option("--state", type=click.Choice(deliveries.STATES), help="Only jobs in this state.  [default: all but done]")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_jobs(state: str | None, limit: int, as_json: bool) -> None:
    """The jobs that are owed, the oldest first."""
    with house().unit_of_work() as uow:
        page = deliveries.jobs(uow, state=state, limit=limit)
    for found in page.items:
        click.echo(json.dumps(_plain(found)) if as_json else _line(found))
    if page.total > len(page.items):
        click.echo(f"{page.total - len(page.items)} more", err=True)


@jobs.command()
@_number
def show(number: int) -> None:
    """One job."""
    with house().unit_of_work() as uow:
        found = deliveries.job(uow, number)
    for name, value in _plain(found).items():
        click.echo(f"{name:<14} {'-' if value is None else value}")


@jobs.command()
@_number
def retry(number: int) -> None:
    """Try a job again now."""
    with house().unit_of_work() as uow:
        deliveries.retry(uow, number, SYSTEM)
    click.echo(f"job {number} is tried again")


@jobs.command()
@_number
def drop(number: int) -> None:
    """Give a job up for good."""
    with house().unit_of_work() as uow:
        deliveries.drop(uow, number, SYSTEM)
    click.echo(f"job {number} is dropped")


def _line(found: Job) -> str:
    words = [
        str(found.id),
        found.state,
        found.job,
        f"{found.subject_type}:{found.subject_id}",
        f"tries={found.attempts}",
    ]
    if found.mail:
        words.append(f"({found.mail})")
    if found.state == "waiting":
        words.append(f"due={_moment(found.available_at)}")
    return "  ".join([*words, found.last_error or ""]).rstrip()


def _plain(found: Job) -> dict[str, Any]:
    return {name: _moment(value) if isinstance(value, datetime) else value for name, value in asdict(found).items()}


def _moment(moment: datetime) -> str:
    return moment.astimezone().isoformat(timespec="seconds")
