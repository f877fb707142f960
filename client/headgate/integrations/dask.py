"""Tasks on a Dask cluster: ``pip install "headgate[dask]"``."""

from concurrent.futures import Executor
from typing import Any, Self

from headgate.libraries import library
from headgate.task_runners import ExecutorTaskRunner


class DaskTaskRunner(ExecutorTaskRunner):
    """Runs each submitted task on a Dask cluster: one that exists, or one for each flow run.

    The workers need Headgate and what the tasks import.

    Args:
        cluster: a cluster to use; it is not closed.
        address: of a scheduler to use, as ``tcp://127.0.0.1:8786``.
        cluster_class: what makes a cluster for a flow run; a local one if not said.
        cluster_kwargs: what it is given.
        adapt_kwargs: makes the cluster grow and shrink, as ``{"minimum": 1, "maximum": 10}``.
        client_kwargs: what the client is given.
        max_workers: how many calls are with the cluster at once.

    Raises:
        ValueError: both a cluster and how to make one are given.
    """

    def __init__(
        self,
        cluster: Any = None,
        address: str | None = None,
        cluster_class: Any = None,
        cluster_kwargs: dict[str, Any] | None = None,
        adapt_kwargs: dict[str, Any] | None = None,
        client_kwargs: dict[str, Any] | None = None,
        max_workers: int | None = None,
    ) -> None:
        if (cluster or address) and (cluster_class or cluster_kwargs or adapt_kwargs):
            message = "A cluster that exists, by cluster or address, is not made or adapted here"
            raise ValueError(message)
        super().__init__(self._connected, max_workers)
        self.cluster = cluster
        self.address = address
        self.cluster_class = cluster_class
        self.cluster_kwargs = cluster_kwargs
        self.adapt_kwargs = adapt_kwargs
        self.client_kwargs = client_kwargs
        self._own_cluster: Any = None
        self._client: Any = None

    def duplicate(self) -> Self:
        """Return an unopened runner with the same options, for one flow run."""
        return type(self)(
            self.cluster,
            self.address,
            self.cluster_class,
            self.cluster_kwargs,
            self.adapt_kwargs,
            self.client_kwargs,
            self.max_workers,
        )

    def close(self) -> None:
        """Let no more calls start, and close the cluster that was made for the flow run."""
        super().close()
        for part in (self._client, self._own_cluster):
            if part is not None:
                part.close()

    def _connected(self) -> Executor:
        distributed = library("distributed", extra="dask")
        target = self.cluster or self.address
        if target is None:
            make = self.cluster_class or distributed.LocalCluster
            self._own_cluster = target = make(**(self.cluster_kwargs or {}))
            if self.adapt_kwargs:
                target.adapt(**self.adapt_kwargs)
        self._client = distributed.Client(target, **(self.client_kwargs or {}))
        return self._client.get_executor(pure=False)
