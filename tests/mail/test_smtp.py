"""What came of handing a mail over: taken, refused for good, certainly not taken, or nobody knows."""

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from iew.mail.envelope import message_of
from iew.mail.smtp import AddressRefused, MailRefused, MailServer, NotNow, SmtpMailer, Unclear
from iew.models import EmailDelivery
from tests.mail.sink import Sink, running_sink


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as sink:
        yield sink


def delivery(**changes: object) -> EmailDelivery:
    values = {
        "id": "d1", "address": "someone@school.example", "language": "ja", "subject": "交流の申し込み",
        "text": "本文\n.\nend\n", "html": "<p>本文</p>", "unsubscribe_url": None,
        "created_at": datetime(2027, 3, 1, tzinfo=UTC),
    }  # fmt: skip
    return EmailDelivery(**(values | changes))


def send(sink: Sink, what: EmailDelivery | None = None, *, seconds: float = 5) -> None:
    mail = what or delivery()
    mailer = SmtpMailer(MailServer.at(sink.url), own_name="iew.example", seconds=seconds)
    mailer.send(
        message_of(mail, mail_from="Window <window@iew.example>"), sender="window@iew.example", recipient=mail.address
    )


def test_a_mail_arrives_as_it_was_written(sink: Sink) -> None:
    send(sink, delivery(unsubscribe_url="https://window.example/unsubscribe/" + "k" * 200))

    (message,) = sink.taken
    assert sink.recipients == [["someone@school.example"]]
    assert message["Subject"] == "交流の申し込み"
    assert message["Message-ID"] == "<d1@iew.example>"
    assert message["List-Unsubscribe"] == "<https://window.example/unsubscribe/" + "k" * 200 + ">"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Auto-Submitted"] == "auto-generated"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None and text.get_content().replace("\r\n", "\n") == "本文\n.\nend\n"
    assert html is not None and "本文" in html.get_content()


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\u2028", "\u0085", "\x0b", "\x00"])
def test_a_title_cannot_write_headers(sink: Sink, break_: str) -> None:
    send(sink, delivery(subject=f"Robots{break_}Bcc: all@school.example"))
    (message,) = sink.taken
    assert message["Bcc"] is None
    assert message["Subject"] == "Robots Bcc: all@school.example"
    assert sink.recipients == [["someone@school.example"]]


@pytest.mark.parametrize(
    "address", ["a@b.example>\r\nRCPT TO:<c@d.example", "a b@c.example", "no-address", "<a@b.example>"]
)
def test_an_address_cannot_speak_to_the_server(sink: Sink, address: str) -> None:
    with pytest.raises((AddressRefused, ValueError)):
        send(sink, delivery(address=address))
    assert sink.taken == []


def test_addresses_of_the_world_arrive(sink: Sink) -> None:
    send(sink, delivery(address="ring@例え.jp"))
    send(sink, delivery(address="用戶@例子.台灣"))
    assert sink.recipients == [["ring@xn--r8jz45g.jp"], ["用戶@xn--fsqu00a.xn--kpry57d"]]


def test_an_address_refused_for_good(sink: Sink) -> None:
    sink.at_rcpt = "550 5.1.1 no such user"
    with pytest.raises(AddressRefused, match="550"):
        send(sink)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("550 5.1.1 no such user", AddressRefused),
        ("554 5.7.1 looks like spam", MailRefused),
        ("552 5.3.4 too large", MailRefused),
        ("451 4.3.0 try later", NotNow),
        ("452 4.3.1 disk full", NotNow),
    ],
)
def test_a_clear_no_after_the_mail(sink: Sink, reply: str, outcome: type[Exception]) -> None:
    sink.at_data = reply
    with pytest.raises(outcome):
        send(sink)


def test_greylisting_is_no_refusal(sink: Sink) -> None:
    sink.at_rcpt = "451 4.7.1 greylisted"
    with pytest.raises(NotNow):
        send(sink)


def test_a_line_cut_after_the_mail_leaves_it_open_whether_it_arrived(sink: Sink) -> None:
    sink.after = "cut"
    with pytest.raises(Unclear):
        send(sink)
    assert len(sink.taken) == 1


def test_silence_after_the_mail_leaves_it_open(sink: Sink) -> None:
    sink.after = "hang"
    with pytest.raises(Unclear):
        send(sink, seconds=0.5)


def test_an_unknown_reply_leaves_it_open(sink: Sink) -> None:
    sink.at_data = "999 what is this"
    with pytest.raises(Unclear):
        send(sink)


def test_nobody_at_home_means_not_now() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = Sink(port=probe.getsockname()[1])
    with pytest.raises(NotNow):
        send(closed)


def test_a_server_that_never_greets_means_not_now() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        with pytest.raises(NotNow):
            send(Sink(port=mute.getsockname()[1]), seconds=0.3)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", MailServer("mail.example", 25, "none", None, None)),
        ("smtps://u%40x:p%2Fw@mail.example", MailServer("mail.example", 465, "tls", "u@x", "p/w")),
        ("smtp+starttls://u:p@mail.example:2525", MailServer("mail.example", 2525, "starttls", "u", "p")),
    ],
)
def test_addresses_of_mail_servers(url: str, server: MailServer) -> None:
    assert MailServer.at(url) == server


def certificate(directory: Path) -> Path:
    """A key and a certificate for 127.0.0.1, signed by itself."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")]),
    )
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (file := directory / "server.pem").write_bytes(plain + signed.public_bytes(Encoding.PEM))
    return file


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
@pytest.mark.parametrize("trusted", [True, False])
def test_a_mail_goes_encrypted_to_a_server_that_proves_its_name_and_to_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, trusted: bool
) -> None:
    pem = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with running_sink(context, at_once=scheme == "smtps") as sink:
        sink.scheme = scheme
        if trusted:
            send(sink)
            assert len(sink.taken) == 1
        else:
            with pytest.raises(NotNow):
                send(sink)
            assert sink.taken == []
