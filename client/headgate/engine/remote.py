"""Calls in another process: what a task runner sends there, and what comes back.

States, retries and hooks stay with the flow; only the function's call goes. What it logs, reports
and records there comes back with its outcome.
"""

import asyncio
import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future as ConcurrentFuture
from dataclasses import dataclass, field
from typing import Any

from headgate.engine.context import (
    FlowRunContext,
    TaskRunContext,
    current_flow_run,
    current_tags,
    current_task_run,
)
from headgate.engine.crash import Interrupter
from headgate.engine.effects import Steps, WaitAll, drive
from headgate.engine.iteration import call_function
from headgate.engine.own_run import FlowRun
from headgate.engine.pickles import RemoteTaskError, dumped, guarded, loaded, read_guarded
from headgate.engine.timeouts import Deadline
from headgate.errors import RunError, RunTimeoutError
from headgate.logs import configure_logging, current_source, prints_of
from headgate.redaction import redactor
from headgate.reporting.batches import masked
from headgate.reporting.local_run import LocalRun
from headgate.reporting.records import LogRow, TaskRun
from headgate.settings import load_settings
from headgate.specs import FlowSpec, TaskSpec
from headgate.states import Running
from headgate.task_runners import RemoteRunner, ThreadPoolTaskRunner
from headgate.texts import error_text

_SLICE_SECONDS = 0.25
"""A thread other than the main one wakes so often, since only then an interrupt reaches it."""


class WorkerLostError(RunError):
    """The process that the task ran in went away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCall:
    """A function's call, and what is known around it.

    Args:
        flow_run: values of ``FlowRun``; None outside of a flow run.
        is_reported: whether a server hears of that flow run.
        task_run: values of ``TaskRun``.
    """

    fn: Callable[..., Any]
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    task_name: str
    is_async: bool
    is_generator: bool
    timeout_seconds: float | None
    is_print_captured: bool
    parameters: dict[str, Any]
    flow_run: dict[str, Any] | None
    is_reported: bool
    task_run: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class RemoteOutcome:
    """What became of a call, and what it left behind."""

    value: Any = None
    error: BaseException | None = None
    has_timed_out: bool = False
    logs: list[LogRow] = field(default_factory=list[LogRow])
    task_runs: list[TaskRun] = field(default_factory=list[TaskRun])
    reports: list[Any] = field(default_factory=list[Any])


class _Outgoing:
    """Sends a call and waits for its outcome, so that an interrupt of this thread is seen."""

    __slots__ = ("payload", "runner")

    def __init__(self, runner: RemoteRunner, payload: bytes) -> None:
        self.runner = runner
        self.payload = payload

    def perform(self) -> bytes:
        """Block this thread, a moment at a time."""
        future = self._send()
        try:
            while True:
                try:
                    return future.result(_SLICE_SECONDS)
                except TimeoutError:
                    if future.done():
                        raise
        except BaseException:
            future.cancel()
            raise

    async def perform_async(self) -> bytes:
        """Let other coroutines run meanwhile."""
        return await asyncio.wrap_future(self._send())

    def _send(self) -> "ConcurrentFuture[bytes]":
        return self.runner.send(run_payload, self.payload)


def call_remotely(
    context: TaskRunContext,
    runner: RemoteRunner,
    *,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    deadline: Deadline | None,
    is_print_captured: bool,
) -> Steps[Any]:
    """Call a task's function where its runner says, and return its result.

    Raises:
        RemoteTaskError: the function, its arguments or its result cannot travel.
        WorkerLostError: the process went away.
        BaseException: the function's own exception.
    """
    call = _call_of(context, args, kwargs, is_print_captured=is_print_captured)
    payload = guarded(call, what=f"The call of task {context.spec.name!r}")
    try:
        answer: bytes = yield _Outgoing(runner, payload)
    except Exception as error:
        # What the function raises is in its outcome: this is of whoever was to call it.
        message = f"The process of task {context.spec.name!r} went away: {error_text(error)}"
        raise WorkerLostError(message) from error
    outcome = loaded(answer)
    _take_in(context, outcome)
    if outcome.has_timed_out and deadline is not None:
        deadline.has_struck = True
        raise deadline.error
    if outcome.error is not None:
        raise outcome.error
    return outcome.value


def _call_of(
    context: TaskRunContext,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    is_print_captured: bool,
) -> RemoteCall:
    run, spec = context.run, context.spec
    around = context.flow_run.run if context.flow_run else None
    return RemoteCall(
        fn=spec.fn,
        args=args,
        kwargs=kwargs,
        task_name=spec.name,
        is_async=spec.is_async,
        is_generator=spec.is_generator,
        timeout_seconds=spec.timeout_seconds,
        is_print_captured=is_print_captured,
        parameters=context.parameters,
        flow_run=None if around is None else _facts(around),
        is_reported=context.flow_run is not None and context.flow_run.recorder.is_reporting,
        task_run={
            "id": run.id,
            "task_key": run.task_key,
            "name": run.name,
            "flow_run_id": run.flow_run_id,
            "map_index": run.map_index,
            "tags": run.tags,
            "attempt": run.attempt,
        },
    )


def _facts(run: FlowRun) -> dict[str, Any]:
    names = ("deployment_id", "deployment_name", "flow_name", "flow_version", "id", "name")
    more = ("parent_flow_run_id", "root_flow_run_id", "run_count", "start_time_us", "tags")
    further = ("flow_id", "parent_deployment_id", "deployment_version", "created")
    return {name: getattr(run, name) for name in (*names, *more, *further)}


def _take_in(context: TaskRunContext, outcome: RemoteOutcome) -> None:
    """Report what the call left behind, as if it had run here."""
    flow_run = context.flow_run
    if flow_run is None:
        return
    recorder = flow_run.recorder
    for task_run in outcome.task_runs:
        recorder.record_task(task_run)
    for report in outcome.reports:
        recorder.report(masked(report))
    if not recorder.is_reporting:
        return
    for timestamp_us, level, logger, message, task_run_id in outcome.logs:
        recorder.append_log(
            timestamp_us=timestamp_us,
            level=level,
            logger=logger,
            message=message,
            task_run_id=task_run_id,
        )


class _Collecting(LocalRun):
    """Keeps what a call reports until its outcome goes back."""

    def __init__(self, flow_run_id: str, *, is_reporting: bool) -> None:
        super().__init__()
        self.flow_run_id = flow_run_id
        self.is_reporting = is_reporting
        self.outcome = RemoteOutcome()
        self._task_runs: dict[str, TaskRun] = {}

    def record_task(self, run: TaskRun) -> None:
        """Keep a task run that began inside of the call."""
        self._task_runs[run.id] = run

    def report(self, report: Any) -> None:
        """Keep an artifact or the like."""
        self.outcome.reports.append(report)

    def drops_log(self, level: int) -> bool:
        """Say no: every line goes back."""
        del level
        return False

    def append_log(
        self,
        *,
        timestamp_us: int,
        level: int,
        logger: str,
        message: str,
        task_run_id: str | None,
    ) -> None:
        """Keep a line."""
        self.outcome.logs.append((timestamp_us, level, logger, message, task_run_id))

    def gathered(self) -> RemoteOutcome:
        """Return the outcome with the task runs, without what their states hold."""
        for run in self._task_runs.values():
            run.state.data = None
            self.outcome.task_runs.append(run)
        return self.outcome


def run_payload(payload: bytes) -> bytes:
    """Make a call that was sent here, and return its outcome as it goes back.

    The secrets in it are masked until then in whatever this process says.
    """
    with redactor.for_now() as mask:
        return _run(payload, mask)


def _run(payload: bytes, mask: Callable[[list[str]], None]) -> bytes:
    try:
        call: RemoteCall = read_guarded(payload, mask=mask)
    except Exception as error:  # noqa: BLE001 - user code: what is not importable here
        message = f"The call cannot be read where it was sent to: {error_text(error)}"
        return _encoded(RemoteOutcome(error=RemoteTaskError(message)))
    settings = load_settings()
    configure_logging(settings)
    run_id = (call.flow_run or {}).get("id", "")
    recorder = _Collecting(run_id, is_reporting=call.is_reported)
    context = _context_of(call, recorder)
    tokens = (
        current_flow_run.set(context.flow_run),
        current_task_run.set(context),
        current_source.set(context),
        current_tags.set(frozenset((call.flow_run or {}).get("tags", ()))),
    )
    try:
        _make(call, context, recorder.outcome)
    finally:
        if context.flow_run is not None:
            context.flow_run.task_runner.close()
        for variable, token in zip(
            (current_flow_run, current_task_run, current_source, current_tags), tokens, strict=True
        ):
            variable.reset(token)  # pyright: ignore[reportArgumentType] - each its own
    return _encoded(recorder.gathered())


def _make(call: RemoteCall, context: TaskRunContext, outcome: RemoteOutcome) -> None:
    deadline = None
    if call.timeout_seconds is not None:
        deadline = Deadline(call.timeout_seconds, what=f"Task run '{context.run.name}'")
    steps = call_function(
        context.spec,
        args=call.args,
        kwargs=call.kwargs,
        deadline=deadline,
        interrupter=None,
        is_lazy=False,
    )
    try:
        with prints_of(context, is_captured=call.is_print_captured):
            outcome.value = drive(steps)
        if context.flow_run is not None and context.flow_run.futures:
            WaitAll(list(context.flow_run.futures)).perform()
    except RunTimeoutError as error:
        outcome.error = error
        outcome.has_timed_out = deadline is not None and error is deadline.error
    except BaseException as error:  # noqa: BLE001 - raised again where the flow runs
        error.add_note("".join(traceback.format_exception(error)))
        outcome.error = error


def _encoded(outcome: RemoteOutcome) -> bytes:
    try:
        return dumped(outcome, what="The outcome")
    except RemoteTaskError as error:
        kept = outcome.error
        outcome.value = None
        outcome.error = error if kept is None else RemoteTaskError(error_text(kept))
        return dumped(outcome, what="The outcome")


def _context_of(call: RemoteCall, recorder: _Collecting) -> TaskRunContext:
    facts = dict(call.task_run)
    id_, attempt = facts.pop("id"), facts.pop("attempt")
    run = TaskRun(**facts)
    run.id, run.attempt = id_, attempt
    run.state = Running()
    spec = TaskSpec(
        fn=call.fn,
        name=call.task_name,
        key=run.task_key,
        signature=inspect.Signature(),
        is_async=call.is_async,
        is_generator=call.is_generator,
        timeout_seconds=call.timeout_seconds,
    )
    return TaskRunContext(
        task=None,
        spec=spec,
        run=run,
        flow_run=_flow_run_of(call, recorder),
        parameters=call.parameters,
        wait_for=None,
        upstream=[],
    )


def _flow_run_of(call: RemoteCall, recorder: _Collecting) -> FlowRunContext | None:
    if call.flow_run is None:
        return None
    facts = dict(call.flow_run)
    run = FlowRun(
        id=facts.pop("id"),
        name=facts.pop("name"),
        flow_name=facts.pop("flow_name"),
        parameters={},
        tags=facts.pop("tags"),
    )
    for name, value in facts.items():
        setattr(run, name, value)
    spec = FlowSpec(
        fn=run_payload, name=run.flow_name, signature=inspect.Signature(), is_async=False
    )
    return FlowRunContext(
        flow=None,
        spec=spec,
        run=run,
        recorder=recorder,
        settings=load_settings(),
        task_runner=ThreadPoolTaskRunner(),
        interrupter=Interrupter(is_cancelled_by_signal=False),
    )
