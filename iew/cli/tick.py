"""`iew tick`: do once what is due."""

from datetime import UTC, datetime

import click

from iew.cli.settings import house
from iew.errors import IewError


class Moment(click.ParamType[datetime]):
    """A moment with its distance from UTC; without it nobody knows which one is meant."""

    name = "ISO8601"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
            aware = moment.astimezone(UTC) if moment.tzinfo is not None else None
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no moment; write it as 2027-03-01T08:00:00+08:00", param, ctx)
        if aware is None:
            self.fail(f"{value!r} names no zone; write it as 2027-03-01T08:00:00+08:00 or with Z", param, ctx)
        return aware


@click.command()
@click.option("--at", "at", type=Moment(), help="The moment to do it for.  [default: now]")
def tick(at: datetime | None) -> None:
    """Do once what is due at a moment: reminders, deadlines, expiry, digests, and the work of the night.

    States change here; mails and index writes are left to the workers, at once. Doing it twice for one moment changes
    nothing.
    """
    from iew.duties import DutiesFailed, run_due

    try:
        run_due(house().unit_of_work, at or datetime.now(UTC))
    except DutiesFailed as faults:
        kinds = ", ".join(sorted({type(fault).__name__ for fault in faults.exceptions}))
        raise IewError(f"{len(faults.exceptions)} of the duties failed ({kinds}); the others are done") from faults
