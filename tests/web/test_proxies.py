"""Whose word on the caller's address is believed."""

import pytest

from config.settings import Settings, SettingsError
from iew.web.proxies import Believing
from tests.parts import Parts


def address_seen(networks: tuple[str, ...], peer: str, forwarded: str | None) -> str:
    seen: list[str] = []

    def application(environ: dict[str, str], _: object) -> list[bytes]:
        seen.append(environ["REMOTE_ADDR"])
        return []

    environ = {"REMOTE_ADDR": peer} | ({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded is not None else {})
    Believing(application, networks)(environ, None)
    return seen[0]


@pytest.mark.parametrize(
    ("networks", "peer", "forwarded", "seen"),
    [
        ((), "127.0.0.1", "192.0.2.7", "127.0.0.1"),
        (("10.0.0.0/8",), "192.0.2.1", "192.0.2.7", "192.0.2.1"),
        (("127.0.0.1/32",), "127.0.0.1", "192.0.2.7", "192.0.2.7"),
        (("127.0.0.1/32",), "127.0.0.1", "198.51.100.1, 192.0.2.7", "192.0.2.7"),
        (("127.0.0.1/32", "10.0.0.0/8"), "127.0.0.1", "192.0.2.7, 10.1.2.3", "192.0.2.7"),
        (("127.0.0.1/32",), "127.0.0.1", None, "127.0.0.1"),
        (("127.0.0.1/32",), "127.0.0.1", "", "127.0.0.1"),
        (("127.0.0.1/32",), "127.0.0.1", "nonsense", "127.0.0.1"),
        (("::1/128",), "::1", "2001:db8::7", "2001:db8::7"),
        (("127.0.0.1/32",), "", "192.0.2.7", ""),
    ],
)
def test_only_our_own_proxies_are_believed(
    networks: tuple[str, ...], peer: str, forwarded: str | None, seen: str
) -> None:
    assert address_seen(networks, peer, forwarded) == seen


def test_the_variable_takes_addresses_and_networks(parts: Parts) -> None:
    variables = parts.variables | {"IEW_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8"}

    assert Settings.from_environ(variables).trusted_proxies == ("127.0.0.1/32", "10.0.0.0/8")


@pytest.mark.parametrize("value", ["localhost", "10.0.0.1/8", "300.0.0.1", ","])
def test_nonsense_stops_the_start(parts: Parts, value: str) -> None:
    with pytest.raises(SettingsError, match="IEW_TRUSTED_PROXIES"):
        Settings.from_environ(parts.variables | {"IEW_TRUSTED_PROXIES": value})
