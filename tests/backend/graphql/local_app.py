"""The local schema behind the real endpoint, for callers with tokens of their own."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from starlette.applications import Starlette
from strawberry import Schema

from headgate_server.bus.bus import Bus
from headgate_server.database.engine import make_engine
from headgate_server.database.work import Database
from headgate_server.dispatch.dispatcher import Dispatcher
from headgate_server.dispatch.tails import Tails
from headgate_server.domain.clock import SystemClock
from headgate_server.domain.errors import Unauthenticated, Unavailable
from headgate_server.domain.permissions import OWNER_SCOPES, Scope
from headgate_server.domain.tenancy import Actor, ActorKind, Principal
from headgate_server.graphql.backend import Backend
from headgate_server.http.access import Access
from headgate_server.http.auth import Proof
from headgate_server.http.graphql import EndpointOptions
from headgate_server.http.health import Health
from headgate_server.http.openings import Openings
from headgate_server.http.routes import build_routes
from headgate_server.http.websocket import SocketTimers
from headgate_server.settings import Timers
from tests.backend.graphql.local_schema import SCHEMA

WORKSPACE = UUID(int=2)
ALLOWED_ORIGIN = "https://app.headgate.test"
NOBODY_LISTENS = "postgresql://nobody@127.0.0.1:1/nothing"


def principal(
    scopes: Iterable[Scope] = OWNER_SCOPES, *, expires_at: datetime | None = None
) -> Principal:
    """Return a caller of the local workspace."""
    return Principal(
        actor=Actor(kind=ActorKind.USER, id=UUID(int=3), display_name="Ada"),
        organization_id=UUID(int=1),
        workspace_id=WORKSPACE,
        scopes=frozenset(scopes),
        expires_at=expires_at,
    )


@dataclass(slots=True)
class Doorkeeper:
    """Knows the callers by their tokens; tests revoke and break it, or let it wait at a gate."""

    callers: dict[str, Principal] = field(default_factory=dict[str, Principal])
    is_down: bool = False
    gate: asyncio.Event | None = None

    async def authenticate(self, token: Proof) -> Principal:
        if self.gate is not None:
            await self.gate.wait()
        if self.is_down:
            raise Unavailable
        if not isinstance(token, str) or token not in self.callers:
            raise Unauthenticated
        return self.callers[token]


def doorkeeper() -> Doorkeeper:
    """Return one who knows an owner, a guest without scopes, and a token that ends shortly."""
    soon = SystemClock().now() + timedelta(milliseconds=300)
    return Doorkeeper(
        {
            "owner": principal(),
            "guest": principal(()),
            "ending": principal(expires_at=soon),
        }
    )


def backend(database_url: str = NOBODY_LISTENS) -> Backend:
    """Return a backend; nobody answers for its database if none is named."""
    engine = make_engine(database_url, application_name="tests", pool_size=2)
    database = Database(app=engine, system=engine)
    timers = Timers()
    bus = Bus("redis://127.0.0.1:1")
    return Backend(
        database=database,
        dispatcher=Dispatcher(database=database, bus=bus, timers=timers),
        tails=Tails(database=database, bus=bus, timers=timers),
        timers=timers,
        pepper="pepper",
    )


async def well() -> list[str]:
    return []


def local_app(
    door: Doorkeeper,
    *,
    timers: SocketTimers | None = None,
    behind: Backend | None = None,
    access: Access | None = None,
    openings: Openings | None = None,
    schema: Schema = SCHEMA,
) -> Starlette:
    """Return the local schema's API, or that of another."""
    routes = build_routes(
        schema,
        backend=behind or backend(),
        authenticate=door.authenticate,
        health=Health(live=well, ready=well, startup=well),
        options=EndpointOptions(
            allowed_origins=(ALLOWED_ORIGIN,),
            timers=timers or SocketTimers(),
            access=access or Access(),
            openings=openings or Openings(),
        ),
    )
    return Starlette(routes=routes)
