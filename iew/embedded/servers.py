"""The servers of a home: which are ours to run, in what order they start, and the variables that lead to them."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from iew.embedded import home as homes
from iew.embedded.faults import PartFault
from iew.embedded.mail import MailCatcher
from iew.embedded.opensearch import DEFAULT_HEAP, OpenSearchNode
from iew.embedded.postgres import Postgres
from iew.embedded.processes import Child, accepts_connections
from iew.embedded.valkey import Valkey


class Server(Protocol):
    """What all servers have in common."""

    @property
    def name(self) -> str:
        """What it is called in messages."""

    @property
    def child(self) -> Child:
        """Its process."""

    @property
    def url(self) -> str:
        """Its address, once its ports are chosen."""

    @property
    def ports(self) -> dict[str, int]:
        """The ports it listens on, each with a name of its own."""

    def choose_ports(self, wished: Mapping[str, int]) -> None:
        """Choose free ports before it starts: by their names those wished for, where they are free."""

    def start(self) -> None:
        """Start the process; returns before it answers."""

    def wait_until_ready(self) -> None:
        """Block until it answers, or raise PartFault."""

    def stop(self) -> None:
        """Stop in good order."""


class Servers:
    """The embedded servers of one home; a server whose variable is set is somebody else's and not started.

    Whoever starts them holds the home's lock and calls from the main thread.
    """

    def __init__(self, home: Path, environment: Mapping[str, str] = os.environ, *,
                 postgres_settings: Mapping[str, str] | None = None) -> None:  # fmt: skip
        """environment: the variables given from outside. postgres_settings: beside those every home has."""
        self.home, self._given = home.absolute(), environment
        heap = environment.get("IEW_OPENSEARCH_HEAP") or DEFAULT_HEAP
        makers: dict[str, Callable[[], Server]] = {  # the slowest one first
            "IEW_OPENSEARCH_URL": lambda: OpenSearchNode(self.home / "opensearch", environment, heap=heap),
            "IEW_DATABASE_URL": lambda: Postgres(
                self.home / "postgres", environment, password=homes.secret(home, "postgres"), settings=postgres_settings
            ),
            "IEW_REDIS_URL": lambda: Valkey(self.home / "valkey", environment, password=homes.secret(home, "valkey")),
            "IEW_SMTP_URL": lambda: MailCatcher(self.home / "mail", environment),
        }
        self.by_variable = {variable: make() for variable, make in makers.items() if not environment.get(variable)}

    def start(self) -> None:
        """Start all; returns before they answer. Raises PartFault, and stops what it began."""
        wished = homes.previous_ports(self.home)
        try:
            for server in self.by_variable.values():
                server.choose_ports(wished)
                server.start()
        except BaseException:
            self.stop()
            raise

    def wait_until_ready(self) -> None:
        """Block until all answer, then remember their ports."""
        for variable in self.by_variable:
            self.wait_for(variable)
        ports = [server.ports for server in self.by_variable.values()]
        homes.keep_ports(self.home, {name: port for each in ports for name, port in each.items()})

    def wait_for(self, variable: str) -> None:
        """Block until the server behind this variable answers; at once where it is not ours."""
        server = self.by_variable.get(variable)
        if server is None:
            return
        try:
            server.wait_until_ready()
        except PartFault:
            if server.child.is_running or not any(map(accepts_connections, server.ports.values())):
                raise
            # Between our choice of a port and the server's own bind somebody else took it: once more, elsewhere.
            server.choose_ports({})
            server.start()
            server.wait_until_ready()

    def stop(self) -> None:
        """Stop all, the last started first."""
        for server in reversed(self.by_variable.values()):
            server.stop()

    @property
    def mail_page(self) -> str | None:
        """Where the caught mails are read; None where mail is not ours."""
        mail = self.by_variable.get("IEW_SMTP_URL")
        return mail.page_url if isinstance(mail, MailCatcher) else None

    def variables(self) -> dict[str, str]:
        """The variables that lead to the parts, ours and those given."""
        names = ("IEW_DATABASE_URL", "IEW_REDIS_URL", "IEW_OPENSEARCH_URL", "IEW_SMTP_URL")
        ours = {variable: server.url for variable, server in self.by_variable.items()}
        found = {name: self._given[name] for name in names if self._given.get(name)} | ours
        return found | ({"IEW_MAIL_PAGE": self.mail_page} if self.mail_page else {})
