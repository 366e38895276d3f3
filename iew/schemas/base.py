"""What forms and JSON bodies have in common: strict fields that refuse what a database or a mail would choke on.

marshmallow's own defaults accept NUL, `"on"` for true, `20260101` for a day and text for a number; these do not.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, ClassVar, Final

from marshmallow import RAISE, Schema, ValidationError, fields, pre_load
from marshmallow.validate import Length

from iew.errors import N_

TITLE_LENGTH: Final = 200
PROSE_LENGTH: Final = 20_000
LIST_LENGTH: Final = 60
MOST_FIELDS: Final = 200
LONGEST_NAME: Final = 100
MOST_DESCRIBED: Final = 40
"""A set of so many codes is listed in the description of the API; longer ones are in the vocabularies."""

_BIDI: Final = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")
_LINE_BREAKS: Final = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS: Final = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ROC_DAY: Final = re.compile(r"1[0-9]{2}-[0-9]{2}-[0-9]{2}")
_MARKS_IN_A_ROW: Final = 4

WRONG_TYPE: Final = N_("This must be text.")
MESSAGES: Final = {
    "required": N_("This is needed."),
    "null": N_("This may not be empty."),
    "type": N_("This has the wrong form."),
    "invalid": N_("This has the wrong form."),
    "unknown": N_("There is no such field."),
}

# Schema-wide defaults, so that no field speaks in marshmallow's own English.
fields.Field.default_error_messages = {
    **fields.Field.default_error_messages,
    "required": MESSAGES["required"],
    "null": MESSAGES["null"],
    "validator_failed": MESSAGES["invalid"],
}


class Input(Schema):
    """A body or a form. Unknown fields are refused."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": MESSAGES["unknown"], "type": MESSAGES["type"]}  # noqa: RUF012 - marshmallow's own shape

    @pre_load
    def refuse_floods(self, data: Any, **_: Any) -> Any:
        """Raise ValidationError before thousands of unknown names are each answered for, or a huge one is repeated."""
        if isinstance(data, Mapping) and (len(data) > MOST_FIELDS or any(len(str(n)) > LONGEST_NAME for n in data)):
            raise ValidationError(MESSAGES["unknown"])
        return data


class NothingElse(Input):
    """A call without a body of its own."""


class View(Schema):
    """What somebody may read of a thing. Times are RFC 3339 in UTC."""

    class Meta:
        datetimeformat = "iso"


def check_text(value: str, *, one_line: bool) -> None:
    """Raise ValidationError for characters that break databases, mails or the reader's trust."""
    if "\0" in value or _CONTROLS.search(value):
        raise ValidationError(N_("This contains control characters. Please type the text again."))
    if _SURROGATES.search(value):
        raise ValidationError(N_("This contains characters that are not valid Unicode."))
    if one_line and _LINE_BREAKS.search(value):
        raise ValidationError(N_("Please write this in one line."))
    if one_line and _BIDI.search(value):
        raise ValidationError(N_("This contains invisible characters that change the direction of the text."))
    marks = 0
    for character in unicodedata.normalize("NFC", value):
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks > _MARKS_IN_A_ROW:
            raise ValidationError(N_("This contains too many marks on one letter."))


class _Text(fields.String):
    one_line: ClassVar[bool] = True
    default_error_messages = {"invalid": WRONG_TYPE, "invalid_utf8": WRONG_TYPE}  # noqa: RUF012 - marshmallow's own shape

    def __init__(self, *, longest: int, shortest: int = 0, **options: Any) -> None:
        self.longest, self.shortest = longest, shortest
        super().__init__(**options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        check_text(value, one_line=self.one_line)
        text = value.strip() if self.one_line else _BIDI.sub("", value.replace("\r\n", "\n")).strip()
        if not text and self.allow_none:
            return None
        if len(text) < self.shortest:
            raise ValidationError(MESSAGES["required"])
        if len(text) > self.longest or len(unicodedata.normalize("NFKC", text)) > 3 * self.longest:
            raise ValidationError(f"too_long:{self.longest}")
        return text


class Line(_Text):
    """Text in one line, trimmed."""

    def __init__(self, *, longest: int = TITLE_LENGTH, shortest: int = 0, **options: Any) -> None:
        super().__init__(longest=longest, shortest=shortest, **options)


class Prose(_Text):
    """Text of several lines; direction controls are taken out."""

    one_line = False

    def __init__(self, *, longest: int = PROSE_LENGTH, shortest: int = 0, **options: Any) -> None:
        super().__init__(longest=longest, shortest=shortest, **options)


class Code(fields.String):
    """One code of a known set; `codes` None takes any code-like word."""

    default_error_messages = {"invalid": N_("This is none of the possible values.")}  # noqa: RUF012

    def __init__(self, codes: Collection[str] | None = None, *, pattern: str = r"[A-Za-z0-9_-]{1,40}", **options: Any):
        self.codes, self.pattern = codes, re.compile(pattern)
        if codes is not None and len(codes) <= MOST_DESCRIBED:
            also = [None] if options.get("allow_none") or options.get("load_default", "") is None else []
            options["metadata"] = {"enum": [*codes, *also]} | options.get("metadata", {})
        super().__init__(**options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        if value == "" and self.allow_none:
            return None
        if not isinstance(value, str) or not self.pattern.fullmatch(value):
            raise self.make_error("invalid")
        if self.codes is not None and value not in self.codes:
            raise self.make_error("invalid")
        return value


class CodeList(fields.List[Any]):
    """Codes without doubles, in the order given."""

    default_error_messages = {"invalid": N_("This must be a list.")}  # noqa: RUF012

    def __init__(self, codes: Collection[str] | None = None, *, pattern: str = r"[A-Za-z0-9_-]{1,40}", **options: Any):
        super().__init__(
            Code(codes, pattern=pattern), validate=Length(max=LIST_LENGTH, error=N_("These are too many.")), **options
        )

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        if len(value) > LIST_LENGTH:
            raise ValidationError(N_("These are too many."))
        return list(dict.fromkeys(super()._deserialize(value, attr, data, **options)))


class Day(fields.Date):
    """A day as YYYY-MM-DD and nothing else."""

    default_error_messages = {  # noqa: RUF012
        "invalid": N_("Write the day as YYYY-MM-DD, for example 2027-04-01."),
        "roc": N_("Write the year of the common era, for example 2027 for 116."),
        "range": N_("This day is too far away."),
    }

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        if value == "" and self.allow_none:
            return None
        if isinstance(value, str) and _ROC_DAY.fullmatch(value):
            raise self.make_error("roc")
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise self.make_error("invalid")
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise self.make_error("invalid") from None
        if not 1950 <= day.year <= 2100:
            raise self.make_error("range")
        return day


class Whole(fields.Integer):
    """A whole number, as a number."""

    default_error_messages = {  # noqa: RUF012
        "invalid": N_("This must be a whole number."),
        "too_large": N_("This number is too large."),
    }

    def __init__(self, *, least: int = 0, most: int = 2000, **options: Any) -> None:
        self.least, self.most = least, most
        super().__init__(strict=True, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        if value == "" and self.allow_none:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid")
        if not self.least <= value <= self.most:
            raise ValidationError(f"out_of_range:{self.least}:{self.most}")
        return value


class YesNo(fields.Boolean):
    """true or false, as such."""

    default_error_messages = {"invalid": N_("This must be true or false.")}  # noqa: RUF012

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class Address(fields.Email):
    """A mail address, in lower case."""

    default_error_messages = {"invalid": N_("This is no mail address.")}  # noqa: RUF012

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> Any:
        if value == "" and self.allow_none:
            return None
        if not isinstance(value, str) or len(value) > 254:
            raise self.make_error("invalid")
        check_text(value, one_line=True)
        return str(super()._deserialize(value.strip(), attr, data, **options)).lower()


LENGTH_MESSAGE: Final = N_("This is too long: %(most)s characters at most.")
RANGE_MESSAGE: Final = N_("This must be between %(least)s and %(most)s.")


def text_of(message: str) -> tuple[str, dict[str, object]]:
    """A field's message as a sentence to translate and its values; see `too_long` and `out_of_range` above."""
    name, *numbers = message.split(":") if message.startswith(("too_long:", "out_of_range:")) else [message]
    if name == "too_long":
        return LENGTH_MESSAGE, {"most": numbers[0]}
    if name == "out_of_range":
        return RANGE_MESSAGE, {"least": numbers[0], "most": numbers[1]}
    return message, {}
