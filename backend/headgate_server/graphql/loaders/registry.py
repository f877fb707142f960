"""One set of loaders per operation: what makes them, and what forgets them."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.tenancy import Principal

MAX_BATCH_SIZE = 500

T = TypeVar("T")
LoaderKey = tuple[UUID, UUID]
"""A workspace and an id in it: what one tenant's batch holds, no other tenant's may see."""
Fetch = Callable[[UnitOfWork, list[UUID]], Awaitable[Mapping[UUID, T]]]


class Loaders:
    """The loaders of one operation, or of one event of a subscription.

    A loader remembers what it read, so it lives no longer than the answer it serves. Each batch
    opens a session of its own: resolvers run side by side, and a session carries one statement.
    """

    def __init__(self, database: Database, principal: Principal) -> None:
        self._database = database
        self._principal = principal
        self._loaders: dict[Fetch[Any], DataLoader[LoaderKey, Any]] = {}

    def of(self, fetch: Fetch[T]) -> DataLoader[LoaderKey, T | None]:
        """Return the loader that reads with ``fetch``; the same one for the same function."""
        known = self._loaders.get(fetch)
        if known is not None:
            return known

        async def load(keys: list[LoaderKey]) -> list[T | None]:
            return await self._load(fetch, keys)

        loader = DataLoader[LoaderKey, T | None](load_fn=load, max_batch_size=MAX_BATCH_SIZE)
        self._loaders[fetch] = loader
        return loader

    async def _load(self, fetch: Fetch[T], keys: list[LoaderKey]) -> list[T | None]:
        found: dict[LoaderKey, T] = {}
        for workspace_id, ids in _by_workspace(keys).items():
            async with self._database.tenant(self._principal, workspace_id) as work:
                rows = await fetch(work, ids)
            found |= {(workspace_id, id_): row for id_, row in rows.items()}
        return [found.get(key) for key in keys]


def _by_workspace(keys: Iterable[LoaderKey]) -> dict[UUID, list[UUID]]:
    grouped: dict[UUID, list[UUID]] = {}
    for workspace_id, id_ in keys:
        grouped.setdefault(workspace_id, []).append(id_)
    return grouped
