"""`iew users` and `iew tokens`, on a database of their own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from iew.cli import _with_home_first, main
from iew.db import SessionFactory
from tests.parts import Parts
from tests.world import World


@pytest.fixture
def shell(committed_database_url: str, parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Shell":
    for name in [name for name in os.environ if name.startswith("IEW_")]:
        monkeypatch.delenv(name)
    for name, value in (parts.variables | {"IEW_DATABASE_URL": committed_database_url}).items():
        if name.startswith("IEW_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("IEW_HOME", str(tmp_path))
    return Shell()


class Shell:
    """Runs commands as a person types them."""

    def __call__(self, line: str) -> Result:
        return CliRunner().invoke(main, line.split(), catch_exceptions=False)


@pytest.fixture
def there(committed_session_factory: SessionFactory) -> Iterator[World]:
    yield World(committed_session_factory)


def test_an_operator_is_added_and_listed(shell: Shell) -> None:
    added = shell("users add --email Boss@IEW.example --role iew_admin")

    assert added.exit_code == 0
    email, password = added.stdout.split()
    assert email == "boss@iew.example" and len(password) >= 10
    listed = shell("users list")
    assert listed.stdout == "iew_admin\tboss@iew.example\t-\tzh-Hant\tactive\n"


def test_a_given_password_is_not_printed(shell: Shell) -> None:
    added = shell("users add --email a@b.example --role office --unit JP-OSA --password 0123456789")

    assert (added.exit_code, added.stdout) == (0, "a@b.example\n")


def test_a_person_of_a_school_by_its_ref(shell: Shell, there: World) -> None:
    school = there.school(ref="K-1")

    assert shell("users add --email a@b.example --role school --school K-1").exit_code == 0
    assert f"school\ta@b.example\t{school.ref}\tja\tactive" in shell("users list").stdout


def test_a_disabled_person_shows(shell: Shell) -> None:
    shell("users add --email a@b.example --role system_admin")

    assert shell("users disable a@b.example").exit_code == 0
    assert shell("users list").stdout.endswith("\tdisabled\n")


def test_a_token_stands_alone_on_its_line(shell: Shell, there: World) -> None:
    shell("users add --email a@b.example --role iew_admin")

    made = shell("tokens create a@b.example --name robot --days 3")

    assert made.exit_code == 0
    assert len(made.stdout.split()) == 1 and made.stdout.startswith("iew_")


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("users add --email nonsense --role iew_admin", 1, "email: This is no mail address."),
        ("users add --email a@b.example --role school --school none", 1, "school: There is no school with this key."),
        ("users add --email a@b.example --role ierc --unit XX", 1, "unit: There is no such centre or office."),
        ("users add --email a@b.example --role iew_admin --password short", 1, "password: Use at least 10 characters."),
        ("users disable nobody@b.example", 1, "nobody@b.example"),
        ("tokens create nobody@b.example", 1, "nobody@b.example"),
        ("users add --email a@b.example --role ierc", 2, "needs --unit"),
        ("users add --email a@b.example --role iew_admin --unit TPE", 2, "takes no --unit"),
        ("users add --email a@b.example --role king", 2, "king"),
        ("users add --role iew_admin", 2, "--email"),
        ("tokens create a@b.example --days 0", 2, "--days"),
        ("unheard-of", 2, "unheard-of"),
    ],
)
def test_a_refusal_is_one_line_and_leaves_nothing(shell: Shell, line: str, code: int, words: str) -> None:
    refused = shell(line)

    assert refused.exit_code == code
    assert words in refused.stderr and refused.stdout == ""
    if code == 1:
        assert refused.stderr.startswith("iew: ") and refused.stderr.count("\n") == 1
    assert shell("users list").stdout == ""


def test_missing_variables_are_named_at_once(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IEW_SECRET_KEY")
    monkeypatch.delenv("IEW_DATABASE_URL")

    refused = shell("users list")

    assert refused.exit_code == 1
    assert "IEW_SECRET_KEY is not set" in refused.stderr and "IEW_DATABASE_URL is not set" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_database_that_is_away_is_one_line(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IEW_DATABASE_URL", "postgresql+psycopg://iew:x@127.0.0.1:1/none")

    refused = shell("users list")

    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "the database does not answer" in refused.stderr


def test_an_unmigrated_database_is_one_line(shell: Shell, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IEW_DATABASE_URL", parts.database_url.rsplit("/", 1)[0] + "/postgres")

    refused = shell("users list")

    assert (refused.exit_code, refused.stderr) == (
        1,
        "iew: the database is not of this release; run `iew db upgrade`\n",
    )


@pytest.mark.parametrize(
    ("line", "brought"),
    [
        ("users list --home /h", "--home /h users list"),
        ("--home /h users list", "--home /h users list"),
        ("users list --home=/h", "--home=/h users list"),
        ("users list", "users list"),
        ("search query -- --home", "search query -- --home"),
        ("users list --home", "users list --home"),
    ],
)
def test_the_home_may_stand_anywhere(line: str, brought: str) -> None:
    assert _with_home_first(line.split()) == brought.split()


def test_every_command_has_help(shell: Shell) -> None:
    for line in ("", "users", "users add", "users list", "users disable", "tokens", "tokens create"):
        shown = shell(f"{line} --help".strip())
        assert shown.exit_code == 0 and shown.stdout.startswith("Usage:")
