"""The variables that the operator sets, read once at the start of a process.

Without one place that reads them all, a missing variable would show up one at a time, at the worst moment; here every
fault is named in a single message.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

REFERENCE_DIR: Final = Path(__file__).parent / "reference"
SAMPLES_DIR: Final = Path(__file__).parent / "samples"


class SettingsError(Exception):
    """One or more variables are missing or malformed; `faults` has one line for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Settings:
    """What an operator can set. Addresses are URLs, names of zones are IANA names."""

    database_url: str
    redis_url: str
    opensearch_urls: tuple[str, ...]
    smtp_url: str
    base_url: str
    secret_key: str
    mail_from: str
    timezone: str = "Asia/Taipei"
    index_prefix: str = "iew"
    home: Path = Path("var")
    metrics_token: str | None = None
    rate_limits: bool = True
    trusted_proxies: tuple[str, ...] = ()
    """Networks of the reverse proxies in front of the web, whose word on the caller's address is believed."""
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    """Changed deadlines, by the names of `iew.domain.limits.Limits`."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read the variables; raise SettingsError that names every fault at once."""
        reading = _Reading(os.environ if environ is None else environ)
        settings = {
            "database_url": reading.required("IEW_DATABASE_URL", _database_url),
            "redis_url": reading.required("IEW_REDIS_URL", _url("redis", "rediss", "unix")),
            "opensearch_urls": reading.required("IEW_OPENSEARCH_URL", _opensearch_urls),
            "smtp_url": reading.required("IEW_SMTP_URL", _url("smtp", "smtps", "smtp+starttls")),
            "base_url": reading.required("IEW_BASE_URL", _base_url),
            "secret_key": reading.required("IEW_SECRET_KEY", _secret_key),
            "mail_from": reading.required("IEW_MAIL_FROM", _mail_address),
            "timezone": reading.optional("IEW_TIMEZONE", _zone, "Asia/Taipei"),
            "index_prefix": reading.optional("IEW_INDEX_PREFIX", _index_prefix, "iew"),
            "home": reading.optional("IEW_HOME", Path, Path("var")),
            "metrics_token": reading.optional("IEW_METRICS_TOKEN", str, None),
            "rate_limits": reading.optional("IEW_RATE_LIMITS", _on_or_off, True),
            "trusted_proxies": reading.optional("IEW_TRUSTED_PROXIES", _networks, ()),
            "oidc_issuer": reading.optional("IEW_OIDC_ISSUER", _url("https", "http"), None),
            "oidc_client_id": reading.optional("IEW_OIDC_CLIENT_ID", str, None),
            "oidc_client_secret": reading.optional("IEW_OIDC_CLIENT_SECRET", str, None),
            "limits": reading.optional("IEW_LIMITS", _limits, {}),
        }
        if settings["oidc_issuer"] and not (settings["oidc_client_id"] and settings["oidc_client_secret"]):
            reading.faults.append("IEW_OIDC_ISSUER needs IEW_OIDC_CLIENT_ID and IEW_OIDC_CLIENT_SECRET beside it")
        if reading.faults:
            raise SettingsError(reading.faults)
        return cls(**settings)  # type: ignore[arg-type]  # each value went through its own parser above


class _Reading:
    """Reads variables one by one and gathers what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.faults: list[str] = []

    def required(self, name: str, parse: Callable[[str], object]) -> object:
        if not self.environ.get(name):
            self.faults.append(f"{name} is not set")
            return None
        return self._parsed(name, parse)

    def optional(self, name: str, parse: Callable[[str], object], default: object) -> object:
        return self._parsed(name, parse) if self.environ.get(name) else default

    def _parsed(self, name: str, parse: Callable[[str], object]) -> object:
        try:
            return parse(self.environ[name])
        except ValueError as fault:
            self.faults.append(f"{name} {fault}")
            return None


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in schemes or not (parts.hostname or parts.scheme == "unix"):
            raise ValueError(f"must be an address that begins with {' or '.join(s + '://' for s in schemes)}")
        _ = parts.port  # raises ValueError on a port that is no number
        return value

    return parse


def _database_url(value: str) -> str:
    if not value.startswith("postgresql+psycopg://"):
        raise ValueError("must begin with postgresql+psycopg:// (PostgreSQL is the only database)")
    return value


def _opensearch_urls(value: str) -> tuple[str, ...]:
    return tuple(_url("http", "https")(part.strip()) for part in value.split(","))


def _base_url(value: str) -> str:
    return _url("http", "https")(value).rstrip("/")


def _secret_key(value: str) -> str:
    if len(value) < 16:
        raise ValueError("must have at least 16 characters")
    return value


def _mail_address(value: str) -> str:
    if not re.fullmatch(r"(?:[^<>\r\n]*<)?[^\s<>@]+@[^\s<>@]+>?", value):
        raise ValueError("must be a mail address, as window@example.org or Name <window@example.org>")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"names no time zone: {value}") from None
    return value


def _index_prefix(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,40}", value):
        raise ValueError("must be lower-case letters, digits and dashes, with a letter first")
    return value


def _networks(value: str) -> tuple[str, ...]:
    """`127.0.0.1, 10.0.0.0/8`, each an address or a network."""
    try:
        return tuple(str(ip_network(part.strip())) for part in value.split(","))
    except ValueError:
        raise ValueError("must be addresses or networks, separated by commas, as 127.0.0.1,10.0.0.0/8") from None


def _on_or_off(value: str) -> bool:
    if value not in ("on", "off"):
        raise ValueError("must be on or off")
    return value == "on"


def _limits(value: str) -> dict[str, int]:
    """`reminder_days=7,no_reply_days=14`; the names are checked where the limits are filled."""
    pairs = [part.partition("=") for part in value.split(",")]
    if not all(name.strip() and number.strip().isdigit() for name, _, number in pairs):
        raise ValueError("must look like reminder_days=7,no_reply_days=14")
    return {name.strip(): int(number) for name, _, number in pairs}
