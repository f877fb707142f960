"""What an operation knows: who asks, under which request id, and how to reach the data."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.errors import NotFound
from headgate_server.domain.tenancy import Principal
from headgate_server.graphql.loaders.registry import Loaders

WorkspaceCheck = Callable[[UnitOfWork, UUID], Awaitable[bool]]
FindNode = Callable[["OperationContext", str], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Backend:
    """What the composition root hands to the API."""

    database: Database
    is_own_workspace: WorkspaceCheck
    find_node: FindNode


@dataclass(slots=True)
class OperationContext:
    """The context of one operation; on a socket it is forked for each, never shared."""

    backend: Backend
    principal: Principal
    request_id: str
    loaders: Loaders
    checked_workspace_ids: set[UUID]

    @classmethod
    def open(cls, backend: Backend, *, principal: Principal, request_id: str) -> "OperationContext":
        """Return the context of a new operation, with loaders that have read nothing yet."""
        return cls(
            backend=backend,
            principal=principal,
            request_id=request_id,
            loaders=Loaders(backend.database, principal),
            checked_workspace_ids=set(),
        )

    def forget(self) -> None:
        """Start a new event of a subscription: what loaders read for the last one is stale."""
        self.loaders = Loaders(self.backend.database, self.principal)

    async def find_node(self, shown_id: str) -> Any:
        """Return the object an id names; None both for missing and for forbidden."""
        return await self.backend.find_node(self, shown_id)

    @asynccontextmanager
    async def work(self, workspace_id: UUID) -> AsyncGenerator[UnitOfWork]:
        """Open one unit of work in a workspace the caller may enter; it commits at the end.

        A mutation holds exactly one, and returns its payload after it: so nested fields read
        what was committed.

        Raises:
            NotFound: another tenant's workspace, or none at all.
        """
        own = self.principal.workspace_id
        if own is not None and own != workspace_id:
            raise NotFound
        async with self.backend.database.tenant(self.principal, workspace_id) as work:
            if own is None and workspace_id not in self.checked_workspace_ids:
                if not await self.backend.is_own_workspace(work, workspace_id):
                    raise NotFound
                self.checked_workspace_ids.add(workspace_id)
            yield work

    @asynccontextmanager
    async def organization_work(self) -> AsyncGenerator[UnitOfWork]:
        """Open one unit of work that sees the caller's organization but no workspace."""
        async with self.backend.database.tenant(self.principal, None) as work:
            yield work
