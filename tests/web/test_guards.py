"""What people forget: a route without a permission, a change under a permission to read, an error without a status."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import flask_smorest
import pytest
from flask import Flask
from werkzeug.routing import Rule

import iew
from iew.errors import IewError
from iew.web import errors
from iew.web.access import NAME_OF_PERMISSION, SAFE_METHODS
from iew.web.blueprint import Blueprint
from iew.web.permissions import PERMISSIONS, Kind
from tests.world import World

PACKAGE = Path(iew.__file__ or "").parent
WITHOUT_PERMISSION = {"static"}
"""Endpoints that need none: files that are the same for everybody."""
ROUTE_OF = re.compile(r"\.(?:get|post|put|patch|delete|route)\(")


@pytest.fixture
def app(world: World) -> Flask:
    return world.app


def routes(app: Flask) -> Iterator[tuple[Rule, str | None]]:
    for rule in app.url_map.iter_rules():
        if rule.endpoint not in WITHOUT_PERMISSION:
            yield rule, getattr(app.view_functions[rule.endpoint], NAME_OF_PERMISSION, None)


def test_every_route_names_its_permission(app: Flask) -> None:
    assert [rule.rule for rule, name in routes(app) if name is None] == []


def test_every_permission_that_is_named_exists(app: Flask) -> None:
    assert {name for _, name in routes(app)} <= set(PERMISSIONS)


def test_no_unsafe_route_stands_under_a_permission_to_read(app: Flask) -> None:
    culprits = [
        rule.rule
        for rule, name in routes(app)
        if (rule.methods or set()) - SAFE_METHODS and name and PERMISSIONS[name].kind is Kind.READ
    ]
    assert culprits == []


def test_no_safe_call_of_the_api_stands_under_a_permission_to_change(app: Flask) -> None:
    """Otherwise a call that merely reads would change something. A page with a form may say early who may send it."""
    culprits = [
        rule.rule
        for rule, name in routes(app)
        if rule.rule.startswith("/api/")
        and "GET" in (rule.methods or set())
        and name
        and PERMISSIONS[name].kind is Kind.WRITE
    ]
    assert culprits == []


def test_the_guard_of_routes_sees_a_breach(app: Flask) -> None:
    bare = Flask("bare")
    bare.add_url_rule("/open-door", view_func=lambda: "")

    assert [rule.rule for rule, name in routes(bare) if name is None] == ["/open-door"]


def test_requires_stands_directly_below_the_route() -> None:
    """Above the other decorators, or the body would be read before anybody asked who sends it."""
    culprits = []
    for path in [*(PACKAGE / "web" / "api").glob("*.py"), *(PACKAGE / "web" / "pages").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                names = [ast.unparse(decorator) for decorator in node.decorator_list]
                last_route = max((n for n, text in enumerate(names) if ROUTE_OF.search(text)), default=None)
                if last_route is not None and not names[last_route + 1].startswith("requires("):
                    culprits.append(f"{path.name}:{node.lineno}")
    assert culprits == []


def test_every_part_of_the_api_reads_strictly(app: Flask) -> None:
    loose = [
        name
        for name, blueprint in app.blueprints.items()
        if isinstance(blueprint, flask_smorest.Blueprint) and not isinstance(blueprint, Blueprint)
    ]
    assert loose == []


def test_every_path_of_the_api_is_described(world: World, app: Flask) -> None:
    paths = world.as_(None).get("/api/v1/openapi.json").json["paths"]
    described = {(path, method) for path, methods in paths.items() for method in methods}
    for rule, _ in routes(app):
        if rule.rule.startswith("/api/v1/"):
            path = re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", rule.rule)
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                assert (path, method.lower()) in described


def _kinds(kind: type[IewError] = IewError) -> Iterator[type[IewError]]:
    for inner in kind.__subclasses__():
        yield inner
        yield from _kinds(inner)


def test_every_error_code_has_a_status() -> None:
    assert {kind.code for kind in _kinds()} - set(errors.STATUS_OF) == set()


def _codes_in(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for word in node.keywords:
                if word.arg == "code" and isinstance(word.value, ast.Constant) and isinstance(word.value.value, str):
                    yield word.value.value


def test_every_code_that_is_raised_is_in_the_table() -> None:
    raised = {
        code
        for path in PACKAGE.rglob("*.py")
        if "embedded" not in path.parts
        for code in _codes_in(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert raised - set(errors.STATUS_OF) == set()


def test_the_guard_of_codes_sees_a_breach() -> None:
    assert list(_codes_in(ast.parse("raise NotAllowed(code='made_up')"))) == ["made_up"]


def test_every_status_has_a_title() -> None:
    assert set(errors.STATUS_OF.values()) <= set(errors.TITLES)


@pytest.mark.parametrize("package", ["web/api", "web/pages"])
def test_a_view_has_at_most_twelve_lines(package: str) -> None:
    long = []
    for path in (PACKAGE / package).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any("requires(" in ast.unparse(d) for d in node.decorator_list):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = body[-1].end_lineno - body[0].lineno + 1 if body and body[-1].end_lineno else 0
                if lines > 12:
                    long.append(f"{path.name}:{node.name} has {lines}")
    assert long == []


@pytest.mark.parametrize("package", ["web/api", "web/pages"])
def test_views_speak_no_sql(package: str) -> None:
    culprits = [
        path.name
        for path in (PACKAGE / package).glob("*.py")
        if re.search(r"^(from|import) sqlalchemy", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert culprits == []
