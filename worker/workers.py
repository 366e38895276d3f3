"""The processes that do the jobs: a crew of RQ workers, forked from one process that has loaded the program.

Loading the program takes longer than most jobs; so it is loaded once, and every worker, and every child that a worker
forks for a job, begins with it. A worker ends when Redis stays away over the end of a job; the crew starts it again.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from redis import Redis
from rq import Queue, Worker
from rq.job import Job

from iew.embedded.processes import die_with_parent
from worker.equipment import installed
from worker.queueing import QUEUE, SERIALIZER, OwedJob

WORKER_SECONDS: Final = 45
"""A worker not heard of for so long is dead; it waits for jobs 15 s less at a time."""
MONITOR_SECONDS: Final = 10
MAINTENANCE_SECONDS: Final = 30
LONGEST_WAIT_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.2
AGAIN_SECONDS: Final = 1.0

_log = logging.getLogger("iew.worker")


class OutboxWorker(Worker):
    """An RQ worker with the times that let the jobs of a killed one run again soon."""

    job_class = OwedJob
    log_result_lifespan = False
    max_connection_wait_time = LONGEST_WAIT_SECONDS

    def __init__(self, connection: Redis, **changes: Any) -> None:
        super().__init__(
            [QUEUE],
            connection=connection,
            job_class=OwedJob,
            serializer=SERIALIZER,
            worker_ttl=WORKER_SECONDS,
            job_monitoring_interval=MONITOR_SECONDS,
            maintenance_interval=MAINTENANCE_SECONDS,
            log_job_description=False,
            **changes,
        )

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """In the child of a job: end with the worker, and use no connection that the worker holds."""
        die_with_parent(self.pid or 0, signal.SIGKILL)
        installed().leave_connections()
        super().main_work_horse(job, queue)


class Crew:
    """So many processes that do the same, each started again when it ends, until SIGTERM or SIGINT."""

    def __init__(self, count: int, work: Callable[[], None]) -> None:
        """work: what each process does; it returns when the process shall end."""
        self._count, self._work = count, work
        self._pids: set[int] = set()
        self._stopping = False

    def run(self) -> None:
        """Keep the crew complete; on a signal pass it on, let the running jobs end, and return."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        due = 0.0
        while not self._stopping or self._pids:
            if not self._stopping and time.monotonic() >= due:
                self._fill()
            if self._gather():
                due = time.monotonic() + AGAIN_SECONDS
            time.sleep(LOOK_SECONDS)

    def _fill(self) -> None:
        while len(self._pids) < self._count and not self._stopping:
            supervisor = os.getpid()
            pid = os.fork()
            if pid == 0:
                self._begin(supervisor)
            self._pids.add(pid)
        if (
            self._stopping
        ):  # perhaps asked between a fork and the line above; a second SIGTERM within a second is ignored
            for pid in self._pids:
                _tell(pid)

    def _begin(self, supervisor: int) -> None:
        """In a fresh child: do the work and leave, whatever happens."""
        status = 1
        try:
            die_with_parent(supervisor, signal.SIGKILL)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            self._work()
            status = 0
        except Exception:
            _log.exception("a worker ended")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _gather(self) -> bool:
        """Forget the processes that have ended; whether there were any."""
        ended = {pid for pid in self._pids if os.waitpid(pid, os.WNOHANG)[0]}
        self._pids -= ended
        return bool(ended)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if not self._stopping:
            self._stopping = True
            for pid in self._pids:
                _tell(pid)


def _tell(pid: int) -> None:
    """Ask a child of ours to end; it is not gathered yet, so the number is still its own."""
    os.kill(pid, signal.SIGTERM)
