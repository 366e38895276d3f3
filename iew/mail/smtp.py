"""Hands one mail for one person to a mail server, and says exactly what came of it.

smtplib alone leaves that open: it raises the same error before the server had the mail and after, has no time-out of
its own, and asks the name server for our name. Whether a digest may be sent again hangs on that difference.
"""

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

SECONDS: Final = 10.0
_MAILBOX_CODES: Final = frozenset({550, 551, 553})
"""Replies that speak of the mailbox, also where a server gives them only after it has seen the mail."""
_PORTS: Final = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}


class AddressRefused(Exception):
    """The server will never deliver to this address."""


class MailRefused(Exception):
    """The server will never take this mail; another one to the same address it might."""


class NotNow(Exception):
    """The mail was certainly not taken; try again later."""


class Unclear(Exception):
    """The mail was handed over and the answer is missing or unknown: it may be on its way or not."""


class Mailer(Protocol):
    """Whoever can send a mail."""

    def send(self, message: EmailMessage, *, sender: str, recipient: str) -> None:
        """Send it to this one person. Raises AddressRefused, MailRefused, NotNow, Unclear."""


@dataclass(frozen=True)
class MailServer:
    """Where mails are brought. encryption: `none`, `tls` from the first byte, or `starttls`."""

    host: str
    port: int
    encryption: str
    user: str | None
    password: str | None

    @classmethod
    def at(cls, url: str) -> "MailServer":
        """Read `smtp://host:port`, `smtps://user:pass@host:port` or `smtp+starttls://…`."""
        parts = urlsplit(url)
        encryption = {"smtp": "none", "smtps": "tls", "smtp+starttls": "starttls"}[parts.scheme]
        return cls(
            host=parts.hostname or "localhost",
            port=parts.port or _PORTS[parts.scheme],
            encryption=encryption,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )


class SmtpMailer:
    """Sends through a mail server, one connection a mail."""

    def __init__(self, server: MailServer, *, own_name: str, seconds: float = SECONDS) -> None:
        """own_name: the host name we give. seconds: how long one answer of the server may take."""
        self._server, self._own_name, self._seconds = server, own_name, seconds

    def send(self, message: EmailMessage, *, sender: str, recipient: str) -> None:
        """Send it to this one person. Raises AddressRefused, MailRefused, NotNow, Unclear."""
        address = _wire_address(recipient)
        with self._connected() as connection:
            with _nothing_handed_over():
                foreign = not address.isascii()
                _envelope(connection, sender, address, foreign=foreign)
                content = message.as_bytes(policy=SMTPUTF8 if foreign else SMTP)
                _begin(connection)
            _hand_over(connection, content)

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        with _nothing_handed_over():
            connection = self._connect()
        try:
            yield connection
        finally:
            # The outcome is known by now; how the server takes our goodbye changes nothing.
            with suppress(smtplib.SMTPException, OSError):
                connection.quit()
            connection.close()

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        connection: smtplib.SMTP
        if server.encryption == "tls":
            connection = smtplib.SMTP_SSL(
                server.host, server.port, self._own_name, timeout=self._seconds, context=ssl.create_default_context()
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, self._own_name, self._seconds)
        try:
            if server.encryption == "starttls":
                connection.starttls(context=ssl.create_default_context())
            if server.user is not None:
                connection.login(server.user, server.password or "")
            else:
                connection.ehlo_or_helo_if_needed()
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def _nothing_handed_over() -> Iterator[None]:
    """Until the mail itself is on the line, every fault means that the server has not got it."""
    try:
        yield
    except (smtplib.SMTPException, OSError) as fault:
        raise NotNow(_words(fault)) from fault


def _envelope(connection: smtplib.SMTP, sender: str, address: str, *, foreign: bool) -> None:
    if foreign and not connection.has_extn("smtputf8"):
        raise AddressRefused("the mail server takes no addresses with letters beyond ASCII")
    code, reply = connection.mail(sender, ["SMTPUTF8", "BODY=8BITMIME"] if foreign else [])
    if code != 250:
        raise NotNow(f"sender refused: {_shown(code, reply)}")  # a fault of ours or of the server's settings
    code, reply = connection.rcpt(address)
    if 500 <= code < 600:
        raise AddressRefused(_shown(code, reply))
    if code not in (250, 251):
        raise NotNow(_shown(code, reply))


def _begin(connection: smtplib.SMTP) -> None:
    code, reply = connection.docmd("DATA")
    if code != 354:
        raise _refusal(code, reply) or NotNow(_shown(code, reply))


def _hand_over(connection: smtplib.SMTP, content: bytes) -> None:
    """Send the mail itself; from here on silence is no answer."""
    ended = content if content.endswith(b"\r\n") else content + b"\r\n"
    try:
        connection.send(re.sub(rb"(?m)^\.", b"..", ended) + b".\r\n")
        code, reply = connection.getreply()
    except (smtplib.SMTPException, OSError) as fault:
        raise Unclear(_words(fault)) from fault
    if code == 250:
        return
    raise _refusal(code, reply) or Unclear(_shown(code, reply))


def _refusal(code: int, reply: bytes) -> Exception | None:
    """What a clear no means; None where it is not clear."""
    if code in _MAILBOX_CODES:
        return AddressRefused(_shown(code, reply))
    if 500 <= code < 600:
        return MailRefused(_shown(code, reply))
    if 400 <= code < 500:
        return NotNow(_shown(code, reply))
    return None


def _wire_address(address: str) -> str:
    """The address as it goes over the wire: its domain in ASCII."""
    local, _, domain = address.rpartition("@")
    if not local or re.search(r"[\s<>\x00-\x1f\x7f]", address):
        raise AddressRefused("this is no mail address")
    try:
        return f"{local}@{domain if domain.isascii() else domain.encode('idna').decode()}"
    except UnicodeError:
        raise AddressRefused("the domain of this address cannot exist") from None


def reply_code(words: str | None) -> str:
    """The code with which a refusal begins, as it may be kept beside a person; what a server says may name the
    address."""
    found = re.match(r"\d{3}(?: \d\.\d{1,3}\.\d{1,3})?", words or "")
    return found.group() if found else "refused"


def _shown(code: int, reply: bytes) -> str:
    return f"{code} {reply.decode('ascii', 'replace')}"


def _words(fault: Exception) -> str:
    return f"{type(fault).__name__}: {fault}"
