"""`iew tick`, `iew jobs`, `iew backup` and `iew restore`, as an operator types them."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, select, text

from iew.cli import main
from iew.cli.backup import _spare_older_servers
from iew.domain.invitations import Status as PostStatus
from iew.domain.matches import Status as MatchStatus
from iew.embedded import postgres
from iew.models import EmailDelivery, OutboxRow
from iew.services.deliveries import STATES
from tests.parts import Parts
from tests.workshop import Workshop
from tests.world import World

Shell = Callable[..., Result]


@pytest.fixture
def url(committed_database_url: str) -> str:
    return committed_database_url


@pytest.fixture
def shell(url: str, parts: Parts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    """Type a command."""
    variables = {
        "IEW_HOME": str(tmp_path), "IEW_DATABASE_URL": url, "IEW_REDIS_URL": parts.redis_url,
        "IEW_OPENSEARCH_URL": parts.opensearch_url, "IEW_SMTP_URL": parts.smtp_url,
        "IEW_BASE_URL": "http://localhost:8000", "IEW_SECRET_KEY": "a secret key of the tests",
        "IEW_MAIL_FROM": "window@iew.example",
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    def shell(*words: object) -> Result:
        return CliRunner().invoke(main, [str(word) for word in words])

    return shell


@pytest.fixture
def workshop(committed_session_factory: object) -> Workshop:
    return Workshop(committed_session_factory)  # type: ignore[arg-type]


@pytest.fixture
def world(workshop: Workshop) -> World:
    return World(workshop.session_factory)


def test_tick_does_what_is_due_at_the_given_moment_and_mails_are_left_to_the_workers(
    world: World, workshop: Workshop, shell: Shell
) -> None:
    match, post = (
        world.match(),
        world.invitation(expires_on=(datetime.now(UTC) + timedelta(days=10)).date().isoformat()),
    )
    moment = (datetime.now(UTC) + timedelta(days=15)).isoformat()

    assert [shell("tick", "--at", moment).exit_code for _ in range(2)] == [0, 0]

    assert world.now_is(match).status == MatchStatus.NO_REPLY
    assert world.now_is(post).status == PostStatus.EXPIRED
    assert workshop.deliveries() == []
    assert [row.job for row in workshop.rows()].count("notify_match_no_reply") == 1
    assert shell("tick").exit_code == 0


@pytest.mark.parametrize("moment", ["tomorrow", "2027-03-01", "2027-03-01T08:00:00", "0001-01-01T00:00:00+14:00", ""])
def test_a_moment_without_a_zone_is_wrong_usage(shell: Shell, moment: str) -> None:
    result = shell("tick", "--at", moment)
    assert result.exit_code == 2
    assert "2027-03-01T08:00:00+08:00" in result.output


def test_jobs_are_listed_shown_tried_again_and_dropped_without_naming_anybody(
    world: World, workshop: Workshop, shell: Shell
) -> None:
    reader = world.osaka
    with workshop.unit_of_work() as uow:
        for key in ("one", "two"):
            uow.plan_mail(
                EmailDelivery(
                    dedup_key=key, kind="match_requested", user_id=reader.id, address=reader.email, language="en",
                    subject="For Mika", text="t", html="h", once_only=False,
                )
            )  # fmt: skip
        first, second = uow.session.scalars(select(OutboxRow).order_by(OutboxRow.id))
        first.parked_at, first.attempts, first.last_error = uow.now, 10, f"NotNow: refused <{reader.email}>"

    listed = shell("jobs", "list")
    assert listed.exit_code == 0
    assert f"{first.id}  parked  send_mail" in listed.output and f"{second.id}  waiting" in listed.output
    shown = shell("jobs", "show", first.id)
    assert "match_requested, queued" in shown.output and "NotNow: refused <…>" in shown.output
    for output in (listed.output, shown.output, shell("jobs", "list", "--json").output):
        assert reader.email not in output and "Mika" not in output
    assert [
        json.loads(line)["id"] for line in shell("jobs", "list", "--json", "--state", "parked").output.split("\n")[:-1]
    ] == [first.id]

    assert shell("jobs", "retry", first.id).exit_code == 0
    row = workshop.row(first.id)
    assert (row.parked_at, row.attempts) == (None, 0)

    assert shell("jobs", "drop", first.id).exit_code == 0
    assert workshop.row(first.id).done_at is not None
    assert {mail.dedup_key: mail.status for mail in workshop.deliveries()} == {"one": "suppressed", "two": "queued"}
    workshop.work_off()
    assert [recipient for recipient, _ in workshop.postbox.sent] == [reader.email]


@pytest.mark.parametrize("verb", ["show", "retry", "drop"])
def test_a_job_that_is_not_there_is_one_line_and_status_one(shell: Shell, verb: str) -> None:
    result = shell("jobs", verb, 4711)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "iew: There is no job with this number.\n")


def test_a_job_that_is_done_cannot_be_dropped(workshop: Workshop, shell: Shell) -> None:
    with workshop.unit_of_work() as uow:
        uow.owe("x", subject_type="y", subject_id="z")
        row = uow.session.scalars(select(OutboxRow)).one()
        row.done_at = uow.now
    assert shell("jobs", "drop", row.id).exit_code == 1
    assert shell("jobs", "list", "--state", "done").output.count("\n") == 1
    assert STATES == ("waiting", "parked", "done")


def test_wrong_usage_of_jobs(shell: Shell) -> None:
    assert [shell("jobs", *words).exit_code for words in (["show", "x"], ["show"], ["list", "--state", "odd"])] == [
        2,
        2,
        2,
    ]


NOTED = ("duties", "events", "fingerprints")
"""Where a restore itself leaves a note."""


def _content(url: str) -> dict[str, int]:
    engine = create_engine(url)
    with engine.connect() as connection:
        names = connection.scalars(text("select tablename from pg_tables where schemaname = 'public'")).all()
        counts = {name: connection.scalar(text(f"select count(*) from {name}")) or 0 for name in names}
    engine.dispose()
    return counts


def test_a_backup_brings_everything_back_and_restores_over_nothing_by_accident(
    world: World, workshop: Workshop, shell: Shell, url: str, tmp_path: Path
) -> None:
    match, file = world.match(), tmp_path / "window.backup"
    before = _content(url)

    assert shell("backup", file).exit_code == 0
    assert file.stat().st_size > 1000 and file.stat().st_mode & 0o077 == 0
    later = world.invitation()

    refused = shell("restore", file)
    assert (refused.exit_code, "--replace" in refused.output) == (1, True)
    assert world.now_is(later).title == later.title

    restored = shell("restore", file, "--replace")
    assert restored.exit_code == 0, restored.output
    assert "search rebuild" in restored.output
    assert {name: count for name, count in _content(url).items() if name not in NOTED} == {
        name: count for name, count in before.items() if name not in NOTED
    }
    assert world.now_is(match).number == match.number
    assert shell("restore", file, "--replace").exit_code == 0
    assert shell("backup", file).exit_code == 0
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_after_a_restore_nothing_is_sent_that_may_have_been_sent_since_the_backup(
    world: World, workshop: Workshop, shell: Shell, tmp_path: Path
) -> None:
    reader, file = world.ierc_tainan, tmp_path / "window.backup"
    world.invitation(target_counties=["TNN"])
    with workshop.unit_of_work() as uow:
        uow.plan_mail(
            EmailDelivery(
                dedup_key="old", kind="match_requested", user_id=reader.id, address=reader.email, language="en",
                subject="s", text="t", html="h", once_only=False,
            )
        )  # fmt: skip
    assert shell("backup", file).exit_code == 0
    assert shell("restore", file, "--replace").exit_code == 0

    shell("tick")
    workshop.work_off()
    assert workshop.postbox.sent == []
    assert [(mail.dedup_key, mail.status) for mail in workshop.deliveries()] == [("old", "unknown")]

    shell("tick", "--at", (datetime.now(UTC) + timedelta(days=1, hours=1)).isoformat())
    workshop.work_off()
    assert [recipient for recipient, _ in workshop.postbox.sent] == [reader.email]


def test_a_broken_file_changes_nothing(world: World, shell: Shell, url: str, tmp_path: Path) -> None:
    world.match()
    before, whole, broken = _content(url), tmp_path / "whole", tmp_path / "broken"
    assert shell("backup", whole).exit_code == 0
    broken.write_bytes(whole.read_bytes()[:-2000])
    other = tmp_path / "letter.txt"
    other.write_text("Dear Sir or Madam")

    assert [shell("restore", file, "--replace").exit_code for file in (broken, other)] == [1, 1]
    assert _content(url) == before
    assert shell("restore", tmp_path / "absent").exit_code == 2
    assert shell("backup", tmp_path / "no" / "such" / "place").exit_code == 1


def test_without_the_embedded_programs_those_on_the_path_are_used(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = postgres.binaries()

    def none() -> Path:
        raise postgres.PartFault("not installed")

    monkeypatch.setattr("iew.cli.backup.binaries", none)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    missing = shell("backup", tmp_path / "b")
    assert (missing.exit_code, "pg_dump is needed" in missing.stderr) == (1, True)
    monkeypatch.setenv("PATH", f"{own}{os.pathsep}/usr/bin")
    assert shell("backup", tmp_path / "b").exit_code == 0


def test_a_restore_asks_nothing_of_the_server_that_older_ones_do_not_know(tmp_path: Path) -> None:
    script, data = tmp_path / "script.sql", b"COPY x FROM stdin;\nSET transaction_timeout = 0;\n\\.\n"
    script.write_bytes(b"SET lock_timeout = 0;\nSET transaction_timeout = 0;\n" + b"-- \n" * 2000 + data)
    _spare_older_servers(script)
    content = script.read_bytes()
    assert content.startswith(b"SET lock_timeout = 0;\n--" + b" " * 26 + b"\n--")
    assert content.endswith(data)
