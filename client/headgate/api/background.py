"""One event loop on one daemon thread per process, for everything that talks to the server."""

import asyncio
import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from headgate.coroutines import runs_in_coroutine

T = TypeVar("T")

CLOSE_SECONDS = 1.0


class BackgroundLoop:
    """An event loop that runs beside user code, so that neither waits for the other."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="headgate-background", daemon=True)
        self._thread.start()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine from any other thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine from any other thread and wait for its result."""
        if self.is_current_thread():
            coroutine.close()
            message = "The background loop cannot wait for itself"
            raise RuntimeError(message)
        future = self.submit(coroutine)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def is_current_thread(self) -> bool:
        """Whether the caller is a coroutine of this loop, which must not block."""
        return threading.current_thread() is self._thread

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()


class _Holder:
    """The process's loop; a forked child starts without one: threads do not survive a fork."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.loop: BackgroundLoop | None = None

    def reset(self) -> None:
        self.lock = threading.Lock()
        self.loop = None


def reset_after_fork(reset: Callable[[], None]) -> None:
    """Call ``reset`` in every forked child, where there is such a thing as a fork."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=reset)


_holder = _Holder()
reset_after_fork(_holder.reset)


def close_at_exit(owner: object, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run ``close`` on the background loop once ``owner`` is gone, or the process ends.

    Args:
        close: must not hold the owner.
    """
    weakref.finalize(owner, _close, close, os.getpid())


def _close(close: Callable[[], Coroutine[Any, Any, None]], pid: int) -> None:
    loop = _holder.loop
    if loop is None or pid != os.getpid():
        return
    closing = loop.submit(close())
    if not loop.is_current_thread():
        with contextlib.suppress(TimeoutError):
            closing.result(CLOSE_SECONDS)


async def awaited(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the background loop and wait for it in the caller's own loop."""
    return await asyncio.wrap_future(background_loop().submit(coroutine))


def answer(coroutine: Coroutine[Any, Any, T]) -> Any:
    """Return what a coroutine returns or, where an event loop runs, something to be awaited.

    So one name serves both: ``value = get()`` in a function, ``value = await get()`` in a
    coroutine.
    """
    return awaited(coroutine) if runs_in_coroutine() else background_loop().run(coroutine)


def background_loop() -> BackgroundLoop:
    """Return this process's background loop, started on first use."""
    if _holder.loop is None:
        with _holder.lock:
            if _holder.loop is None:
                _holder.loop = BackgroundLoop()
    return _holder.loop
