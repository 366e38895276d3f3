"""The application as a process gets it: from the variables alone, several of them side by side."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts import Parts

ROOT = Path(__file__).parents[2]
ASK = """
import sys
from iew.app import create_app
client = create_app().test_client()
for path in sys.argv[1:]:
    reply = client.get(path)
    print("REPLY", reply.status_code, reply.text.replace("\\n", "|"))
"""


def ask(variables: dict[str, str], *paths: str) -> list[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("IEW_")}
    run = subprocess.run(
        [sys.executable, "-c", ASK, *paths], env=environment | variables, cwd=ROOT, capture_output=True, text=True,
        timeout=60, check=True,
    )  # fmt: skip
    return [line for line in run.stdout.splitlines() if line.startswith(("REPLY", "{"))]


@pytest.fixture
def variables(parts: Parts, committed_database_url: str) -> dict[str, str]:
    return parts.variables | {"IEW_DATABASE_URL": committed_database_url}


def test_it_is_made_of_the_variables_and_writes_json_lines(variables: dict[str, str]) -> None:
    lines = ask(variables, "/healthz", "/api/v1/me?secret=1")

    replies = [line for line in lines if line.startswith("REPLY")]
    assert [reply.split()[1] for reply in replies] == ["200", "401"]
    log = [json.loads(line) for line in lines if line.startswith("{")]
    assert [(entry["route"], entry["status"]) for entry in log] == [("/healthz", 200), ("/api/v1/me", 401)]
    assert "secret" not in str(log)


def test_figures_of_several_processes_are_added(variables: dict[str, str], tmp_path: Path) -> None:
    shared = variables | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        ask(shared, "/api/v1/offices")

    counted = 'iew_requests_total{method="GET",route="/api/v1/offices",status="200"} 2.0'
    assert counted in [line for each in ask(shared, "/metrics") for line in each.split("|")]
