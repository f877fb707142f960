"""Tasks on a Spark cluster: ``pip install "headgate[spark]"``."""

import os
import sys
from collections.abc import Callable
from concurrent.futures import Future as ConcurrentFuture
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from headgate.libraries import library
from headgate.task_runners import ThreadPoolTaskRunner

MAX_JOBS = 16


class SparkTaskRunner(ThreadPoolTaskRunner):
    """Submits each task to Spark as a job of one partition, and follows it to its end.

    A task that works with Spark's own frames belongs in the flow's process, beside the session.

    Args:
        session: a session to use; it is not stopped.
        master: where to make one, as ``spark://host:7077``; this machine if not said.
        conf: settings of the session that is made.
        max_workers: how many jobs run at once.
    """

    def __init__(
        self,
        session: Any = None,
        master: str | None = None,
        conf: dict[str, str] | None = None,
        max_workers: int | None = None,
    ) -> None:
        super().__init__(max_workers or MAX_JOBS)
        self.session = session
        self.master = master
        self.conf = conf
        self._own: Any = None
        self._jobs: ThreadPoolExecutor | None = None

    def duplicate(self) -> Self:
        """Return an unopened runner with the same options, for one flow run."""
        return type(self)(self.session, self.master, self.conf, self.max_workers)

    def send(self, function: Callable[[bytes], bytes], payload: bytes) -> "ConcurrentFuture[bytes]":
        """Submit a job that calls a function."""
        with self._lock:
            if self._jobs is None:
                self._connect()
                self._jobs = ThreadPoolExecutor(self.max_workers, "headgate-spark")
        return self._jobs.submit(self._run, function, payload)

    def close(self) -> None:
        """Let no more jobs start, and stop the session that was made for the flow run."""
        super().close()
        if self._jobs is not None:
            self._jobs.shutdown(wait=False, cancel_futures=True)
        if self._own is not None:
            self._own.stop()

    def _run(self, function: Callable[[bytes], bytes], payload: bytes) -> bytes:
        context: Any = (self.session or self._own).sparkContext
        answers: list[Any] = context.parallelize([payload], 1).map(function).collect()
        return bytes(answers[0])

    def _connect(self) -> None:
        if self.session is not None:
            return
        sql = library("pyspark.sql", extra="spark")
        builder: Any = sql.SparkSession.builder.appName("headgate")
        builder = builder.master(self.master or "local[*]")
        for name, value in (self.conf or {}).items():
            builder = builder.config(name, value)
        self._own = builder.getOrCreate()
        is_here = (self.master or "local").startswith("local")
        if is_here and "PYSPARK_PYTHON" not in os.environ:
            # Its workers are processes of this machine, and would be of whatever python3 is found.
            self._own.sparkContext.pythonExec = sys.executable
