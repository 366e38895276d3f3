"""A mail server in this process that takes, refuses, cuts and hangs as a test tells it to."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Sink:
    """What arrived, and how to answer. at_rcpt, at_data: a reply instead of 250; `cut` and `hang` after taking it."""

    port: int = 0
    at_rcpt: str | None = None
    at_data: str | None = None
    after: str | None = None
    scheme: str = "smtp"
    taken: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.at_rcpt:
            return self.at_rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.at_data and self.at_data[0] in "45":
            return self.at_data
        self.taken.append(message_from_bytes(envelope.content or b"", policy=default))  # type: ignore[arg-type]
        self.recipients.append(envelope.rcpt_tos)
        if self.after == "cut":
            server.transport.abort()  # type: ignore[union-attr]
        if self.after == "hang":
            await asyncio.sleep(3)
        return self.at_data or "250 OK"

    @property
    def ids(self) -> list[str]:
        return [str(message["Message-ID"]) for message in self.taken]


@contextmanager
def running_sink(tls: ssl.SSLContext | None = None, *, at_once: bool = False) -> Iterator[Sink]:
    """A sink that listens. at_once: TLS from the first byte, where there is TLS."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        sink = Sink(port=probe.getsockname()[1])
    context = {"ssl_context": tls} if at_once else {"tls_context": tls}
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port, enable_SMTPUTF8=True, **context)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
