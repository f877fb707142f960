"""Spans of runs, by OpenTelemetry where its standard variables ask for them; else nothing."""

import contextlib
import importlib
import logging
import os
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, cast

logger = logging.getLogger("headgate.engine")

FLUSH_SECONDS = 3.0
"""So long the process of a run waits at its end for its spans to be sent."""


class Span(Protocol):
    """A run, from its beginning to its end."""

    def describe(self, **attributes: str | int) -> None:
        """Say more of it: ids and names of code, never what a caller passed."""
        ...

    def fail(self, state: str) -> None:
        """Say that it failed, by the name of its state."""
        ...


class Tracer(Protocol):
    """Makes spans."""

    def span(self, name: str, *, parent: str | None) -> AbstractContextManager[Span]:
        """Record a block as a span inside the current one, or else inside ``parent``."""
        ...

    def headers(self) -> dict[str, str]:
        """Return the headers by which a call names the current span."""
        ...

    def flush(self) -> None:
        """Send what is recorded; blocks."""
        ...


class _NoSpan:
    def describe(self, **attributes: str | int) -> None:
        pass

    def fail(self, state: str) -> None:
        pass


_NOTHING: AbstractContextManager[Span] = nullcontext(_NoSpan())


class _Process:
    """The one tracer of this process, made at the first run or call."""

    def __init__(self) -> None:
        self.tracer: Tracer | None = None
        self.is_settled = False
        self.lock = threading.Lock()


_process = _Process()
os.register_at_fork(after_in_child=_process.__init__)


def are_wanted(environ: Mapping[str, str]) -> bool:
    """Whether the standard variables of OpenTelemetry ask for spans."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environ.get("OTEL_TRACES_EXPORTER", "")
    return exporter != "none" and bool(
        exporter
        or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
        or environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    )


def span(name: str, *, parent: str | None = None) -> AbstractContextManager[Span]:
    """Record a block as a span, if spans are asked for.

    Args:
        name: of the flow or task.
        parent: a ``traceparent`` by W3C Trace Context, where no span is around; the environment's
            TRACEPARENT unless given.
    """
    tracer = _tracer()
    return _NOTHING if tracer is None else tracer.span(name, parent=parent)


def headers() -> dict[str, str]:
    """Return the headers by which a call names the current span; empty without one."""
    tracer = _tracer()
    return {} if tracer is None else tracer.headers()


def flush() -> None:
    """Send what is recorded, or give up after three seconds: no run waits for its spans longer."""
    tracer = _process.tracer
    if tracer is not None:
        sending = threading.Thread(target=tracer.flush, name="headgate-spans", daemon=True)
        sending.start()
        sending.join(FLUSH_SECONDS)


def preload() -> None:
    """Import what spans need, where they are asked for, before a run's process is made."""
    if are_wanted(os.environ):
        with contextlib.suppress(ImportError):
            importlib.import_module("headgate.open_telemetry")


def _tracer() -> Tracer | None:
    if not _process.is_settled:
        with _process.lock:
            if not _process.is_settled:
                _process.tracer = _open() if are_wanted(os.environ) else None
                _process.is_settled = True
    return _process.tracer


def _open() -> Tracer | None:
    try:
        found = importlib.import_module("headgate.open_telemetry")
    except ImportError:
        logger.warning(
            "The environment asks for traces, and OpenTelemetry is not installed: install "
            "headgate[otel]. The run goes on without."
        )
        return None
    return cast("Tracer", found.tracer_of_environment())
