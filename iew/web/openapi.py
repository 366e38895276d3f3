"""The description of the API, made from the schemas and the permissions that guard the routes.

It is written by the code that answers, so it cannot promise something else.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import flask_smorest
from flask import Flask, current_app
from marshmallow import Schema, fields
from werkzeug.routing import Rule

from iew.web.access import NAME_OF_PERMISSION
from iew.web.permissions import PERMISSIONS

VERSION: Final = "1.0.0"
PREFIX: Final = "api_"
"""Of the names of the API's blueprints; the description leaves it out."""
_EXTENSION: Final = "iew_documentation"
ABOUT: Final = (
    "Schools in Taiwan and abroad find each other for exchanges. Times are RFC 3339 in UTC; lists are "
    "`{items, next_cursor, total}`; a change takes `If-Match` with the version in quotes; a POST takes "
    "`Idempotency-Key`, and repeated with the same key and body gives the first reply again. Errors are problem "
    "documents of RFC 9457 with a stable `code`."
)
_VARIABLE: Final = re.compile(r"<(?:[^:>]+:)?([^>]+)>")
_IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "examples": ['"3"']},
    "description": "The version you have seen, in quotes.",
}
_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "Any text of your own; a repetition with the same key and body is done once.",
}


class Problem(Schema):
    """A problem document (RFC 9457)."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True)
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
    request_id = fields.String()


class Documentation(flask_smorest.Api):  # type: ignore[misc]  # flask-smorest has no types
    """flask-smorest's collector, without its error handler: ours answers pages too, and keeps `Allow`."""

    ERROR_SCHEMA = Problem

    def _register_error_handlers(self) -> None:
        """Errors are answered in `iew.web.errors`."""


def register(app: Flask) -> Documentation:
    """An empty description; the blueprints of the API fill it."""
    app.config.update(
        API_TITLE="International Exchange Window",
        API_VERSION=VERSION,
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={
            "info": {"description": ABOUT, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
            "servers": [{"url": "/"}],
        },
    )
    documentation = Documentation(app)
    app.extensions[_EXTENSION] = documentation
    schemes = documentation.spec.components
    schemes.security_scheme("token", {"type": "http", "scheme": "bearer"})
    schemes.security_scheme("session", {"type": "apiKey", "in": "cookie", "name": app.config["SESSION_COOKIE_NAME"]})
    return documentation


def finish(app: Flask, documentation: Documentation) -> None:
    """Add to each operation what its permission and method mean: headers, who may call, problem documents."""
    for tag in documentation.spec._tags:
        tag["name"] = tag["name"].removeprefix(PREFIX)
    paths = documentation.spec._paths  # apispec hands out copies elsewhere; this is the one place to add to
    for rule in app.url_map.iter_rules():
        name = getattr(app.view_functions[rule.endpoint], NAME_OF_PERMISSION, None)
        operations = paths.get(_VARIABLE.sub(r"{\1}", rule.rule), {}) if name else {}
        for method, operation in operations.items():
            if method.upper() in (rule.methods or ()):
                _describe(operation, method, str(name), rule)


def description() -> dict[str, Any]:
    """The OpenAPI document of this application."""
    documentation: Documentation = current_app.extensions[_EXTENSION]
    return dict(documentation.spec.to_dict())


def by_tag() -> dict[str, list[tuple[str, str, dict[str, Any]]]]:
    """The operations for a reader: tag -> (method, path, operation)."""
    groups: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, operations in description()["paths"].items():
        for method, operation in operations.items():
            if isinstance(operation, dict):
                groups.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    return groups


def _describe(operation: dict[str, Any], method: str, name: str, rule: Rule) -> None:
    permission = PERMISSIONS[name]
    keys: list[Mapping[str, list[str]]] = [{"token": []}, {"session": []}]
    operation["security"] = keys if permission.needs_sign_in else [*keys, {}]
    operation["operationId"] = rule.endpoint.removeprefix(PREFIX).replace(".", "_")
    operation["tags"] = [tag.removeprefix(PREFIX) for tag in operation["tags"]]
    operation["x-permission"] = name
    operation["x-roles"] = sorted(permission.who) if permission.who is not None else ["everyone"]
    parameters = operation.setdefault("parameters", [])
    if method == "patch" or "/actions/" in rule.rule:
        parameters.append(dict(_IF_MATCH))
    if method == "post" and permission.replays:
        parameters.append(dict(_IDEMPOTENCY_KEY))
    if not parameters:
        del operation["parameters"]
