"""Reads the report that a mail server sends when a mail of ours came back (RFC 3464)."""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.policy import default
from typing import Final

from iew.domain.bounces import Bounce
from iew.errors import N_, BadRequest

MOST_BYTES: Final = 5_000_000
_MESSAGE_ID: Final = re.compile(r"<([A-Za-z0-9]{1,64})@[^<>\s]+>")
_STATUS: Final = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")


def read(report: bytes) -> list[Bounce]:
    """What a report says of each of its recipients. Raises BadRequest where it is no such report."""
    message = message_from_bytes(report[:MOST_BYTES], policy=default)
    parts = {part.get_content_type(): part for part in message.walk()}
    status = parts.get("message/delivery-status") or parts.get("message/global-delivery-status")
    if status is None:
        raise BadRequest(N_("This is no report of a mail server about a mail that came back."), code="no_report")
    delivery_id = _returned(message)
    return [_bounce(fields, delivery_id) for fields in _recipients(status)]


def _recipients(status: Message) -> Iterator[Message]:
    """The blocks of fields that name a recipient; the first one speaks of the whole mail."""
    blocks = status.get_payload()
    for block in blocks if isinstance(blocks, list) else []:
        if isinstance(block, Message) and (block["Final-Recipient"] or block["Original-Recipient"]):
            yield block


def _bounce(fields: Message, delivery_id: str | None) -> Bounce:
    code = _STATUS.search(str(fields["Status"] or ""))
    action = str(fields["Action"] or "").strip().lower()
    reply = str(fields["Diagnostic-Code"] or "")
    return Bounce(delivery_id, action, code.group(1) if code else "", reply)


def _returned(message: Message) -> str | None:
    """The id of the mail that the report returns, whole or its headers alone."""
    for part in message.walk():
        kind, payload = part.get_content_type(), part.get_payload()
        if kind in ("message/rfc822", "message/global") and isinstance(payload, list) and payload:
            returned = payload[0]
        elif kind in ("text/rfc822-headers", "message/global-headers"):
            headers = part.get_payload(decode=True)
            returned = message_from_bytes(headers if isinstance(headers, bytes) else b"", policy=default)
        else:
            continue
        found = _MESSAGE_ID.search(str(returned["Message-ID"] or "")) if isinstance(returned, Message) else None
        if found:
            return found.group(1)
    return None
