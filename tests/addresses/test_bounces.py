"""Reports of mail servers on mails that came back, as they are piped in."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from iew.cli import main
from iew.db import SessionFactory, new_id
from iew.domain.bounces import Bounce
from iew.errors import BadRequest
from iew.mail.bounces import read
from iew.models import EmailDelivery, User
from tests.parts import Parts
from tests.world import World

HEADERS = """\
Content-Type: text/rfc822-headers

From: window@iew.example
Message-ID:
 <{id}@iew.example>
Subject: Hello
"""
WHOLE = """\
Content-Type: message/rfc822

From: window@iew.example
Message-Id: <{id}@iew.example>
Subject: Hello

Hello
"""
REPORT = """\
From: MAILER-DAEMON@mx.example (Mail Delivery System)
To: window@iew.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

This is the mail system at host mx.example. I'm sorry.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Arrival-Date: Tue, 24 Nov 2026 08:00:00 +0000

Final-Recipient: rfc822; teacher@school.example
Original-Recipient: rfc822;teacher@school.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {reply}

--b
{returned}
--b--
"""


def report(
    delivery_id: str,
    *,
    action: str = "failed",
    status: str = "5.1.1",
    reply: str = "550 5.1.1 user unknown",
    returned: str = HEADERS,
) -> bytes:
    text = REPORT.format(action=action, status=status, reply=reply, returned=returned.format(id=delivery_id))
    return text.replace("\n", "\r\n").encode()


@pytest.mark.parametrize("returned", [HEADERS, WHOLE])
def test_a_report_names_the_mail_and_what_became_of_it(returned: str) -> None:
    (bounce,) = read(report("abc123", returned=returned))
    assert bounce == Bounce("abc123", "failed", "5.1.1", "smtp; 550 5.1.1 user unknown")


@pytest.mark.parametrize("nonsense", [b"", b"\xff\x00", b"Subject: Hello\r\n\r\nI am on holiday.", b"x" * 100_000])
def test_what_is_no_report_is_refused(nonsense: bytes) -> None:
    with pytest.raises(BadRequest):
        read(nonsense)


@pytest.mark.parametrize(
    ("action", "status", "reply", "final", "blamed"),
    [
        ("failed", "5.1.1", "", True, True),
        ("failed", "5.1.10", "", True, True),
        ("failed", "5.4.4", "", True, True),
        ("failed", "5.0.0", "smtp; 550 no such user", True, True),
        ("failed", "5.0.0", "smtp; 554 go away", True, False),
        ("failed", "5.2.2", "smtp; 552 mailbox full", True, False),
        ("failed", "5.7.1", "smtp; 550 spam", True, False),
        ("failed", "4.4.7", "", False, False),
        ("delayed", "4.4.1", "", False, False),
        ("delivered", "2.0.0", "", False, False),
        ("failed", "", "", False, False),
    ],
)
def test_a_full_mailbox_is_no_dead_address(action: str, status: str, reply: str, final: bool, blamed: bool) -> None:
    bounce = Bounce("x", action, status, reply)
    assert (bounce.final, bounce.blames_address) == (final, blamed)


class Shell:
    def __call__(self, line: str, *, given: bytes | None = None) -> Result:
        return CliRunner().invoke(main, line.split(), input=given, catch_exceptions=False)


@pytest.fixture
def shell(committed_database_url: str, parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    for name in [name for name in os.environ if name.startswith("IEW_")]:
        monkeypatch.delenv(name)
    ours = {"IEW_DATABASE_URL": committed_database_url, "IEW_MAIL_FROM": "window@iew.example"}
    for name, value in (parts.variables | ours).items():
        if name.startswith("IEW_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("IEW_HOME", str(tmp_path))
    return Shell()


@pytest.fixture
def there(committed_session_factory: SessionFactory) -> Iterator[World]:
    yield World(committed_session_factory)


def sent_mail(there: World) -> EmailDelivery:
    user = there.osaka
    delivery = EmailDelivery(
        id=new_id(), dedup_key="one", kind="match_requested", user_id=user.id, address=user.email, language="ja",
        subject="Hello", text="x", html="x", status="sent", created_at=user.created_at, sent_at=user.created_at,
    )  # fmt: skip
    with there.unit_of_work() as uow:
        uow.session.add(delivery)
    return delivery


def fate(there: World, delivery: EmailDelivery) -> tuple[str, bool]:
    """The status of the mail, and whether its address counts as dead."""
    with there.unit_of_work() as uow:
        user = uow.get(User, there.osaka.id)
        uow.session.refresh(user)
        return uow.get(EmailDelivery, delivery.id).status, user.mail_refused_at is not None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("failed", True)),
        ({"status": "5.2.2", "reply": "552 full"}, ("failed", False)),
        ({"action": "delayed", "status": "4.4.1"}, ("sent", False)),
    ],
)
def test_a_report_about_a_mail_of_ours_is_noted(
    shell: Shell, there: World, changes: dict[str, str], expected: tuple[str, bool]
) -> None:
    delivery = sent_mail(there)
    for _ in range(2):
        result = shell("mail bounced --stdin-dsn", given=report(delivery.id, **changes))
        assert result.exit_code == 0, result.stderr
    assert fate(there, delivery) == expected


def test_a_report_that_anybody_could_have_written_changes_nothing(shell: Shell, there: World) -> None:
    delivery = sent_mail(there)
    for given in (report("0" * 20), b"Subject: Hello\r\n\r\nI am on holiday."):
        result = shell("mail bounced --stdin-dsn", given=given)
        assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert fate(there, delivery) == ("sent", False)


def test_an_address_that_has_changed_since_is_not_blamed(shell: Shell, there: World) -> None:
    delivery = sent_mail(there)
    with there.unit_of_work() as uow:
        uow.get(User, there.osaka.id).email = "new@people.example"
    assert shell("mail bounced --stdin-dsn", given=report(delivery.id)).exit_code == 0
    assert fate(there, delivery) == ("failed", False)


def test_an_operator_names_an_address(shell: Shell, there: World) -> None:
    delivery = sent_mail(there)
    assert shell(f"mail bounced {there.osaka.email.upper()}").exit_code == 0
    assert fate(there, delivery) == ("sent", True)
    assert shell("mail bounced nobody@people.example").exit_code == 1
    assert shell("mail bounced").exit_code == shell("mail bounced a@b.example --stdin-dsn").exit_code == 2
