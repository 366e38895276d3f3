"""The shell's commands on the database of the test."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from iew.cli import files, main
from iew.db import SessionFactory
from iew.web.house import House
from tests.parts import Parts

Shell = Callable[..., Result]


@pytest.fixture
def house(session_factory: SessionFactory, parts: Parts) -> House:
    return House(
        session_factory=session_factory,
        base_url="http://localhost",
        secret_key="a secret key of the tests",
        mail_from="window@window.example",
        smtp_url=parts.smtp_url,
        redis_url=parts.redis_url,
    )


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, house: House) -> Shell:
    """`iew …` with these words; standard input may be given."""
    monkeypatch.setattr(files, "house", lambda: house)

    def run(*words: str | Path, given: bytes | None = None) -> Result:
        return CliRunner().invoke(main, [str(word) for word in words], input=given)

    return run


@pytest.fixture
def ndjson(tmp_path: Path) -> Callable[..., Path]:
    """A file of these rows."""

    def write(*rows: Any, name: str = "rows.ndjson") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        return path

    return write
