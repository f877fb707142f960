"""The engine's steps and their two drivers: one core, run by blocking code and by coroutines.

A core is a generator that yields effects, each of which can be performed by blocking or by
awaiting. What happens between two effects is written once.
"""

import asyncio
import contextlib
import contextvars
import os
import sys
import traceback
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from concurrent.futures import Future as ConcurrentFuture
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn, Protocol, TypeVar, cast

from headgate.clock import current_clock
from headgate.coroutines import is_in_coroutine
from headgate.engine.timeouts import Deadline, awaiting
from headgate.futures import Future, wait

T = TypeVar("T")


class Effect(Protocol):
    """One thing that takes time."""

    def perform(self) -> Any:
        """Do it and block this thread meanwhile."""
        ...

    async def perform_async(self) -> Any:
        """Do it and let other coroutines run meanwhile."""
        ...


Steps = Generator[Effect, Any, T]
"""A core: yields effects, is sent their results, returns its own."""


def drive(steps: Steps[T]) -> T:
    """Run a core in this thread."""
    try:
        effect = next(steps)
        while True:
            try:
                value = effect.perform()
            except BaseException as error:  # noqa: BLE001 - handed to the core, which decides
                effect = steps.throw(error)
            else:
                effect = steps.send(value)
    except StopIteration as stop:
        return cast("T", stop.value)


async def drive_async(steps: Steps[T]) -> T:
    """Run a core as a coroutine."""
    try:
        effect = next(steps)
        while True:
            try:
                value = await effect.perform_async()
            except BaseException as error:  # noqa: BLE001 - handed to the core, which decides
                effect = steps.throw(error)
            else:
                effect = steps.send(value)
    except StopIteration as stop:
        return cast("T", stop.value)


class Call:
    """Call user code, at most for so long.

    Args:
        is_async: whether the function returns a coroutine.
        deadline: raises RunTimeoutError inside the call when its time is up.
    """

    __slots__ = ("args", "deadline", "fn", "is_async", "kwargs")

    def __init__(
        self,
        fn: Callable[..., Any],
        *,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        is_async: bool = False,
        deadline: Deadline | None = None,
    ) -> None:
        self.fn = fn
        self.args = args
        self.kwargs = kwargs or {}
        self.is_async = is_async
        self.deadline = deadline

    def perform(self) -> Any:
        """Call it here; a coroutine gets an event loop of its own."""
        if self.is_async:
            return run_coroutine(self.perform_async())
        pid = os.getpid()
        token = is_in_coroutine.set(False)
        try:
            if self.deadline is None:
                return self.fn(*self.args, **self.kwargs)
            with self.deadline:
                return self.fn(*self.args, **self.kwargs)
        finally:
            is_in_coroutine.reset(token)
            if os.getpid() != pid:
                _leave_fork()

    async def perform_async(self) -> Any:
        """Await it here; a plain function blocks the event loop, as calling it would."""
        if not self.is_async:
            return self.perform()
        token = is_in_coroutine.set(True)
        try:
            if self.deadline is None:
                return await self.fn(*self.args, **self.kwargs)
            async with awaiting(self.deadline):
                return await self.fn(*self.args, **self.kwargs)
        finally:
            is_in_coroutine.reset(token)


def _leave_fork() -> NoReturn:
    """End a process that user code forked, as a plain script would: the run is the parent's.

    Going on would tell the parent's run, on the parent's connections, what became of the child.
    """
    error = sys.exception()
    code = 0
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        code = 1
        with contextlib.suppress(OSError):
            traceback.print_exception(error)
    leave(code)


def leave(code: int) -> NoReturn:
    """End this process at once, and what it said is written out, if anyone still reads it."""
    for stream in (sys.stdout, sys.stderr):
        # A closed stream is a ValueError.
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


class Offload:
    """Call something that blocks, such as a network, and is none of user code."""

    __slots__ = ("args", "fn")

    def __init__(self, fn: Callable[..., Any], *args: Any) -> None:
        self.fn = fn
        self.args = args

    def perform(self) -> Any:
        """Block this thread."""
        return self.fn(*self.args)

    async def perform_async(self) -> Any:
        """Call it in a thread."""
        return await asyncio.to_thread(self.fn, *self.args)


class Sleep:
    """Wait on the clock of this context."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def perform(self) -> None:
        """Block this thread."""
        current_clock().sleep(self.seconds)

    async def perform_async(self) -> None:
        """Let other coroutines run meanwhile."""
        await current_clock().sleep_async(self.seconds)


class Await:
    """Wait for something that another thread works on."""

    __slots__ = ("future",)

    def __init__(self, future: "ConcurrentFuture[Any]") -> None:
        self.future = future

    def perform(self) -> Any:
        """Block this thread."""
        return self.future.result()

    async def perform_async(self) -> Any:
        """Let other coroutines run meanwhile."""
        return await asyncio.wrap_future(self.future)


class WaitAll:
    """Wait until every future ended, or for so many seconds."""

    __slots__ = ("futures", "seconds")

    def __init__(self, futures: Sequence[Future[Any]], *, seconds: float | None = None) -> None:
        self.futures = futures
        self.seconds = seconds

    def perform(self) -> None:
        """Block this thread."""
        wait(self.futures, timeout=self.seconds)

    async def perform_async(self) -> None:
        """Let other coroutines run meanwhile."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.seconds):
                for future in self.futures:
                    await future.wait_async()


def answer_of(value: Any) -> Steps[Any]:
    """Return a value that may be there already, or be on its way from another thread."""
    if isinstance(value, ConcurrentFuture):
        return (yield Await(cast("ConcurrentFuture[Any]", value)))
    return value


def run_coroutine(awaitable: Awaitable[T]) -> T:
    """Run a coroutine to its end in blocking code, whether or not this thread has a loop."""

    async def run() -> T:
        return await awaitable

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(run())
    context = contextvars.copy_context()
    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(context.run, asyncio.run, run()).result()
