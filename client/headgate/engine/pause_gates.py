"""Where a run stands still that somebody else asked to pause: before its next task or subflow.

What has begun goes on; what begins meanwhile waits. A run that is to be suspended leaves its flow
there instead, as if the flow had asked for it.
"""

import asyncio
import logging

from headgate.api import flow_runs
from headgate.api.background import background_loop
from headgate.api.flow_runs import PauseRequest
from headgate.api.pauses import NewPause
from headgate.engine import orders, pulled_code
from headgate.engine.context import FlowRunContext, current_task_run
from headgate.engine.crash import CancelRequested, RunSuspended
from headgate.engine.effects import Steps
from headgate.engine.pauses import ask_and_wait, wait_for
from headgate.engine.slots import Watch
from headgate.engine.timeouts import Deadline
from headgate.errors import ApiError, ConflictError
from headgate.logs import ENGINE, logger_of
from headgate.reporting.lease_keeping import pause_listeners
from headgate.reporting.server_run import ServerRun
from headgate.states import State, StateType

logger = logging.getLogger(ENGINE)

HEARS = {"hears": ["PAUSE"]}
"""How a run says as it starts that its process hears of pauses."""
RUN_NAME = "runName"
"""How it says what its flow calls it."""


def begun(context: FlowRunContext) -> State[None]:
    """Return the state that a run starts in."""
    name = "Retrying" if context.run.run_count else "Running"
    details = HEARS if context.new_name is None else {**HEARS, RUN_NAME: context.new_name}
    if context.parent is None:
        details = {**details, **pulled_code.as_details()}
    return State(StateType.RUNNING, name=name, details=details)


def listen(context: FlowRunContext) -> None:
    """Hear of pauses from now on: as the lease is renewed, or when the agent says so."""
    recorder = context.recorder
    if not isinstance(recorder, ServerRun):
        return
    pause_listeners[recorder.flow_run_id] = lambda request: _heed(context, request)
    if context.parent is None:
        orders.listen(lambda: _look_soon(context, recorder))


def _look_soon(context: FlowRunContext, recorder: ServerRun) -> None:
    background_loop().submit(_look(context, recorder))


async def _look(context: FlowRunContext, recorder: ServerRun) -> None:
    try:
        verdict = await flow_runs.renew(recorder.transport, lease=recorder.lease)
    except ApiError as error:
        # The agent says so again with its next heartbeat.
        logger.debug("What was asked of %s is not known yet: %s", recorder.flow_run_id, error)
        return
    if verdict.pause_request is not None:
        _heed(context, verdict.pause_request)


def _heed(context: FlowRunContext, request: PauseRequest) -> None:
    if context.gate.ask(request):
        what = "leave the flow" if request.suspend else "pause"
        logger_of(context).info("Asked to %s before the next task or subflow", what)


def pass_gates(context: FlowRunContext | None) -> Steps[None]:
    """Wait while the run around a task, or one around that, is paused from outside."""
    while context is not None:
        request, recorder = context.gate.request, context.recorder
        if request is not None and not request.suspend and isinstance(recorder, ServerRun):
            yield Watch(_stand_still(context, recorder, request))
        context = context.parent


async def _stand_still(context: FlowRunContext, recorder: ServerRun, request: PauseRequest) -> None:
    """Pause the run once, whoever comes by first, and wait for its end together."""
    gate = context.gate
    if gate.pausing is None and gate.request == request:
        gate.pausing = asyncio.create_task(_pause(context, recorder, request))
    if gate.pausing is not None:
        await asyncio.shield(gate.pausing)


async def _pause(context: FlowRunContext, recorder: ServerRun, request: PauseRequest) -> None:
    new = NewPause(key=request.key)
    try:
        await ask_and_wait(context, recorder, new, deadlines=_deadlines(context))
    except ConflictError:
        logger.info("Nobody wants flow run %s to pause any more", context.run.name)
    except CancelRequested:
        # It goes on without an answer, or is struck where its code stands.
        logger.debug("The pause of %s ended without an answer", context.run.name)
    except ApiError as error:
        logger.warning("Flow run %s could not pause and goes on: %s", context.run.name, error)
    finally:
        context.gate.let_go(request)
        context.gate.pausing = None


def _deadlines(context: FlowRunContext) -> list[Deadline]:
    found: list[Deadline] = []
    around: FlowRunContext | None = context
    while around is not None:
        if around.deadline is not None:
            found.append(around.deadline)
        around = around.parent
    return found


def leave_if_asked(context: FlowRunContext | None) -> None:
    """Leave the flow, where its own code is about to call a task and it is to be suspended.

    Raises:
        RunSuspended: the server agreed: the flow is left, and then suspended.
    """
    if context is None or context.gate.request is None or current_task_run.get() is not None:
        return
    request, recorder = context.gate.request, context.recorder
    if not request.suspend or not isinstance(recorder, ServerRun):
        return
    new = NewPause(key=request.key, is_suspension=True)
    try:
        wait_for(recorder.ask(new, is_peek=True))
    except ConflictError:
        logger.info("Nobody wants flow run %s to be suspended any more", context.run.name)
    except ApiError as error:
        logger.warning("Flow run %s could not be suspended: %s", context.run.name, error)
    else:
        raise RunSuspended(new)
    context.gate.let_go(request)


def before_subflow(context: FlowRunContext | None) -> Steps[None]:
    """Stand still, or leave, where a flow is about to call another."""
    leave_if_asked(context)
    yield from pass_gates(context)
