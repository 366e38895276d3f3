"""`iew doctor`: each part on a line, and exit 1 as soon as one is down."""

import pytest
from click.testing import CliRunner

from iew.cli.parts import doctor
from iew.embedded import checks
from tests.parts import parts_for_tests

DOWN = {
    "IEW_DATABASE_URL": "postgresql+psycopg://iew:secret-word@127.0.0.1:1/iew",
    "IEW_REDIS_URL": "redis://:secret-word@127.0.0.1:1/0",
    "IEW_OPENSEARCH_URL": "http://user:secret-word@127.0.0.1:1",
    "IEW_SMTP_URL": "smtp://127.0.0.1:1",
    "IEW_BASE_URL": "http://127.0.0.1:1",
}


@pytest.fixture
def examined(monkeypatch, tmp_path):
    def run(**variables: str):
        for name in DOWN:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(doctor, ["--home", str(tmp_path)])

    return run


def test_every_part_that_answers_is_well(examined):
    parts = parts_for_tests()
    names = [name for name in DOWN if name != "IEW_BASE_URL"]
    result = examined(**{name: parts.variables[name] for name in names}, IEW_BASE_URL=parts.mail_page)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert [line.split()[:2] for line in lines] == [
        [part, "ok"] for part in ("database", "queue", "search", "mail", "web")
    ]
    assert "PostgreSQL 18" in lines[0] and "Valkey 9" in lines[1] and "OpenSearch 3.8.0" in lines[2]


def test_parts_that_are_down_are_all_named_and_no_password_is_shown(examined):
    result = examined(**DOWN)
    assert result.exit_code == 1
    assert [line.split()[:2] for line in result.output.splitlines()] == [
        [part, "DOWN"] for part in ("database", "queue", "search", "mail", "web")
    ]
    assert "secret-word" not in result.output


def test_a_variable_that_is_not_set_is_named(examined):
    result = examined()
    assert result.exit_code == 1
    for name in DOWN:
        assert f"{name} is not set" in result.output


def test_rate_limits_that_are_off_are_warned_of(examined):
    assert "IEW_RATE_LIMITS is off" in examined(IEW_RATE_LIMITS="off").output
    assert "IEW_RATE_LIMITS" not in examined(IEW_RATE_LIMITS="on").output


def test_a_search_engine_without_an_analyser_is_unfit(monkeypatch):
    monkeypatch.setitem(checks.TOKENIZERS, "no_such_tokenizer", "analysis-none")
    with pytest.raises(checks.CheckFailed, match="the plugin analysis-none is missing"):
        checks.check_search(parts_for_tests().opensearch_url)


def test_a_queue_that_throws_rows_away_is_unfit():
    from redis import Redis

    address = parts_for_tests().redis_url
    with Redis.from_url(address) as redis:
        redis.config_set("maxmemory-policy", "allkeys-lru")
        try:
            with pytest.raises(checks.CheckFailed, match="allkeys-lru"):
                checks.check_queue(address)
        finally:
            redis.config_set("maxmemory-policy", "noeviction")
