"""Takes note of every operation: one log line, its time, its errors, and which are open."""

import logging
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from headgate_server.domain import ids
from headgate_server.graphql.limits import rules
from headgate_server.telemetry.instruments import Instruments
from headgate_server.telemetry.logs import ShownId, belonging
from headgate_server.telemetry.traces import NoTracer, Span, Tracer

if TYPE_CHECKING:
    from headgate_server.graphql.context import OperationContext

logger = logging.getLogger("headgate.access")

SLOW_SECONDS = 1.0
REFUSED = "refused"
"""What stands for the operation where it is not read: the caller is nobody, the body no JSON."""


class Access:
    """Knows the operations of one process.

    An operation that failed or was slow is a line at INFO, any other at DEBUG. Those that wait by
    design, subscriptions and long polls, are not slow and their time is not counted.
    """

    def __init__(
        self,
        instruments: Instruments | None = None,
        *,
        slow_seconds: float = SLOW_SECONDS,
        tracer: Tracer | None = None,
    ) -> None:
        self.sockets = 0
        self._instruments = instruments or Instruments()
        self._slow_seconds = slow_seconds
        self._tracer = tracer or NoTracer()
        self._open: dict[int, OperationContext] = {}

    @contextmanager
    def watch(self, context: "OperationContext") -> Generator[None]:
        """Time the operation of a block, and say what its log lines belong to."""
        started_at = time.perf_counter()
        self._open[id(context)] = context
        principal = context.principal
        workspace_id, run = principal.workspace_id, principal.run
        with (
            self._tracer.span(context.operation, caller=context.caller_trace, is_call=True) as span,
            belonging(
                request_id=context.request_id,
                organization=ShownId(ids.Kind.ORGANIZATION, principal.organization_id),
                workspace=ShownId(ids.Kind.WORKSPACE, workspace_id) if workspace_id else None,
                run=ShownId(ids.Kind.FLOW_RUN, run.run_id) if run else None,
                trace_id=span.trace_id,
            ),
        ):
            try:
                yield
            finally:
                del self._open[id(context)]
                _describe(span, context)
                self._tell(context, seconds=time.perf_counter() - started_at)

    def refuse(self, code: str) -> None:
        """Take note of a request that was refused before its operation was read."""
        self._instruments.errors.labels(REFUSED, code).inc()

    def count_streams(self) -> dict[str, int]:
        """Return how many subscriptions are open, by root field."""
        return dict(Counter(one.operation for one in self._open.values() if one.is_stream))

    def _tell(self, context: "OperationContext", *, seconds: float) -> None:
        waits = context.is_stream or context.operation in rules.LONG_POLL_MUTATIONS
        if not waits:
            self._instruments.operations.labels(context.operation).observe(seconds)
        for code in context.codes:
            self._instruments.errors.labels(context.operation, code).inc()
        is_told = bool(context.codes) or (seconds >= self._slow_seconds and not waits)
        level = logging.INFO if is_told else logging.DEBUG
        if logger.isEnabledFor(level):
            logger.log(
                level,
                "%s %s",
                context.operation,
                ", ".join(sorted(context.codes)) or "ok",
                extra={"operation": context.operation, "duration_ms": round(seconds * 1000, 1)},
            )


def _describe(span: Span, context: "OperationContext") -> None:
    if span.trace_id is None:
        return
    principal = context.principal
    workspace_id = principal.workspace_id or context.entered_workspace_id
    span.describe(
        context.operation,
        root_fields=context.root_fields,
        cost=context.cost,
        request_id=context.request_id,
        organization=ids.show(ids.Kind.ORGANIZATION, principal.organization_id),
        workspace=ids.show(ids.Kind.WORKSPACE, workspace_id) if workspace_id else None,
        run=ids.show(ids.Kind.FLOW_RUN, principal.run.run_id) if principal.run else None,
    )
    for code in sorted(context.codes):
        span.fail(code)
