"""The next attempt of a flow that failed: in this process or, after a long wait, in another."""

import logging
from typing import Any

from headgate.engine.context import FlowRunContext
from headgate.engine.effects import Steps
from headgate.engine.retries import delay_before, is_wanted
from headgate.logs import ENGINE
from headgate.reporting.server_run import ServerRun
from headgate.states import State

logger = logging.getLogger(ENGINE)

GIVES_BACK = "givesBack"


def next_attempt(context: FlowRunContext, state: State[Any]) -> Steps[dict[str, Any] | None]:
    """Return what to ask of the server for another attempt; None where there is to be none.

    A run that an agent started and that would wait for long asks to give its process back.
    """
    policy = context.spec.retry
    is_spent = context.run.run_count > policy.limit
    if not state.is_failed() or is_spent or context.parameter_error or context.interrupter.struck:
        return None
    is_retried = yield from is_wanted(
        policy, owner=context.flow, run=context.run, state=state, source=context
    )
    if not is_retried:
        return None
    delay = delay_before(policy, retry=context.run.run_count)
    wish: dict[str, Any] = {"limit": policy.limit, "delaySeconds": delay}
    if _is_startable(context) and delay > context.settings.reschedule_retries_after_seconds:
        wish[GIVES_BACK] = True
    return wish


def _is_startable(context: FlowRunContext) -> bool:
    """Whether an agent started this run: another may then start it again."""
    is_outermost = context.parent is None and context.kept is not None
    return is_outermost and isinstance(context.recorder, ServerRun)


def leaves(context: FlowRunContext, state: State[Any]) -> bool:
    """Leave a run that waits for its next attempt without a process; False where this one waits."""
    if not (state.details or {}).get(GIVES_BACK):
        return False
    context.recorder.abandon()
    context.run.state = state
    context.is_outcome_known = True
    logger.info("Leaving: an agent starts flow run %s again when it is due", context.run.name)
    return True
