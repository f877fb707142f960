"""The methods of a task that concern background tasks: queue a call, serve what is queued."""

from collections.abc import AsyncGenerator, Coroutine, Generator, Iterable, Mapping
from datetime import datetime
from typing import Any, Generic, ParamSpec, TypeVar, overload

from headgate.background_tasks.queueing import queue_call
from headgate.engine.parameters import bind
from headgate.futures import Future
from headgate.specs import TaskSpec

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
T = TypeVar("T")

Items = Generator[T, Any, Any] | AsyncGenerator[T, Any]
"""What calling a generator function returns."""


class BackgroundCalls(Generic[P, R]):
    """What runs in task workers, as often as it is queued."""

    spec: Any

    @overload
    def delay(
        self: "BackgroundCalls[P, Items[T]]", *args: P.args, **kwargs: P.kwargs
    ) -> Future[list[T]]: ...

    @overload
    def delay(
        self: "BackgroundCalls[P, Coroutine[Any, Any, T]]", *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]: ...

    @overload
    def delay(self: "BackgroundCalls[P, T]", *args: P.args, **kwargs: P.kwargs) -> Future[T]: ...

    def delay(self, *args: Any, **kwargs: Any) -> Any:
        """Queue a call for a task worker and return its future; see ``apply_async``."""
        return self.apply_async(args, kwargs)

    def apply_async(
        self,
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        *,
        wait_for: Iterable[Any] | None = None,
        priority: int = 0,
        due_at: datetime | None = None,
    ) -> Future[Any]:
        """Queue a call for a task worker and return its future; the server has it by then.

        Args:
            wait_for: futures or states that must complete first; awaited here.
            priority: -1,000 to 1,000; each step counts as a minute more that the call has waited.
            due_at: not before.

        Raises:
            SettingsError: no server is configured, so that no worker could be told.
            ResultError: the arguments can be neither written as JSON nor pickled.
            ApiError: the server did not take the call.
        """
        spec: TaskSpec = self.spec
        parameters = bind(
            spec.signature, name=spec.name, args=tuple(args or ()), kwargs=kwargs or {}
        )
        return queue_call(spec, parameters, wait_for=wait_for, priority=priority, due_at=due_at)

    def serve(self, *, limit: int = 10, grace_seconds: float = 30.0) -> None:
        """Run what is queued of this task, until SIGINT or SIGTERM; ``task_worker.serve``."""
        import headgate.background_tasks.serving as serving  # noqa: PLC0415 - named lazy-import place

        serving.serve(self, limit=limit, grace_seconds=grace_seconds)
