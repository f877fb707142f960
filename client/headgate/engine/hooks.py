"""Calls the hooks of a flow or task as its run enters a state."""

import inspect
from collections.abc import Coroutine
from typing import Any

from headgate.engine.effects import Call, Steps
from headgate.logs import LogSource, logger_of
from headgate.reporting.failures import user_error
from headgate.specs import Hook, Hooks
from headgate.states import State, StateType
from headgate.texts import text_of


def hooks_of(hooks: Hooks, state: State[Any]) -> tuple[Hook, ...]:
    """Return the hooks that a state calls."""
    if state.type is StateType.RUNNING:
        return hooks.on_running
    if state.type is StateType.COMPLETED:
        return hooks.on_completion
    if state.type is StateType.FAILED:
        return hooks.on_failure
    if state.type is StateType.CRASHED:
        return hooks.on_crashed
    return hooks.on_cancellation if state.type is StateType.CANCELLED else ()


def call_hooks(
    hooks: tuple[Hook, ...], *, owner: Any, run: Any, state: State[Any], source: LogSource
) -> Steps[None]:
    """Call each hook with the flow or task, its run and its state; one that fails is logged."""
    for hook in hooks:
        name = getattr(hook, "__name__", None) or text_of(hook)
        try:
            result = yield Call(
                hook, args=(owner, run, state), is_async=inspect.iscoroutinefunction(hook)
            )
            if inspect.iscoroutine(result):
                yield Call(_awaited, args=(result,), is_async=True)
        except Exception as error:  # noqa: BLE001 - a hook's failure must not change the run's end
            logger_of(source).error("Hook %r failed", name, exc_info=user_error(error))


async def _awaited(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return await coroutine
