"""The servers of a home: which are ours to run, in what order they start, and the variables that lead to them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from iew.embedded import home as homes
from iew.embedded.faults import PartFault
from iew.embedded.mail import MailCatcher
from iew.embedded.opensearch import DEFAULT_HEAP, OpenSearchNode
from iew.embedded.postgres import Postgres
from iew.embedded.processes import Child
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
        """Its address."""

    def start(self) -> None:
        """Start the process; returns before it answers."""

    def wait_until_ready(self) -> None:
        """Block until it answers."""

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
        ports = homes.previous_ports(home)
        heap = environment.get("IEW_OPENSEARCH_HEAP") or DEFAULT_HEAP
        self.by_variable: dict[str, Server] = {}
        if not environment.get("IEW_OPENSEARCH_URL"):  # the slowest one first
            self.by_variable["IEW_OPENSEARCH_URL"] = OpenSearchNode(
                self.home / "opensearch", environment, port=ports.get("opensearch"), heap=heap
            )
        if not environment.get("IEW_DATABASE_URL"):
            self.by_variable["IEW_DATABASE_URL"] = Postgres(
                self.home / "postgres", environment, port=ports.get("postgres"),
                password=homes.secret(home, "postgres"), settings=postgres_settings,
            )  # fmt: skip
        if not environment.get("IEW_REDIS_URL"):
            self.by_variable["IEW_REDIS_URL"] = Valkey(
                self.home / "valkey", environment, port=ports.get("valkey"), password=homes.secret(home, "valkey")
            )
        if not environment.get("IEW_SMTP_URL"):
            self.by_variable["IEW_SMTP_URL"] = MailCatcher(
                self.home / "mail", environment, smtp_port=ports.get("smtp"), http_port=ports.get("mail_page")
            )

    def start(self) -> None:
        """Start all; returns before they answer. Raises PartFault, and stops what it began."""
        try:
            for server in self.by_variable.values():
                server.start()
        except BaseException:
            self.stop()
            raise

    def wait_until_ready(self) -> None:
        """Block until all answer, then remember their ports."""
        for server in self.by_variable.values():
            server.wait_until_ready()
        self.keep_ports()

    def wait_for(self, variable: str) -> None:
        """Block until the server behind this variable answers; at once where it is not ours."""
        if variable in self.by_variable:
            self.by_variable[variable].wait_until_ready()

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

    def keep_ports(self) -> None:
        """Remember the ports, so that addresses stay the same after a restart."""
        ports = homes.previous_ports(self.home)
        for server in self.by_variable.values():
            match server:
                case MailCatcher():
                    ports |= {"smtp": server.smtp_port, "mail_page": server.http_port}
                case OpenSearchNode() | Postgres() | Valkey():
                    ports[server.name] = server.port
                case _:
                    raise PartFault(f"{server.name} is no server of a home")
        homes.keep_ports(self.home, ports)
