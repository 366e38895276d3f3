"""What a job may use, made once in each process: units of work, the search engine, the post office.

RQ calls a function with a row number and nothing else; so the tools lie here, put down by the process before it takes
jobs. Tests put down their own.
"""

from collections.abc import Callable
from dataclasses import dataclass

from iew.mail.smtp import Mailer
from iew.mail.stationery import Stationery
from iew.uow import UnitOfWork
from search_index.searches import SearchWriter
from search_index.writer import Writer


@dataclass(frozen=True)
class Equipment:
    """open: a new unit of work. leave_connections: forget, in a forked child, the connections of the parent.

    index: who writes to the search index. searches: who keeps the stored searches and asks them.
    """

    open: Callable[[], UnitOfWork]
    leave_connections: Callable[[], None]
    index: Writer
    searches: SearchWriter
    mailer: Mailer
    stationery: Stationery


class NotEquipped(RuntimeError):
    """A job was called in a process that is no worker."""


_installed: list[Equipment] = []


def install(equipment: Equipment) -> None:
    """Put the tools of this process down."""
    _installed[:] = [equipment]


def installed() -> Equipment:
    """The tools of this process. Raises NotEquipped."""
    if not _installed:
        raise NotEquipped("no equipment was installed in this process")
    return _installed[0]
