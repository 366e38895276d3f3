"""What the operator sees: one line of log for each request, figures for Prometheus, and whether the parts answer.

The lines carry no personal data: a route's pattern instead of its address, no query, no network address.
"""

import logging
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import Final

import structlog
from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from iew.db import new_id
from iew.errors import IewError
from iew.models import EmailDelivery, OutboxRow
from iew.web.house import House

log = structlog.get_logger("iew.web")

PROBE_SECONDS: Final = 2
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9-]{8,64}")

FIGURES: Final = CollectorRegistry()
"""For one process; several share theirs through PROMETHEUS_MULTIPROC_DIR."""
REQUESTS: Final = Counter("iew_requests_total", "Answered requests.", ("method", "route", "status"), registry=FIGURES)
SECONDS: Final = Histogram("iew_request_seconds", "Time to the answer.", ("method", "route"), registry=FIGURES)


class _Lines:
    """Writes to what is the standard output at that moment, a line at a time."""

    def msg(self, line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    log = debug = info = warn = warning = error = critical = fatal = exception = failure = msg


def write_json_lines() -> None:
    """Write the log as JSON, one object a line, to the standard output; a traceback carries no values of variables."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: _Lines(),
        cache_logger_on_first_use=True,
    )


def register(app: Flask) -> None:
    """Number and time every request."""
    if not structlog.is_configured():
        write_json_lines()
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else new_id()
    g.began_at = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(reply: Response) -> Response:
    seconds = time.perf_counter() - g.get("began_at", time.perf_counter())
    route = request.url_rule.rule if request.url_rule else "(none)"
    REQUESTS.labels(request.method, route, reply.status_code).inc()
    SECONDS.labels(request.method, route).observe(seconds)
    if "request_id" in g:
        reply.headers["X-Request-ID"] = g.request_id
    known = g.get("identity")
    log.info(
        "request",
        method=request.method,
        route=route,
        status=reply.status_code,
        milliseconds=round(seconds * 1000, 1),
        role=str(known.actor.role) if known else "visitor",
    )
    return reply


def down(at: House) -> list[str]:
    """The names of the parts that do not answer."""
    return [name for name, probe in PROBES.items() if not _answers(probe, at)]


def _answers(probe: Callable[[House], None], at: House) -> bool:
    try:
        probe(at)
    except (SQLAlchemyError, RedisError, IewError, OSError) as fault:
        log.warning("part away", error=type(fault).__name__)
        return False
    return True


def _probe_database(at: House) -> None:
    with at.unit_of_work() as uow:
        uow.session.execute(text("select 1 from alembic_version"))


def _probe_redis(at: House) -> None:
    _redis(at.redis_url).ping()


@lru_cache
def _redis(url: str) -> "Redis":
    return Redis.from_url(
        url,
        socket_timeout=PROBE_SECONDS,
        socket_connect_timeout=PROBE_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


PROBES: Final[dict[str, Callable[[House], None]]] = {
    "database": _probe_database,
    "redis": _probe_redis,
    "search": lambda at: at.probe_search(),
}
"""A part's name, and the call that raises where it does not answer."""


@dataclass(frozen=True)
class Figure:
    """One number of the database at this moment."""

    name: str
    about: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


def backlog(at: House) -> list[Figure]:
    """What waits: owed jobs, parked jobs, mails by state."""
    owed = (OutboxRow.done_at.is_(None), OutboxRow.parked_at.is_(None))
    with at.unit_of_work() as uow:
        waiting, oldest, parked = uow.session.execute(
            select(
                func.count().filter(*owed),
                func.min(OutboxRow.available_at).filter(*owed),
                func.count().filter(OutboxRow.parked_at.is_not(None), OutboxRow.done_at.is_(None)),
            )
        ).one()
        mails = uow.session.execute(select(EmailDelivery.status, func.count()).group_by(EmailDelivery.status)).all()
        age = max(0.0, (uow.now - oldest).total_seconds()) if oldest else 0.0
    return [
        Figure("iew_outbox_waiting", "Jobs that are owed.", waiting),
        Figure("iew_outbox_oldest_seconds", "Age of the oldest owed job.", age),
        Figure("iew_outbox_parked", "Jobs that were given up and wait for a person.", parked),
        *(Figure("iew_mails", "Mails by state.", count, {"status": status}) for status, count in mails),
    ]


def exposed(figures: list[Figure]) -> str:
    """The figures as Prometheus reads them, gauges all."""
    lines: list[str] = []
    for name, same in groupby(figures, key=lambda figure: figure.name):
        for number, figure in enumerate(same):
            if number == 0:
                lines += [f"# HELP {name} {figure.about}", f"# TYPE {name} gauge"]
            labels = ",".join(f'{key}="{value}"' for key, value in figure.labels.items())
            lines.append(f"{name}{{{labels}}} {figure.value}" if labels else f"{name} {figure.value}")
    return "\n".join(lines) + "\n"
