"""Generator functions as flows and tasks: run as their items are asked for, or collected at once.

Not what a run is: only how its function is called, and who drives the core meanwhile.
"""

import contextlib
import contextvars
import functools
import logging
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from typing import Any, TypeVar, cast
from weakref import WeakSet

from headgate.engine.crash import Interrupter
from headgate.engine.effects import Call, Steps
from headgate.engine.timeouts import Deadline
from headgate.logs import ENGINE
from headgate.specs import FlowSpec, TaskSpec

T = TypeVar("T")

logger = logging.getLogger(ENGINE)

_SHORTEST_SECONDS = 0.000_001
"""A timer set to nothing would never strike."""


class Emit:
    """Hand one item to whoever iterates over the run; without anybody, go on to the next."""

    __slots__ = ("item",)

    def __init__(self, item: Any) -> None:
        self.item = item

    def perform(self) -> None:
        """Drop the item: a run without a caller is iterated for what it does."""

    async def perform_async(self) -> None:
        """Drop the item."""


class IterationClosed(BaseException):
    """Whoever iterated over the run wants no more items; raised where one was handed out."""


def call_function(
    spec: FlowSpec | TaskSpec,
    *,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    deadline: Deadline | None,
    interrupter: Interrupter | None,
    is_lazy: bool,
) -> Steps[Any]:
    """Call the function of a flow or task and return its result.

    Args:
        interrupter: of the flow run around it, which may have been struck between two items.
        is_lazy: a generator's items are handed out one by one, and the result is what it returns;
            otherwise it is the list of them.
    """
    if is_lazy:
        return (yield from _items(spec, args, kwargs, deadline=deadline, interrupter=interrupter))
    fn = spec.fn
    if spec.is_generator:
        fn = _collecting_async(fn) if spec.is_async else _collecting(fn)
    return (yield Call(fn, args=args, kwargs=kwargs, is_async=spec.is_async, deadline=deadline))


def _items(
    spec: FlowSpec | TaskSpec,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    deadline: Deadline | None,
    interrupter: Interrupter | None,
) -> Steps[Any]:
    """Hand out each item; what the caller sends or throws goes to the function.

    A caller that closes the iteration ends the run well: it had what it wanted.
    """
    generator = spec.fn(*args, **kwargs)
    send, throw, close = (
        (generator.asend, generator.athrow, generator.aclose)
        if spec.is_async
        else (generator.send, generator.throw, generator.close)
    )
    advance = _advance_async if spec.is_async else _advance
    step = (send, None)
    while True:
        has_ended, value = yield from _timed(
            Call(advance, args=step, is_async=spec.is_async, deadline=deadline)
        )
        if has_ended:
            return value
        try:
            step = (send, (yield from _handed_out(value, spec=spec, interrupter=interrupter)))
        except IterationClosed:
            yield from _timed(Call(close, is_async=spec.is_async, deadline=deadline))
            if interrupter is not None and interrupter.struck is not None:
                raise interrupter.struck from None
            return None
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 - of the caller or of a stop, for the function
            step = (throw, error)


def _handed_out(
    item: Any, *, spec: FlowSpec | TaskSpec, interrupter: Interrupter | None
) -> Steps[Any]:
    """Give an item to the caller; a stop that comes meanwhile strikes as the function goes on."""
    if interrupter is None or isinstance(spec, TaskSpec):
        # A task's caller is the flow itself, where a stop strikes at once.
        return (yield Emit(item))
    interrupter.rest()
    try:
        sent = yield Emit(item)
    finally:
        interrupter.resume(is_async=spec.is_async)
    if interrupter.struck is not None:
        raise interrupter.struck
    return sent


def _timed(call: Call) -> Steps[Any]:
    """Take the time of one call off its deadline: what happens between two items does not count."""
    deadline = call.deadline
    if deadline is None:
        return (yield call)
    started, held_before = time.monotonic(), deadline.held_seconds
    try:
        return (yield call)
    finally:
        took = time.monotonic() - started - (deadline.held_seconds - held_before)
        deadline.seconds = max(_SHORTEST_SECONDS, deadline.seconds - took)


def _advance(resume: Callable[[Any], Any], value: Any) -> tuple[bool, Any]:
    try:
        return False, resume(value)
    except StopIteration as stop:
        return True, stop.value


async def _advance_async(resume: Callable[[Any], Awaitable[Any]], value: Any) -> tuple[bool, Any]:
    try:
        return False, await resume(value)
    except StopAsyncIteration:
        return True, None


def _collecting(fn: Callable[..., Any]) -> Callable[..., list[Any]]:
    def collect(*args: Any, **kwargs: Any) -> list[Any]:
        return list(fn(*args, **kwargs))

    return collect


def _collecting_async(fn: Callable[..., Any]) -> Callable[..., Awaitable[list[Any]]]:
    async def collect(*args: Any, **kwargs: Any) -> list[Any]:
        return [item async for item in fn(*args, **kwargs)]

    return collect


_running: set[Steps[Any]] = set()
"""Cores under way: were one collected as garbage before its driver, its run would not end."""


def drive_lazily(steps: Steps[T], *, finish: Callable[[T], Any]) -> Generator[Any, Any, Any]:
    """Run a core as far as the next item each time one is asked for.

    It runs in a context of its own: what the caller does between two items is not inside the run.

    Args:
        finish: makes the result, or raises, once the core has ended; also when the caller closed.
    """
    context = contextvars.copy_context()
    _running.add(steps)
    try:
        effect = context.run(next, steps)
        while True:
            try:
                if isinstance(effect, Emit):
                    _close_at_exit()
                    value = yield effect.item
                else:
                    value = context.run(effect.perform)
            except BaseException as error:  # noqa: BLE001 - handed to the core, which decides
                effect = context.run(steps.throw, _thrown(error))
            else:
                effect = context.run(steps.send, value)
    except StopIteration as stop:
        return finish(cast("T", stop.value))
    finally:
        _running.discard(steps)


async def drive_lazily_async(
    steps: Steps[T], *, finish: Callable[[T], Any]
) -> AsyncGenerator[Any, Any]:
    """Run a core as a coroutine, as far as the next item each time one is asked for."""
    context = contextvars.copy_context()
    _running.add(steps)
    try:
        effect = context.run(next, steps)
        while True:
            try:
                if isinstance(effect, Emit):
                    value = yield effect.item
                else:
                    value = await _Inside(context, effect.perform_async())
            except BaseException as error:  # noqa: BLE001 - handed to the core, which decides
                effect = context.run(steps.throw, _thrown(error))
            else:
                effect = context.run(steps.send, value)
    except StopIteration as stop:
        finish(cast("T", stop.value))
    finally:
        _running.discard(steps)


AnyGenerator = Generator[Any, Any, Any] | AsyncGenerator[Any, Any]


class Iterations:
    """The generators that the user code of one flow run began, for its end to close.

    A synchronous one that is forgotten closes itself. An asynchronous one would be closed by the
    event loop at some later time, when nobody hears of its run any more: it is kept until then.
    """

    __slots__ = ("_asynchronous", "_synchronous")

    def __init__(self) -> None:
        self._synchronous: WeakSet[Generator[Any, Any, Any]] = WeakSet()
        self._asynchronous: set[AsyncGenerator[Any, Any]] = set()

    def add(self, generator: AnyGenerator) -> None:
        """Close a generator at the end of the flow run, unless it has ended by then."""
        if isinstance(generator, Generator):
            self._synchronous.add(generator)
            return
        ended = {each for each in self._asynchronous if cast("Any", each).ag_frame is None}
        self._asynchronous -= ended
        self._asynchronous.add(generator)

    def close(self) -> Steps[None]:
        """Close what is open; its runs say themselves how they ended."""
        for generator in (*self._synchronous, *self._asynchronous):
            is_async = isinstance(generator, AsyncGenerator)
            try:
                yield Call(generator.aclose if is_async else generator.close, is_async=is_async)
            except Exception as error:
                logger.debug("What %r left to do failed", generator, exc_info=error)
        self._asynchronous.clear()


_open: "WeakSet[Generator[Any, Any, Any]]" = WeakSet()


def follow(generator: AnyGenerator, *, siblings: Iterations | None) -> AnyGenerator:
    """See to it that a generator is closed, and its run ended, though its caller forgets it.

    Args:
        siblings: those of the flow run around it; None where there is none.
    """
    if siblings is not None:
        siblings.add(generator)
    elif isinstance(generator, Generator):
        # An event loop closes the asynchronous ones when it ends.
        _open.add(generator)
    return generator


def _close_open() -> None:
    for generator in list(_open):
        with contextlib.suppress(Exception):
            generator.close()


@functools.cache
def _close_at_exit() -> None:
    """Close open runs before the process ends, while the server can still be told.

    An ordinary exit handler comes too late: by then no executor takes work, and calls need one.
    """
    # Private, but there since 3.9 and what concurrent.futures itself relies on.
    register: Callable[[Callable[[], None]], None] = vars(threading)["_register_atexit"]
    register(_close_open)


def _thrown(error: BaseException) -> BaseException:
    # GeneratorExit itself would end the core where it stands, without the run's end.
    return IterationClosed() if isinstance(error, GeneratorExit) else error


class _Inside:
    """Awaits in another context, in the same task: limits and groups of the caller's hold."""

    __slots__ = ("_awaitable", "_context")

    def __init__(self, context: contextvars.Context, awaitable: Awaitable[Any]) -> None:
        self._context = context
        self._awaitable = awaitable

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._awaitable.__await__()
        try:
            waiting = self._context.run(next, steps)
            while True:
                try:
                    value = yield waiting
                except BaseException as error:  # noqa: BLE001 - passed on to what is awaited
                    waiting = self._context.run(steps.throw, error)
                else:
                    waiting = self._context.run(steps.send, value)
        except StopIteration as stop:
            return stop.value
