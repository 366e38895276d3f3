"""Rows in files: NDJSON, CSV and XLSX, read piece by piece and written whole or not at all.

A file comes from anywhere. So nothing is unpacked before its size is known, no formula is worked out, and a line that
cannot be read is told by its number while the others are read on.
"""

import csv
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, Final

from openpyxl import Workbook, load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from iew.errors import N_, BadRequest, Invalid, Text
from iew.schemas.exchange import Column, cells_of, row_of
from iew.web import strict_json

Write = Callable[[Mapping[str, Any]], None]
"""Writes one row."""

FORMATS: Final = ("ndjson", "csv", "xlsx")
LONGEST_LINE: Final = 1024 * 1024
MOST_IN_WORKBOOK: Final = 20 * 1024 * 1024
MOST_UNPACKED: Final = 200 * 1024 * 1024
MOST_PARTS: Final = 100
MOST_ROWS: Final = 100_000
MOST_COLUMNS: Final = 200
LONGEST_CELL: Final = 32_767
"""Longer text is cut by spreadsheets without a word."""

_NOT_JSON: Final = N_("This line is not a JSON object in UTF-8.")
_TOO_LONG: Final = N_("This line is longer than 1 MB.")
_BROKEN: Final = N_("This is no workbook that can be read.")
_LISTED: Final = N_("Write the codes separated by |, or as a JSON list.")


@dataclass(frozen=True)
class Raw:
    """One line: its row, or the field and what is wrong with it."""

    number: int
    row: Mapping[str, Any] | None
    field: str = ""
    fault: Text | None = None


def format_of(name: str) -> str:
    """The format of a file by its suffix; `-` is NDJSON. Raises Invalid."""
    suffix = "ndjson" if name == "-" else Path(name).suffix.lower().lstrip(".")
    suffix = "ndjson" if suffix in ("jsonl", "json") else suffix
    if suffix not in FORMATS:
        raise Invalid(text=Text(N_("%(name)s: the name must end in .ndjson, .csv or .xlsx."), {"name": name}))
    return suffix


def read(file: BinaryIO, form: str, columns: Sequence[Column]) -> Iterator[Raw]:
    """The lines of a file. columns: those a table may have. Raises Invalid where the file as a whole is unusable."""
    if form == "ndjson":
        return _read_ndjson(file)
    by_name = {column.name: column for column in columns}
    return _read_csv(file, by_name) if form == "csv" else _read_xlsx(file, by_name)


# NDJSON


def _read_ndjson(file: BinaryIO) -> Iterator[Raw]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            _skip_line(file, line)
            yield Raw(number, None, fault=Text(_TOO_LONG))
            continue
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line.strip():
            yield _row_of_json(number, line)


def _skip_line(file: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(LONGEST_LINE)


def _row_of_json(number: int, line: bytes) -> Raw:
    try:
        return Raw(number, strict_json.read(line))
    except BadRequest as fault:
        plain = fault.code in ("invalid_json", "utf8_expected")
        return Raw(number, None, fault=Text(_NOT_JSON) if plain else fault.text)


# tables


def _header(cells: Sequence[Any], columns: Mapping[str, Column]) -> list[str]:
    """The names of the columns. Raises Invalid that names the first one that is wrong."""
    names = [str(cell if cell is not None else "").strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    for name in names:
        if name not in columns:
            text = Text(N_("line 1, %(name)s: There is no such column."), {"name": name[:100] or "?"})
            raise Invalid(text=text)
    if len(set(names)) < len(names):
        raise Invalid(text=N_("line 1: A column stands twice."))
    if "ref" not in names:
        raise Invalid(text=N_("line 1, ref: This column is needed."))
    return names


def _row_of_cells(number: int, cells: Sequence[Any], names: Sequence[str], columns: Mapping[str, Column]) -> Raw | None:
    """The line as a row; None for an empty one."""
    if all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in cells):
        return None
    if any(cell not in (None, "") for cell in cells[len(names) :]):
        return Raw(number, None, fault=Text(N_("This line has more cells than the first one.")))
    try:
        return Raw(number, row_of(dict(zip(names, cells, strict=False)), columns))
    except ValueError as fault:
        return Raw(number, None, field=str(fault), fault=Text(_LISTED))


def _read_csv(file: BinaryIO, columns: Mapping[str, Column]) -> Iterator[Raw]:
    csv.field_size_limit(LONGEST_LINE)
    lines = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    names: list[str] | None = None
    try:
        for number, cells in _lines_of_csv(lines):
            if cells is None:
                text = N_("A quotation mark in this line is not closed, or a cell is too long.")
                yield Raw(number, None, fault=Text(text))
            elif names is None:
                names = _header(cells, columns)
            elif (raw := _row_of_cells(number, cells, names, columns)) is not None:
                yield raw
    finally:
        lines.detach()  # the file is its opener's to close


def _lines_of_csv(lines: Iterable[str]) -> Iterator[tuple[int, list[str] | None]]:
    """Each line with the number at which it begins; None for one that cannot be told from the next, and ends all."""
    reader = csv.reader(lines, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield number, None
            return


def _read_xlsx(file: BinaryIO, columns: Mapping[str, Column]) -> Iterator[Raw]:
    _check_workbook(file)
    try:
        book = load_workbook(file, read_only=True, data_only=False, keep_links=False)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError) as fault:
        raise Invalid(text=_BROKEN) from fault
    try:
        sheet = book.worksheets[0]
        head = next(sheet.iter_rows(max_row=1, max_col=MOST_COLUMNS, values_only=True), ())
        names = _header(head, columns)
        rows = sheet.iter_rows(min_row=2, max_col=len(names) + 1, values_only=True)
        for number, cells in enumerate(rows, start=2):
            raw = _row_of_cells(number, [_plain(cell) for cell in cells], names, columns)
            if raw is None:
                continue
            if number > MOST_ROWS + 1:
                raise Invalid(text=Text(N_("A workbook may have %(most)s rows; use NDJSON."), {"most": MOST_ROWS}))
            yield raw
    except (KeyError, ValueError, TypeError, IndexError, SyntaxError) as fault:
        raise Invalid(text=_BROKEN) from fault
    finally:
        book.close()


def _plain(cell: Any) -> Any:
    """A formula is its text; openpyxl keeps those over several cells as objects."""
    return getattr(cell, "text", None) or getattr(cell, "ref", str(cell)) if hasattr(cell, "t") else cell


def _check_workbook(file: BinaryIO) -> None:
    """Refuse what would not fit or is no workbook, before any of it is unpacked in memory. Raises Invalid."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size > MOST_IN_WORKBOOK:
        raise Invalid(text=N_("A workbook may have 20 MB; use NDJSON for more."))
    try:
        with zipfile.ZipFile(file) as packed:
            parts = packed.infolist()
            if len(parts) > MOST_PARTS or any(part.flag_bits & 1 for part in parts):
                raise Invalid(text=_BROKEN)
            _measure(packed, parts)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as fault:
        raise Invalid(text=_BROKEN) from fault
    file.seek(0)


def _measure(packed: zipfile.ZipFile, parts: Iterable[zipfile.ZipInfo]) -> None:
    """Unpack into nothing: a header may lie about the size, and a part may declare entities."""
    left = MOST_UNPACKED
    for part in parts:
        with packed.open(part) as stream:
            before = b""
            while piece := stream.read(64 * 1024):
                left -= len(piece)
                if left < 0 or b"<!DOCTYPE" in before + piece or b"<!ENTITY" in before + piece:
                    raise Invalid(text=_BROKEN)
                before = piece[-16:]


# writing


@contextmanager
def written(output: str, form: str, columns: Sequence[Column], stdout: BinaryIO) -> Iterator[Write]:
    """A function that writes one row. The file appears under its name once all is written; `-` is standard output."""
    if output == "-":
        with _writer(stdout, form, columns) as write:
            yield write
        stdout.flush()
        return
    place = Path(output)
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    try:
        with os.fdopen(handle, "wb") as file, _writer(file, form, columns) as write:
            yield write
        Path(name).replace(place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def _writer(file: BinaryIO, form: str, columns: Sequence[Column]) -> Iterator[Write]:
    if form == "ndjson":
        yield lambda row: _write_line(file, row)
    elif form == "csv":
        with _csv_writer(file, columns) as write:
            yield write
    else:
        with _xlsx_writer(file, columns) as write:
            yield write


def _write_line(file: IO[bytes], row: Mapping[str, Any]) -> None:
    file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


@contextmanager
def _csv_writer(file: BinaryIO, columns: Sequence[Column]) -> Iterator[Write]:
    """With a byte order mark, by which Excel knows UTF-8."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow([column.name for column in columns])
    yield lambda row: writer.writerow(cells_of(row, list(columns)))
    text.flush()
    text.detach()


@contextmanager
def _xlsx_writer(file: BinaryIO, columns: Sequence[Column]) -> Iterator[Write]:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("iew")
    sheet.append([column.name for column in columns])

    def write(row: Mapping[str, Any]) -> None:
        cells = cells_of(row, list(columns))
        if any(isinstance(cell, str) and len(cell) > LONGEST_CELL for cell in cells):
            text = N_("%(ref)s: a text is too long for a cell of a workbook; use ndjson or csv.")
            raise Invalid(text=Text(text, {"ref": row.get("ref") or row.get("number")}))
        sheet.append(cells)

    try:
        yield write
    except BaseException:
        sheet.close()  # its rows are held by a generator that would complain at some later moment
        raise
    book.save(file)
    book.close()
