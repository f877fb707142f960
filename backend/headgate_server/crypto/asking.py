"""How providers of keys are asked: in threads of their own, and no longer than callers wait.

A provider may take a connection and never answer. Threads that all else shares would wait with it,
and with them whoever makes a run or signs in.
"""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from headgate_server.crypto.errors import KeyProviderAway

P = ParamSpec("P")
T = TypeVar("T")

ANSWER_SECONDS = 6.0
"""Well below what an operation may take: who needs a secret is told, not cut off."""
THREADS = 8


class Asker:
    """Asks one provider.

    While it owes an answer that was waited for in vain, or ended the connection without one, one
    call at a time looks whether it is back, and all others are told at once that it is away. Who
    waits for a free thread is not kept waiting by the provider, but by those before: a provider
    that answers each of them slowly is not away.

    Args:
        name: whose answers these are, for its operators.
        silences: what a call raises to which no answer came. What else it raises is an answer.
    """

    def __init__(self, name: str, *, silences: tuple[type[Exception], ...] = ()) -> None:
        self._name = name
        self._silences = silences
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="headgate-keys")
        self._free = asyncio.Semaphore(THREADS)
        self._is_away = False
        self._is_looking = False

    async def ask(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a blocking call returns.

        Raises:
            KeyProviderAway: it takes too long, or another one just did.
        """
        if not self._is_away:
            return await self._wait(partial(call, *args, **kwargs))
        if self._is_looking:
            raise self._away_lately()
        self._is_looking = True
        try:
            return await self._wait(partial(call, *args, **kwargs), is_looking=True)
        finally:
            self._is_looking = False

    async def _wait(self, call: Callable[[], T], *, is_looking: bool = False) -> T:
        await self._wait_in_line()
        if self._is_away and not is_looking:
            self._free.release()
            raise self._away_lately()
        asked = self._begin(call)
        try:
            done, _ = await asyncio.wait([asked], timeout=ANSWER_SECONDS)
        finally:
            asked.cancel()
        if not done:
            self._is_away = True
            raise KeyProviderAway(f"{self._name} does not answer within {ANSWER_SECONDS:.0f} s.")
        return asked.result()

    async def _wait_in_line(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            raise KeyProviderAway(
                f"{self._name} still has {THREADS} others to answer after {ANSWER_SECONDS:.0f} s."
            ) from None

    def _begin(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """Have a thread make a call; it is free again as that ends, be it waited for or not."""
        loop = asyncio.get_running_loop()

        def end(*, is_silent: bool) -> None:
            # Said before the thread is free: who is next in line shall know it.
            if not asked.cancelled():
                self._is_away = is_silent
            self._free.release()

        def ended(call: Future[T]) -> None:
            is_silent = not call.cancelled() and isinstance(call.exception(), self._silences)
            with contextlib.suppress(RuntimeError):  # The loop has ended before the call.
                loop.call_soon_threadsafe(partial(end, is_silent=is_silent))

        begun = self._threads.submit(call)
        # Also where it is cancelled before a thread took it up.
        begun.add_done_callback(ended)
        asked = asyncio.wrap_future(begun)
        return asked

    def _away_lately(self) -> KeyProviderAway:
        return KeyProviderAway(f"{self._name} did not answer lately.")
