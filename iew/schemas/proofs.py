"""What is typed from the sheet of a proof."""

from iew.schemas.base import Input, Line


class ProofQuery(Input):
    """Case number and check code."""

    number = Line(longest=40, load_default="")
    code = Line(longest=60, load_default="")
