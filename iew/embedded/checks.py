"""Whether each part answers, asked with plain clients: what `iew doctor` shows."""

import base64
import json
import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from iew.embedded import home as homes

TIMEOUT_SECONDS: Final = 5
OLDEST_POSTGRES: Final = 150000  # as the server counts: 15.0
OLDEST_QUEUE: Final = 7
TOKENIZERS: Final = {
    "icu_tokenizer": "analysis-icu",
    "kuromoji_tokenizer": "analysis-kuromoji",
    "nori_tokenizer": "analysis-nori",
    "smartcn_tokenizer": "analysis-smartcn",
}


class CheckFailed(Exception):
    """A part is down or unfit; the text says why."""


@dataclass(frozen=True)
class Finding:
    """One line of the doctor. address: without its password."""

    part: str
    is_well: bool
    address: str
    detail: str


def examine(variables: Mapping[str, str], home: Path) -> Iterator[Finding]:
    """Every part, one finding each, as the answers come in."""
    checks: tuple[tuple[str, str, Callable[[str], str]], ...] = (
        ("database", "IEW_DATABASE_URL", check_database),
        ("queue", "IEW_REDIS_URL", check_queue),
        ("search", "IEW_OPENSEARCH_URL", check_search),
        ("mail", "IEW_SMTP_URL", check_mail),
        ("web", "IEW_BASE_URL", check_web),
    )
    for part, variable, check in checks:
        address = variables.get(variable)
        if not address:
            yield Finding(part, False, "", f"{variable} is not set")
            continue
        try:
            yield Finding(part, True, _without_password(address), check(address))
        except Exception as fault:  # whatever it is, it is this part's answer, and the others are still to be asked
            reason = " ".join(str(getattr(fault, "reason", fault)).split()) or type(fault).__name__
            yield Finding(part, False, _without_password(address), reason[:200])
    yield from _processes(home)


def check_database(address: str) -> str:
    """PostgreSQL answers and is young enough."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    engine = create_engine(address, poolclass=NullPool, connect_args={"connect_timeout": TIMEOUT_SECONDS})
    with engine.connect() as connection:
        number = int(connection.execute(text("show server_version_num")).scalar_one())
    if number < OLDEST_POSTGRES:
        raise CheckFailed(f"PostgreSQL {number // 10000} is too old; 15 or newer is needed")
    return f"PostgreSQL {number // 10000}.{number % 10000}"


def check_queue(address: str) -> str:
    """Valkey or Redis answers, is young enough, and does not throw rows away when it is full."""
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.exceptions import ResponseError
    from redis.retry import Retry

    with Redis.from_url(
        address, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, retry=Retry(NoBackoff(), 0)
    ) as client:
        server: Mapping[str, Any] = client.info("server")
        try:
            policy = client.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction")
        except ResponseError:  # a careful operator forbids CONFIG
            policy = "noeviction"
    name, version = (
        ("Valkey", server["valkey_version"]) if "valkey_version" in server else ("Redis", server["redis_version"])
    )
    if int(str(version).split(".")[0]) < OLDEST_QUEUE:
        raise CheckFailed(f"{name} {version} is too old; Redis 7 or Valkey 8 is needed")
    if policy != "noeviction":
        raise CheckFailed(f"maxmemory-policy is {policy}; jobs get lost unless it is noeviction")
    return f"{name} {version}"


def check_search(addresses: str) -> str:
    """Every node answers and has the four analysers."""
    versions = []
    for address in addresses.split(","):
        version = _ask(address.strip(), "/")["version"]["number"]
        if not str(version).startswith("3."):
            raise CheckFailed(f"OpenSearch {version} is not supported; 3.x is needed")
        for tokenizer, plugin in TOKENIZERS.items():
            try:
                _ask(address.strip(), "/_analyze", {"tokenizer": tokenizer, "text": "a"})
            except OSError as fault:
                raise CheckFailed(f"the plugin {plugin} is missing ({fault})") from fault
        versions.append(str(version))
    return f"OpenSearch {', '.join(versions)}"


def check_mail(address: str) -> str:
    """The mail server answers, and takes the password where there is one."""
    parts = urlsplit(address)
    context = ssl.create_default_context()
    if parts.scheme == "smtps":
        client: smtplib.SMTP = smtplib.SMTP_SSL(timeout=TIMEOUT_SECONDS, context=context)
    else:
        client = smtplib.SMTP(timeout=TIMEOUT_SECONDS)
    default_port = {"smtps": 465, "smtp+starttls": 587}.get(parts.scheme, 25)
    client.connect(parts.hostname or "", parts.port or default_port)
    with client:
        if parts.scheme == "smtp+starttls":
            client.starttls(context=context)
        if parts.username:
            client.login(unquote(parts.username), unquote(parts.password or ""))
        code, _ = client.noop()
    if code != 250:
        raise CheckFailed(f"it answered {code}")
    return "takes mail"


def check_web(address: str) -> str:
    """The web answers."""
    with urlopen(Request(f"{address.rstrip('/')}/healthz"), timeout=TIMEOUT_SECONDS) as reply:
        return f"answers {reply.status}"


def _processes(home: Path) -> Iterator[Finding]:
    """The program's own processes, where `iew up` runs them in this home."""
    for name, pid in homes.processes_of(home).items():
        if name in {"relay", "worker", "scheduler"}:
            runs = Path(f"/proc/{pid}/cmdline").is_file() and bool(Path(f"/proc/{pid}/cmdline").read_bytes())
            yield Finding(name, runs, f"process {pid}", "runs" if runs else "is not running")


def _ask(address: str, path: str, body: object = None) -> Any:
    """One JSON question to OpenSearch."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 9200)
    place = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"
    headers = {"Content-Type": "application/json"}
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(place + path, data=data, headers=headers), timeout=TIMEOUT_SECONDS) as reply:
        return json.load(reply)


def _without_password(addresses: str) -> str:
    """The addresses as they may be shown."""
    shown = []
    for address in addresses.split(","):
        parts = urlsplit(address.strip())
        hidden = f":{parts.password}@"
        shown.append(address.strip().replace(hidden, ":***@") if parts.password else address.strip())
    return ",".join(shown)
