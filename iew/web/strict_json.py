"""JSON as the database and the rules can bear it.

Python's own reader takes NaN, doubled keys, UTF-16 and a depth that ends in a stack overflow; each of them would
surface later as an error of ours.
"""

import json
import math
import re
from typing import Any, Final, NoReturn

from iew.errors import N_, BadRequest

DEEPEST: Final = 20
_LONGEST_NUMBER: Final = 100
_STRING_OR_BRACKET: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]', re.DOTALL)


def read(body: bytes) -> dict[str, Any]:
    """The object in a body. Raises BadRequest that says what is wrong."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("utf8_expected", N_("The body must be UTF-8."))
    if text.startswith("\ufeff") or "\0" in text:
        _refuse("utf8_expected", N_("The body must be UTF-8 without a byte order mark."))
    _check_depth(text)
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float, parse_int=_int
        )
    except ValueError:
        _refuse("invalid_json", N_("The body is not valid JSON."))
    if not isinstance(value, dict):
        _refuse("invalid_json", N_("The body must be a JSON object."))
    return value


def _refuse(code: str, msgid: str) -> NoReturn:
    raise BadRequest(msgid, code=code) from None


def _check_depth(text: str) -> None:
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        if depth > DEEPEST:
            _refuse("too_deep", N_("The body is nested too deeply."))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        _refuse("duplicate_key", N_("The body names one field twice."))
    return found


def _constant(_: str) -> NoReturn:
    _refuse("invalid_number", N_("NaN and Infinity are no numbers here."))


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        _refuse("invalid_number", N_("A number in the body is too large."))
    return number


def _int(digits: str) -> int:
    if digits == "-0" or len(digits) > _LONGEST_NUMBER:
        _refuse("invalid_number", N_("A number in the body is not usable."))
    return int(digits)
