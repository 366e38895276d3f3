"""One row of an import or export file: its fields, its columns in a table, and how each is written in a cell.

The columns follow from the schemas, so a field that the API learns is in the files too.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, pre_load, validates_schema

from iew.domain.posts import as_json
from iew.errors import N_, Text
from iew.schemas.base import Input, Line, View, Whole, text_of
from iew.schemas.invitations import AgentInput, InvitationFields, TextLanguage, TravelInput
from iew.schemas.schools import SchoolChange, SchoolEntry

JOINED_BY: Final = "|"
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""What makes a spreadsheet take a text for a formula; the list of OWASP, and its full-width forms."""

Fault = tuple[str, Text]
"""Name of a field, dotted where nested, and what is wrong with it."""


# rows


class _Row(Input):
    ref = Line(required=True, shortest=1, longest=200)

    @pre_load
    def null_is_nothing(self, data: Any, **_: Any) -> Any:
        """A file may write null, or leave a cell empty, where there is nothing to say."""
        if not isinstance(data, Mapping):
            return data
        silent = {n for n, f in self.fields.items() if not f.allow_none and not f.required and data.get(n, "") is None}
        return {name: value for name, value in data.items() if name not in silent}


class SchoolRow(SchoolEntry, _Row):
    """A school of an import file; it is approved by being in it."""

    @validates_schema
    def check_place(self, data: Mapping[str, Any], **_: Any) -> None:
        """Raise ValidationError where the parts of the place contradict each other."""
        _check_place(data)


class SchoolInPost(SchoolChange, _Row):
    """The school of a post; where it is known already, its `ref` alone is enough."""

    class Meta(SchoolChange.Meta):
        exclude = ("address", "website", "about")

    @validates_schema
    def check_place(self, data: Mapping[str, Any], **_: Any) -> None:
        """Raise ValidationError where the parts of the place contradict each other."""
        _check_place(data)


def _check_place(data: Mapping[str, Any]) -> None:
    country, subdivision = data.get("country"), data.get("subdivision")
    if country is not None and country != "TW" and data.get("county"):
        raise ValidationError({"county": [N_("Only schools in Taiwan have a county.")]})
    if country is not None and subdivision and not subdivision.startswith(f"{country}-"):
        raise ValidationError({"subdivision": [N_("This place is not in that country.")]})


class AgentRow(AgentInput):
    """A travel agent; a contact that the file does not name stays as it is."""

    contact = Line(longest=200, allow_none=True)


class TravelRow(TravelInput):
    """Educational travel."""

    agent = fields.Nested(AgentRow, load_default=None, allow_none=True)


class InvitationRow(InvitationFields, _Row):
    """A post of an import file. `contact` may be absent, and stays as it is then."""

    title = Line(required=True, shortest=1)
    content_language = TextLanguage(required=True)
    school = fields.Nested(SchoolInPost, required=True)
    travel = fields.Nested(TravelRow, allow_none=True)


class SideView(View):
    """A school of a match."""

    ref = fields.String(allow_none=True)
    name = fields.String()
    country = fields.String()
    county = fields.String(allow_none=True)


class ReportView(View):
    """What a school told of the result."""

    school = fields.String()
    held_on = fields.String()
    students = fields.Integer()
    teachers = fields.Integer()


class TimeView(View):
    """When the two schools meant to meet online, and the time both agreed on."""

    proposed_by = fields.String()
    status = fields.String()
    starts = fields.List(fields.String())
    minutes = fields.Integer()
    agreed_start = fields.String(allow_none=True)
    agreed_minutes = fields.Integer(allow_none=True)


class PersonView(View):
    """Whom one side named."""

    name = fields.String()
    email = fields.String()


class MatchRow(View):
    """A match of an export file."""

    number = fields.String()
    direction = fields.String()
    via = fields.String()
    status = fields.String()
    asking_school = fields.Nested(SideView)
    partner_school = fields.Nested(SideView, allow_none=True)
    invitation = fields.String(allow_none=True)
    from_invitation = fields.String(allow_none=True)
    handler_kind = fields.String(allow_none=True)
    handler_code = fields.String(allow_none=True)
    reason_code = fields.String(allow_none=True)
    created_at = fields.String()
    agreed_at = fields.String(allow_none=True)
    ended_at = fields.String(allow_none=True)
    meetings = fields.List(fields.Nested(TimeView))
    reports = fields.List(fields.Nested(ReportView))
    asking_contact = fields.Nested(PersonView, allow_none=True)
    partner_contact = fields.Nested(PersonView, allow_none=True)


SCHEMAS: Final[Mapping[str, type[Schema]]] = {
    "schools": SchoolRow,
    "invitations": InvitationRow,
    "matches": MatchRow,
}


def read_row(kind: str, raw: Mapping[str, Any]) -> tuple[dict[str, Any] | None, list[Fault]]:
    """The row as JSON values, or what is wrong with it. kind: `schools` or `invitations`."""
    try:
        return as_json(_schema(kind).load(raw)), []
    except ValidationError as fault:
        return None, list(_faults(fault.messages, ""))


def _schema(kind: str) -> Schema:
    if kind not in _MADE:
        _MADE[kind] = SCHEMAS[kind]()
    return _MADE[kind]


_MADE: Final[dict[str, Schema]] = {}


def _faults(messages: Any, above: str) -> Iterator[Fault]:
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            path = above if name == "_schema" else f"{above}.{name}" if above else str(name)
            yield from _faults(inner, path)
        return
    for message in messages if isinstance(messages, list) else [messages]:
        yield above, Text(*text_of(str(message)))


# columns


class Cell(Enum):
    """How a value is written in one cell of a table."""

    TEXT = "text"
    NUMBER = "number"
    TEXTS = "texts"  # joined by |
    NUMBERS = "numbers"  # joined by |
    OBJECTS = "objects"  # JSON


@dataclass(frozen=True)
class Column:
    """One column: a name, dotted where nested, and what its cells hold."""

    name: str
    cell: Cell


CONTACT_COLUMNS: Final = ("contact.", "travel.agent.contact", "asking_contact.", "partner_contact.")
"""Columns that hold contact data, by the beginning of their names."""


def columns_of(kind: str, *, with_contact: bool) -> list[Column]:
    """The columns of a table of such rows: what a row is known by, its school, then the rest as in the form."""
    columns = sorted(_columns(_schema(kind), ""), key=lambda c: (c.name != "ref", not c.name.startswith("school.")))
    return [column for column in columns if with_contact or not column.name.startswith(CONTACT_COLUMNS)]


def _columns(schema: Schema, above: str) -> Iterator[Column]:
    for name, field in schema.fields.items():
        path = f"{above}{name}"
        if isinstance(field, fields.Nested):
            yield from _columns(field.schema, f"{path}.")
        elif isinstance(field, fields.List):
            inner = field.inner
            if isinstance(inner, fields.Nested):
                yield Column(path, Cell.OBJECTS)
            else:
                yield Column(path, Cell.NUMBERS if isinstance(inner, Whole | fields.Integer) else Cell.TEXTS)
        else:
            yield Column(path, Cell.NUMBER if isinstance(field, fields.Integer) else Cell.TEXT)


def cells_of(row: Mapping[str, Any], columns: list[Column]) -> list[str | int]:
    """The row as cells, each text safe in a spreadsheet."""
    return [_write(_value_at(row, column.name), column.cell) for column in columns]


def _value_at(row: Mapping[str, Any], path: str) -> Any:
    value: Any = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _write(value: Any, cell: Cell) -> str | int:
    if value is None:
        return ""
    if cell is Cell.NUMBER:
        return int(value)
    if cell in (Cell.TEXTS, Cell.NUMBERS):
        return disarmed(_joined([str(part) for part in value]))
    if cell is Cell.OBJECTS:
        return json.dumps(value, ensure_ascii=False) if value else ""
    return disarmed(str(value))


def _joined(parts: list[str]) -> str:
    """Parts joined by |; as JSON where one of them could not be told apart again."""
    doubtful = any(JOINED_BY in part or part.startswith("[") or part != part.strip() or not part for part in parts)
    return json.dumps(parts, ensure_ascii=False) if doubtful else JOINED_BY.join(parts)


_ARMED: Final = re.compile("'*(?:{})".format("|".join(re.escape(start) for start in FORMULA_STARTS)))


def disarmed(text: str) -> str:
    """The text with a `'` in front where a spreadsheet would take it for a formula."""
    return f"'{text}" if _ARMED.match(text) else text


def rearmed(text: str) -> str:
    """The reverse of `disarmed`: takes away exactly the `'` that it put there."""
    return text[1:] if text.startswith("'") and _ARMED.match(text[1:]) else text


def row_of(cells: Mapping[str, Any], columns: Mapping[str, Column]) -> dict[str, Any]:
    """The cells of a line as a nested row; an empty cell says nothing. Raises ValueError with the column's name."""
    row: dict[str, Any] = {}
    for name, content in cells.items():
        value = _read(name, content, columns[name].cell)
        if value is None:
            continue
        *above, last = name.split(".")
        place = row
        for part in above:
            place = place.setdefault(part, {})
        place[last] = value
    return row


def _read(name: str, content: Any, cell: Cell) -> Any:
    text = _as_text(content)
    if text is None or not text.strip():
        return None
    text = rearmed(text)
    if cell is Cell.NUMBER:
        return _number(text)
    if cell is Cell.TEXT:
        return text
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError(name) from None
    if cell is Cell.OBJECTS:
        raise ValueError(name)
    parts = [part.strip() for part in text.split(JOINED_BY)]
    return [_number(part) for part in parts] if cell is Cell.NUMBERS else parts


def _as_text(content: Any) -> str | None:
    """What a cell of a spreadsheet shows: 24.0 is 24, a day is 2027-04-01, a telephone number is text."""
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, datetime):
        return content.date().isoformat() if content.time() == datetime.min.time() else content.isoformat()
    if isinstance(content, date):
        return content.isoformat()
    if isinstance(content, float) and content.is_integer() and abs(content) < 1e15:
        return str(int(content))
    return str(content)


def _number(text: str) -> int | str:
    """A whole number in plain digits; anything else is left for the schema to refuse."""
    plain = text.strip()
    return int(plain) if re.fullmatch(r"-?[0-9]{1,9}", plain) else text
