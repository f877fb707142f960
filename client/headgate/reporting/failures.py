"""Describes states and exceptions for the API, within its limits."""

import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import orjson

from headgate.states import State, format_timestamp
from headgate.texts import MAX_STATE_NAME, cut, label, storable, storable_json, text_of

MAX_TRACEBACK_CHARACTERS = 16_000
MAX_MESSAGE_CHARACTERS = 4_000
MAX_TYPE_CHARACTERS = 300
MAX_DETAILS_BYTES = 64 * 1024
_OWN_FRAMES = "/headgate/engine/"


def describe_exception(error: BaseException) -> dict[str, str]:
    """Return the type, message and traceback of an exception as the API's failure details."""
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ not in {"builtins", "__main__"}:
        name = f"{kind.__module__}.{name}"
    return {
        "type": cut(name, limit=MAX_TYPE_CHARACTERS),
        "message": cut(text_of(error), limit=MAX_MESSAGE_CHARACTERS),
        "traceback": format_traceback(error),
    }


def format_traceback(error: BaseException) -> str:
    """Return the traceback without the engine's own frames; its end is kept when it is too long."""
    summary = traceback.TracebackException.from_exception(error)
    frames = [frame for frame in summary.stack if _OWN_FRAMES not in frame.filename]
    summary.stack = traceback.StackSummary.from_list(frames)
    return storable("".join(summary.format()))[-MAX_TRACEBACK_CHARACTERS:]


def user_error(
    error: BaseException,
) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    """Return what ``exc_info`` takes, with the traceback beginning at the user's own code."""
    trace = error.__traceback__
    while trace is not None and _OWN_FRAMES in trace.tb_frame.f_code.co_filename:
        trace = trace.tb_next
    return type(error), error, trace


def state_message(state: State[Any]) -> str | None:
    """Return what a task run's record says of a state: its message and, after a failure, why."""
    if isinstance(state.data, BaseException) and not state.is_completed():
        return f"{state.message}\n{format_traceback(state.data)}" if state.message else None
    return state.message


def state_input(state: State[Any], *, retry: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a state as the API's ``StateInput``: its name and message cut, its details as JSON.

    Args:
        retry: the wish for another attempt, ``{"limit", "delaySeconds"}``.
    """
    details = _details(state)
    if isinstance(state.data, BaseException) and not state.is_completed():
        details["error"] = describe_exception(state.data)
    if retry is not None:
        details["retry"] = retry
    message = cut(text_of(state.message), limit=MAX_MESSAGE_CHARACTERS) if state.message else None
    instant = datetime.fromtimestamp(state.timestamp_us / 1_000_000, tz=UTC)
    return {
        "type": state.type.value,
        "name": label(state.name, limit=MAX_STATE_NAME),
        "message": message,
        "details": details or None,
        "timestamp": format_timestamp(instant),
    }


def _details(state: State[Any]) -> dict[str, Any]:
    """Return a state's own details where they are small enough to be facts about it."""
    try:
        details = storable_json(dict(state.details or {}))
    except RecursionError:
        details = {}
    return details if len(orjson.dumps(details)) <= MAX_DETAILS_BYTES else {}
