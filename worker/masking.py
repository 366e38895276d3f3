"""Faults as they may be written down: in a row, in a log, in Redis.

What a mail server or the database says often quotes an address or a value; an operator needs the kind of the fault and
not the person.
"""

import re
from typing import Final

from sqlalchemy.exc import DBAPIError

LONGEST: Final = 300
_ADDRESS: Final = re.compile(r"[^\s<>\"'(]+@[^\s<>\"')]+")
_DIGITS: Final = re.compile(r"\+?\d[\d ()-]{7,}\d")


def masked(fault: Exception) -> str:
    """A fault on one line, without addresses, numbers of telephones and values of the database."""
    said = fault.orig if isinstance(fault, DBAPIError) and fault.orig is not None else fault
    first_line = (str(said).splitlines() or [""])[0]
    hidden = _DIGITS.sub("…", _ADDRESS.sub("…", first_line))
    return f"{type(fault).__name__}: {hidden}"[:LONGEST]
