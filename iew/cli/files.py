"""`iew import` and `iew export`: schools, posts and matches from and into files.

An import reads the whole file first, tells every bad line, and only then writes, in one transaction: so a file with one
bad line changes nothing, and a killed import leaves nothing behind.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any, BinaryIO, Final

import click

from iew.cli import tables
from iew.cli.settings import house
from iew.domain.invitations import Status
from iew.errors import N_, IewError, Text
from iew.schemas.exchange import columns_of, read_row
from iew.services import exchange
from iew.services.exchange import BATCH, Checked, Fault, Line, Tally
from iew.uow import UnitOfWork
from iew.web.house import House

NO_BAR: Final = 2 * BATCH
"""Up to so many rows are done before a progress bar would be seen."""


class Refused(IewError):
    """The file has bad lines, which were told one by one; nothing was changed."""


@dataclass
class Spool:
    """The good lines of a file, kept outside of memory, and what was found wrong so far."""

    file: IO[bytes]
    good: int = 0
    bad: set[int] = field(default_factory=set)
    refs: dict[str, int] = field(default_factory=dict)

    def tell(self, number: int, name: str, text: Text) -> None:
        """Report one fault of a line on stderr."""
        self.bad.add(number)
        where = f"line {number}, {name}" if name else f"line {number}"
        click.echo(f"{where}: {' '.join(str(text).split())}", err=True)

    def keep(self, line: Line) -> None:
        self.file.write(json.dumps([line.number, line.row], ensure_ascii=False).encode() + b"\n")
        self.good += 1

    def batches(self, label: str) -> Iterator[list[Line]]:
        """The good lines again, piece by piece; those found bad meanwhile are left out."""
        self.file.seek(0)
        with _bar(label, self.good) as advance:
            lines = (Line(*json.loads(text)) for text in self.file)
            while piece := list(islice(lines, BATCH)):
                yield [line for line in piece if line.number not in self.bad]
                advance(len(piece))


@contextmanager
def _bar(label: str, length: int) -> Iterator[Callable[[int], None]]:
    """A progress bar, where a person looks on and has something to wait for."""
    hidden = length < NO_BAR or not sys.stderr.isatty()
    with click.progressbar(length=max(length, 1), label=label, file=sys.stderr, hidden=hidden) as bar:
        yield bar.update


@click.group("import")
def import_files() -> None:
    """Bring schools or posts in from a file: NDJSON, CSV or XLSX, by its suffix.

    Rows carry `ref`, an outside key: importing again updates, never doubles. In CSV and XLSX nested names are dotted
    (school.ref), code lists joined by |, lists of objects JSON; an empty cell says nothing.
    """


_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
_skip_bad = click.option("--skip-bad", is_flag=True, help="Import the good lines of a file that has bad ones too.")


@import_files.command("schools")
@_file
@_skip_bad
def import_schools(file: str, skip_bad: bool) -> None:
    """Import schools; they are approved by it. `-` reads NDJSON from standard input."""
    load_schools(house(), file, skip_bad=skip_bad)


@import_files.command("invitations")
@_file
@click.option("--publish", is_flag=True, help="Publish at once, without a review.")
@_skip_bad
def import_invitations(file: str, publish: bool, skip_bad: bool) -> None:
    """Import posts and their schools. `-` reads NDJSON from standard input.

    Without --publish new posts are drafts, and a published one gets a draft revision.
    """
    load_invitations(house(), file, publish=publish, skip_bad=skip_bad)


def load_schools(building: House, file: str, *, skip_bad: bool = False) -> Tally:
    """Import a file of schools. Raises Refused where lines are bad, after telling each on stderr."""
    with _spooled("schools", file) as spool:
        with building.unit_of_work() as uow:
            for lines in spool.batches("Checking"):
                _tell(spool, exchange.faults_of_schools(uow, lines))
        _refuse_bad(spool, skip_bad=skip_bad)
        tally = Tally()
        with building.unit_of_work() as uow:
            for lines in spool.batches("Importing"):
                tally.add(exchange.import_schools(uow, lines))
                uow.session.expunge_all()
    _report("schools", tally, spool)
    return tally


def load_invitations(building: House, file: str, *, publish: bool = False, skip_bad: bool = False) -> Tally:
    """Import a file of posts. Raises Refused where lines are bad, after telling each on stderr."""
    with _spooled("invitations", file) as spool:
        with building.unit_of_work() as uow:
            seen = Checked()
            for lines in spool.batches("Checking"):
                _tell(spool, exchange.faults_of_invitations(uow, lines, seen, publish=publish))
                uow.session.expunge_all()
        _refuse_bad(spool, skip_bad=skip_bad)
        tally = Tally()
        with building.unit_of_work() as uow:
            for lines in spool.batches("Importing"):
                tally.add(exchange.import_invitations(uow, lines, publish=publish))
                uow.session.expunge_all()
    _report("invitations", tally, spool)
    return tally


@contextmanager
def _spooled(kind: str, file: str) -> Iterator[Spool]:
    """Read a file once, from wherever it comes; what is well formed is kept, the rest is told."""
    form = tables.format_of(file)
    columns = columns_of(kind, with_contact=True)
    with tempfile.TemporaryFile() as kept, _opened(file) as source:
        spool = Spool(kept)
        for raw in tables.read(source, form, columns):
            _take(kind, raw, spool)
        yield spool


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    with nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb") as source:
        yield source


def _take(kind: str, raw: tables.Raw, spool: Spool) -> None:
    if raw.row is None:
        spool.tell(raw.number, raw.field, raw.fault or Text(""))
        return
    row, faults = read_row(kind, raw.row)
    for name, text in faults:
        spool.tell(raw.number, name, text)
    if row is None:
        return
    first = spool.refs.setdefault(row["ref"], raw.number)
    if first != raw.number:
        spool.tell(raw.number, "ref", Text(N_("Line %(number)s has this ref already."), {"number": first}))
        return
    spool.keep(Line(raw.number, row))


def _tell(spool: Spool, faults: Sequence[Fault]) -> None:
    for fault in faults:
        spool.tell(fault.number, fault.field, fault.text)


def _refuse_bad(spool: Spool, *, skip_bad: bool) -> None:
    if spool.bad and not skip_bad:
        lines = "1 line is bad" if len(spool.bad) == 1 else f"{len(spool.bad)} lines are bad"
        raise Refused(f"{lines}; nothing was changed. Correct the file, or import the rest with --skip-bad.")


def _report(kind: str, tally: Tally, spool: Spool) -> None:
    parts = [f"{tally.created} new", f"{tally.updated} updated", f"{tally.unchanged} unchanged"]
    if tally.ended:
        parts.append(f"{tally.ended} left out of the public, as they had ended")
    if spool.bad:
        parts.append(f"{len(spool.bad)} bad line{'s' if len(spool.bad) > 1 else ''} skipped")
    click.echo(f"{kind}: {', '.join(parts)}")


@click.group("export")
def export_files() -> None:
    """Write schools, posts or matches into a file, in the shape that an import reads."""


def _export_options(command: Callable[..., None]) -> Callable[..., None]:
    options = (
        click.option("--format", "form", type=click.Choice(tables.FORMATS), help="By default as the output's suffix."),
        click.option("--output", type=click.Path(dir_okay=False), default="-", help="By default standard output."),
        click.option("--with-contact", is_flag=True, help="With contact data, which is left out otherwise."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@export_files.command("schools")
@_export_options
def export_schools(form: str | None, output: str, with_contact: bool) -> None:
    """Export the approved schools."""
    _export("schools", form, output, exchange.export_schools, with_contact=with_contact)


@export_files.command("invitations")
@_export_options
@click.option(
    "--status", "statuses", multiple=True, type=click.Choice([str(status) for status in Status]),
    help="Only posts in this state; may be repeated.",
)  # fmt: skip
def export_invitations(form: str | None, output: str, with_contact: bool, statuses: tuple[str, ...]) -> None:
    """Export the posts of approved schools, in whatever state they are."""

    def rows(uow: UnitOfWork) -> Iterator[dict[str, Any]]:
        return exchange.export_invitations(uow, statuses=statuses, with_contact=with_contact)

    _export("invitations", form, output, rows, with_contact=with_contact)


@export_files.command("matches")
@_export_options
def export_matches(form: str | None, output: str, with_contact: bool) -> None:
    """Export the matches; there is no import of them."""

    def rows(uow: UnitOfWork) -> Iterator[dict[str, Any]]:
        return exchange.export_matches(uow, with_contact=with_contact)

    _export("matches", form, output, rows, with_contact=with_contact)


def _export(
    kind: str,
    form: str | None,
    output: str,
    rows: Callable[[UnitOfWork], Iterator[dict[str, Any]]],
    *,
    with_contact: bool,
) -> None:
    form = form or tables.format_of(output)
    if output == "-" and form == "xlsx" and sys.stdout.isatty():
        raise click.UsageError("a workbook is no text; name a file with --output")
    columns = columns_of(kind, with_contact=with_contact)
    count = 0
    with house().unit_of_work() as uow:
        with tables.written(output, form, columns, sys.stdout.buffer) as write:
            for row in rows(uow):
                write(row)
                count += 1
        exchange.record_export(uow, kind, count, with_contact=with_contact)
    if output != "-":
        click.echo(f"{count} {kind} in {output}")
