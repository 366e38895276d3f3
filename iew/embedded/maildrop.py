"""Mails in a directory, one .eml file each, and what a reader wants to know of them."""

import email
import itertools
import os
import re
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.message import EmailMessage, MIMEPart
from email.policy import default
from pathlib import Path
from typing import Any, Final

NAME: Final = re.compile(r"\d{20}-\d{6}-\d+")


@dataclass(frozen=True)
class Attachment:
    """A part of a mail that is neither its text nor its HTML."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Mail:
    """One mail as it arrived. `to` are those it was delivered to, whatever its header says."""

    id: str
    received_at: str  # RFC 3339, UTC
    sender: str
    to: tuple[str, ...]
    subject: str
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    attachments: tuple[Attachment, ...]

    def as_json(self) -> dict[str, Any]:
        """All but the content of its attachments."""
        return asdict(self) | {
            "headers": [list(pair) for pair in self.headers],
            "attachments": [{"name": a.name, "content_type": a.content_type} for a in self.attachments],
        }


class Maildrop:
    """The directory; many may read it, one process writes it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._serial = itertools.count()
        directory.mkdir(parents=True, exist_ok=True)

    def store(self, content: bytes, sender: str, recipients: Iterable[str]) -> str:
        """Keep a mail and return its id; it is on the disk when this returns."""
        name = f"{time.time_ns():020}-{next(self._serial) % 1_000_000:06}-{os.getpid()}"
        envelope = [f"Return-Path: <{sender}>", *(f"Delivered-To: {address}" for address in recipients)]
        draft = self.directory / f".{name}.new"
        with draft.open("wb") as out:
            out.write("".join(f"{line}\r\n" for line in envelope).encode() + content)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(self._file(name))
        return name

    def ids(self) -> list[str]:
        """All mails, newest first."""
        return sorted((file.stem for file in self.directory.glob("*.eml")), reverse=True)

    def source(self, mail_id: str) -> bytes | None:
        """A mail as it arrived, after two lines of envelope; None where there is none of that id."""
        if not NAME.fullmatch(mail_id) or not self._file(mail_id).is_file():
            return None
        return self._file(mail_id).read_bytes()

    def read(self, mail_id: str) -> Mail | None:
        """A mail, taken apart; None where there is none of that id."""
        source = self.source(mail_id)
        return None if source is None else _take_apart(mail_id, source)

    def _file(self, mail_id: str) -> Path:
        return self.directory / f"{mail_id}.eml"


def _take_apart(mail_id: str, source: bytes) -> Mail:
    message = email.message_from_bytes(source, policy=default)
    assert isinstance(message, EmailMessage)
    headers = tuple((name, str(value)) for name, value in message.items())
    return Mail(
        id=mail_id,
        received_at=datetime.fromtimestamp(int(mail_id[:20]) / 1e9, UTC).isoformat(timespec="milliseconds"),
        sender=str(message.get("Return-Path", "")).strip("<>"),
        to=tuple(value for name, value in headers if name == "Delivered-To"),
        subject=str(message.get("Subject", "")),
        headers=tuple(pair for pair in headers if pair[0] not in {"Return-Path", "Delivered-To"}),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        attachments=tuple(
            Attachment(part.get_filename() or "unnamed", part.get_content_type(), _bytes_of(part))
            for part in message.iter_attachments()
        ) if message.is_multipart() else (),
    )  # fmt: skip


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except LookupError:  # a charset nobody knows
        return _bytes_of(part).decode("utf-8", "replace")


def _bytes_of(part: MIMEPart) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else part.as_bytes()
