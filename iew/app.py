"""The assembly: settings become a house, a house becomes the web application.

Only this room knows all others; what they need is handed to them here.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Final

from flask import Blueprint, Flask
from sqlalchemy.exc import OperationalError

import iew.web.api
import iew.web.pages
from config.settings import REFERENCE_DIR, Settings, SettingsError
from iew.db import make_engine, make_session_factory
from iew.domain.limits import Limits
from iew.errors import Unavailable
from iew.services import installation
from iew.web import (
    csrf,
    errors,
    headers,
    idempotency,
    limiter,
    observation,
    openapi,
    proxies,
    rendering,
    single_sign_on,
)
from iew.web.context import EXTENSION
from iew.web.house import House, Provider

__all__ = ["House", "build", "create_app"]

LEXICON_DIR: Final = REFERENCE_DIR / "lexicon"
WEB: Final = Path(iew.web.__file__).parent
_OTHER_RELEASE: Final = "the database is at migration {version}, this program at {newest}; run `iew db upgrade`"
_OTHER_KEY: Final = (
    "IEW_SECRET_KEY is not the one this database was first used with; if you changed it on purpose, run"
    " `iew users accept-secret-key` first: everybody must sign in again"
)
MEGABYTE: Final = 1024 * 1024


def build(settings: Settings, *, statement_seconds: int = 5, pool_size: int = 8) -> House:
    """The house of these settings. statement_seconds: when a statement is given up; workers give more than the web."""
    engine = make_engine(settings.database_url, statement_seconds=statement_seconds, pool_size=pool_size)
    return House(
        session_factory=make_session_factory(engine),
        engine=engine,
        base_url=settings.base_url,
        secret_key=settings.secret_key,
        mail_from=settings.mail_from,
        smtp_url=settings.smtp_url,
        redis_url=settings.redis_url,
        limits=_limits_of(settings),
        zone=settings.timezone,
        metrics_token=settings.metrics_token,
        rate_limits=settings.rate_limits,
        trusted_proxies=settings.trusted_proxies,
        provider=_provider_of(settings),
        open_searcher=_searcher_of(settings),
        probe_search=_probe_of(settings),
    )


def _provider_of(settings: Settings) -> Provider | None:
    issuer, client, secret = settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret
    return Provider(issuer.rstrip("/"), client, secret) if issuer and client and secret else None


def _limits_of(settings: Settings) -> Limits:
    try:
        return Limits.of(settings.limits)
    except ValueError as unknown:
        raise SettingsError([str(unknown)]) from None


def _searcher_of(settings: Settings) -> Callable[[], Any]:
    def open_searcher() -> Any:
        from search_index import wordlists  # the client library is slow to load and not needed by every command
        from search_index.reader import Reader

        return Reader(_cluster_of(settings), wordlists.load(LEXICON_DIR))

    return open_searcher


def _probe_of(settings: Settings) -> Callable[[], None]:
    patient = cache(lambda: _cluster_of(settings, index_seconds=observation.PROBE_SECONDS))

    def probe() -> None:
        from search_index.errors import SearchUnavailable

        try:
            is_there = patient().index_behind_alias() is not None
        except SearchUnavailable as fault:
            raise Unavailable(code="search_unavailable") from fault
        if not is_there:
            raise Unavailable(code="search_unavailable")

    return probe


def _cluster_of(settings: Settings, **limits: Any) -> Any:
    from search_index.cluster import Cluster

    return Cluster(",".join(settings.opensearch_urls), prefix=settings.index_prefix, **limits)


def check_installation(house: House) -> None:
    """Raise SettingsError where the database is of another release or was made with another secret key.

    A database that does not answer yet is no reason not to start; `/readyz` tells of it.
    """
    try:
        with house.unit_of_work() as uow:
            version, newest = installation.schema_version(uow), _newest_migration()
            if version != newest:
                raise SettingsError([_OTHER_RELEASE.format(version=version, newest=newest)])
            if not installation.knows_secret(uow, house.secret_key):
                raise SettingsError([_OTHER_KEY])
    except OperationalError as fault:
        observation.log.warning("database away at the start", error=type(fault.orig).__name__)


@cache
def _newest_migration() -> str | None:
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(REFERENCE_DIR.parent.parent / "migrations")).get_current_head()


def create_app(house: House | None = None) -> Flask:
    """The web application; without a house, of the variables of this process."""
    if house is None:
        house = build(Settings.from_environ())
        check_installation(house)
    app = Flask("iew.web", root_path=str(WEB), static_url_path="/static")
    app.extensions[EXTENSION] = house
    app.config.update(
        SECRET_KEY=house.secret_key,
        MAX_CONTENT_LENGTH=MEGABYTE,
        MAX_FORM_MEMORY_SIZE=MEGABYTE,
        SESSION_COOKIE_NAME="__Host-iew" if house.secure else "iew",
        SESSION_COOKIE_SECURE=house.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        TRUSTED_HOSTS=headers.trusted_hosts(house.base_url),
        PROPAGATE_EXCEPTIONS=False,
    )
    app.wsgi_app = proxies.Believing(app.wsgi_app, house.trusted_proxies)  # type: ignore[method-assign]  # as Flask says
    app.json.sort_keys = False  # type: ignore[attr-defined]  # of the default provider
    for room in (observation, headers, csrf, idempotency, errors, rendering, single_sign_on):
        room.register(app)
    _register_views(app)
    limiter.register(app)
    return app


def _register_views(app: Flask) -> None:
    """Every module of `iew/web/api` offers `api`, every module of `iew/web/pages` offers `pages`."""
    documentation = openapi.register(app)
    for name in _modules_in(iew.web.api):
        blueprint_of_api = import_module(name).api
        # the pages of a noun have its plain name
        documentation.register_blueprint(blueprint_of_api, name=f"{openapi.PREFIX}{blueprint_of_api.name}")
    for name in _modules_in(iew.web.pages):
        blueprint: Blueprint = import_module(name).pages
        app.register_blueprint(blueprint)
    openapi.finish(app, documentation)


def _modules_in(package: Any) -> list[str]:
    return sorted(f"{package.__name__}.{found.name}" for found in iter_modules(package.__path__))
