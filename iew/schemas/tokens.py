"""Keys for programs, as a person makes them for the own account."""

from iew.schemas.base import Input, Line, Whole

LONGEST_DAYS = 365


class NewToken(Input):
    """What the key is for, and for how long."""

    name = Line(required=True, shortest=1, longest=100)
    days = Whole(required=True, least=1, most=LONGEST_DAYS)
