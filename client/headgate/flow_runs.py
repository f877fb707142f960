"""Pause, suspend and resume flow runs.

Where an event loop runs, each of these returns something to be awaited; elsewhere it blocks.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from headgate.api import flow_runs, pauses
from headgate.api.background import answer, awaited
from headgate.api.pauses import NewPause, Pause
from headgate.api.transport import retry_delay_seconds
from headgate.client.schemas.objects import FlowRun
from headgate.engine.context import current_flow_run
from headgate.engine.pauses import (
    ask_and_wait,
    look_before_suspending,
    next_key,
    surrounding_run,
    wait_here,
)
from headgate.engine.places import Place, current_place
from headgate.engine.stored_secrets import as_text, check_stored
from headgate.engine.timeouts import running_deadlines
from headgate.errors import ParameterError, RetryableApiError, RunTimeoutError
from headgate.input.problems import problems_of
from headgate.input.run_input import Approvers, RunInput, check_payload, run_input_of, value_of
from headgate.logs import get_logger
from headgate.states import TERMINAL_TYPES, StateType
from headgate.texts import storable_json

logger = get_logger("flow_runs")


def pause_flow_run(
    wait_for_input: Any = None,
    timeout: float | None = 3600,
    poll_interval: float = 10,
    key: str | None = None,
    *,
    flow_run_id: str | None = None,
    description: str | None = None,
    approvers: Approvers | None = None,
) -> Any:
    """Pause the flow run around this call until somebody resumes it; return their input, if any.

    The process waits; it is woken when the run is resumed. The time it is paused counts against no
    ``timeout_seconds``, of this flow or of what runs around it.

    Args:
        wait_for_input: the type of the answer: a ``RunInput``, a Pydantic model, a plain type.
        timeout: so many seconds the run waits; None waits for ever.
        poll_interval: nothing: there is no need to poll.
        key: what was answered under it is not asked again, in whichever attempt; the number of the
            pause in its attempt where none is given.
        flow_run_id: ask another run to pause, before its next task, and return that run.
        description: for whoever answers, in Markdown.
        approvers: who may answer; whoever may write runs where nobody is named.

    Raises:
        FlowPauseTimeout, PauseRejected: nobody answered in time, or somebody said no.
        MissingContextError: called outside of a flow, or in a task, without a ``flow_run_id``.
        ParameterError: another run is to ask for an input: only its own flow can. Or a secret that
            this process has read is in the form or the key; in the description it is masked.
    """
    del poll_interval
    if flow_run_id is not None and flow_run_id != _own_id():
        return _request(flow_run_id, wait_for_input=wait_for_input, is_suspension=False)
    context, recorder = surrounding_run()
    kind = None if wait_for_input is None else run_input_of(wait_for_input)
    new = _asked(
        kind,
        key=next_key(context, key),
        timeout_seconds=timeout,
        description=description,
        approvers=approvers,
    )

    deadlines = running_deadlines()

    async def ask(asked: NewPause) -> Pause:
        return await ask_and_wait(context, recorder, asked, deadlines=deadlines)

    return wait_here(_read_answer(kind, new, ask))


def suspend_flow_run(
    wait_for_input: Any = None,
    timeout: float | None = 3600,
    key: str | None = None,
    *,
    flow_run_id: str | None = None,
    description: str | None = None,
    approvers: Approvers | None = None,
) -> Any:
    """Suspend the flow run around this call: its process ends, and holds nothing meanwhile.

    Once resumed, an agent starts the run again from its beginning, and this call then returns the
    input: name the ``key`` where it could be reached in another order. Tasks that run are let end
    first. Only runs of deployments can be suspended, and not their subflows. Each start has the
    whole ``timeout_seconds`` of its flow.

    Args:
        wait_for_input: as for ``pause_flow_run``.
        timeout: so many seconds the run waits before it fails; None waits for ever.
        key: as for ``pause_flow_run``.
        flow_run_id: ask another run to be suspended, before its next task, and return that run.
        description: for whoever answers, in Markdown.
        approvers: who may answer; whoever may write runs where nobody is named.

    Returns:
        The input; None without ``wait_for_input``.

    Raises:
        PauseRejected: somebody said no.
        InvalidInputError: nobody could start this run again.
        MissingContextError: called outside of a flow, or in a task, without a ``flow_run_id``.
        ParameterError: as for ``pause_flow_run``.
    """
    if flow_run_id is not None and flow_run_id != _own_id():
        return _request(flow_run_id, wait_for_input=wait_for_input, is_suspension=True)
    context, recorder = surrounding_run()
    kind = None if wait_for_input is None else run_input_of(wait_for_input)
    new = _asked(
        kind,
        key=next_key(context, key),
        timeout_seconds=timeout,
        description=description,
        approvers=approvers,
        is_suspension=True,
    )

    async def look(asked: NewPause) -> Pause:
        return await look_before_suspending(recorder, asked)

    return wait_here(_read_answer(kind, new, look))


def resume_flow_run(
    flow_run_id: str,
    run_input: dict[str, Any] | RunInput | None = None,
    *,
    reason: str | None = None,
    reject: bool = False,
    pause_key: str | None = None,
    paused_at: datetime | None = None,
) -> Any:
    """Resume a flow run that is paused or suspended, and return it.

    Args:
        flow_run_id: its id.
        run_input: what it asks for, checked by the server.
        reason: why, for the audit log.
        reject: say no instead: the run goes on, and fails unless its code knows better.
        pause_key: of the pause that is answered, so that no later one is.
        paused_at: when that was asked for: under one key a run may ask again.

    Raises:
        ConflictError: the run asks for something else by now, or for nothing.
        InvalidInputError: the input does not fit what the run asks for.
        ForbiddenError: others are to answer.
        IllegalTransitionError: the run is not paused.
        ParameterError: a secret that this process has read is in the input.
    """
    given = run_input.model_dump(mode="json") if isinstance(run_input, RunInput) else run_input
    check_payload(given, what="The answer")

    async def resume() -> flow_runs.FlowRun:
        return await pauses.resume(
            current_place().transport,
            flow_run_id=flow_run_id,
            input=given,
            is_rejected=reject,
            reason=storable_json(reason),
            pause_key=pause_key,
            paused_at=paused_at,
        )

    return answer(resume())


def _own_id() -> str | None:
    context = current_flow_run.get()
    return None if context is None else context.recorder.flow_run_id


def _request(flow_run_id: str, *, wait_for_input: Any, is_suspension: bool) -> Any:
    if wait_for_input is not None:
        message = "Only a flow itself asks for an input: leave wait_for_input or flow_run_id out"
        raise ParameterError(message)
    place = current_place()

    async def request() -> FlowRun:
        found = await pauses.request(
            place.transport, flow_run_id=flow_run_id, is_suspension=is_suspension
        )
        return FlowRun.of(found)

    return answer(request())


async def apause_flow_run(wait_for_input: Any = None, **options: Any) -> Any:
    """Do as ``pause_flow_run`` does, in a coroutine."""
    return await pause_flow_run(wait_for_input, **options)


async def asuspend_flow_run(wait_for_input: Any = None, **options: Any) -> Any:
    """Do as ``suspend_flow_run`` does, in a coroutine."""
    return await suspend_flow_run(wait_for_input, **options)


async def aresume_flow_run(flow_run_id: str, run_input: Any = None, **options: Any) -> Any:
    """Do as ``resume_flow_run`` does, in a coroutine."""
    return await resume_flow_run(flow_run_id, run_input, **options)


async def wait_for_flow_run(
    flow_run_id: str,
    timeout: float | None = 10_800,  # noqa: ASYNC109 - the shape that Prefect's users know
    poll_interval: float | None = None,
    client: Any = None,
    log_states: bool = False,  # noqa: FBT001, FBT002 - the shape that Prefect's users know
) -> FlowRun:
    """Wait for the end of a flow run, and return it.

    Each change is told; there is no need to poll.

    Args:
        timeout: seconds; None waits for ever.
        poll_interval, client: nothing.
        log_states: whether the log tells each state that the run enters.

    Raises:
        RunTimeoutError: it did not end in time, and goes on.
        NotFoundError: there is no such run, or this key may not see it.
    """
    del poll_interval, client
    place = current_place()
    try:
        async with asyncio.timeout(timeout):
            return await awaited(_ended(place, flow_run_id, is_logged=log_states))
    except TimeoutError:
        message = f"Flow run {flow_run_id} did not end within {timeout:g} seconds, and goes on"
        raise RunTimeoutError(message) from None


async def _ended(place: Place, flow_run_id: str, *, is_logged: bool) -> FlowRun:
    failures, shown = 0, ""
    while True:
        try:
            found = FlowRun.of(await flow_runs.get(place.transport, flow_run_id=flow_run_id))
            if found.state.is_final():
                return found
            async for update in flow_runs.updates(place.transport, flow_run_id=flow_run_id):
                failures, state = 0, update.run.state
                if is_logged and state.name != shown:
                    logger.info("Flow run %s is in state %s", update.run.name, state.name)
                shown = state.name
                if StateType(state.type) in TERMINAL_TYPES:
                    return FlowRun.of(update.run)
        except RetryableApiError:
            failures += 1
        await asyncio.sleep(retry_delay_seconds(failures))


def _asked(
    kind: type[RunInput] | None,
    *,
    key: str,
    timeout_seconds: float | None,
    description: str | None,
    approvers: Approvers | None,
    is_suspension: bool = False,
) -> NewPause:
    said = description or (kind.headgate_description if kind else None)
    new = NewPause(
        key=key,
        is_suspension=is_suspension,
        timeout_seconds=timeout_seconds,
        schema=kind.model_json_schema() if kind else None,
        initial=kind.headgate_initial if kind else None,
        description=storable_json(said),
        approvers=approvers.as_variables() if approvers else None,
    )
    check_stored(
        as_text([new.key, new.schema, new.initial, new.approvers]),
        what="What the pause asks for",
        where="the run",
        instead="ask without it: whoever answers sees all of the form",
    )
    return new


async def _read_answer(
    kind: type[RunInput] | None, new: NewPause, ask: Callable[[NewPause], Awaitable[Pause]]
) -> Any:
    """Ask until the answer fits its type, each time with what was wrong with the one before."""
    asked = new
    while True:
        pause = await ask(asked)
        if kind is None:
            return None
        try:
            return value_of(kind.model_validate(pause.input))
        except ValidationError as error:
            said = problems_of(error)
            logger.warning("The answer to the pause %r does not fit, and is asked again", new.key)
            asked = new.again(pause, message=storable_json(said))


__all__ = [
    "apause_flow_run",
    "aresume_flow_run",
    "asuspend_flow_run",
    "pause_flow_run",
    "resume_flow_run",
    "suspend_flow_run",
    "wait_for_flow_run",
]
