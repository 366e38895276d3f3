"""Who calls, where a reverse proxy stands in front of us.

Without this everybody behind the proxy would share one address, and one visitor's haste would lock all others out; with
a header that is believed from anybody, no limit would hold.
"""

from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network
from typing import Any


class Believing:
    """Puts the caller's address in the place of the proxy's, where the proxy is one of ours."""

    def __init__(self, application: Callable[..., Iterable[bytes]], networks: Iterable[str]) -> None:
        self._application = application
        self._networks = [ip_network(network) for network in networks]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if self._networks and self._is_ours(environ.get("REMOTE_ADDR", "")):
            chain = [hop.strip() for hop in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
            caller = next((hop for hop in reversed(chain) if not self._is_ours(hop)), None)
            if caller is not None and _is_address(caller):
                environ["REMOTE_ADDR"] = caller
        return self._application(environ, start_response)

    def _is_ours(self, address: str) -> bool:
        if not _is_address(address):
            return False
        return any(ip_address(address) in network for network in self._networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
