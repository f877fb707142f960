"""Runs one flow: opens the run, passes the start gate, makes attempts, ends it; runs jobs."""

import asyncio
import logging
import signal
from types import GeneratorType
from typing import Any, cast

from headgate import traces
from headgate.api.background import background_loop
from headgate.engine.context import FlowRunContext, current_flow_run, surrounding, tell_span
from headgate.engine.crash import (
    Interrupter,
    ProcessTerminated,
    RunInterrupted,
    RunSuspended,
    state_of_interrupt,
)
from headgate.engine.effects import Call, Sleep, Steps, WaitAll, answer_of, drive, drive_async
from headgate.engine.entrypoints import load_flow, run_pull_steps
from headgate.engine.flow_results import keep_result
from headgate.engine.hooks import call_hooks, hooks_of
from headgate.engine.inputs import as_states
from headgate.engine.iteration import (
    call_function,
    drive_lazily,
    drive_lazily_async,
    follow,
)
from headgate.engine.opening import FlowCall, open_run
from headgate.engine.parameters import as_call, bind_named
from headgate.engine.pause_gates import before_subflow, begun, listen
from headgate.engine.pauses import suspend
from headgate.engine.places import current_place
from headgate.engine.rescheduling import leaves, next_attempt
from headgate.engine.sessions import Opening, claim_assignment, open_recorder
from headgate.engine.templates import fill_blocks, names_blocks
from headgate.engine.timeouts import Deadline
from headgate.engine.whispers import tell_hooks
from headgate.errors import (
    ApiError,
    BlockError,
    ParameterError,
    RefusedError,
    RunTimeoutError,
)
from headgate.logs import ENGINE, configure_logging, logger_of, prints_of
from headgate.reporting.failures import state_message, user_error
from headgate.reporting.records import Verdict
from headgate.secret_references.resolving import has_signed_in, sign_out
from headgate.settings import Settings, load_settings
from headgate.specs import FlowSpec, Hooks, Job
from headgate.states import Crashed, Failed, Running, State, TimedOut, state_of_value
from headgate.texts import error_text, text_of

logger = logging.getLogger(ENGINE)

LINGER_SECONDS = 2.0
"""How long a stopped run waits for its tasks before it ends without them."""


def run_here(call: FlowCall) -> State[Any]:
    """Run a flow in this thread and return its final state.

    Raises:
        ApiError: the server did not take the run; nothing of it has started.
    """
    try:
        context = drive(flow_steps(call))
    except ApiError as error:
        raise _without_the_way(error) from None
    return _after(context)


async def run_here_async(call: FlowCall) -> State[Any]:
    """Run a flow in this coroutine and return its final state.

    Raises:
        ApiError: the server did not take the run; nothing of it has started.
    """
    try:
        context = await drive_async(flow_steps(call))
    except ApiError as error:
        raise _without_the_way(error) from None
    return _after(context)


def iterate(call: FlowCall) -> Any:
    """Return the generator, synchronous or not, whose iteration is the run of a flow."""
    steps = _lazy_steps(call)
    drive_steps = drive_lazily_async if call.spec.is_async else drive_lazily
    parent = current_flow_run.get()
    siblings = parent.iterations if parent else None
    return follow(drive_steps(steps, finish=_result), siblings=siblings)


def _lazy_steps(call: FlowCall) -> Steps[FlowRunContext]:
    try:
        return (yield from flow_steps(call))
    except ApiError as error:
        raise _without_the_way(error) from None


def _result(context: FlowRunContext) -> Any:
    return _after(context).outcome()


def _without_the_way(error: ApiError) -> ApiError:
    """Return the error as the caller needs it: what the server said, and the caller's own line."""
    logger.debug("The run was not opened", exc_info=error)
    return error.with_traceback(None)


def run_job(job: Job) -> int:
    """Run the flow that an agent was given, under the lease in the environment.

    Returns:
        The process's exit code: 0 when the server knows the outcome, whatever it is; 1 when the
        agent must tell it.
    """
    settings = load_settings()
    configure_logging(settings)
    try:
        run_pull_steps(job.pull_steps or [], fill=with_blocks)
        flow = load_flow(job.entrypoint)
    except Exception as error:  # noqa: BLE001 - user code: what it raises on import is the outcome
        return 0 if drive(_report_unloadable(job, settings=settings, error=error)) else 1
    spec: FlowSpec = flow.spec
    tell_hooks(spec.hooks)
    parameters, problem = parameters_of(job, spec)
    steps = flow_steps(
        FlowCall(
            flow=flow,
            spec=spec,
            parameters=parameters,
            error=problem,
            job=job,
            is_lazy=spec.is_generator,
        )
    )
    context = asyncio.run(drive_async(steps)) if spec.is_async else drive(steps)
    traces.flush()
    if has_signed_in():
        background_loop().run(sign_out())
    return 0 if context.is_outcome_known else 1


def parameters_of(job: Job, spec: FlowSpec) -> tuple[dict[str, Any], ParameterError | None]:
    """Return the parameters of a job with the blocks that they name, or why there are none."""
    try:
        given = with_blocks(job.parameters)
        return bind_named(spec.signature, name=spec.name, parameters=given), None
    except ParameterError as error:
        return job.parameters, error
    except (RefusedError, BlockError) as error:
        message = f"The parameters name a block that the run cannot read: {error}"
        return job.parameters, ParameterError(message)


def with_blocks(document: Any) -> Any:
    """Return a document with the blocks that it names filled in by the run's own token."""
    if not names_blocks(document):
        return document
    place = current_place()
    if place.lease is None:
        return document
    return background_loop().run(
        fill_blocks(document, transport=place.transport, lease=place.lease)
    )


def _report_unloadable(job: Job, *, settings: Settings, error: Exception) -> Steps[bool]:
    opening = Opening(
        flow_name=job.flow_name,
        name=job.run_name,
        parameters=job.parameters,
        tags=frozenset(job.tags),
        parent=None,
        wrapper=None,
        assignment=claim_assignment(settings),
    )
    interrupter = Interrupter(is_cancelled_by_signal=True)
    recorder = yield from open_recorder(opening, settings=settings, interrupter=interrupter)
    message = f"The flow could not be loaded from {job.entrypoint!r}: {text_of(error)}"
    verdict: Verdict = yield from answer_of(recorder.propose(Crashed(message=message, data=error)))
    return verdict.accepted or verdict.state.is_final()


def flow_steps(call: FlowCall) -> Steps[FlowRunContext]:
    """The core: everything that happens in a flow run, from its parameters to its last hook."""
    yield from before_subflow(current_flow_run.get())
    parent = call.job.traceparent if call.job else None
    with traces.span(call.spec.name, parent=parent) as span:
        context = yield from open_run(call)
        span.describe(flow_run=context.run.id, flow=call.spec.name)
        if not context.run.state.is_final():
            yield from _inside(context)
        tell_span(span, context.run.state)
    return context


def _inside(context: FlowRunContext) -> Steps[None]:
    with surrounding(context):
        listen(context)
        context.interrupter.attach(is_async=context.spec.is_async)
        context.task_runner.open()
        try:
            yield from _go_through(context)
        finally:
            context.task_runner.close()
            context.interrupter.detach()


def _go_through(context: FlowRunContext) -> Steps[None]:
    """Pass the start gate, make the attempts and end the run; struck at the gate, end it there."""
    try:
        verdict = yield from _propose(context, begun(context))
    except RunInterrupted as error:
        # Nobody knows whether the gate opened: whether it did or not, the run ends here.
        context.interrupt = error
        yield from _end(context, state_of_interrupt(error, struck=context.interrupter.struck))
        return
    if not verdict.accepted:
        _stay_out(context, verdict)
        return
    logger.info("Beginning flow run of flow %r", context.spec.name)
    try:
        state = yield from _guarded(context)
    except RunSuspended as suspension:
        state = yield from suspend(context, suspension.new)
    if state is not None:
        yield from _end(context, state)


def _propose(
    context: FlowRunContext, state: State[Any], *, retry: dict[str, Any] | None = None
) -> Steps[Verdict]:
    """Propose a state; what the run is in afterwards is the recorder's answer."""
    verdict: Verdict = yield from answer_of(context.recorder.propose(state, retry=retry))
    if verdict.accepted or verdict.state.is_final():
        context.run.state = verdict.state
        if context.wrapper is not None and context.parent is not None:
            context.wrapper.attempt = context.run.run_count
            context.wrapper.enter(verdict.state, message=state_message(verdict.state))
            context.parent.recorder.record_task(context.wrapper)
    return verdict


def _stay_out(context: FlowRunContext, verdict: Verdict) -> None:
    """Leave a run alone that must not start here; another attempt or a person decided so."""
    context.recorder.abandon()
    context.run.state = verdict.state
    context.is_outcome_known = True
    reason = verdict.reason or f"it is in state {verdict.state.name}"
    logger.error("The run does not start here: %s", reason)


def _guarded(context: FlowRunContext) -> Steps[State[Any] | None]:
    """Make the attempts; whatever stops them from outside becomes a state too.

    None where the run goes on in another process.
    """
    try:
        return (yield from _attempts(context))
    except (GeneratorExit, RunSuspended):
        raise
    except BaseException as error:  # noqa: BLE001 - kept, and raised again after the run's end
        context.interrupt = error
        context.is_closing = True
        context.interrupt_tasks()
        yield WaitAll(list(context.futures), seconds=LINGER_SECONDS)
        yield from context.iterations.close()
        return state_of_interrupt(error, struck=context.interrupter.struck)


def _attempts(context: FlowRunContext) -> Steps[State[Any] | None]:
    while True:
        context.run.run_count += 1
        state = yield from _attempt(context)
        yield from context.iterations.close()
        retry = yield from next_attempt(context, state)
        if retry is None:
            return state
        verdict = yield from _propose(context, state, retry=retry)
        if not verdict.state.is_scheduled():
            return state
        if leaves(context, verdict.state):
            return None
        logger_of(context).info(
            "Waiting %g seconds for attempt %d", retry["delaySeconds"], context.run.run_count + 1
        )
        yield Sleep(retry["delaySeconds"])
        verdict = yield from _propose(context, Running())
        if not verdict.accepted:
            return state


def _attempt(context: FlowRunContext) -> Steps[State[Any]]:
    spec = context.spec
    context.is_closing = False
    context.deadline = None
    context.pause_count = 0
    if context.kept is not None and (context.parent is None or context.place is not None):
        # A subflow that is kept nowhere counts its calls with those of the run around it.
        context.kept.begin_attempt()
    if context.parameter_error is not None:
        return _failed(context, context.parameter_error)
    yield from call_hooks(
        spec.hooks.on_running,
        owner=context.flow,
        run=context.run,
        state=context.run.state,
        source=context,
    )
    if spec.timeout_seconds is not None:
        context.deadline = Deadline(spec.timeout_seconds, what=f"Flow run '{context.run.name}'")
    args, kwargs = as_call(spec.signature, parameters=context.run.parameters)
    try:
        with prints_of(context, is_captured=_has_captured_prints(context)):
            value = yield from call_function(
                spec,
                args=args,
                kwargs=kwargs,
                deadline=context.deadline,
                interrupter=context.interrupter,
                is_lazy=context.is_lazy,
            )
    except RunTimeoutError as error:
        if context.deadline is None or error is not context.deadline.error:
            return (yield from _failed_attempt(context, error))
        context.interrupt_tasks()
        yield WaitAll(list(context.futures), seconds=LINGER_SECONDS)
        return TimedOut(message=str(error), data=error)
    except Exception as error:  # noqa: BLE001 - user code: its failure is the run's
        return (yield from _failed_attempt(context, error))
    if isinstance(value, GeneratorType):
        # Whoever asks for its items would do so after the run, or in another process.
        value = yield Call(list, args=(cast("Any", value),))
    while context.futures:
        yield WaitAll(list(context.futures))
    return (yield from keep_result(context, state_of_value(as_states(value))))


def _failed_attempt(context: FlowRunContext, error: Exception) -> Steps[State[Any]]:
    """Let the tasks that run come to their end, and those that do not run not start."""
    context.is_closing = True
    yield WaitAll(list(context.futures))
    return _failed(context, error)


def _failed(context: FlowRunContext, error: Exception) -> State[Any]:
    logger_of(context).error("Attempt %d failed", context.run.run_count, exc_info=user_error(error))
    if context.replay is not None:
        context.replay.examine(error)
    return Failed(message=error_text(error), data=error)


def _end(context: FlowRunContext, state: State[Any]) -> Steps[None]:
    """Call the hooks and propose the final state: what the hooks log is reported before it."""
    if context.parent is None:
        tell_hooks(Hooks())
    context.run.state = state
    yield from call_hooks(
        hooks_of(context.spec.hooks, state),
        owner=context.flow,
        run=context.run,
        state=state,
        source=context,
    )
    level = logging.INFO if state.is_completed() else logging.ERROR
    logger.log(level, "Finished in state %s", state)
    verdict = yield from _propose(context, state)
    context.is_outcome_known = verdict.accepted or verdict.state is not state
    if not verdict.accepted:
        logger.error("The server did not take the final state %s: %s", state.name, verdict.reason)
    context.run.state = verdict.state if verdict.state.is_final() else state
    if context.wrapper is not None and context.parent is not None and state.is_completed():
        context.parent.makers.note(state.data, context.wrapper.id)


def _after(context: FlowRunContext) -> State[Any]:
    """Return the final state, or raise again what stopped the run from outside."""
    error = context.interrupt
    own = context.interrupter.kind
    if own is ProcessTerminated:
        # The reports are delivered; now the process ends the way it was told to.
        signal.raise_signal(signal.SIGTERM)
    if error is not None and (own is None or own is ProcessTerminated):
        raise error
    return context.run.state


def _has_captured_prints(context: FlowRunContext) -> bool:
    if context.spec.log_prints is not None:
        return context.spec.log_prints
    if context.parent is not None and context.parent.spec.log_prints is not None:
        return context.parent.spec.log_prints
    return context.settings.log_prints
