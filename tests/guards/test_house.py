"""What people forget: the rules of the house that no single feature would notice being broken."""

import ast
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DatabaseError

import iew
from iew.cli.db import alembic_config, differences
from iew.domain.actors import SYSTEM
from iew.domain.invitations import INVITATION, REVISION
from iew.domain.matches import MATCH
from iew.domain.meetings import MEETING
from iew.domain.pairings import PAIRING
from iew.domain.questions import QUESTION
from iew.domain.schools import SCHOOL
from iew.outbox import JOBS_FOR
from tests.world import World

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("iew", "search_index", "worker", "config")
THE_DOOR = ROOT / "iew" / "uow.py"
OWN_STATES = {"delivery", "proposal", "other"}
"""Names under which the code holds mails and proposals, whose simple states have no table."""
HTTP = ROOT / "iew" / "web"
"""Where a status of an object's own is that of a reply."""


def _sources() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def _assigned_states(tree: ast.Module, own: frozenset[str] = frozenset()) -> Iterator[int]:
    """Lines that assign `something.status`, or update a status in SQL; own: further names that are no subjects."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(t, ast.Attribute) and t.attr == "status" and not _own(t.value, own) for t in targets):
                yield node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "values":
            names = {word.arg for word in node.keywords}
            yield from [node.lineno] if "status" in names and "Delivery" not in ast.unparse(node) else []


def _own(holder: ast.expr, own: frozenset[str]) -> bool:
    return isinstance(holder, ast.Name) and holder.id in OWN_STATES | own


def test_nobody_but_the_one_door_assigns_a_state() -> None:
    culprits = [
        f"{path.relative_to(ROOT)}:{line}"
        for path, tree in _sources()
        if path != THE_DOOR
        for line in _assigned_states(tree, frozenset({"self"}) if HTTP in path.parents else frozenset())
    ]
    assert culprits == []


def test_the_guard_of_the_door_sees_a_breach() -> None:
    breach = "match.status = 'agreed'\nsession.execute(update(Match).values(status='agreed'))"
    assert list(_assigned_states(ast.parse(breach))) == [1, 2]


def test_every_fact_of_every_life_owes_its_jobs() -> None:
    lives = (INVITATION, REVISION, MATCH, MEETING, PAIRING, QUESTION, SCHOOL)
    facts = frozenset[str]().union(*(life.facts for life in lives))
    assert facts - set(JOBS_FOR) == set()


def test_models_and_migrations_agree(shared_engine: Engine) -> None:
    assert differences(shared_engine) == []


def test_migrations_run_both_ways(committed_engine: Engine) -> None:
    with committed_engine.begin() as connection:
        settings = alembic_config()
        settings.attributes["connection"] = connection
        command.downgrade(settings, "base")
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
        command.upgrade(settings, "head")
    assert differences(committed_engine) == []


def test_the_root_package_is_empty() -> None:
    assert Path(iew.__file__ or "").read_text(encoding="utf-8") == ""


@pytest.mark.parametrize("change", ["update events set action = 'x'", "delete from events", "truncate events cascade"])
def test_history_is_append_only(world: World, change: str) -> None:
    match = world.match()
    assert world.events_of(match)

    with pytest.raises(DatabaseError, match="append-only"), world.unit_of_work() as uow:
        uow.record(None, match, SYSTEM, action="look")
        uow.session.execute(text(change))


def test_no_socket_but_loopback() -> None:
    with socket.socket() as door, pytest.raises(AssertionError, match="loopback"):
        door.connect(("192.0.2.1", 80))
