"""Loggers of runs outside of them, and what tests do with loggers; the names are Prefect's."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from headgate import elsewhere
from headgate.logs import (
    FLOW_RUNS,
    TASK_RUNS,
    RunLogger,
    current_source,
    disable_run_logger,
    get_logger,
    get_run_logger,
)

PrefectLogAdapter = RunLogger


class _Named:
    """Stands for a run that is not around this code: its lines go to the terminal alone."""

    log_sink = None

    def __init__(self, kind: str, run: Any) -> None:
        self.log_label = f"{kind} '{run.name}'"
        self.log_task_run_id: str | None = run.id if kind == "Task run" else None


def flow_run_logger(flow_run: Any, flow: Any = None, **extra: Any) -> RunLogger:
    """Return the logger of a flow run, as hooks are given it.

    In a hook of the run, its lines are the run's; elsewhere they go to the terminal.
    """
    del flow
    source = current_source.get() or _Named("Flow run", flow_run)
    return RunLogger(logging.getLogger(FLOW_RUNS), source, extra)


def task_run_logger(
    task_run: Any, task: Any = None, flow_run: Any = None, flow: Any = None, **extra: Any
) -> RunLogger:
    """Return the logger of a task run, as hooks are given it, as ``flow_run_logger`` does."""
    del task, flow_run, flow
    source = current_source.get() or _Named("Task run", task_run)
    return RunLogger(logging.getLogger(TASK_RUNS), source, extra)


@contextmanager
def disable_logger(name: str) -> Generator[None]:
    """Let a logger say nothing."""
    logger = logging.getLogger(name)
    was_disabled, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = was_disabled


class LogEavesdropper(logging.Handler):
    """Keeps what a logger says meanwhile, for tests: ``with`` listens, ``text()`` is all of it."""

    def __init__(self, eavesdrop_on: str, level: int = logging.NOTSET) -> None:
        super().__init__(level=level)
        self.eavesdrop_on = eavesdrop_on
        self.setFormatter(logging.Formatter("[%(levelname)s]: %(message)s"))
        self._lines: list[str] = []

    def __enter__(self) -> Self:
        """Begin to listen."""
        logger = logging.getLogger(self.eavesdrop_on)
        self._level = logger.level
        if self.level != logging.NOTSET:
            logger.setLevel(self.level)
        logger.addHandler(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Listen no longer."""
        logger = logging.getLogger(self.eavesdrop_on)
        logger.removeHandler(self)
        logger.setLevel(self._level)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self._lines.append(self.format(record))

    def text(self) -> str:
        """Return what was said, a line each."""
        return "\n".join(self._lines)


__all__ = [
    "LogEavesdropper",
    "PrefectLogAdapter",
    "disable_logger",
    "disable_run_logger",
    "flow_run_logger",
    "get_logger",
    "get_run_logger",
    "task_run_logger",
]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
