"""The mail catcher: every mail is kept and can be read, and no mail can reach out of its frame."""

import json
import smtplib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from http.client import HTTPConnection, HTTPResponse
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from iew.embedded.mailcatcher import Page, Taker
from iew.embedded.maildrop import Maildrop
from iew.embedded.processes import free_port

SCRIPT = "<script>alert(1)</script>"


@dataclass
class Catcher:
    """A catcher in this process."""

    smtp_port: int
    http_port: int

    def send(self, message: EmailMessage, to: str = "lin@school.example") -> None:
        with smtplib.SMTP("127.0.0.1", self.smtp_port) as smtp:
            smtp.send_message(message, "window@iew.example", [to])

    def get(self, path: str, host: str | None = None) -> tuple[HTTPResponse, str]:
        connection = HTTPConnection("127.0.0.1", self.http_port, timeout=10)
        try:
            connection.request("GET", path, headers={"Host": host} if host else {})
            reply = connection.getresponse()
            return reply, reply.read().decode()
        finally:
            connection.close()

    def mails(self, query: str = "") -> list[dict]:
        return json.loads(self.get(f"/messages.json{query}")[1])


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[Catcher]:
    maildrop = Maildrop(tmp_path)
    smtp = Controller(Taker(maildrop), hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=True)
    page = type("PageOfTest", (Page,), {"maildrop": maildrop})
    with ThreadingHTTPServer(("127.0.0.1", 0), page) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        smtp.start()
        yield Catcher(smtp.port, http.server_address[1])
        smtp.stop()
        http.shutdown()
        thread.join()


def mail(
    subject: str = "國際交流", text: str = "Read http://127.0.0.1:8000/m?a=1&b=2.", html: str = ""
) -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "window@iew.example", "lin@school.example"
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message


def test_a_mail_is_told_as_it_was_sent(catcher):
    message = mail(html="<p>安安</p>")
    message.add_attachment(b"a,b", maintype="text", subtype="csv", filename="學校.csv")
    catcher.send(message, to="hidden@school.example")
    (told,) = catcher.mails()
    assert (told["subject"], told["sender"], told["to"]) == (
        "國際交流", "window@iew.example", ["hidden@school.example"],
    )  # fmt: skip
    assert told["text"].strip() == "Read http://127.0.0.1:8000/m?a=1&b=2."
    assert told["html"].strip() == "<p>安安</p>"
    assert told["attachments"] == [{"name": "學校.csv", "content_type": "text/csv"}]
    assert ["To", "lin@school.example"] in told["headers"]


def test_the_newest_mail_comes_first_and_one_reader_can_be_asked_for(catcher):
    for number in range(3):
        catcher.send(mail(f"mail {number}"), to=f"reader{number % 2}@school.example")
    assert [m["subject"] for m in catcher.mails()] == ["mail 2", "mail 1", "mail 0"]
    assert [m["subject"] for m in catcher.mails("?to=Reader0@school.example")] == ["mail 2", "mail 0"]
    assert [m["subject"] for m in catcher.mails("?limit=1")] == ["mail 2"]
    page = catcher.get("/")[1]
    assert page.index("mail 2") < page.index("mail 1") < page.index("mail 0")


def test_the_addresses_in_a_text_are_links(catcher):
    catcher.send(mail())
    page = catcher.get(f"/messages/{catcher.mails()[0]['id']}")[1]
    assert '<a href="http://127.0.0.1:8000/m?a=1&amp;b=2">' in page


def test_nothing_of_a_mail_runs_on_the_page(catcher):
    catcher.send(mail(subject=SCRIPT, text=SCRIPT, html=SCRIPT))
    here = f"/messages/{catcher.mails()[0]['id']}"
    for path in ("/", here):
        reply, page = catcher.get(path)
        assert SCRIPT not in page
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    reply, framed = catcher.get(f"{here}/html")
    assert SCRIPT in framed
    policy = reply.headers["Content-Security-Policy"]
    assert "sandbox" in policy and "allow-scripts" not in policy and "allow-same-origin" not in policy


def test_the_source_and_the_attachments_can_be_fetched(catcher):
    message = mail()
    message.add_attachment(b"<html>", maintype="text", subtype="html", filename='a"b;c.html')
    catcher.send(message)
    here = f"/messages/{catcher.mails()[0]['id']}"
    assert "Delivered-To: lin@school.example" in catcher.get(f"{here}/source")[1]
    reply, content = catcher.get(f"{here}/attachments/0")
    assert content == "<html>"
    assert reply.headers["Content-Type"] == "application/octet-stream"
    assert reply.headers["Content-Disposition"].startswith("attachment;")
    assert catcher.get(f"{here}/attachments/1")[0].status == 404


@pytest.mark.parametrize("path", ["/nothing", "/messages/1", "/messages/..%2f..%2fsecrets", "/messages/../parts.json"])
def test_what_is_not_there_is_not_found(catcher, path):
    assert catcher.get(path)[0].status == 404


def test_another_host_name_is_refused(catcher):
    """Otherwise a web page could lead its own name to this address and read the mails."""
    assert catcher.get("/", host="evil.example")[0].status == 421
    assert catcher.get("/", host=f"localhost:{catcher.http_port}")[0].status == 200


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"no header at all",
        b"Subject: =?utf-8?b?broken",
        b"Content-Type: text/plain; charset=no-such-charset\r\n\r\n\xff\xfe",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nbody",
        b"From: \xff\xff\r\nTo: a@b, , ;;\r\n\r\n",
    ],
)
def test_a_malformed_mail_is_shown_as_far_as_it_can_be_read(tmp_path, catcher, source):
    Maildrop(tmp_path).store(source, "", ["lin@school.example"])
    (told,) = catcher.mails()
    assert told["to"] == ["lin@school.example"]
    assert catcher.get("/")[0].status == 200
    assert catcher.get(f"/messages/{told['id']}")[0].status == 200
