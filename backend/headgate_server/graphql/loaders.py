"""One set of loaders per operation, and what the rows that they read know."""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from typing import Any, Protocol, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.tenancy import Principal
from headgate_server.services import workspaces

MAX_BATCH_SIZE = 500

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
Fetch = Callable[[UnitOfWork, list[K]], Awaitable[Mapping[K, T]]]
"""Reads many objects by key in one go; a key that is missing from the answer does not exist."""


class InWorkspace(Protocol):
    """A row that knows its workspace."""

    @property
    def workspace_id(self) -> UUID:
        """The workspace."""
        ...


class OfDeployment(InWorkspace, Protocol):
    """A row that knows its deployment, too."""

    @property
    def deployment_id(self) -> UUID | None:
        """The deployment; None for a local run."""


class Loaders:
    """The loaders of one operation, or of one event of a subscription.

    A loader remembers what it read, so it lives no longer than the answer it serves. Its keys name
    the workspace, and each batch of one workspace opens a unit of its own: resolvers run side
    by side, and a connection carries one statement at a time.
    """

    def __init__(self, database: Database, principal: Principal) -> None:
        self._database = database
        self._principal = principal
        self._places = DataLoader[tuple[UUID, frozenset[UUID]], UUID | None](
            load_fn=self._find_places, max_batch_size=MAX_BATCH_SIZE
        )
        self.listed = 0
        """What lists hold beyond what the operation was charged for; see ``beginnings``."""
        self._loaders: dict[Fetch[Any, Any], DataLoader[tuple[UUID | None, Any], Any]] = {}

    def load(self, fetch: Fetch[K, T], key: K, *, workspace_id: UUID | None) -> Awaitable[T | None]:
        """Return what ``fetch`` reads for one key, read together with the others asked for now.

        Args:
            fetch: the same function shares one loader.
            key: most often an id.
            workspace_id: None for what belongs to the organization.
        """
        return self._of(fetch).load((workspace_id, key))

    def find_place(self, id_: UUID, *, among: frozenset[UUID]) -> Awaitable[UUID | None]:
        """Return in which of the caller's workspaces an object lies; one statement for all ids.

        It is found as the system, which sees every workspace, so the answer names a place and
        nothing else: the object is read there as the caller.
        """
        return self._places.load((id_, among))

    async def _find_places(self, keys: list[tuple[UUID, frozenset[UUID]]]) -> list[UUID | None]:
        among = sorted(frozenset[UUID]().union(*(own for _, own in keys)))
        async with self._database.glance() as work:
            found = await workspaces.find_places(work, [id_ for id_, _ in keys], among=among)
        places = ((found.get(id_), own) for id_, own in keys)
        return [place if place in own else None for place, own in places]

    def _of(self, fetch: Fetch[K, T]) -> DataLoader[tuple[UUID | None, K], T | None]:
        known = self._loaders.get(fetch)
        if known is not None:
            return known

        async def load(keys: list[tuple[UUID | None, K]]) -> list[T | None]:
            return await self._read(fetch, keys)

        loader = DataLoader[tuple[UUID | None, K], T | None](
            load_fn=load, max_batch_size=MAX_BATCH_SIZE
        )
        self._loaders[fetch] = loader
        return loader

    async def _read(self, fetch: Fetch[K, T], keys: list[tuple[UUID | None, K]]) -> list[T | None]:
        found: dict[tuple[UUID | None, K], T] = {}
        for workspace_id, wanted in _by_workspace(keys).items():
            async with self._database.tenant(self._principal, workspace_id) as work:
                rows = await fetch(work, wanted)
            found |= {(workspace_id, key): row for key, row in rows.items()}
        return [found.get(key) for key in keys]


def _by_workspace(keys: Iterable[tuple[UUID | None, K]]) -> dict[UUID | None, list[K]]:
    grouped: dict[UUID | None, list[K]] = {}
    for workspace_id, key in keys:
        grouped.setdefault(workspace_id, []).append(key)
    return grouped
