"""A table as a file: CSV or a workbook, each text safe in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from flask import Response
from openpyxl import Workbook

from iew.schemas.exchange import disarmed

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SUFFIX_OF: Final = {CSV: "csv", XLSX: "xlsx"}

Cell = str | int | float | bool | None


def file_of(
    kind: str, name: str, head: Sequence[str], rows: Iterable[Sequence[Cell]], *, for_people: bool = False
) -> Response:
    """The table as a file to keep. kind: its media type. name: of the file, without a suffix.

    for_people: with the mark at its beginning by which Excel knows UTF-8, and at which programs stumble.
    """
    body = _csv(head, rows).encode("utf-8-sig" if for_people else "utf-8") if kind == CSV else _xlsx(head, rows)
    reply = Response(body, content_type=f"{CSV}; charset=utf-8" if kind == CSV else XLSX)
    reply.headers["Content-Disposition"] = f'attachment; filename="{name}.{SUFFIX_OF[kind]}"'
    return reply


def _safe(cell: Cell) -> Cell:
    return disarmed(cell) if isinstance(cell, str) else cell


def _csv(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([_safe(cell) for cell in head])
    for row in rows:
        writer.writerow([str(cell).lower() if isinstance(cell, bool) else _safe(cell) for cell in row])
    return text.getvalue()


def _xlsx(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("iew")
    sheet.append([_safe(cell) for cell in head])
    for row in rows:
        sheet.append([_safe(cell) for cell in row])
    file = io.BytesIO()
    book.save(file)
    book.close()
    return file.getvalue()
