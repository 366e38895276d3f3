"""The processes that do the jobs: a crew of RQ workers, forked from one process that has loaded the program.

Loading the program takes longer than most jobs; so it is loaded once, and every worker, and every child that a worker
forks for its jobs, begins with it. To fork for each job, as RQ does, and to open a connection to the database each time
would still cost several times what the job does; so a child stands by and does one job after another. RQ watches over
it as it does over its own: a child that dies is noticed at once, one that hangs is killed, and one whose worker is
killed goes with it. A worker ends when Redis stays away over the end of a job; the crew starts it again.
"""

import logging
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final, NoReturn

from redis import Redis
from rq import Queue, Worker
from rq.exceptions import NoSuchJobError
from rq.executions import Execution
from rq.job import Job

from iew.embedded.processes import die_with_parent
from worker.equipment import installed
from worker.queueing import QUEUE, SERIALIZER, OwedJob

WORKER_SECONDS: Final = 45
"""A worker not heard of for so long is dead; it waits for jobs 15 s less at a time."""
MONITOR_SECONDS: Final = 10
MAINTENANCE_SECONDS: Final = 30
LONGEST_WAIT_SECONDS: Final = 5.0
JOBS_A_CHILD: Final = 500
"""Then a fresh one takes over, so that what a library forgets to free is freed."""
LOOK_SECONDS: Final = 0.2
AGAIN_SECONDS: Final = 1.0

_log = logging.getLogger("iew.worker")


@dataclass
class Standby:
    """A child that waits for jobs. line: the worker's end of the wire to it. given: how many jobs it got."""

    pid: int
    line: socket.socket
    given: int = 0

    def give(self, word: bytes) -> bool:
        """Hand it a job; False where it is gone, or has done so many that another one shall take over."""
        if self.given >= JOBS_A_CHILD:
            return False
        try:
            if self.given and self.line.recv(len(DONE)) != DONE:  # its answer to the last one; nothing where it died
                return False
            self.line.send(word)
        except OSError:
            return False
        self.given += 1
        return True

    def answered(self) -> bool:
        """Wait for its answer to the job it has, and leave the answer there; False where it died over it."""
        try:
            return bool(self.line.recv(len(DONE), socket.MSG_PEEK))
        except OSError:
            return False

    def release(self) -> None:
        """Let it end, and gather it."""
        self.line.close()
        with suppress(ChildProcessError):  # gathered already, by whoever noticed its death
            os.waitpid(self.pid, 0)


DONE: Final = b"done"
LAST: Final = b"last"
"""Done, and the child ends after it."""


class OutboxWorker(Worker):
    """An RQ worker with one child for many jobs, and with the times that let those of a killed one run again soon."""

    queue_name = QUEUE
    job_class = OwedJob
    log_result_lifespan = False
    max_connection_wait_time = LONGEST_WAIT_SECONDS

    def __init__(self, connection: Redis, **changes: Any) -> None:
        super().__init__(
            [self.queue_name],
            connection=connection,
            job_class=self.job_class,
            serializer=SERIALIZER,
            worker_ttl=WORKER_SECONDS,
            job_monitoring_interval=MONITOR_SECONDS,
            maintenance_interval=MAINTENANCE_SECONDS,
            log_job_description=False,
            **changes,
        )
        self._standby: Standby | None = None

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """Give the job to the child that stands by, or to a new one."""
        assert self.execution is not None, "RQ prepares the execution before it asks for a child"
        word = f"{self.execution.id} {job.id}".encode()
        if self._standby is None or not self._standby.give(word):
            self._let_go()
            self._standby = self._fork(queue)
            self._standby.give(word)
        self._horse_pid = self._standby.pid

    def wait_for_horse(self) -> tuple[int | None, int | None, Any]:
        """Wait until the child has done its job, or has died over it."""
        standby = self._standby
        if standby is not None and standby.answered():
            return standby.pid, os.EX_OK, None
        ended: tuple[int | None, int | None, Any] = super().wait_for_horse()
        return ended

    def teardown(self) -> None:
        """Take leave of the child, and of RQ."""
        self._let_go()
        super().teardown()  # type: ignore[no-untyped-call]

    def _let_go(self) -> None:
        standby, self._standby = self._standby, None
        if standby is not None:
            standby.release()

    def _fork(self, queue: Queue) -> Standby:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            ours.close()
            self._serve(its, queue)
        its.close()
        return Standby(pid, ours)

    def _serve(self, line: socket.socket, queue: Queue) -> NoReturn:
        """In the child: do what comes over the line until it is closed; end with the worker.

        It uses no connection that the worker holds. A job that ran out of time is the last one of a child: it was
        interrupted anywhere, perhaps in the middle of a conversation with the database.
        """
        status = 1
        try:
            os.setpgrp()
            die_with_parent(self.pid or 0, signal.SIGKILL)
            installed().leave_connections()
            random.seed()
            self.setup_work_horse_signals()  # type: ignore[no-untyped-call]
            self._is_horse = True
            while word := line.recv(1024):
                in_time = self._perform(word.decode(), queue)
                line.send(DONE if in_time else LAST)
                if not in_time:
                    break
            status = 0
        except ConnectionResetError:  # the worker took leave without having read the last answer
            status = 0
        except Exception:
            _log.exception("the child of a worker ended")
        finally:
            os._exit(status)

    def _perform(self, word: str, queue: Queue) -> bool:
        """Do one job, given as its execution and itself; False where it took all of its time."""
        execution_id, _, job_id = word.partition(" ")
        try:
            job = self.job_class.fetch(job_id, connection=self.connection, serializer=self.serializer)
        except NoSuchJobError:
            return True  # the queue was emptied meanwhile; the row in the outbox will come again
        job.redis_server_version = self.get_redis_server_version()  # type: ignore[no-untyped-call]
        self.execution = Execution(execution_id, job_id, self.connection, worker_name=self.name)
        began = time.monotonic()
        self.perform_job(job, queue)
        return time.monotonic() - began < float(job.timeout or 0)


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
