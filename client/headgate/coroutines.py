"""Answers that code awaits in a coroutine, and takes as they are in a function."""

import asyncio
from collections.abc import Generator
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

T = TypeVar("T")

is_in_coroutine: ContextVar[bool | None] = ContextVar("headgate_is_in_coroutine", default=None)
"""Whether the flow, task or hook around this code is a coroutine; None outside of any."""


class Awaitable(Generic[T]):
    """What is there already, for code that awaits it."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    def __await__(self) -> Generator[Any, Any, T]:
        return self._value
        yield

    def __repr__(self) -> str:
        return "<in a coroutine, this is to be awaited>"


def runs_in_coroutine() -> bool:
    """Whether this code is to await what it asks for.

    The plain function of a flow, a task or a hook is no coroutine, though an event loop runs in
    its thread; what it calls itself counts as it does. Elsewhere, a running event loop decides.
    """
    if is_in_coroutine.get() is False:
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def answered(value: Any) -> Any:
    """Return a value to a function, and something to be awaited to a coroutine."""
    return Awaitable(value) if runs_in_coroutine() else value
