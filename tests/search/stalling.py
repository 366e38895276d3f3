"""A way to the engine that somebody can block: connections stay open, and nothing passes any more."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Proxy:
    """Passes bytes to the engine and back, until `stall`; what was held back passes after `flow`."""

    def __init__(self, door: socket.socket, target: tuple[str, int]) -> None:
        self.url = f"http://127.0.0.1:{door.getsockname()[1]}"
        self._door, self._target = door, target
        self._flowing = threading.Event()
        self._flowing.set()
        threading.Thread(target=self._serve, daemon=True).start()

    def stall(self) -> None:
        self._flowing.clear()

    def flow(self) -> None:
        self._flowing.set()

    def _serve(self) -> None:
        with suppress(OSError):  # the door was closed
            while True:
                near, _ = self._door.accept()
                far = socket.create_connection(self._target)
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError), source, sink:  # either side may hang up
            while piece := source.recv(65536):
                self._flowing.wait()
                sink.sendall(piece)


@contextmanager
def stalling(url: str) -> Iterator[Proxy]:
    """A proxy before the engine at this address."""
    parts = urlsplit(url)
    with socket.create_server(("127.0.0.1", 0)) as door:
        proxy = Proxy(door, (parts.hostname or "127.0.0.1", parts.port or 9200))
        yield proxy
        proxy.flow()
