"""From a saved delivery to the message on the wire.

The message is made of the row alone, so that a second try sends the same mail under the same Message-ID, and a mail
server that had taken the first one can tell.
"""

import re
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime, parseaddr
from typing import Final

from iew.models import EmailDelivery

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
LONGEST_SUBJECT: Final = 200


class _AsWritten(UnstructuredHeader):
    """A header that is never folded or encoded: an address broken over two lines is no address any more."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"  # type: ignore[attr-defined]  # set by the registry's mixin


def _policy() -> Policy:
    registry = HeaderRegistry()
    registry.map_to_type("list-unsubscribe", _AsWritten)  # type: ignore[arg-type]  # the registry makes the whole type
    return SMTP.clone(header_factory=registry, cte_type="7bit")


_POLICY: Final = _policy()


def message_of(delivery: EmailDelivery, *, mail_from: str) -> EmailMessage:
    """The mail of a delivery. Raises ValueError where the address or a text can stand in no mail."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = mail_from
    message["To"] = _address(delivery.address)
    message["Subject"] = plain_line(delivery.subject)
    message["Date"] = format_datetime(delivery.created_at)
    message["Message-ID"] = message_id(delivery.id, mail_from)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["Content-Language"] = delivery.language
    if delivery.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{delivery.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(delivery.text or "")
    message.add_alternative(delivery.html or "", subtype="html")
    if delivery.calendar:
        _attach_calendar(message, delivery.calendar)
    return message


def _attach_calendar(message: EmailMessage, calendar: str) -> None:
    """Mail programs look for the method in the type of the part, not in the file."""
    method = "CANCEL" if "METHOD:CANCEL" in calendar else "PUBLISH"
    message.add_attachment(calendar, subtype="calendar", filename="meeting.ics", params={"method": method})


def message_id(delivery_id: str, mail_from: str) -> str:
    """The same for every try."""
    return f"<{delivery_id}@{domain_of(mail_from)}>"


def domain_of(mail_from: str) -> str:
    """The domain behind the sender's address."""
    return parseaddr(mail_from)[1].rpartition("@")[2]


def sender_of(mail_from: str) -> str:
    """The sender's bare address."""
    return parseaddr(mail_from)[1]


def plain_line(text: str) -> str:
    """A text that can stand in a header: one line, no control characters, not endless."""
    line = " ".join(_CONTROL.sub(" ", text).split())
    return line if len(line) <= LONGEST_SUBJECT else line[: LONGEST_SUBJECT - 1].rstrip() + "…"


def _address(address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(username=local, domain=domain if domain.isascii() else domain.encode("idna").decode())
