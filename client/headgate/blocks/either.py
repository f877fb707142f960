"""One verb for functions and coroutines: done at once or, where an event loop runs, awaitable."""

import asyncio
from collections.abc import Callable
from typing import Any


def done(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function that waits for something outside of this process, and return what it does.

    Where an event loop runs, it is called in a thread, and what is returned is to be awaited.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return function(*arguments)
    return asyncio.to_thread(function, *arguments)
