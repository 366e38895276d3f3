"""Which schools a unit asks about a case."""

from iew.schemas.base import CodeList, Input, Prose
from iew.schemas.matches import REASON_LENGTH


class ProposeSeveralInput(Input):
    """Schools, and what they should know."""

    school_ids = CodeList(load_default=list)
    note = Prose(longest=REASON_LENGTH, load_default=None, allow_none=True)
