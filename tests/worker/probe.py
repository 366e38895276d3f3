"""A job for tests: its effect can be counted, and it can be made to fail or to kill its process on the way."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import func, select

from iew.domain.actors import SYSTEM
from iew.models import Event, OutboxRow
from tests.workshop import Workshop
from worker.handlers import HANDLERS, Work, job

_steps: dict[str, Callable[[], None]] = {}


@dataclass(frozen=True)
class Subject:
    id: str
    subject_type: ClassVar[str] = "probe"


def during(step: Callable[[], None]) -> None:
    """What the job does after its effect and before the commit."""
    _steps["during"] = step


def forget() -> None:
    _steps.clear()


def kill_this_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if "probe" not in HANDLERS:

    @job("probe")
    def probe(work: Work) -> None:
        work.uow.record(None, Subject(work.subject_id), SYSTEM, action="probed")
        _steps.get("during", lambda: None)()


def owe(workshop: Workshop, name: str = "one", *, job_name: str = "probe") -> int:
    """Owe one probe; the number of its row."""
    with workshop.unit_of_work() as uow:
        uow.owe(job_name, subject_type="probe", subject_id=name)
        return uow.session.scalars(select(func.max(OutboxRow.id))).one()


def effects(workshop: Workshop, name: str = "one") -> int:
    """How often the probe took effect."""
    with workshop.unit_of_work() as uow:
        counted = select(func.count()).where(Event.subject_type == "probe", Event.subject_id == name)
        return uow.session.scalar(counted) or 0
