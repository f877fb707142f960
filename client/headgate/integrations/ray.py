"""Tasks on a Ray cluster: ``pip install "headgate[ray]"``."""

from collections.abc import Callable, Generator
from concurrent.futures import Future as ConcurrentFuture
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self

from headgate.libraries import library
from headgate.task_runners import ThreadPoolTaskRunner

_options: ContextVar[dict[str, Any] | None] = ContextVar("headgate_ray_options", default=None)


class RayTaskRunner(ThreadPoolTaskRunner):
    """Runs each submitted task on a Ray cluster: one that exists, or one of this machine.

    Args:
        address: of the cluster, as ``ray://head:10001``; one is started here if not said.
        init_kwargs: what ``ray.init`` is given.
        max_workers: how many calls are with the cluster at once.
    """

    def __init__(
        self,
        address: str | None = None,
        init_kwargs: dict[str, Any] | None = None,
        max_workers: int | None = None,
    ) -> None:
        super().__init__(max_workers)
        self.address = address
        self.init_kwargs = init_kwargs
        self._ray: Any = None
        self._is_own = False

    def duplicate(self) -> Self:
        """Return an unopened runner with the same options, for one flow run."""
        return type(self)(self.address, self.init_kwargs, self.max_workers)

    def send(self, function: Callable[[bytes], bytes], payload: bytes) -> "ConcurrentFuture[bytes]":
        """Have the cluster call a function, with the options around the task's submission."""
        with self._lock:
            if self._ray is None:
                self._connect()
        ray: Any = self._ray
        return ray.remote(function).options(**(_options.get() or {})).remote(payload).future()

    def close(self) -> None:
        """Let no more calls start, and leave the cluster that was joined for the flow run."""
        super().close()
        if self._is_own:
            self._ray.shutdown()

    def _connect(self) -> None:
        self._ray = library("ray", extra="ray")
        if not self._ray.is_initialized():
            self._ray.init(address=self.address, **(self.init_kwargs or {}))
            self._is_own = True


@contextmanager
def remote_options(**options: Any) -> Generator[None]:
    """Give these options of Ray, as ``num_cpus``, to the tasks that are submitted inside."""
    token = _options.set({**(_options.get() or {}), **options})
    try:
        yield
    finally:
        _options.reset(token)
