"""Pauses of the flow run around a call: asked for, waited for, and what user code is told."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from headgate.api import pauses
from headgate.api.background import awaited, background_loop
from headgate.api.pauses import NewPause, Pause
from headgate.api.transport import Transport, retry_delay_seconds
from headgate.engine.context import FlowRunContext, current_flow_run, current_task_run
from headgate.engine.crash import CancelRequested, RunSuspended
from headgate.engine.effects import Await, Steps, WaitAll
from headgate.engine.timeouts import Deadline, held
from headgate.errors import (
    ApiError,
    FlowPauseTimeout,
    MissingContextError,
    PauseRejected,
    RetryableApiError,
    RunError,
)
from headgate.logs import ENGINE
from headgate.reporting.server_run import ServerRun
from headgate.states import Failed, Paused, Running, State

logger = logging.getLogger(ENGINE)

T = TypeVar("T")

LOOK_SECONDS = 0.5
"""So often a thread that waits lets itself be stopped."""


def surrounding_run() -> tuple[FlowRunContext, ServerRun]:
    """Return the flow run around this call, which a server hears of.

    Raises:
        MissingContextError: there is none, or the call is in a task.
        RunError: no server hears of it, so nobody could answer.
    """
    context = current_flow_run.get()
    if context is None or current_task_run.get() is not None:
        message = "Only a flow can wait for an answer: call this in a flow, outside of its tasks"
        raise MissingContextError(message)
    if not isinstance(context.recorder, ServerRun):
        message = (
            "This run has no server, so nobody could answer it: set HEADGATE_API_URL and a key, or "
            "choose a profile with `headgate profiles use`"
        )
        raise RunError(message)
    return context, context.recorder


def next_key(context: FlowRunContext, key: str | None) -> str:
    """Return the key of a pause: its number in this attempt where none is given."""
    context.pause_count += 1
    return str(context.pause_count) if key is None else key


async def ask_and_wait(
    context: FlowRunContext,
    recorder: ServerRun,
    new: NewPause,
    *,
    deadlines: Sequence[Deadline] = (),
) -> Pause:
    """Pause the run and return it answered; what was answered before is returned at once.

    Runs on the background loop.

    Args:
        context: of the run.
        recorder: of the run.
        new: what is asked.
        deadlines: for these no time passes while the run is paused.

    Raises:
        PauseRejected: somebody said no.
        FlowPauseTimeout: nobody answered in time.
        CancelRequested: the run is over, or about to be.
    """
    pause = await asyncio.wrap_future(recorder.ask(new))
    if pause is not None and pause.status == "WAITING":
        logger.info("Pausing flow run %s until somebody answers", context.run.name)
        context.run.state = Paused(message=new.description)
        try:
            with held(deadlines):
                pause = await _answered(recorder.transport, pause)
        finally:
            context.run.state = Running()
    return told(pause)


async def look_before_suspending(recorder: ServerRun, new: NewPause) -> Pause:
    """Return what was answered under the key.

    Raises:
        RunSuspended: nothing was yet: the flow is left, and then suspended.
        PauseRejected: somebody said no.
        InvalidInputError: the run cannot be suspended.
    """
    pause = await asyncio.wrap_future(recorder.ask(new, is_peek=True))
    if pause is None:
        raise RunSuspended(new)
    return told(pause)


def told(pause: Pause | None) -> Pause:
    """Return a pause that was answered, or raise what user code is to hear of it."""
    if pause is not None and pause.status == "REJECTED":
        who = pause.answered_by.display_name if pause.answered_by else "somebody"
        reason = f": {pause.reason}" if pause.reason else ""
        message = f"{who} rejected the pause {pause.key!r}{reason}"
        raise PauseRejected(message)
    if pause is not None and pause.status == "EXPIRED":
        message = f"The flow run was paused at {pause.key!r} and nobody resumed it in time"
        raise FlowPauseTimeout(message)
    if pause is None or pause.status != "RESUMED":
        raise CancelRequested
    return pause


async def _answered(transport: Transport, pause: Pause) -> Pause:
    """Return a pause once it waits no more; a stream that breaks is opened again."""
    failures = 0
    while True:
        try:
            async for update in pauses.updates(transport, flow_run_id=pause.run_id, key=pause.key):
                failures = 0
                if update.status != "WAITING":
                    return update
        except RetryableApiError as error:
            logger.debug("The wait for %s is begun again: %s", pause.key, error)
        await asyncio.sleep(retry_delay_seconds(failures))
        failures += 1


def wait_here(coroutine: Coroutine[Any, Any, T]) -> Any:
    """Return what a coroutine returns or, where an event loop runs, something to be awaited.

    A thread that waits can be stopped: it looks up every half second.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return wait_for(background_loop().submit(coroutine))
    return awaited(coroutine)


def wait_for(future: "Future[T]") -> T:
    """Block until something on the background loop is done; this thread can be stopped."""
    try:
        while True:
            try:
                return future.result(LOOK_SECONDS)
            except TimeoutError:
                if future.done():
                    return future.result()
    except BaseException:
        future.cancel()
        raise


def suspend(context: FlowRunContext, new: NewPause) -> Steps[State[Any] | None]:
    """Suspend a run whose flow has been left: its tasks end, and its process after them.

    Returns:
        None once it is suspended; the state to end in where it could not be.
    """
    context.is_closing = True
    yield WaitAll(list(context.futures))
    yield from context.iterations.close()
    recorder = context.recorder
    if not isinstance(recorder, ServerRun):
        return Failed(message="A run without a server cannot be suspended.")
    logger.info("Suspending flow run %s until somebody resumes it", context.run.name)
    try:
        pause: Pause | None = yield Await(recorder.ask(new))
    except ApiError as error:
        return Failed(message=f"The run could not be suspended: {error}", data=error)
    if pause is None or pause.status != "WAITING":
        return Failed(message="The run was to be suspended, and was answered meanwhile.")
    recorder.abandon()
    context.run.state = Paused(name="Suspended", message=new.description)
    context.is_outcome_known = True
    return None
