"""What a mail server's report on one mail means: whether the mail has failed, and whether its address is to blame.

The codes are those of RFC 3463. A full mailbox or a filter that dislikes one mail says nothing about the next one; an
account or a domain that does not exist does.
"""

import re
from dataclasses import dataclass
from typing import Final

_OF_ADDRESSES: Final = re.compile(r"5\.1\.\d{1,3}|5\.2\.1|5\.4\.4")
_VAGUE: Final = re.compile(r"5\.0\.0")
_MAILBOX_REPLY: Final = re.compile(r"\b(?:550|551|553)\b")


@dataclass(frozen=True)
class Bounce:
    """delivery_id: our own id of the mail, as its Message-ID had it. action, status: the fields of RFC 3464.

    reply: what the far server said, where the report quotes it.
    """

    delivery_id: str | None
    action: str
    status: str
    reply: str = ""

    @property
    def final(self) -> bool:
        """Whether the mail will never arrive; a report of a delay, or of success, asks for nothing."""
        return self.action == "failed" and self.status.startswith("5.")

    @property
    def blames_address(self) -> bool:
        vague = _VAGUE.fullmatch(self.status) and _MAILBOX_REPLY.search(self.reply)
        return self.final and bool(_OF_ADDRESSES.fullmatch(self.status) or vague)
