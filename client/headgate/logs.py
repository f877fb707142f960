"""Run loggers: ``get_run_logger``, the handlers of the terminal and of reports, captured prints."""

import builtins
import io
import logging
import sys
import threading
from collections.abc import Generator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from headgate.errors import MissingContextError
from headgate.redaction import redactor
from headgate.settings import Settings

ROOT = "headgate"
FLOW_RUNS = "headgate.flow_runs"
TASK_RUNS = "headgate.task_runs"
ENGINE = "headgate.engine"
"""What is said of task states goes to the terminal only: the server has the states themselves."""
REPORTING = "headgate.reporting"
"""What the reporter says of itself goes to the terminal only: reporting it would feed on itself."""
_TERMINAL_ONLY = frozenset({ENGINE, REPORTING})
_CONSOLE_FORMAT = "%(asctime)s.%(msecs)03d | %(levelname)-7s | %(run)s%(message)s"


class LogSink(Protocol):
    """Where reported lines go."""

    def drops_log(self, level: int) -> bool:
        """Whether a line of this level would be left out now; counts it if so."""
        ...

    def append_log(
        self,
        *,
        timestamp_us: int,
        level: int,
        logger: str,
        message: str,
        task_run_id: str | None,
    ) -> None:
        """Take one line."""
        ...


class LogSource(Protocol):
    """The run that a line comes from."""

    @property
    def log_sink(self) -> LogSink | None:
        """Where its lines are reported; None in local mode."""
        ...

    @property
    def log_label(self) -> str:
        """How the terminal names it."""
        ...

    @property
    def log_task_run_id(self) -> str | None:
        """Its id, if it is a task run."""
        ...


current_source: ContextVar[LogSource | None] = ContextVar("headgate_log_source", default=None)


class RunLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger bound to a run, so that its lines find the run from any thread."""

    def __init__(
        self, logger: logging.Logger, source: LogSource, extra: dict[str, Any] | None = None
    ) -> None:
        super().__init__(logger, extra or {})
        self.source = source

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Attach the run to the record."""
        extra: dict[str, Any] = {**(self.extra or {}), **(kwargs.get("extra") or {})}
        extra["headgate_source"] = self.source
        kwargs["extra"] = extra
        return msg, kwargs


def get_logger(name: str | None = None) -> logging.Logger:
    """Return a logger below ``headgate``."""
    if name is None or name == ROOT:
        return logging.getLogger(ROOT)
    return logging.getLogger(name if name.startswith(f"{ROOT}.") else f"{ROOT}.{name}")


def get_run_logger(context: LogSource | None = None, **extra: Any) -> RunLogger:
    """Return the logger of the flow or task run around this call.

    Args:
        context: of the run, as ``get_run_context`` returns it, where it is another.
        extra: attributes of each record.

    Raises:
        MissingContextError: there is no run around it.
    """
    source = context or current_source.get()
    if source is not None:
        return RunLogger(logger_of(source).logger, source, extra)
    if all(logging.getLogger(name).disabled for name in (FLOW_RUNS, TASK_RUNS)):
        return RunLogger(logging.getLogger(FLOW_RUNS), _Nobody())
    message = "get_run_logger() needs a flow or task run around it"
    raise MissingContextError(message)


class _Nobody:
    """Stands for the run of a line that nobody writes."""

    log_sink = None
    log_label = ""
    log_task_run_id = None


@contextmanager
def disable_run_logger() -> Generator[None]:
    """Let run loggers say nothing, also outside of a run: for tests of a flow's or task's code."""
    loggers = [logging.getLogger(name) for name in (FLOW_RUNS, TASK_RUNS)]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, was_disabled in zip(loggers, before, strict=True):
            logger.disabled = was_disabled


def logger_of(source: LogSource) -> RunLogger:
    """Return the logger of one run."""
    name = FLOW_RUNS if source.log_task_run_id is None else TASK_RUNS
    return RunLogger(logging.getLogger(name), source)


def _source_of(record: logging.LogRecord) -> LogSource | None:
    return getattr(record, "headgate_source", None) or current_source.get()


class ConsoleHandler(logging.Handler):
    """Writes readable lines to the terminal, unless the program configured logging itself."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter(_CONSOLE_FORMAT, datefmt="%H:%M:%S"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line to standard error; one that cannot be written is passed over."""
        if logging.root.handlers:
            return
        try:
            source = _source_of(record)
            record.run = f"{source.log_label} - " if source else ""
            sys.stderr.write(redactor.redact(self.format(record)) + "\n")
        except Exception:  # noqa: BLE001 - as in every handler: a bad line is no failure of its caller
            self.handleError(record)


class ReportHandler(logging.Handler):
    """Hands lines to the reporter of the run they come from."""

    _traceback = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue one line; one whose message cannot be made is passed over."""
        source = _source_of(record)
        sink = source.log_sink if source else None
        if source is None or sink is None or record.name in _TERMINAL_ONLY:
            return
        if sink.drops_log(record.levelno):
            return
        try:
            message = record.getMessage()
            if record.exc_info:
                message = f"{message}\n{self._traceback.formatException(record.exc_info)}"
        except Exception:  # noqa: BLE001 - as in every handler: a bad line is no failure of its caller
            self.handleError(record)
            return
        sink.append_log(
            timestamp_us=int(record.created * 1_000_000),
            level=record.levelno,
            logger=record.name,
            message=message,
            task_run_id=source.log_task_run_id,
        )


_configuring = threading.Lock()


def configure_logging(settings: Settings) -> None:
    """Attach the handlers, once per process, and set the level of Headgate's loggers."""
    root = logging.getLogger(ROOT)
    with _configuring:
        if not any(isinstance(handler, ReportHandler) for handler in root.handlers):
            if settings.assignment is None:
                # An agent's child says nothing to a terminal: its output is reported as it is.
                root.addHandler(ConsoleHandler())
            root.addHandler(ReportHandler())
        if root.level == logging.NOTSET:
            root.setLevel(settings.log_level)
        for name in settings.extra_loggers:
            extra = logging.getLogger(name)
            if not any(isinstance(handler, ReportHandler) for handler in extra.handlers):
                extra.addHandler(ReportHandler())


_print_logger: ContextVar[RunLogger | None] = ContextVar("headgate_print_logger", default=None)
_print = builtins.print


def _print_as_log(*values: Any, **options: Any) -> None:
    logger = _print_logger.get()
    if logger is None or options.get("file") not in {None, sys.stdout}:
        _print(*values, **options)
        return
    buffer = io.StringIO()
    _print(*values, sep=options.get("sep"), end="", file=buffer)
    logger.info("%s", buffer.getvalue())


@contextmanager
def prints_of(source: LogSource, *, is_captured: bool) -> Generator[None]:
    """Turn what this context prints into log lines of a run, or let it print; others are as before.

    Args:
        is_captured: a false value lets a task print inside a flow whose prints are captured.
    """
    if is_captured:
        builtins.print = _print_as_log
    token = _print_logger.set(logger_of(source) if is_captured else None)
    try:
        yield
    finally:
        _print_logger.reset(token)
