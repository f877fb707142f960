"""Spans by OpenTelemetry, set up by its standard variables; imported only where they ask for it."""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span as RecordedSpan
from opentelemetry.trace import SpanKind, Status, StatusCode, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from headgate_server.domain.errors import ConfigurationError
from headgate_server.telemetry.traces import (
    CALLER_HEADERS,
    NO_CALLER,
    Attribute,
    Span,
    calling,
    tallied,
)

SERVICE_NAME = "headgate-server"
PROTOCOL = "http/protobuf"
PREFIX = "headgate."


class OpenSpan:
    """A span that is being recorded."""

    def __init__(self, recorded: RecordedSpan) -> None:
        self.recorded = recorded
        self.is_discarded = False

    @property
    def trace_id(self) -> str | None:
        """The trace it belongs to, in hexadecimal."""
        return format_trace_id(self.recorded.get_span_context().trace_id)

    @property
    def traceparent(self) -> str:
        """Itself, by W3C Trace Context."""
        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier, set_span_in_context(self.recorded))
        return carrier[CALLER_HEADERS[0]]

    def describe(self, name: str, **attributes: Attribute | None) -> None:
        """Name it, and say more of it under ``headgate.``; None is left out."""
        self.recorded.update_name(name)
        for key, value in attributes.items():
            if value is not None:
                self.recorded.set_attribute(PREFIX + key, value)

    def fail(self, code: str) -> None:
        """Say that it failed, by the code of its error."""
        self.recorded.set_attribute("error.type", code)
        self.recorded.set_status(Status(StatusCode.ERROR))

    def discard(self) -> None:
        """Do not record it."""
        self.is_discarded = True


class OpenTracer:
    """Makes spans that a provider samples and exports."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("headgate_server")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(
        self, name: str, *, caller: Mapping[str, str] = NO_CALLER, is_call: bool = False
    ) -> Generator[Span]:
        """Record a block; see ``traces.Tracer``. What is raised in it is told by its class only."""
        parent = self._propagator.extract(caller, Context()) if caller else Context()
        kind = SpanKind.SERVER if is_call else SpanKind.INTERNAL
        span = OpenSpan(self._tracer.start_span(name, parent, kind))
        own = span.traceparent if is_call else ""
        with tallied() as tally, calling(own):
            try:
                yield span
            except Exception as error:
                span.fail(type(error).__name__)
                raise
            finally:
                # A span that never ends is never exported.
                if not span.is_discarded:
                    span.recorded.set_attribute(f"{PREFIX}statements", tally.statements)
                    span.recorded.set_attribute(f"{PREFIX}statement_seconds", tally.seconds)
                    span.recorded.end()

    def close(self) -> None:
        """Send what is left and stop."""
        self._provider.shutdown()


def tracer_of_environment() -> OpenTracer:
    """Return a tracer as the standard variables describe it.

    Raises:
        ConfigurationError: they ask for an exporter or a protocol that is not here.
    """
    exporter = os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"
    if exporter != "otlp":
        raise ConfigurationError(
            f"OTEL_TRACES_EXPORTER is otlp or none, not {exporter!r}; correct it and start again."
        )
    for name in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        protocol = os.environ.get(name) or PROTOCOL
        if protocol != PROTOCOL:
            raise ConfigurationError(
                f"{name} is {PROTOCOL}, not {protocol!r}: send to the collector's HTTP port, "
                "which is 4318 as a rule."
            )
    named = Resource.create({"service.name": SERVICE_NAME})
    provider = TracerProvider(
        resource=named.merge(OTELResourceDetector().detect()), shutdown_on_exit=False
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OpenTracer(provider)
