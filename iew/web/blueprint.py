"""The blueprint of every API module: strict bodies, strict queries, errors in our own words, ETags.

flask-smorest's own parser ignores unknown query parameters and bodies of another type; a filter that is silently
ignored shows people more than they asked for.
"""

from collections.abc import Callable
from typing import Any, NoReturn

import flask_smorest
from flask import Request, Response, request
from marshmallow import RAISE, Schema, ValidationError
from webargs.core import missing
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from iew.errors import N_, BadRequest, Invalid, Text
from iew.web import strict_json


class StrictParser(FlaskParser):
    """Reads a JSON body or a query string by a schema."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = dict.fromkeys(
        ("json", "query", "form", "view_args", "path"), RAISE
    )

    def load_json(self, req: Request, schema: Schema) -> Any:
        """The body; an empty one stands for no fields where none is needed."""
        check_media_type(req)
        body = req.get_data(cache=True)
        if not body:
            if any(field.required for field in schema.fields.values()):
                raise BadRequest(N_("The body is empty; a JSON object is expected."), code="invalid_json")
            return {}
        return strict_json.read(body)

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        proxy = super().load_querystring(req, schema)
        if proxy is missing:
            return proxy
        for name, field in schema.fields.items():
            key = field.data_key or name
            if key not in proxy.multiple_keys and len(req.args.getlist(key)) > 1:
                raise BadRequest(
                    Text(N_("The parameter %(name)s may stand only once."), {"name": key}), code="repeated_parameter"
                )
        return proxy

    def handle_error(
        self, error: ValidationError, req: Request, schema: Schema, *, error_status_code: Any, error_headers: Any
    ) -> NoReturn:
        messages = error.messages_dict
        inner = next(iter(messages.values()))  # webargs puts the location above the fields
        raise Invalid(nested=inner if isinstance(inner, dict) else {"_schema": inner}) from error


def check_media_type(req: Request) -> None:
    """Raise UnsupportedMediaType or BadRequest for a body that is not plain JSON in UTF-8."""
    if req.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType
    if req.mimetype != "application/json" and (req.mimetype or req.content_length):
        raise UnsupportedMediaType
    charset = req.mimetype_params.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8"):
        raise BadRequest(N_("The body must be UTF-8."), code="utf8_expected")


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    """A flask-smorest blueprint with our manners, and with types for its decorators."""

    ARGUMENTS_PARSER = StrictParser()

    def get(self, rule: str, **options: Any) -> Decorator:
        decorator: Decorator = super().get(rule, **options)
        return decorator

    def post(self, rule: str, **options: Any) -> Decorator:
        decorator: Decorator = super().post(rule, **options)
        return decorator

    def patch(self, rule: str, **options: Any) -> Decorator:
        decorator: Decorator = super().patch(rule, **options)
        return decorator

    def delete(self, rule: str, **options: Any) -> Decorator:
        decorator: Decorator = super().delete(rule, **options)
        return decorator

    def arguments(self, schema: type[Schema] | Schema, **options: Any) -> Decorator:
        """Read the body, or the query with `location="query"`, by a schema."""
        decorator: Decorator = super().arguments(schema, **options)
        return decorator

    def response(self, status_code: int, schema: Any = None, **options: Any) -> Decorator:
        """Show what the view returns by a schema, with this status."""
        decorator: Decorator = super().response(status_code, schema, **options)
        return decorator

    def doc(self, **words: Any) -> Decorator:
        """Say more about an operation in the description."""
        decorator: Decorator = super().doc(**words)
        return decorator

    def alt_response(self, status_code: int, response: str | None = None, **options: Any) -> Decorator:
        """Describe another reply."""
        decorator: Decorator = super().alt_response(status_code, response, **options)
        return decorator


def with_etag(reply: Response) -> Response:
    """Give a reply that is one versioned resource its ETag, the version in quotes."""
    if reply.status_code in (200, 201) and reply.is_json and request.path.startswith("/api/") and not reply.is_streamed:
        document = reply.get_json(silent=True)
        if isinstance(document, dict) and isinstance(document.get("version"), int):
            reply.headers["ETag"] = f'"{document["version"]}"'
    return reply
