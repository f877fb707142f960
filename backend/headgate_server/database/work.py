"""The unit of work: one transaction, its tenant, and what follows its commit."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, Executable, column, text
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql.sqltypes import NULLTYPE

from headgate_server.database.columns import is_changed, learn, with_columns
from headgate_server.database.pulse import pulse_of
from headgate_server.domain.errors import HeadgateError, InvalidInput, NotFound, Unavailable
from headgate_server.domain.tenancy import NOWHERE, SYSTEM, Actor, Origin, Principal

Publish = Callable[[AbstractSet[str]], Awaitable[None]]
Count = Callable[[str, float, str], None]

_BIND_TENANT = text(
    "select set_config('app.workspace_id', :workspace, true), "
    "set_config('app.organization_id', :organization, true), "
    "set_config('app.actor_id', :actor, true), now()"
).columns(*(column(name, NULLTYPE) for name in ("workspace", "organization", "actor", "now")))
_NOW = text("select now()").columns(column("now", NULLTYPE))
_CLOCK_SECONDS = 1.0
"""How long the database's time is carried on by the clock of this process."""
_RETRYABLE_STATES = frozenset({"40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03"})
_CONNECTION_STATES = ("08", "53")
_COLLISION_STATES = frozenset({"40P01", "55P03", "57014"})
"""A deadlock, a lock that was not to be had, a statement that took too long."""
_PlanOutdated = AsyncAdapt_asyncpg_dbapi.InvalidCachedStatementError
"""A migration has changed the columns of a prepared statement; the next try prepares it anew."""
_MISSING_STATE = "23503"
"""A row refers to one that someone has deleted meanwhile."""
_UNSTORABLE_STATES = frozenset({"22003", "22008", "22021", "22P05"})
"""Values that no column can hold: the caller's, since ours are checked before."""


class NoWorkspace(HeadgateError):
    """This unit of work has no workspace, and what was asked of it needs one."""


@dataclass(slots=True)
class UnitOfWork:
    """One transaction of one tenant (or of the system), and whom to wake after its commit.

    Never shared between tasks: a connection carries one statement at a time. ``is_final`` says that
    each statement commits by itself.
    """

    connection: AsyncConnection
    actor: Actor
    organization_id: UUID | None
    tenant_id: UUID | None
    now: datetime
    origin: Origin = NOWHERE
    is_final: bool = False
    wakes: set[str] = field(default_factory=set[str])
    measures: list[tuple[str, float, str]] = field(default_factory=list[tuple[str, float, str]])

    @property
    def workspace_id(self) -> UUID:
        """Return the workspace of this unit of work.

        Raises:
            NoWorkspace: it was opened for no workspace.
        """
        if self.tenant_id is None:
            raise NoWorkspace
        return self.tenant_id

    async def execute(
        self,
        statement: Executable,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> CursorResult[Any]:
        """Run one statement in the transaction and return its result.

        Raises:
            Unavailable: a migration has just changed what the statement returns; try again.
        """
        best, names = with_columns(statement, is_final=self.is_final)
        result = cast("CursorResult[Any]", await self.connection.execute(best, parameters))
        if names is None:
            learn(statement, result)
        elif is_changed(statement, result, names):
            raise Unavailable
        return result

    def wake(self, *channels: str) -> None:
        """Tell the listeners of these channels to look again, once the transaction is committed."""
        self.wakes.update(channels)

    def measure(self, what: str, value: float, *, label: str = "") -> None:
        """Count something once the transaction is committed; see ``telemetry.instruments``."""
        self.measures.append((what, value, label))


class Database:
    """Opens units of work as the application role or as the system role."""

    def __init__(
        self,
        *,
        app: AsyncEngine,
        system: AsyncEngine,
        publish: Publish | None = None,
        count: Count | None = None,
        read_now: Callable[[datetime], datetime] | None = None,
    ) -> None:
        """Hold two engines.

        Args:
            app: connects as the role that row-level security binds to one workspace.
            system: connects as the role of schedulers, reapers and dispatchers.
            publish: takes the channels to wake after a commit; must not raise.
            count: takes what was measured after a commit: what, how much, and a label.
            read_now: tests turn the database's time into theirs with it.
        """
        self._glancing = system.execution_options(isolation_level="AUTOCOMMIT")
        self._app = app
        self._system = system
        self._publish = publish
        self._count = count
        self._read_now = read_now
        self._read_at, self._read = -_CLOCK_SECONDS, datetime.min.replace(tzinfo=UTC)
        self.wait_first: Callable[[], Awaitable[None]] | None = None
        self.origin = NOWHERE

    def behind(self, wait_first: Callable[[], Awaitable[None]]) -> "Database":
        """Return the same, where each unit of work is opened once that wait is over."""
        behind = copy(self)
        behind.wait_first = wait_first
        return behind

    def asked_from(self, origin: Origin) -> "Database":
        """Return the same, whose changes come from somewhere, where it is not said otherwise."""
        asked = copy(self)
        asked.origin = origin
        return asked

    @asynccontextmanager
    async def tenant(
        self, principal: Principal, workspace_id: UUID | None, *, origin: Origin = NOWHERE
    ) -> AsyncGenerator[UnitOfWork]:
        """Open a unit of work that sees one workspace of the caller's organization."""
        async with self._open(
            self._app,
            actor=principal.actor,
            organization_id=principal.organization_id,
            workspace_id=workspace_id,
        ) as work:
            work.origin = origin
            yield work

    @asynccontextmanager
    async def system(
        self,
        *,
        workspace_id: UUID | None = None,
        actor: Actor = SYSTEM,
        origin: Origin | None = None,
    ) -> AsyncGenerator[UnitOfWork]:
        """Open a unit of work that sees every workspace: for background work only."""
        async with self._open(
            self._system, actor=actor, organization_id=None, workspace_id=workspace_id
        ) as work:
            work.origin = self.origin if origin is None else origin
            yield work

    @asynccontextmanager
    async def glance(self) -> AsyncGenerator[UnitOfWork]:
        """Open a system unit of work without a transaction: each statement stands for itself.

        For look-ups on every request, such as of a token. Its time is the database's as of the last
        statement that told it, and what passed here since: a second at most.
        """
        async with self._open(
            self._glancing, actor=SYSTEM, organization_id=None, workspace_id=None
        ) as work:
            yield work

    def pool_use(self) -> dict[str, tuple[int, int]]:
        """Return how many connections of each role's pool are in use, and how many there may be."""
        pools = {"app": self._app.pool, "system": self._system.pool}
        return {
            role: (pool.checkedout(), pool.size())
            for role, pool in pools.items()
            if isinstance(pool, QueuePool)
        }

    async def dispose(self) -> None:
        """Close every pooled connection."""
        for engine in (self._app, self._system):
            pulse = pulse_of(engine)
            if pulse is not None:
                await pulse.stop()
        await self._app.dispose()
        await self._system.dispose()

    @asynccontextmanager
    async def _open(
        self,
        engine: AsyncEngine,
        *,
        actor: Actor,
        organization_id: UUID | None,
        workspace_id: UUID | None,
    ) -> AsyncGenerator[UnitOfWork]:
        await self._admit(engine)
        try:
            async with engine.connect() as connection:
                if engine is self._glancing:
                    now = await self._glance_at_clock(connection)
                else:
                    asked_at = time.monotonic()
                    tenant = (workspace_id, organization_id, actor.id)
                    now = self._hear(await bind_tenant(connection, *tenant), asked_at)
                work = UnitOfWork(
                    connection=connection,
                    actor=actor,
                    organization_id=organization_id,
                    tenant_id=workspace_id,
                    now=self._read_now(now) if self._read_now else now,
                    is_final=engine is self._glancing,
                )
                yield work
                await connection.commit()
        except (DBAPIError, TimeoutError, OSError) as error:
            if _is_retryable(error):
                raise Unavailable from error
            if _sqlstate(error) == _MISSING_STATE:
                raise NotFound(
                    "What this refers to has just been deleted; read it again."
                ) from error
            if _sqlstate(error) in _UNSTORABLE_STATES:
                raise InvalidInput(
                    "A text holds a NUL character, or a number or an instant is out of range."
                ) from error
            raise
        if self._count is not None:
            for what, value, label in work.measures:
                self._count(what, value, label)
        if work.wakes and self._publish is not None:
            await self._publish(work.wakes)

    async def _admit(self, engine: AsyncEngine) -> None:
        pulse = pulse_of(engine)
        if pulse is not None:
            pulse.check()
        if self.wait_first is not None:
            await self.wait_first()

    def _hear(self, now: datetime, asked_at: float) -> datetime:
        """Keep the database's time with when it was asked for: an answer may take long to come."""
        if asked_at >= self._read_at:
            self._read_at, self._read = asked_at, now
        return now

    async def _glance_at_clock(self, connection: AsyncConnection) -> datetime:
        asked_at = time.monotonic()
        passed = asked_at - self._read_at
        if passed < _CLOCK_SECONDS:
            return self._read + timedelta(seconds=passed)
        return self._hear((await connection.execute(_NOW)).scalar_one(), asked_at)


async def bind_tenant(
    connection: AsyncConnection,
    workspace_id: UUID | None,
    organization_id: UUID | None,
    actor_id: UUID | None,
) -> datetime:
    """Bind a transaction that begins here to one tenant, and return the database's time."""
    bound = await connection.execute(
        _BIND_TENANT,
        {
            "workspace": str(workspace_id or ""),
            "organization": str(organization_id or ""),
            "actor": str(actor_id or ""),
        },
    )
    return bound.one()[3]


def is_collision(error: BaseException) -> bool:
    """Whether a unit of work failed over locks of others, or took too long: less may go well."""
    return isinstance(error, Unavailable) and _sqlstate(error.__cause__) in _COLLISION_STATES


def _sqlstate(error: BaseException | None) -> str:
    return str(getattr(getattr(error, "orig", None), "sqlstate", "") or "")


def _is_retryable(error: Exception) -> bool:
    if not isinstance(error, DBAPIError) or isinstance(error.orig, _PlanOutdated):
        return True
    state = _sqlstate(error)
    if state in _RETRYABLE_STATES or state.startswith(_CONNECTION_STATES):
        return True
    is_lost = isinstance(error, OperationalError | InterfaceError) and not state
    return error.connection_invalidated or is_lost
