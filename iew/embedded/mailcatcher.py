"""The mail server of the embedded mode: takes every mail, delivers none, and shows them on a small page.

    python -m iew.embedded.mailcatcher --smtp-port 2525 --http-port 8025 --directory DIR

It listens on loopback only and answers no other host name, so that no web page elsewhere can read the mails.
"""

import argparse
import json
import signal
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, quote, urlsplit

from iew.embedded import mailpage
from iew.embedded.faults import PartFault
from iew.embedded.maildrop import Maildrop

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

LARGEST_MAIL_BYTES: Final = 50 * 1024 * 1024
SHOWN: Final = 200
# A mail's HTML may show its own styles and inline pictures, open links in new windows, and nothing else.
MAIL_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups allow-popups-to-escape-sandbox"
)
PAGE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'"


@dataclass(frozen=True)
class Reply:
    """What the page answers."""

    body: bytes
    content_type: str = "text/html; charset=utf-8"
    status: HTTPStatus = HTTPStatus.OK
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Security-Policy": PAGE_POLICY})


class Taker:
    """Hands what SMTP clients bring to the maildrop."""

    def __init__(self, maildrop: Maildrop) -> None:
        self._maildrop = maildrop

    async def handle_DATA(self, server: "SMTP", session: "Session", envelope: "Envelope") -> str:  # noqa: N802 (aiosmtpd's name)
        """Keep the mail, then accept it."""
        content = envelope.original_content or b""
        mail_id = self._maildrop.store(content, envelope.mail_from or "", envelope.rcpt_tos)
        return f"250 2.0.0 kept as {mail_id}"


class Page(BaseHTTPRequestHandler):
    """The pages and the JSON for tests."""

    maildrop: Maildrop
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer one request."""
        reply = self._reply() if self._is_addressed_to_us() else _refusal(HTTPStatus.MISDIRECTED_REQUEST)
        self.send_response(reply.status)
        fixed = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
        for name, value in (fixed | reply.headers).items():
            self.send_header(name, value)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: the log of the part is for faults."""

    def _is_addressed_to_us(self) -> bool:
        """Whether the browser meant this server, and was not led here by a name somebody else controls."""
        name = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        return name in {"127.0.0.1", "localhost", "[::1]"}

    def _reply(self) -> Reply:
        address = urlsplit(self.path)
        match address.path.strip("/").split("/"):
            case [""]:
                return self._list()
            case ["messages.json"]:
                return self._json(parse_qs(address.query))
            case ["healthz"]:
                return Reply(b"ok\n", "text/plain; charset=utf-8")
            case ["messages", mail_id, *rest]:
                return self._one(mail_id, rest)
        return _refusal(HTTPStatus.NOT_FOUND)

    def _list(self) -> Reply:
        ids = self.maildrop.ids()
        mails = [mail for mail_id in ids[:SHOWN] if (mail := self.maildrop.read(mail_id)) is not None]
        return Reply(mailpage.list_of(mails, total=len(ids)).encode())

    def _json(self, query: dict[str, list[str]]) -> Reply:
        wanted = query.get("to", [""])[0].casefold()
        limit = query.get("limit", ["1000"])[0]
        if not limit.isdecimal():
            return _refusal(HTTPStatus.BAD_REQUEST)
        mails = (mail for mail_id in self.maildrop.ids() if (mail := self.maildrop.read(mail_id)) is not None)
        chosen = [m.as_json() for m in mails if not wanted or wanted in {address.casefold() for address in m.to}]
        return Reply(json.dumps(chosen[: int(limit)], ensure_ascii=False).encode(), "application/json")

    def _one(self, mail_id: str, rest: list[str]) -> Reply:
        mail, source = self.maildrop.read(mail_id), self.maildrop.source(mail_id)
        if mail is None or source is None:
            return _refusal(HTTPStatus.NOT_FOUND)
        match rest:
            case []:
                return Reply(mailpage.page_of(mail).encode())
            case ["html"]:
                framed = mailpage.framed(mail.html).encode()
                return Reply(framed, headers={"Content-Security-Policy": MAIL_POLICY})
            case ["source"]:
                return Reply(source, "text/plain; charset=utf-8")
            case ["attachments", number] if number.isdecimal() and int(number) < len(mail.attachments):
                attachment = mail.attachments[int(number)]
                disposition = f"attachment; filename*=UTF-8''{quote(attachment.name, safe='')}"
                return Reply(
                    attachment.content, "application/octet-stream", headers={"Content-Disposition": disposition}
                )
        return _refusal(HTTPStatus.NOT_FOUND)


def _refusal(status: HTTPStatus) -> Reply:
    return Reply(f"{status.value} {status.phrase}\n".encode(), "text/plain; charset=utf-8", status)


def serve(directory: Path, smtp_port: int, http_port: int) -> None:
    """Take and show mails until SIGTERM or SIGINT. Raises PartFault without aiosmtpd."""
    try:
        from aiosmtpd.controller import Controller
    except ImportError as absence:
        raise PartFault("the mail catcher is not installed: pip install 'iew[embedded]'") from absence
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    maildrop = Maildrop(directory)
    page = type("PageOfDirectory", (Page,), {"maildrop": maildrop})
    smtp = Controller(
        Taker(maildrop), hostname="127.0.0.1", port=smtp_port, data_size_limit=LARGEST_MAIL_BYTES, enable_SMTPUTF8=True
    )
    with ThreadingHTTPServer(("127.0.0.1", http_port), page) as http:
        threading.Thread(target=http.serve_forever, name="mail page", daemon=True).start()
        smtp.start()
        stop.wait()
        smtp.stop()
        http.shutdown()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m iew.embedded.mailcatcher", description="Take mails and show them.")
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    chosen = parser.parse_args()
    serve(chosen.directory, chosen.smtp_port, chosen.http_port)


if __name__ == "__main__":
    main()
