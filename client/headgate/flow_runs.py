"""Pause, suspend and resume flow runs.

Where an event loop runs, each of these returns something to be awaited; elsewhere it blocks.
"""

from typing import Any

from headgate.api import flow_runs, pauses
from headgate.api.background import answer
from headgate.api.pauses import NewPause
from headgate.engine.pauses import (
    ask_and_wait,
    look_before_suspending,
    next_key,
    surrounding_run,
    wait_here,
)
from headgate.engine.places import current_place
from headgate.engine.timeouts import running_deadlines
from headgate.input.run_input import Approvers, RunInput, check_payload, run_input_of, value_of


def pause_flow_run(
    wait_for_input: Any = None,
    timeout: float | None = 3600,
    poll_interval: float = 10,
    key: str | None = None,
    *,
    description: str | None = None,
    approvers: Approvers | None = None,
) -> Any:
    """Pause the flow run around this call until somebody resumes it, and return their input.

    The process stays and waits; it is woken when the run is resumed, and does not poll. The time
    it is paused counts against no ``timeout_seconds``, of this flow or of what runs around it.

    Args:
        wait_for_input: the type of the answer: a ``RunInput``, a Pydantic model, or a plain type.
            Without one the run is only resumed.
        timeout: so many seconds the run waits; None waits for ever.
        poll_interval: nothing: there is no need to poll.
        key: what was answered under a key of this run is not asked again, in whichever attempt.
            The number of the pause in its attempt where none is given.
        description: for whoever answers, in Markdown.
        approvers: who may answer; whoever may write runs where nobody is named.

    Returns:
        The input; None without ``wait_for_input``.

    Raises:
        FlowPauseTimeout: nobody answered in time.
        PauseRejected: somebody said no.
        MissingContextError: called outside of a flow, or in a task.
    """
    del poll_interval
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

    async def wait() -> Any:
        return _read(kind, await ask_and_wait(context, recorder, new, deadlines=deadlines))

    return wait_here(wait())


def suspend_flow_run(
    wait_for_input: Any = None,
    timeout: float | None = 3600,
    key: str | None = None,
    *,
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
        description: for whoever answers, in Markdown.
        approvers: who may answer; whoever may write runs where nobody is named.

    Returns:
        The input; None without ``wait_for_input``.

    Raises:
        PauseRejected: somebody said no.
        InvalidInputError: nobody could start this run again.
        MissingContextError: called outside of a flow, or in a task.
    """
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

    async def look() -> Any:
        return _read(kind, await look_before_suspending(recorder, new))

    return wait_here(look())


def resume_flow_run(
    flow_run_id: str,
    run_input: dict[str, Any] | RunInput | None = None,
    *,
    reason: str | None = None,
    reject: bool = False,
) -> Any:
    """Resume a flow run that is paused or suspended, and return it.

    Args:
        flow_run_id: its id.
        run_input: what it asks for, checked by the server.
        reason: why, for the audit log.
        reject: say no instead: the run goes on, and fails unless its code knows better.

    Raises:
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
            reason=reason,
        )

    return answer(resume())


def _asked(
    kind: type[RunInput] | None,
    *,
    key: str,
    timeout_seconds: float | None,
    description: str | None,
    approvers: Approvers | None,
    is_suspension: bool = False,
) -> NewPause:
    return NewPause(
        key=key,
        is_suspension=is_suspension,
        timeout_seconds=timeout_seconds,
        schema=kind.model_json_schema() if kind else None,
        initial=kind.headgate_initial if kind else None,
        description=description or (kind.headgate_description if kind else None),
        approvers=approvers.as_variables() if approvers else None,
    )


def _read(kind: type[RunInput] | None, given: Any) -> Any:
    return None if kind is None else value_of(kind.model_validate(given))


__all__ = ["pause_flow_run", "resume_flow_run", "suspend_flow_run"]
