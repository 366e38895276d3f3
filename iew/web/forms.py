"""HTML forms, read by the same schemas as JSON bodies.

A form differs from JSON in its shape alone: everything is text, an empty box is no value, lists come as repeated names.
This module translates the shape, and keeps what was typed, so that a refused form comes back as it was, each fault at
its field. Without it pages and API would grow two validations that drift apart.

Names in a form: `title`; `school.name` inside an object; `periods-0.start` in the first object of a list.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from flask import request
from marshmallow import Schema, ValidationError, fields
from werkzeug.datastructures import MultiDict

from iew.errors import BadRequest, IewError, Invalid, NotAllowed, NotFound, NotSignedIn, Text
from iew.schemas.base import Line, Prose, Whole, YesNo, text_of
from iew.web.conditional import seen_in_form
from iew.web.context import say
from iew.web.errors import status_of

# Names that forms carry for the frame; they are no part of what was typed.
CONTROLS: Final = frozenset({"csrf_token", "idempotency_key", "carried_to"})
_ROW: Final = re.compile(r"(?P<list>.+?)-(?P<number>[0-9]{1,3})\.(?P<name>.+)")
_SEPARATORS: Final = re.compile(r"[,、，;；\n]")
# These end a page; every other refusal is shown above the form that was refused.
_NOT_THE_FORMS: Final = (NotAllowed, NotFound, NotSignedIn, BadRequest)


class Form:
    """What was typed into a form, what it means, and what is wrong with it."""

    def __init__(
        self,
        typed: MultiDict[str, str],
        schema: Schema | None = None,
        *,
        version: int | None = None,
        name: str = "",
        shown_at: Mapping[str, str] | None = None,
    ) -> None:
        """version: of the thing being edited, sent along so that nobody overwrites a change unseen.

        name: tells the fields of several forms of a page apart. shown_at: where a fault appears whose field has another
        name in this form.
        """
        self.typed = typed
        self.schema = schema
        self.version = version
        self.name = name
        self.shown_at = shown_at or {}
        self.faults: dict[str, list[str]] = {}
        self.problem: str | None = None
        self.status = 200
        self.retry_after_seconds: int | None = None
        self._labels: dict[str, str] = {}

    @classmethod
    def blank(cls, values: Mapping[str, Any] | None = None, *, version: int | None = None, name: str = "") -> "Form":
        """A form to show first: empty, or filled with `values`, shaped like the JSON of the API."""
        return cls(MultiDict(_flattened(values or {})), version=version, name=name)

    @classmethod
    def posted(
        cls, schema: type[Schema] | Schema, *, name: str = "", shown_at: Mapping[str, str] | None = None
    ) -> "Form":
        """The form of this request, to be read by `schema`."""
        made = schema if isinstance(schema, Schema) else schema()
        return cls(_rows_closed_up(request.form), made, version=seen_in_form(), name=name, shown_at=shown_at)

    @property
    def refused(self) -> bool:
        return bool(self.faults) or self.problem is not None

    @property
    def data(self) -> Any:
        """What the form means. Raises Invalid."""
        if self.schema is None:
            raise TypeError("a form to show has no meaning yet")
        try:
            return self.schema.load(structured(self.schema, self.typed))
        except ValidationError as fault:
            raise Invalid(dict(_faults_by_path(fault.messages))) from fault

    def attempt(self, also: type[IewError] | None = None) -> "Attempt":
        """Do something with the form; what is refused about it is kept here and shown, not raised.

        also: a kind of refusal that is the form's here, though it ends other pages. Put it outside of the unit of
        work, so that a refusal rolls back: `with form.attempt(), unit_of_work() as uow:`.
        """
        return Attempt(self, also)

    def refuse(self, refusal: IewError) -> None:
        """Keep a refusal, to be shown above the form and at its fields."""
        self.status = status_of(refusal)
        self.retry_after_seconds = getattr(refusal, "retry_after_seconds", None)
        if isinstance(refusal, Invalid):
            for path, texts in refusal.errors.items():
                self.faults.setdefault(self.shown_at.get(path, path), []).extend(say(text) for text in texts)
        if not isinstance(refusal, Invalid) or not refusal.errors:
            self.problem = say(refusal.text)

    # for the macros

    def id(self, path: str) -> str:
        """The HTML id of a field."""
        return field_id(f"{self.name}.{path}" if self.name else path)

    def value(self, path: str, default: str = "") -> str:
        return self.typed.get(path, default)

    def chosen(self, path: str) -> list[str]:
        """The codes chosen in a list."""
        return [value for value in self.typed.getlist(path) if value]

    def rows(self, path: str, least: int = 1, spare: int = 0) -> range:
        """The numbers of the rows of a list to show: those filled, `spare` more, and at least `least`."""
        numbers = [
            int(found["number"]) for name in self.typed if (found := _ROW.fullmatch(name)) and found["list"] == path
        ]
        return range(max(least, max(numbers, default=-1) + 1 + spare))

    def faults_at(self, path: str) -> list[str]:
        return self.faults.get(path, [])

    def faults_within(self, path: str) -> list[str]:
        """The faults of a list and everything in it, for a field that shows them in one place."""
        return [
            text
            for name, texts in self.faults.items()
            if name == path or name.startswith((f"{path}.", f"{path}-"))
            for text in texts
        ]

    def called(self, path: str, label: str) -> str:
        """Remember the label of a field, for the summary of faults. Says nothing itself."""
        self._labels[path] = label
        return ""

    def summary(self) -> list[tuple[str, str, str]]:
        """(id of the field or "", its label, fault) of all faults, in the order of the fields."""
        places = {path: place for place, path in enumerate(self._labels)}
        lines = []
        for path, texts in self.faults.items():
            shown = next((name for name in _ancestry(path) if name in self._labels), None)
            lines += [(places.get(shown or "", 999), self.id(shown) if shown else "", shown, text) for text in texts]
        lines.sort(key=lambda line: line[0])
        return [(anchor, self._labels.get(shown or "", ""), text) for _, anchor, shown, text in lines]

    def left_over(self) -> list[tuple[str, str]]:
        """All that was typed, to carry it through another page."""
        return [(name, value) for name, value in self.typed.items(multi=True) if name not in CONTROLS]


class Attempt:
    """Holds back the refusals that belong to a form, and gives them to it."""

    def __init__(self, form: Form, also: type[IewError] | None) -> None:
        self.form, self.also = form, also

    def __enter__(self) -> None:
        """Nothing is needed before."""

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: Any) -> bool:
        if not isinstance(fault, IewError):
            return False
        if isinstance(fault, _NOT_THE_FORMS) and not (self.also and isinstance(fault, self.also)):
            return False
        self.form.refuse(fault)
        return True


def asked_by(schema: type[Schema] | Schema, without: Collection[str] = ()) -> dict[str, Any]:
    """What the address of this page asks for, read by `schema`; parameters that are not ours are let pass.

    without: names that are not read. Links get decorated on their way by other sites; a page that refused them would be
    a broken link. Raises Invalid.
    """
    made = schema if isinstance(schema, Schema) else schema()
    lists = {field.data_key or name for name, field in made.fields.items() if isinstance(field, fields.List)}
    known = {field.data_key or name for name, field in made.fields.items()} - set(without)
    values = {
        name: request.args.getlist(name) if name in lists else request.args[name]
        for name in request.args
        if name in known - set(without) and (request.args[name] or name in lists)
    }
    try:
        return dict(made.load(values))
    except ValidationError as fault:
        raise Invalid(dict(_faults_by_path(fault.messages))) from fault


def field_id(path: str) -> str:
    """The HTML id of a field."""
    return "f-" + re.sub(r"[^A-Za-z0-9_]+", "-", path)


def structured(schema: Schema, typed: MultiDict[str, str], prefix: str = "") -> dict[str, Any]:
    """The form as the JSON that `schema` reads; fields that the form does not have are left out."""
    body: dict[str, Any] = {}
    for name, field in schema.fields.items():
        key = field.data_key or name
        if field.dump_only or not _mentioned(typed, prefix + key):
            continue
        value = _value_of(field, typed, prefix + key)
        if value is not _LEFT_OUT:
            body[key] = value
    return body


_LEFT_OUT: Final = object()


def _mentioned(typed: MultiDict[str, str], path: str) -> bool:
    return any(name == path or name.startswith((f"{path}.", f"{path}-")) for name in typed)


def _value_of(field: fields.Field[Any], typed: MultiDict[str, str], path: str) -> Any:
    if isinstance(field, fields.Nested):
        return _objects(field, typed, path) if field.many else _object(field, typed, path)
    if isinstance(field, fields.List):
        inner = field.inner
        if isinstance(inner, fields.Nested):
            return _objects(inner, typed, path)
        return _listed(inner, [value for value in typed.getlist(path) if value.strip()])
    return _single(field, typed.getlist(path)[-1] if typed.getlist(path) else "")


def _object(field: fields.Nested, typed: MultiDict[str, str], path: str) -> Any:
    body = structured(field.schema, typed, f"{path}.")
    if not field.required and not _filled(body):
        return None if field.allow_none else _LEFT_OUT
    return body


def _objects(field: fields.Nested, typed: MultiDict[str, str], path: str) -> list[Any]:
    numbers = {int(found["number"]) for name in typed if (found := _ROW.fullmatch(name)) and found["list"] == path}
    return [structured(field.schema, typed, f"{path}-{number}.") for number in sorted(numbers)]


def _listed(inner: fields.Field[Any], values: Sequence[str]) -> list[Any]:
    if isinstance(inner, Line):  # words in one box, separated as people do
        return [word.strip() for value in values for word in _SEPARATORS.split(value) if word.strip()]
    return [_single(inner, value) for value in values]


def _single(field: fields.Field[Any], text: str) -> Any:
    if isinstance(field, YesNo):
        return text in ("yes", "on", "true", "1")
    if isinstance(field, Line | Prose):
        return text
    if not text.strip():
        return None if field.allow_none else _LEFT_OUT
    if isinstance(field, Whole):
        digits = unicodedata.normalize("NFKC", text).strip()
        return int(digits) if re.fullmatch(r"[0-9]{1,9}", digits) else text
    return text.strip() if isinstance(field, fields.Date | fields.Email) else text


def _filled(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_filled(part) for part in value.values())
    if isinstance(value, list):
        return any(_filled(part) for part in value)
    return value not in (None, "", False)


def _rows_closed_up(typed: MultiDict[str, str]) -> MultiDict[str, str]:
    """The same form without empty rows, so that the numbers of the rows are those in the faults."""
    filled: dict[str, set[int]] = {}
    for name, value in typed.items(multi=True):
        if (found := _ROW.fullmatch(name)) and value.strip():
            filled.setdefault(found["list"], set()).add(int(found["number"]))
    pairs = []
    for name, value in typed.items(multi=True):
        found = _ROW.fullmatch(name)
        if found is None:
            pairs.append((name, value))
        elif int(found["number"]) in filled.get(found["list"], ()):
            place = sorted(filled[found["list"]]).index(int(found["number"]))
            pairs.append((f"{found['list']}-{place}.{found['name']}", value))
        else:
            pairs.append((found["list"], ""))  # the list was in the form, and is empty
    return MultiDict(pairs)


def _flattened(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        yield from _flattened_value(prefix + name, value)


def _flattened_value(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if isinstance(value, Mapping):
        yield from _flattened(value, f"{path}.")
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value):
            if isinstance(part, Mapping):
                yield from _flattened(part, f"{path}-{number}.")
            else:
                yield path, str(part)
    elif isinstance(value, bool):
        yield path, "yes" if value else ""
    else:
        yield path, value.isoformat() if isinstance(value, date) else str(value)


def _faults_by_path(messages: Any, path: str = "") -> Iterator[tuple[str, list[Text]]]:
    """marshmallow's nested messages as one list of texts for each field."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            yield from _faults_by_path(inner, _joined(path, name))
        return
    texts = messages if isinstance(messages, list) else [messages]
    yield path, [Text(*text_of(str(text))) for text in texts]


def _joined(path: str, name: str | int) -> str:
    if isinstance(name, int):
        return f"{path}-{name}"
    if name == "_schema":
        return path
    return f"{path}.{name}" if path else name


def _ancestry(path: str) -> Iterator[str]:
    """The path itself, then the paths that contain it: a-0.b, a-0, a."""
    while path:
        yield path
        cut = max(path.rfind("."), path.rfind("-"))
        path = path[:cut] if cut > 0 else ""
