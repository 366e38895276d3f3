"""The mail catcher as a part: its process, its ports and its addresses."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from iew.embedded.processes import Child, accepts_connections, free_port, python_command

START_SECONDS: Final = 30


class MailCatcher:
    """One catcher over one directory of mails."""

    name: Final = "mailcatcher"

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        """home: the catcher's own directory."""
        self.home = home.absolute()
        self.smtp_port = self.http_port = 0
        self.child = Child(self.name, self._command, self.home / "console.log", environment)

    def choose_ports(self, wished: Mapping[str, int]) -> None:
        """Take the ports of the last run, or others where those are not free."""
        self.smtp_port, self.http_port = free_port(wished.get("smtp")), free_port(wished.get("mail_page"))

    @property
    def ports(self) -> dict[str, int]:
        """Its ports: where mails are brought, where they are read."""
        return {"smtp": self.smtp_port, "mail_page": self.http_port}

    @property
    def url(self) -> str:
        """Where mails are brought."""
        return f"smtp://127.0.0.1:{self.smtp_port}"

    @property
    def page_url(self) -> str:
        """Where mails are read."""
        return f"http://127.0.0.1:{self.http_port}/"

    def start(self) -> None:
        """Start the process; returns before it answers."""
        self.child.start()

    def wait_until_ready(self) -> None:
        """Block until mails are taken and shown."""
        self.child.wait_until(
            lambda: accepts_connections(self.smtp_port) and accepts_connections(self.http_port), START_SECONDS
        )

    def stop(self) -> None:
        """Stop in good order."""
        self.child.stop()

    def _command(self) -> tuple[str, ...]:
        return python_command(
            "-m", "iew.embedded.mailcatcher", "--smtp-port", str(self.smtp_port), "--http-port", str(self.http_port),
            "--directory", str(self.home / "messages"),
        )  # fmt: skip
