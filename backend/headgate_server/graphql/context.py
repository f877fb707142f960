"""What an operation knows: who asks, under which request id, and how to reach the data."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from uuid import UUID

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.errors import Forbidden, HeadgateError, NotFound
from headgate_server.domain.permissions import NOTHING, Scope
from headgate_server.domain.quotas import STORED_KINDS, QuotaExceeded
from headgate_server.domain.tenancy import NOWHERE, Origin, Principal, lacking
from headgate_server.graphql.backend import Backend
from headgate_server.graphql.limits.extension import Limited
from headgate_server.graphql.limits.rates import Charge, Meter
from headgate_server.graphql.loaders import Fetch, InWorkspace, K, Loaders, OfDeployment
from headgate_server.services import workspaces
from headgate_server.telemetry.traces import NO_CALLER

T = TypeVar("T")
W = TypeVar("W", bound=InWorkspace)
D = TypeVar("D", bound=OfDeployment)

UNKNOWN_OPERATION = "invalid"
_NEEDED: ContextVar[frozenset[Scope]] = ContextVar("needed_scopes", default=NOTHING)


@contextmanager
def needing(scopes: frozenset[Scope]) -> Generator[None]:
    """Let every place that is entered meanwhile demand these scopes of the caller.

    A field says what it needs and knows no place; the unit of work that it opens knows the place.
    """
    token = _NEEDED.set(scopes)
    try:
        yield
    finally:
        _NEEDED.reset(token)


async def _nothing() -> None:
    """What a caller may not see is what does not exist."""


FindNode = Callable[["OperationContext", str], Awaitable[Any]]

_FINDERS: list[FindNode] = []


def finds_nodes(by: FindNode) -> None:
    """Register what reads an object of any kind by its id; the types know how, this floor not."""
    _FINDERS[:] = [by]


@dataclass(slots=True)
class OperationContext(Limited):
    """The context of one operation; on a socket it is forked for each, never shared.

    ``operation`` is its one root field once the document is found valid, ``codes`` what its errors
    were: for logs and figures. ``caller_trace`` are the headers by which a caller names its trace.
    """

    backend: Backend
    principal: Principal
    request_id: str
    loaders: Loaders
    known_workspace_ids: frozenset[UUID] | None = None
    charge: Charge | None = None
    operation: str = UNKNOWN_OPERATION
    is_stream: bool = False
    codes: set[str] = field(default_factory=set[str])
    root_fields: tuple[str, ...] = ()
    cost: int = 0
    entered_workspace_id: UUID | None = None
    caller_trace: Mapping[str, str] = field(default_factory=lambda: NO_CALLER)
    origin: Origin = NOWHERE
    until_refused: Callable[[], Awaitable[HeadgateError]] | None = None

    @property
    def meter(self) -> Meter:
        """What charges this operation."""
        return self.backend.meter

    @property
    def database(self) -> Database:
        """What opens units of work."""
        return self.backend.database

    @classmethod
    def open(
        cls,
        backend: Backend,
        *,
        principal: Principal,
        origin: Origin,
        caller_trace: Mapping[str, str] = NO_CALLER,
        until_refused: Callable[[], Awaitable[HeadgateError]] | None = None,
    ) -> "OperationContext":
        """Return the context of a new operation, with loaders that have read nothing yet.

        ``until_refused`` tells once the caller's credential is good no more, and why.
        """
        return cls(
            backend=backend,
            principal=principal,
            request_id=origin.request_id,
            loaders=Loaders(backend.database, principal),
            caller_trace=caller_trace,
            until_refused=until_refused,
            origin=replace(
                origin,
                api_key_id=principal.api_key_id,
                login_session_id=principal.login_session_id,
                support_grant_id=principal.support_grant_id,
            ),
        )

    async def generation(self) -> UUID:
        """Return the generation of the database, for tokens that are issued.

        A token of this generation tells it by itself: so a heartbeat and a claim ask no more.
        """
        own = self.principal.generation
        return own or await self.backend.generations.read(self.backend.database)

    def forget(self, *, principal: Principal) -> None:
        """Start a new event of a subscription: what loaders read for the last one is stale.

        Args:
            principal: what the caller's credential is good for now.
        """
        self.principal = principal
        self.loaders = Loaders(self.backend.database, self.principal)
        self.known_workspace_ids = None

    async def find_node(self, shown_id: str) -> Any:
        """Return the object an id names; None both for missing and for forbidden."""
        (find,) = _FINDERS
        return await find(self, shown_id)

    async def workspace_ids(self) -> frozenset[UUID]:
        """Return the workspaces that the caller may enter, as of a moment ago."""
        own = self.own_workspace_ids()
        if own is not None:
            return own
        if self.known_workspace_ids is not None:
            return self.known_workspace_ids
        known = self.backend.workspaces.recall(self.principal.organization_id)
        return known if known is not None else await self.read_workspace_ids()

    async def read_workspace_ids(self) -> frozenset[UUID]:
        """Return the same as of now; once an operation."""
        own = self.own_workspace_ids()
        if own is not None:
            return own
        if self.known_workspace_ids is None:
            async with self.backend.database.tenant(self.principal, None) as work:
                self.known_workspace_ids = frozenset(await workspaces.list_ids(work))
            self.backend.workspaces.remember(
                self.principal.organization_id, self.known_workspace_ids
            )
        return self.known_workspace_ids

    def own_workspace_ids(self) -> frozenset[UUID] | None:
        """Return the workspaces that the credential names; None where it is good for all."""
        if self.principal.workspace_id is not None:
            return frozenset({self.principal.workspace_id})
        rights = self.principal.rights
        return None if rights is None or rights.everywhere else frozenset(rights.workspaces)

    async def may_enter(self, workspace_id: UUID) -> bool:
        """Return whether the caller's credential is good for a workspace."""
        return (
            workspace_id in await self.workspace_ids()
            or workspace_id in await self.read_workspace_ids()
        )

    def may(self, workspace_id: UUID | None, *, on: UUID | None = None) -> bool:
        """Return whether the caller holds, in a place, what the current field needs."""
        return not self._missing(workspace_id, on=on)

    def _missing(self, workspace_id: UUID | None, *, on: UUID | None) -> frozenset[Scope]:
        principal = self.principal
        if workspace_id is None:
            return _NEEDED.get() - principal.scopes_in_organization()
        return _NEEDED.get() - principal.scopes_in(workspace_id, on=on)

    def demand(self, workspace_id: UUID | None, *, on: UUID | None = None) -> None:
        """Go on only if the caller holds, in a place, what the current field needs.

        Args:
            workspace_id: None for the organization itself.
            on: the one object that is meant; scopes that are granted on it alone count too.

        Raises:
            Forbidden: with the scopes that are missing there.
        """
        missing = self._missing(workspace_id, on=on)
        if missing:
            raise self.principal.refusal(missing, workspace_id=workspace_id, on=on)

    def demand_held(self, workspace_id: UUID) -> None:
        """Go on as ``demand`` would if the workspace were open, also where it is archived.

        Raises:
            Forbidden: with the scopes that are missing there.
        """
        if missing := _NEEDED.get() - self.principal.all_rights().held_in(workspace_id):
            raise lacking(missing)

    @asynccontextmanager
    async def work(
        self, workspace_id: UUID, *, on: UUID | None = None
    ) -> AsyncGenerator[UnitOfWork]:
        """Open one unit of work in a workspace the caller may enter; it commits at the end.

        A mutation holds exactly one, and returns its payload after it: so nested fields read
        what was committed.

        Args:
            workspace_id: where.
            on: the deployment, pool or block that is read or changed, and nothing else.

        Raises:
            NotFound: another tenant's workspace, or none at all.
            Forbidden: the caller may enter it, but lacks there what the field needs.
        """
        await self.enter(workspace_id, on=on)
        async with self._opened(workspace_id) as work:
            yield work

    async def enter(self, workspace_id: UUID, *, on: UUID | None = None) -> None:
        """Go on only if the caller may do in a workspace what the current field needs.

        Raises:
            NotFound, Forbidden: as ``work``.
        """
        await self._come_in(workspace_id)
        self.demand(workspace_id, on=on)

    async def _come_in(self, workspace_id: UUID) -> None:
        if not await self.may_enter(workspace_id):
            raise NotFound
        self.entered_workspace_id = workspace_id

    @asynccontextmanager
    async def organization_work(self) -> AsyncGenerator[UnitOfWork]:
        """Open one unit of work that sees the caller's organization but no workspace.

        Raises:
            Forbidden: the caller lacks in the organization what the field needs.
        """
        self.demand(None)
        async with self._opened(None) as work:
            yield work

    @asynccontextmanager
    async def owner_work(self, workspace_id: UUID) -> AsyncGenerator[UnitOfWork]:
        """Open one unit of work in a workspace for who may do it in the whole organization.

        So even in one that is archived, where nobody holds more than reading.

        Raises:
            NotFound: another tenant's workspace, or none at all.
            Forbidden: the caller lacks in the organization what the field needs.
        """
        await self._come_in(workspace_id)
        self.demand(None)
        async with self._opened(workspace_id) as work:
            yield work

    @asynccontextmanager
    async def roles_work(self, workspace_id: UUID) -> AsyncGenerator[UnitOfWork]:
        """Open one for who may give roles in a workspace, as if it were open where it is archived.

        Raises:
            NotFound, Forbidden: as ``work``.
        """
        await self._come_in(workspace_id)
        self.demand_held(workspace_id)
        async with self._opened(workspace_id) as work:
            yield work

    @asynccontextmanager
    async def operator_work(self) -> AsyncGenerator[UnitOfWork]:
        """Open one unit of work that sees every organization, for who runs the installation.

        Raises:
            Forbidden: the caller does not, or is not signed in as a person.
        """
        if not self.principal.is_operator:
            raise Forbidden("Only the operators of this installation may, signed in as themselves.")
        async with self.system_work() as work:
            yield work

    @asynccontextmanager
    async def founder_work(self) -> AsyncGenerator[UnitOfWork]:
        """Open one unit of work that may make organizations.

        Raises:
            Forbidden: the caller may not, or is not signed in as a person: a key does less than
                its owner, and an organization would give it, and whoever has it, all rights.
        """
        if self.principal.login_session_id is None:
            raise Forbidden("An organization has a person for its first owner; sign in as one.")
        if not self.backend.may_people_found and not self.principal.is_operator:
            raise Forbidden("Ask an operator of this installation to make organizations.")
        async with self.system_work() as work:
            yield work

    def check_storage(self) -> None:
        """Refuse to store more where the organization may not, as of this replica's last look.

        Raises:
            QuotaExceeded: it has used up its quota of stored bytes.
        """
        usage, organization_id = self.meter.usage, self.principal.organization_id
        usage.note_active(organization_id)
        spent = usage.over(organization_id, STORED_KINDS)
        if spent is not None:
            raise QuotaExceeded(spent)

    def system_work(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Open one unit of work of the system in the caller's name; the caller checks rights."""
        database = self.backend.database
        return database.system(actor=self.principal.actor, origin=self.origin)

    def _opened(self, workspace_id: UUID | None) -> AbstractAsyncContextManager[UnitOfWork]:
        database = self.backend.database
        return database.tenant(self.principal, workspace_id, origin=self.origin)

    def load(self, fetch: Fetch[K, T], key: K, *, workspace_id: UUID | None) -> Awaitable[T | None]:
        """Return one object through the loaders, if the field may read it; see ``Loaders.load``."""
        on = key if isinstance(key, UUID) else None
        if not self.may(workspace_id, on=on):
            return _nothing()
        return self.loaders.load(fetch, key, workspace_id=workspace_id)

    async def locate(self, fetch: Fetch[UUID, W], id_: UUID) -> W | None:
        """Return the object with an id from whichever workspace of the caller's holds it."""
        looked: frozenset[UUID] = frozenset()
        for read in (self.workspace_ids, self.read_workspace_ids):
            ids = await read()
            if new := ids - looked:
                place = await self._place_of(id_, among=new)
                if place is not None:
                    found = await self.loaders.load(fetch, id_, workspace_id=place)
                    if found is not None:
                        return found
            looked = ids
        return None

    async def _place_of(self, id_: UUID, *, among: frozenset[UUID]) -> UUID | None:
        if len(among) == 1:
            return next(iter(among))
        return await self.loaders.find_place(id_, among=among)

    @property
    def own_workspace_id(self) -> UUID:
        """Return the workspace that an agent's or a run's credential is bound to.

        Raises:
            NotFound: the credential is not bound to one.
        """
        if self.principal.workspace_id is None:
            raise NotFound(
                "This credential is good for several workspaces; name one in workspaceId."
            )
        return self.principal.workspace_id

    async def workspace_of(self, fetch: Fetch[UUID, W], id_: UUID) -> UUID:
        """Return the workspace of the object with an id, to open a unit of work in it.

        Costs nothing where the credential is bound to a workspace: an object of another one will
        not be found there.

        Raises:
            NotFound: no workspace of the caller's holds it.
        """
        if self.principal.workspace_id is not None:
            return self.principal.workspace_id
        found = await self.locate(fetch, id_)
        if found is None:
            raise NotFound
        return found.workspace_id

    async def place_of(self, fetch: Fetch[UUID, D], id_: UUID) -> tuple[UUID, UUID | None]:
        """Return the workspace of a run or backfill, and its deployment if roles on it may count.

        Raises:
            NotFound: no workspace of the caller's holds it.
        """
        workspace_id = await self.workspace_of(fetch, id_)
        if not self.principal.all_rights().objects:
            return workspace_id, None
        found = await self.locate(fetch, id_)
        return workspace_id, found.deployment_id if found is not None else None
