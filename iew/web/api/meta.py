"""Whether the house is alive, what it measures, and how its API is described."""

import hmac
import os

from flask import Response, jsonify, render_template, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from iew.errors import NotFound
from iew.web import observation, openapi
from iew.web.access import requires
from iew.web.blueprint import Blueprint
from iew.web.context import house
from iew.web.errors import STATUS_OF, TITLES

api = Blueprint("meta", __name__, description="The service itself")


@api.get("/healthz")
@requires("health.read")
@api.response(200, {"type": "object"}, description="Alive")
def alive() -> Response:
    """Whether this process answers; it asks no other part."""
    return jsonify(status="ok")


@api.get("/readyz")
@requires("health.read")
@api.response(200, {"type": "object"}, description="Every part answers")
@api.alt_response(503, schema={"type": "object"}, description="A part does not answer")
def ready() -> tuple[Response, int]:
    """Whether database, queue and search engine answer, each by name."""
    down = observation.down(house())
    parts = {name: "down" if name in down else "ok" for name in observation.PROBES}
    return jsonify(status="down" if down else "ok", parts=parts), 503 if down else 200


@api.get("/metrics")
@requires("health.read")
@api.response(200, {"type": "string"}, content_type="text/plain", description="Figures, as Prometheus reads them")
def metrics() -> Response:
    """Figures for the operator: from this machine, or with the metrics token; for all others there is nothing here."""
    if not (_from_this_machine() or _with_metrics_token()):
        raise NotFound
    figures = observation.FIGURES
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        figures = CollectorRegistry()
        MultiProcessCollector(figures)  # type: ignore[no-untyped-call]  # gathers the figures of all web processes
    lines = observation.exposed(observation.backlog(house()))
    return Response(generate_latest(figures).decode() + lines, mimetype="text/plain; version=0.0.4; charset=utf-8")


def _from_this_machine() -> bool:
    """A reverse proxy on this machine speaks for others, and says so."""
    return request.remote_addr in ("127.0.0.1", "::1") and "X-Forwarded-For" not in request.headers


def _with_metrics_token() -> bool:
    wanted, given = house().metrics_token, request.authorization
    token = given.token if given is not None and given.type == "bearer" else None
    return bool(wanted and token) and hmac.compare_digest(str(wanted).encode(), str(token).encode())


@api.get("/api/v1/openapi.json")
@requires("meta.read")
@api.response(200, {"type": "object"}, description="OpenAPI 3.1")
def description() -> Response:
    """This description."""
    return jsonify(openapi.description())


@api.get("/api/docs")
@requires("meta.read")
@api.response(200, {"type": "string"}, content_type="text/html", description="A page")
def documentation() -> Response:
    """This description, to be read by people."""
    spec, groups = openapi.description(), openapi.by_tag()
    return Response(render_template("api/docs.html", spec=spec, groups=groups, codes=STATUS_OF, titles=TITLES))
