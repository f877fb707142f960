"""Spans of what the process does; nothing is imported for them unless they are asked for."""

import importlib
import re
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, cast

from headgate_server.domain.errors import ConfigurationError

Attribute = str | int | float | bool | tuple[str, ...]
NO_CALLER: Mapping[str, str] = MappingProxyType({})
CALLER_HEADERS = ("traceparent", "tracestate")
"""How a caller says which trace its call belongs to, by W3C Trace Context."""


@dataclass(slots=True)
class Tally:
    """How many statements a span ran, and how long they took together."""

    statements: int = 0
    seconds: float = 0.0


_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_call: ContextVar[str | None] = ContextVar("call", default=None)
_tally: ContextVar[Tally | None] = ContextVar("tally", default=None)


class Span(Protocol):
    """Something the process does, from its beginning to its end."""

    @property
    def trace_id(self) -> str | None:
        """The trace it belongs to, in hexadecimal; None where nobody records it."""
        ...

    def describe(self, name: str, **attributes: Attribute | None) -> None:
        """Name it, and say more of it; None is left out. Never what a caller sent, nor secrets."""
        ...

    def fail(self, code: str) -> None:
        """Say that it failed, by the code of its error."""
        ...

    def discard(self) -> None:
        """Do not record it: nothing was done."""
        ...


class Tracer(Protocol):
    """Makes spans."""

    def span(
        self, name: str, *, caller: Mapping[str, str] = NO_CALLER, is_call: bool = False
    ) -> AbstractContextManager[Span]:
        """Record a block as a span.

        It has no parent but its caller's: a task that was begun within another span outlives it.

        Args:
            name: one of a few.
            caller: the headers by which a caller names its trace; see ``CALLER_HEADERS``.
            is_call: whether somebody waits for it.
        """
        ...

    def close(self) -> None:
        """Send what is left, within a few seconds; blocks."""
        ...


class _NoSpan:
    trace_id = None

    def describe(self, name: str, **attributes: Attribute | None) -> None:
        pass

    def fail(self, code: str) -> None:
        pass

    def discard(self) -> None:
        pass


_NO_SPAN = _NoSpan()


class NoTracer:
    """Records nothing."""

    @contextmanager
    def span(
        self, name: str, *, caller: Mapping[str, str] = NO_CALLER, is_call: bool = False
    ) -> Generator[Span]:
        """Do what is in the block; a caller's trace goes on through the run it makes."""
        del name
        if not is_call:
            yield _NO_SPAN
            return
        with calling(caller.get(CALLER_HEADERS[0], "")):
            yield _NO_SPAN

    def close(self) -> None:
        """Do nothing."""


def open_tracer(*, is_wanted: bool) -> Tracer:
    """Return what records spans as the environment asks for it.

    Raises:
        ConfigurationError: OpenTelemetry is not installed, or asked for something that is not.
    """
    if not is_wanted:
        return NoTracer()
    try:
        found = importlib.import_module("headgate_server.telemetry.open_telemetry")
    except ImportError as error:
        raise ConfigurationError(
            "The environment asks for traces, and OpenTelemetry is not installed: install "
            "headgate-server[otel], or set OTEL_SDK_DISABLED=true."
        ) from error
    return cast("Tracer", found.tracer_of_environment())


@contextmanager
def calling(traceparent: str) -> Generator[None]:
    """Name the span of the call that a block answers; what is no ``traceparent`` names none."""
    token = _call.set(traceparent if _TRACEPARENT.fullmatch(traceparent) else None)
    try:
        yield
    finally:
        _call.reset(token)


def current_traceparent() -> str | None:
    """Return the span of the call that is answered here, by W3C Trace Context."""
    return _call.get()


@contextmanager
def tallied() -> Generator[Tally]:
    """Count the statements of a block, also of the tasks begun in it."""
    token = _tally.set(Tally())
    try:
        yield cast("Tally", _tally.get())
    finally:
        _tally.reset(token)


def count_statement(seconds: float) -> None:
    """Take note of a statement, if anybody counts them."""
    tally = _tally.get()
    if tally is not None:
        tally.statements += 1
        tally.seconds += seconds
