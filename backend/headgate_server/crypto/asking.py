"""How providers of keys are asked: in threads of their own, and no longer than callers wait.

A provider may take a connection and never answer. Threads that all else shares would wait with it,
and with them whoever makes a run or signs in.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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

    While it owes an answer that was waited for in vain, one call at a time looks whether it is
    back, and all others are told at once that it is away.

    Args:
        name: whose answers these are, for its operators.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="headgate-keys")
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
            raise KeyProviderAway(f"{self._name} did not answer lately.")
        self._is_looking = True
        try:
            return await self._wait(partial(call, *args, **kwargs))
        finally:
            self._is_looking = False

    async def _wait(self, call: Callable[[], T]) -> T:
        asked = asyncio.get_running_loop().run_in_executor(self._threads, call)
        try:
            done, _ = await asyncio.wait([asked], timeout=ANSWER_SECONDS)
        finally:
            asked.cancel()
        if not done:
            self._is_away = True
            raise KeyProviderAway(f"{self._name} does not answer within {ANSWER_SECONDS:.0f} s.")
        self._is_away = False
        return asked.result()
