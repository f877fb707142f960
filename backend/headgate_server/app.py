"""The composition root: builds everything, and is the only place that knows all names."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette

from headgate_server.bus.buckets import Buckets
from headgate_server.bus.bus import Bus
from headgate_server.database import urls as addresses
from headgate_server.database.engine import check_server, make_engine
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.version import check_migrated
from headgate_server.database.work import Database
from headgate_server.dispatch.dispatcher import Dispatcher
from headgate_server.dispatch.pulse import beat_forever
from headgate_server.dispatch.tails import Tails
from headgate_server.domain.errors import ConfigurationError, HeadgateError
from headgate_server.domain.tenancy import Principal
from headgate_server.graphql.context import Backend
from headgate_server.graphql.limits.rates import Meter
from headgate_server.graphql.schema import build_schema
from headgate_server.http.auth import Remembering
from headgate_server.http.constants import UVICORN_OPTIONS
from headgate_server.http.graphql import EndpointOptions
from headgate_server.http.routes import build_routes
from headgate_server.http.websocket import SocketTimers
from headgate_server.loops.loop import LoopContext
from headgate_server.loops.registry import LOOPS
from headgate_server.loops.supervisor import Supervisor
from headgate_server.services import api_keys
from headgate_server.settings import Settings, check_url

logger = logging.getLogger("headgate")

MINIMUM_SECRET_LENGTH = 16
STOP_SECONDS = 10
CANCEL_AGAIN_SECONDS = 0.5
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Core:
    """What every process of an installation has: the database, the bus and shared buckets."""

    settings: Settings
    database: Database
    bus: Bus
    buckets: Buckets


def resolve_urls(settings: Settings) -> DatabaseUrls:
    """Return the addresses of the three database roles from whichever are set.

    One owner's address is enough: the others follow from it and the secret key.

    Raises:
        ConfigurationError: none is set, or one is malformed.
    """
    owner = settings.owner_database_url or settings.database_url
    if not owner:
        raise ConfigurationError(
            "Set HEADGATE_DATABASE_URL to a Postgres address, such as "
            "postgresql://user:password@host/database, or use `headgate-server dev`."
        )
    check_database_urls(settings)
    if settings.database_url and settings.system_database_url:
        return DatabaseUrls(
            owner=owner, app=settings.database_url, system=settings.system_database_url
        )
    return addresses.derive(
        owner, secret_key=check_secret(settings), role_prefix=settings.role_prefix
    )


def check_database_urls(settings: Settings) -> None:
    """Refuse an address of the database that is malformed.

    Raises:
        ConfigurationError: naming the setting.
    """
    for name in ("database_url", "owner_database_url", "system_database_url"):
        if getattr(settings, name):
            check_url(
                getattr(settings, name),
                name=name.upper(),
                schemes=("postgresql", "postgres", "postgresql+asyncpg"),
            )


def check_secret(settings: Settings) -> str:
    """Return the installation's secret key.

    Raises:
        ConfigurationError: it is missing or too short.
    """
    if len(settings.secret_key) < MINIMUM_SECRET_LENGTH:
        raise ConfigurationError(
            f"Set HEADGATE_SECRET_KEY to at least {MINIMUM_SECRET_LENGTH} random characters, the "
            "same for every process of the installation: `openssl rand -hex 32` makes one."
        )
    return settings.secret_key


@asynccontextmanager
async def open_core(settings: Settings) -> AsyncGenerator[Core]:
    """Connect to the database and the bus, check both roles, and close all of it at the end.

    Raises:
        ConfigurationError: a setting is missing, or the database will not do.
    """
    check_secret(settings)
    redis_url = check_url(settings.redis_url, name="REDIS_URL", schemes=("redis", "rediss", "unix"))
    found = resolve_urls(settings)
    app = make_engine(found.app, application_name="headgate", pool_size=settings.database_pool_size)
    system = make_engine(
        found.system, application_name="headgate-system", pool_size=settings.database_pool_size
    )
    bus = Bus(redis_url, prefix=settings.redis_prefix)
    buckets = Buckets(redis_url, prefix=settings.redis_prefix)
    database = Database(app=app, system=system, publish=bus.publish)
    try:
        for engine in (app, system):
            await _check(engine)
        await check_migrated(system)
        await bus.start()
        yield Core(settings, database, bus, buckets)
    finally:
        await bus.stop()
        await buckets.close()
        await database.dispose()


async def _check(engine: AsyncEngine) -> None:
    try:
        await check_server(engine)
    except HeadgateError:
        raise
    except Exception as error:
        shown = addresses.without_password(engine.url.render_as_string(hide_password=True))
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise ConfigurationError(
            f"Cannot connect to {shown}: {cause}. Check the address and that the server runs; "
            "`headgate-server migrate` makes the roles and prints their addresses."
        ) from error


@dataclass(slots=True)
class Readiness:
    """Whether this process wants traffic."""

    has_started: bool = False
    is_draining: bool = False
    closing: asyncio.Event = field(default_factory=asyncio.Event)


def build_app(
    core: Core, *, dispatcher: Dispatcher, tails: Tails, readiness: Readiness
) -> Starlette:
    """Return the ASGI application of the API."""
    settings = core.settings

    async def authenticate(token: str) -> Principal:
        return await api_keys.authenticate(core.database, token, pepper=settings.secret_key)

    async def is_ready() -> bool:
        if readiness.is_draining or not readiness.has_started:
            return False
        try:
            async with core.database.system():
                return True
        except HeadgateError:
            return False

    async def has_started() -> bool:
        return readiness.has_started

    backend = Backend(
        database=core.database,
        dispatcher=dispatcher,
        tails=tails,
        timers=settings.timers,
        pepper=settings.secret_key,
        meter=Meter(core.buckets, settings.rates),
    )
    origins = tuple(origin for origin in settings.allowed_origins.split(",") if origin)
    return Starlette(
        routes=build_routes(
            build_schema(),
            backend=backend,
            authenticate=Remembering(authenticate),
            is_ready=is_ready,
            has_started=has_started,
            options=EndpointOptions(
                allowed_origins=origins,
                timers=SocketTimers(
                    init_seconds=settings.timers.connection_init_seconds,
                    ping_seconds=settings.timers.ping_seconds,
                    pong_seconds=settings.timers.pong_seconds,
                ),
                bus=core.bus,
                reauthenticate=authenticate,
                closing=readiness.closing,
            ),
        )
    )


class Server(uvicorn.Server):
    """Uvicorn without signal handlers of its own: the process drains before sockets close."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept connections, and tell."""
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals to the process."""
        yield


async def serve_api(core: Core, *, until: Awaitable[Any], on_ready: Callable[[], None]) -> None:
    """Serve the API until ``until`` is done; ``on_ready`` is called once it accepts connections.

    Then it drains: it is not ready any more, takes back its offers and sends its agents elsewhere,
    and stops when the last stream has left.

    Raises:
        ConfigurationError: the port is in use, or may not be bound.
    """
    settings = core.settings
    dispatcher = Dispatcher(database=core.database, bus=core.bus, timers=settings.timers)
    tails = Tails(database=core.database, bus=core.bus, timers=settings.timers)
    readiness = Readiness()
    check_bindable(settings.host, settings.port)
    options: dict[str, Any] = dict(UVICORN_OPTIONS)
    config = uvicorn.Config(
        build_app(core, dispatcher=dispatcher, tails=tails, readiness=readiness),
        host=settings.host,
        port=settings.port,
        timeout_graceful_shutdown=STOP_SECONDS,
        lifespan="off",
        **options,
    )
    server = Server(config)
    sockets = [config.bind_socket()]
    # uvicorn lets children have it: one that outlives this process would keep the port taken.
    sockets[0].set_inheritable(False)
    serving = asyncio.create_task(server.serve(sockets=sockets), name="uvicorn")
    beating = asyncio.create_task(beat_forever(core.database, settings.timers), name="pulse")
    try:
        listening = asyncio.create_task(server.listening.wait())
        await asyncio.wait({listening, serving}, return_when=asyncio.FIRST_COMPLETED)
        gc.collect()
        gc.freeze()
        readiness.has_started = True
        on_ready()
        stopping = asyncio.ensure_future(until)
        await asyncio.wait({stopping, serving}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        readiness.is_draining = True
        if not serving.done():
            await dispatcher.drain(patience_seconds=settings.timers.drain_seconds)
    finally:
        readiness.closing.set()
        beating.cancel()
        await dispatcher.stop()
        server.should_exit = True
        await serving
        await tails.stop()


def check_bindable(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on, before anything is started for it.

    Raises:
        ConfigurationError: the port is in use, or may not be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"Port {port} of {host} cannot be listened on: {error.strerror}. Stop what listens "
                "there, or choose another with --port or HEADGATE_PORT."
            ) from None


async def serve_scheduler(core: Core, *, until: Awaitable[Any]) -> None:
    """Run the loops until ``until`` is done."""
    context = LoopContext(database=core.database, bus=core.bus, timers=core.settings.timers)
    supervisor = Supervisor(
        context,
        LOOPS,
        redis_url=core.settings.redis_url,
        prefix=core.settings.redis_prefix,
    )
    running = asyncio.create_task(supervisor.run(), name="supervisor")
    stopping = asyncio.ensure_future(until)
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        stopping.cancel()
        await _end(running)


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel a task until it has ended: the Redis client may take a cancellation for a timeout."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_AGAIN_SECONDS)


def stop_signal() -> asyncio.Event:
    """Return an event that the first SIGINT or SIGTERM sets; a second one ends the process."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if event.is_set():
            os._exit(INTERRUPTED)
        event.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    return event


def check_port(port: int) -> int:
    """Return a port number.

    Raises:
        ConfigurationError: out of range.
    """
    if not 1 <= port <= 65535:
        raise ConfigurationError("--port is from 1 to 65535.")
    return port
