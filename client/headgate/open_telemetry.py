"""Spans by OpenTelemetry, set up by its standard variables; imported only where they ask for it."""

import os
from collections.abc import Generator
from contextlib import contextmanager

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from headgate.redaction import redactor
from headgate.traces import Span

PREFIX = "headgate."


class OpenSpan:
    """A span that is being recorded."""

    def __init__(self, recorded: trace.Span) -> None:
        self.recorded = recorded

    def describe(self, **attributes: str | int) -> None:
        """Say more of it, under ``headgate.``."""
        for key, value in attributes.items():
            shown = redactor.redact(value) if isinstance(value, str) else value
            self.recorded.set_attribute(PREFIX + key, shown)

    def fail(self, state: str) -> None:
        """Say that it failed, by the name of its state."""
        self.recorded.set_attribute("error.type", redactor.redact(state))
        self.recorded.set_status(Status(StatusCode.ERROR))


class OpenTracer:
    """Makes spans with the process's provider: user code's own spans go inside them."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("headgate")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, name: str, *, parent: str | None) -> Generator[Span]:
        """Record a block; what is raised in it is told by its class only, secrets not at all."""
        shown = redactor.redact(name)
        span = OpenSpan(self._tracer.start_span(shown, self._around(parent)))
        token = contexts.attach(trace.set_span_in_context(span.recorded))
        try:
            yield span
        except Exception as error:
            span.fail(type(error).__name__)
            raise
        finally:
            contexts.detach(token)
            span.recorded.end()

    def headers(self) -> dict[str, str]:
        """Return the headers by which a call names the current span."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, self._around(None))
        return carrier

    def flush(self) -> None:
        """Send what is recorded."""
        self._provider.force_flush()

    def _around(self, parent: str | None) -> Context:
        current = contexts.get_current()
        if trace.get_current_span(current).get_span_context().is_valid:
            return current
        carrier = {"traceparent": parent or os.environ.get("TRACEPARENT", "")}
        return self._propagator.extract(carrier, current)


def tracer_of_environment() -> OpenTracer:
    """Return a tracer with the provider of this process, made here unless user code made one."""
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        named = Resource.create({"service.name": "headgate"})
        provider = TracerProvider(resource=named.merge(OTELResourceDetector().detect()))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(provider)
    return OpenTracer(provider)
