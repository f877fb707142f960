"""Futures of submitted tasks: wait for one, for several, or as they complete."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future as ConcurrentFuture
from concurrent.futures import wait as wait_concurrent
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast

from headgate import elsewhere
from headgate.states import Pending, State

R = TypeVar("R", covariant=True)
T = TypeVar("T")

_SEQUENCES: tuple[Any, ...] = (list, tuple, set, frozenset)
_SLICE_SECONDS = 0.5
"""A thread other than the main one wakes so often, since only then an interrupt reaches it."""


class Future(Generic[R]):
    """The outcome of a submitted task, now or later.

    Args:
        task_run_id: the id of its task run.
    """

    __slots__ = ("__weakref__", "_done", "_state", "task_run_id")

    def __init__(self, task_run_id: str) -> None:
        self.task_run_id = task_run_id
        self._done: ConcurrentFuture[State[Any]] = ConcurrentFuture()
        # A coroutine that is cancelled while it waits must not cancel what it waits for.
        self._done.set_running_or_notify_cancel()
        self._state: Callable[[], State[Any]] | None = None

    @property
    def state(self) -> State[R]:
        """What the task run is in now."""
        if self._done.done():
            return self._done.result()
        return self._state() if self._state else Pending()

    @property
    def is_done(self) -> bool:
        """Whether the engine is through with the task run, well or not."""
        return self._done.done()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the task run ended, or for so many seconds."""
        if threading.current_thread() is threading.main_thread():
            wait_concurrent([self._done], timeout=timeout)
            return
        ends_at = None if timeout is None else time.monotonic() + timeout
        while not self._done.done():
            rest = _SLICE_SECONDS if ends_at is None else ends_at - time.monotonic()
            if rest <= 0:
                return
            wait_concurrent([self._done], timeout=min(rest, _SLICE_SECONDS))

    def result(self, timeout: float | None = None, *, raise_on_failure: bool = True) -> R:
        """Wait and return what the task returned.

        Args:
            raise_on_failure: a false value returns the exception of a failed task instead.

        Raises:
            TimeoutError: it did not end in so many seconds.
            UpstreamTaskError: it never started, since a task that it needs did not complete.
            BaseException: the task's own exception.
        """
        self.wait(timeout)
        if not self._done.done():
            message = f"Task run {self.task_run_id} did not end within {timeout:g} seconds"
            raise TimeoutError(message)
        return cast("R", self._done.result().outcome(raise_on_failure=raise_on_failure))

    async def wait_async(self) -> None:
        """Wait until the task run ended, and let other coroutines run meanwhile."""
        await asyncio.wrap_future(self._done)

    async def result_async(self, *, raise_on_failure: bool = True) -> R:
        """Wait as a coroutine and return what the task returned."""
        await self.wait_async()
        return cast("R", self._done.result().outcome(raise_on_failure=raise_on_failure))

    def add_done_callback(self, callback: Callable[["Future[Any]"], object]) -> None:
        """Call back once the task run ended; at once if it has."""
        self._done.add_done_callback(lambda _: callback(self))

    def watch(self, state: Callable[[], State[Any]]) -> None:
        """Tell the future where to look while the run goes on."""
        self._state = state

    def settle(self, state: State[Any]) -> None:
        """Say how the task run ended; only the first word counts."""
        if not self._done.done():
            self._done.set_result(state)

    def __repr__(self) -> str:
        return f"Future(task_run_id={self.task_run_id!r}, state={self.state!r})"


class FutureList(list[Future[T]]):
    """The futures of a map, in the order of its inputs."""

    def wait(self, timeout: float | None = None) -> None:
        """Wait until all ended, or for so many seconds."""
        wait(self, timeout=timeout)

    def result(self, timeout: float | None = None, *, raise_on_failure: bool = True) -> list[T]:
        """Wait for all and return what they returned, in the order of the inputs.

        Raises:
            TimeoutError: not all ended in so many seconds.
            BaseException: the exception of the first that failed.
        """
        ends_at = None if timeout is None else time.monotonic() + timeout
        results: list[T] = []
        for future in self:
            rest = None if ends_at is None else max(0.0, ends_at - time.monotonic())
            results.append(future.result(rest, raise_on_failure=raise_on_failure))
        return results


class DoneAndNotDone(NamedTuple):
    """Futures that ended, and those that did not in time."""

    done: set[Future[Any]]
    not_done: set[Future[Any]]


def wait(futures: Iterable[Future[Any]], timeout: float | None = None) -> DoneAndNotDone:
    """Wait until all futures ended, or for so many seconds."""
    waiting = list(futures)
    ends_at = None if timeout is None else time.monotonic() + timeout
    for future in waiting:
        future.wait(None if ends_at is None else max(0.0, ends_at - time.monotonic()))
    done = {future for future in waiting if future.is_done}
    return DoneAndNotDone(done, set(waiting) - done)


def as_completed(futures: Iterable[Future[R]], timeout: float | None = None) -> Iterator[Future[R]]:
    """Yield futures as they end, whatever their order.

    Raises:
        TimeoutError: not all ended in so many seconds.
    """
    waiting = set(futures)
    ended: list[Future[Any]] = []
    is_news = threading.Event()

    def note(future: Future[Any]) -> None:
        ended.append(future)
        is_news.set()

    for future in waiting:
        future.add_done_callback(note)
    ends_at = None if timeout is None else time.monotonic() + timeout
    while waiting:
        rest = _SLICE_SECONDS if ends_at is None else ends_at - time.monotonic()
        if rest <= 0:
            message = f"{len(waiting)} futures did not end within {timeout:g} seconds"
            raise TimeoutError(message)
        is_news.wait(min(rest, _SLICE_SECONDS))
        is_news.clear()
        while ended:
            future = ended.pop(0)
            waiting.discard(future)
            yield future


def resolve_futures_to_states(value: Any) -> Any:
    """Return a value with the final state of each future in its lists, tuples, sets and mappings.

    Waits for the futures.
    """
    return _replaced(value, _settled)


def resolve_futures_to_results(value: Any) -> Any:
    """Return a value with the result of each future in its lists, tuples, sets and mappings.

    Raises:
        BaseException: the exception of the first that failed.
    """
    return _replaced(value, _result)


def _settled(future: Future[Any]) -> State[Any]:
    future.wait()
    return future.state


def _result(future: Future[Any]) -> Any:
    return future.result()


def _replaced(value: Any, replace: Callable[[Future[Any]], Any]) -> Any:
    if isinstance(value, Future):
        return replace(cast("Future[Any]", value))
    if isinstance(value, dict):
        entries = cast("dict[Any, Any]", value)
        return {_replaced(k, replace): _replaced(v, replace) for k, v in entries.items()}
    for kind in _SEQUENCES:
        if isinstance(value, kind):
            return kind(_replaced(item, replace) for item in cast("Iterable[Any]", value))
    return value


PrefectFuture = Future
PrefectFutureList = FutureList
PrefectConcurrentFuture = PrefectTaskRunFuture = Future
DoneAndNotDoneFutures = DoneAndNotDone

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(
        __name__, {"PrefectDistributedFuture": "headgate.background_tasks.futures"}
    )
