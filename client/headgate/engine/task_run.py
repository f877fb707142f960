"""Runs one task: upstream results, attempts, states, hooks; in place or through a task runner."""

import contextvars
import itertools
import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any, cast

from headgate import traces
from headgate.clock import now_us
from headgate.engine import caching
from headgate.engine.context import (
    TaskRunContext,
    current_flow_run,
    current_tags,
    current_task_run,
    made_by,
    tell_span,
)
from headgate.engine.crash import state_of_interrupt
from headgate.engine.effects import (
    Sleep,
    Steps,
    WaitAll,
    drive,
    drive_async,
    run_coroutine,
)
from headgate.engine.hooks import call_hooks, hooks_of
from headgate.engine.inputs import resolve, upstream_futures
from headgate.engine.iteration import (
    drive_lazily,
    drive_lazily_async,
    follow,
)
from headgate.engine.names import declared_name
from headgate.engine.parameters import as_call
from headgate.engine.pause_gates import leave_if_asked, pass_gates
from headgate.engine.remote import WorkerLostError
from headgate.engine.retries import delay_before, is_wanted
from headgate.engine.slots import (
    Slots,
    give_back,
    take_for_tags,
    taking_for_tags,
    wait_for_tags,
)
from headgate.engine.task_calls import call_task, has_captured_prints
from headgate.engine.task_transactions import (
    begin_transaction,
    end_transaction,
    is_undoable,
)
from headgate.engine.timeouts import Deadline
from headgate.engine.transactions import inside
from headgate.engine.wishes import Wish
from headgate.errors import RunTimeoutError, UpstreamTaskError
from headgate.futures import Future
from headgate.logs import ENGINE, current_source, logger_of, prints_of
from headgate.reporting.failures import state_message, user_error
from headgate.reporting.records import TaskRun
from headgate.specs import TaskSpec
from headgate.states import (
    AwaitingConcurrencySlot,
    AwaitingRetry,
    Cancelled,
    Crashed,
    Failed,
    Pending,
    Retrying,
    Running,
    State,
    TimedOut,
    state_of_value,
)
from headgate.task_runners import RemoteRunner, ThreadPoolTaskRunner
from headgate.texts import error_text

logger = logging.getLogger(ENGINE)


def make_context(
    task: Any,
    *,
    spec: TaskSpec,
    parameters: dict[str, Any],
    wait_for: Iterable[Any] | None = None,
    map_index: int | None = None,
) -> TaskRunContext:
    """Create a pending run of a task in the flow run around this call, if there is one."""
    flow_run = current_flow_run.get()
    leave_if_asked(flow_run)
    if flow_run is not None and flow_run.replay is not None:
        spec = flow_run.replay.patient(spec)
    needed = list(wait_for) if wait_for else None
    upstream = upstream_futures([*parameters.values(), needed])
    run = TaskRun(
        task_key=spec.key,
        name="",
        flow_run_id=flow_run.run.id if flow_run else None,
        map_index=map_index,
        tags=spec.tags | current_tags.get(),
        parents=made_by(flow_run, upstream, [*parameters.values(), needed]),
    )
    run.name = f"{spec.name}-{run.id[-3:]}"
    context = TaskRunContext(
        task=task,
        spec=spec,
        run=run,
        flow_run=flow_run,
        parameters=parameters,
        wait_for=needed,
        upstream=upstream,
    )
    enter(context, Pending())
    return context


def enter(context: TaskRunContext, state: State[Any]) -> None:
    """Put the run into a state and report it."""
    context.run.enter(state, message=state_message(state))
    if context.flow_run is not None:
        context.flow_run.recorder.record_task(context.run)


def run_here(context: TaskRunContext) -> State[Any]:
    """Run a task in this thread and return its final state."""
    return drive(task_steps(context))


async def run_here_async(context: TaskRunContext) -> State[Any]:
    """Run a task in this coroutine and return its final state."""
    return await drive_async(task_steps(context))


def iterate(
    task: Any, *, spec: TaskSpec, parameters: dict[str, Any], wait_for: Iterable[Any] | None
) -> Any:
    """Return the generator, synchronous or not, whose iteration is a run of a task.

    The run is made with the first item: a generator that nobody asks leaves no trace.
    """

    def steps() -> Steps[State[Any]]:
        context = make_context(task, spec=spec, parameters=parameters, wait_for=wait_for)
        context.is_lazy = True
        return (yield from task_steps(context))

    drive_steps = drive_lazily_async if spec.is_async else drive_lazily
    flow_run = current_flow_run.get()
    siblings = flow_run.iterations if flow_run else None
    return follow(drive_steps(steps(), finish=_result), siblings=siblings)


def _result(state: State[Any]) -> Any:
    return state.outcome()


def submit(context: TaskRunContext) -> Future[Any]:
    """Run a task beside the flow, as soon as all that it needs has ended."""
    flow_run = context.flow_run
    future: Future[Any] = Future(context.run.id)
    future.watch(lambda: context.run.state)
    runner = flow_run.task_runner if flow_run else ThreadPoolTaskRunner()
    # A protocol's isinstance() takes longer than all the rest of a submission.
    is_sent = hasattr(runner, "send") and not (flow_run and flow_run.replay)
    context.remote = cast("RemoteRunner", runner) if is_sent else None
    surroundings = contextvars.copy_context()
    if flow_run is not None:
        flow_run.follow(future)

    def start() -> None:
        try:
            runner.start(lambda: _run_beside(context, future), context=surroundings)
        except RuntimeError as error:
            # The runner was closed meanwhile: its flow is over.
            enter(context, Cancelled(message=f"The task runner took no more tasks: {error}"))
            future.settle(context.run.state)

    _when_all_ended(context.upstream, then=start)
    return future


def _when_all_ended(futures: list[Future[Any]], *, then: Callable[[], None]) -> None:
    """Call back when the last future ended, in its thread; here and now when none is awaited."""
    distinct = set(futures)
    if not distinct:
        then()
        return
    numbers = itertools.count(1)

    def note(_: Future[Any]) -> None:
        if next(numbers) == len(distinct):
            then()

    for future in distinct:
        future.add_done_callback(note)


def _run_beside(context: TaskRunContext, future: Future[Any]) -> None:
    flow_run = context.flow_run
    if flow_run is not None:
        if flow_run.is_stopped:
            enter(context, Cancelled(message="The flow run ended before the task started"))
            future.settle(context.run.state)
            return
        flow_run.threads.add(threading.get_ident())
    try:
        if context.spec.is_async:
            run_coroutine(run_here_async(context))
        else:
            run_here(context)
    except BaseException as error:  # noqa: BLE001 - a worker thread's edge: the future tells it
        if not context.run.state.is_final():
            enter(context, state_of_interrupt(error, struck=None))
    finally:
        if flow_run is not None:
            flow_run.threads.discard(threading.get_ident())
        future.settle(context.run.state)


def task_steps(context: TaskRunContext) -> Steps[State[Any]]:
    """The core: everything that happens in a task run, from its inputs to its hooks."""
    task_token = current_task_run.set(context)
    log_token = current_source.set(context)
    try:
        with traces.span(context.spec.name) as span:
            span.describe(task_run=context.run.id, task=context.spec.name)
            state = yield from _steps(context)
            tell_span(span, state)
            return state
    except GeneratorExit:
        raise
    except BaseException as error:
        struck = context.flow_run.interrupter.struck if context.flow_run else None
        yield from _end(context, state_of_interrupt(error, struck=struck))
        if context.transaction is not None:
            yield from context.transaction.roll_back_steps()
        raise
    finally:
        current_source.reset(log_token)
        current_task_run.reset(task_token)


def _steps(context: TaskRunContext) -> Steps[State[Any]]:
    if context.upstream:
        yield WaitAll(context.upstream)
    try:
        parameters = {name: resolve(value) for name, value in context.parameters.items()}
        resolve(context.wait_for)
    except UpstreamTaskError as error:
        enter(context, Pending(name="NotReady", message=str(error), data=error))
        logger.info("Did not start: %s", error)
        return context.run.state
    context.parameters = parameters
    keeping = yield from caching.begin(context)
    if keeping is not None and keeping.found is not None:
        _rename(context)
        yield from _end(context, keeping.found)
        return context.run.state
    try:
        state = yield from _attempts(context)
        is_kept_later = keeping is not None and is_undoable(context)
        if keeping is not None and state.is_completed() and not is_kept_later:
            state = yield from caching.keep(context, keeping, state)
    finally:
        yield from caching.let_go(keeping)
    yield from _end(context, state)
    yield from end_transaction(context, state, keeping=keeping if is_kept_later else None)
    return context.run.state


def _attempts(context: TaskRunContext) -> Steps[State[Any]]:
    policy = context.spec.retry
    while True:
        transaction = begin_transaction(context)
        with inside(transaction):
            state = yield from _attempt(context)
        if state.is_completed():
            break
        yield from transaction.roll_back_steps()
        if not state.is_failed() or context.run.attempt > policy.limit:
            break
        if context.flow_run is not None and context.flow_run.is_stopped:
            break
        is_retried = yield from is_wanted(
            policy, owner=context.task, run=context.run, state=state, source=context
        )
        if not is_retried:
            break
        yield from _wait_for_retry(context, state)
    return state


def _attempt(context: TaskRunContext) -> Steps[State[Any]]:
    run = context.run
    run.attempt += 1
    if run.attempt == 1:
        error = _rename(context)
        if error is not None:
            return _failed(context, error)
    yield from pass_gates(context.flow_run)
    wish = taking_for_tags(context.flow_run, run.tags, is_queued=context.is_queued)
    if wish is None:
        return (yield from _call(context))
    slots = yield from _take_slots(context, wish)
    try:
        return (yield from _call(context))
    finally:
        yield from give_back(slots)


def _rename(context: TaskRunContext) -> Exception | None:
    """Give the run its declared name; user code, so return what it raises."""
    spec = context.spec
    if spec.run_name is None:
        return None
    what = {"task_run": context.run, "task_name": spec.name}
    try:
        context.rename(declared_name(spec.run_name, parameters=context.parameters, what=what))
    except Exception as error:  # noqa: BLE001 - its failure is the task's
        return error
    return None


def _take_slots(context: TaskRunContext, wish: Wish) -> Steps[Slots]:
    """Take a slot of every limit that is on a tag of the task, and say so while it waits."""
    flow_run = context.flow_run
    slots = yield from take_for_tags(flow_run, wish)
    if slots is None:
        enter(context, AwaitingConcurrencySlot(message=f"Waiting for a slot of {wish.what}"))
        slots = yield from wait_for_tags(flow_run, wish)
    return slots


def _call(context: TaskRunContext) -> Steps[State[Any]]:
    spec = context.spec
    run = context.run
    enter(context, Running() if run.attempt == 1 else Retrying())
    if spec.hooks.on_running:
        yield from call_hooks(
            spec.hooks.on_running, owner=context.task, run=run, state=run.state, source=context
        )
    args, kwargs = as_call(spec.signature, parameters=context.parameters)
    deadline = None
    if spec.timeout_seconds is not None:
        deadline = Deadline(spec.timeout_seconds, what=f"Task run '{run.name}'")
    try:
        with prints_of(context, is_captured=has_captured_prints(context)):
            value = yield from call_task(context, args, kwargs, deadline=deadline)
    except RunTimeoutError as error:
        if deadline is not None and error is deadline.error:
            return TimedOut(message=str(error), data=error)
        return _failed(context, error)
    except WorkerLostError as error:
        return Crashed(message=str(error), data=error)
    except Exception as error:  # noqa: BLE001 - user code: its failure is the task's
        return _failed(context, error)
    return state_of_value(value)


def _failed(context: TaskRunContext, error: Exception) -> State[Any]:
    left = context.spec.retry.limit + 1 - context.run.attempt
    logger_of(context).error(
        "Attempt %d failed%s",
        context.run.attempt,
        f", {left} left" if left > 0 else "",
        exc_info=user_error(error),
    )
    if context.flow_run is not None and context.flow_run.replay is not None:
        context.flow_run.replay.examine(error)
    return Failed(message=error_text(error), data=error)


def _wait_for_retry(context: TaskRunContext, state: State[Any]) -> Steps[None]:
    delay = delay_before(context.spec.retry, retry=context.run.attempt)
    if delay > 0:
        retry_at = now_us() + int(delay * 1_000_000)
        enter(context, AwaitingRetry(retry_at_us=retry_at, message=state.message))
        yield Sleep(delay)


def _end(context: TaskRunContext, state: State[Any]) -> Steps[None]:
    enter(context, state)
    if context.flow_run is not None and state.is_completed():
        context.flow_run.makers.note(state.data, context.run.id)
    if logger.isEnabledFor(logging.INFO):
        logger.info("Finished in state %s", state)
    hooks = hooks_of(context.spec.hooks, state)
    if hooks:
        yield from call_hooks(
            hooks, owner=context.task, run=context.run, state=state, source=context
        )
