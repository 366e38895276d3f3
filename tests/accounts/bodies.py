"""Bodies that the tests of schools and accounts send."""

from itertools import count
from typing import Any

_numbers = count(1)
GOOD_PASSWORD = "four words make one"


def sign_up_body(place_of: str = "JP", *, user: dict[str, Any] | None = None, **school: Any) -> dict[str, Any]:
    """A body that POST /schools takes. place_of: the country."""
    number = next(_numbers)
    place: dict[str, Any] = {"TW": {"county": "TNN"}, "JP": {"subdivision": "JP-27"}}.get(place_of, {})
    return {
        "school": {"name": f"Newcomer {number}", "country": place_of, "level": "senior_high_general"} | place | school,
        "user": {"email": f"newcomer{number}@school.example", "password": GOOD_PASSWORD, "name": "Ms New"}
        | (user or {}),
    }
