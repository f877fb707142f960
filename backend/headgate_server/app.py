"""The composition root: builds everything, and is the only place that knows all names."""

import asyncio
import gc
import logging
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

from headgate_server.bus.buckets import Buckets
from headgate_server.bus.bus import Bus
from headgate_server.bus.high_water import HighWater
from headgate_server.crypto.errors import KeyMismatch, KeyProviderAway
from headgate_server.crypto.keks import open_providers
from headgate_server.database import urls as addresses
from headgate_server.database.engine import check_reachable, make_engine, time_statements
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.version import check_migrated
from headgate_server.database.work import Database
from headgate_server.dispatch.dispatcher import Dispatcher
from headgate_server.dispatch.log_shares import LogShares
from headgate_server.dispatch.pulse import beat_forever
from headgate_server.dispatch.tails import Tails
from headgate_server.dispatch.usage import UsageBook, keep_forever
from headgate_server.domain.errors import ConfigurationError
from headgate_server.graphql.backend import Backend
from headgate_server.graphql.limits.rates import Meter
from headgate_server.graphql.schema import build_schema
from headgate_server.http.access import Access
from headgate_server.http.auth import Remembering, authenticator
from headgate_server.http.cookies import cookie_name_at
from headgate_server.http.doors import open_doors
from headgate_server.http.frontend import frontend_routes
from headgate_server.http.graphql import EndpointOptions
from headgate_server.http.health import Health, Readiness, health_of, health_routes
from headgate_server.http.metrics import metrics_route
from headgate_server.http.routes import build_routes, build_site
from headgate_server.http.server import check_bindable, serving
from headgate_server.http.websocket import SocketTimers
from headgate_server.loops.loop import LoopContext
from headgate_server.loops.registry import LOOPS
from headgate_server.loops.supervisor import Supervisor
from headgate_server.services import kek_checks
from headgate_server.services.audit_entries.checkpoints import notary_of
from headgate_server.services.quotas import set_defaults
from headgate_server.services.workspace_keys import Keyring
from headgate_server.settings import Settings, check_url
from headgate_server.telemetry.instruments import Instruments
from headgate_server.telemetry.traces import NoTracer, Tracer, count_statement, open_tracer
from headgate_server.telemetry.vitals import Vitals, tick_forever

logger = logging.getLogger("headgate")

MINIMUM_SECRET_LENGTH = 16
PULSE, SCHEDULER = "pulse", "scheduler"
CANCEL_AGAIN_SECONDS = 0.5
INTERRUPTED = 130
COLLECT_AFTER = (20_000, 10, 100)
"""So many objects more than before are young; so many collections of a generation make the next."""


@dataclass(frozen=True, slots=True)
class Core:
    """What every process of an installation has: database, bus, what is shared, and its figures."""

    settings: Settings
    database: Database
    bus: Bus
    buckets: Buckets
    high_water: HighWater
    instruments: Instruments
    access: Access
    keyring: Keyring | None = None
    tracer: Tracer = field(default_factory=NoTracer)
    vitals: Vitals = field(default_factory=Vitals)
    usage: UsageBook = field(default_factory=UsageBook)


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
            "postgresql://user:password@host/database, or use `headgate-server dev`; `keys`, "
            "`audit` and `organizations` reach what that runs with --data-dir DIR."
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


def open_keyring(settings: Settings) -> Keyring | None:
    """Return what unwraps the keys of workspaces; None where no provider of keys is set.

    Raises:
        ConfigurationError: HEADGATE_KEK names something that cannot be used.
    """
    providers = open_providers(settings.kek, vault_token=settings.vault_token)
    return None if providers is None else Keyring(providers)


async def check_kek(database: Database, keyring: Keyring | None) -> None:
    """Refuse to start with another key than the one that secrets are sealed under.

    A provider that is away holds nobody up: what needs no secret goes on without it.

    Raises:
        ConfigurationError: the version that wraps is another key than it was.
    """
    if keyring is None:
        return
    try:
        await kek_checks.confirm_newest(database, keyring.providers)
    except KeyMismatch as other:
        raise ConfigurationError(other.detail) from None
    except KeyProviderAway as away:
        logger.warning("keys: secrets cannot be had until their provider is back: %s", away.detail)


@asynccontextmanager
async def open_core(settings: Settings) -> AsyncGenerator[Core]:
    """Connect to the database and the bus, check both roles, and close all of it at the end.

    Raises:
        ConfigurationError: a setting is missing, or the database will not do.
    """
    check_secret(settings)
    redis_url = check_url(settings.redis_url, name="REDIS_URL", schemes=("redis", "rediss", "unix"))
    found = resolve_urls(settings)
    keyring = open_keyring(settings)
    app = make_engine(found.app, application_name="headgate", pool_size=settings.database_pool_size)
    system = make_engine(
        found.system, application_name="headgate-system", pool_size=settings.database_pool_size
    )
    bus = Bus(redis_url, prefix=settings.redis_prefix)
    buckets = Buckets(redis_url, prefix=settings.redis_prefix)
    high_water = HighWater(redis_url, prefix=settings.redis_prefix)
    instruments = Instruments()
    tracer = open_tracer(is_wanted=settings.is_traced)
    access = Access(instruments, slow_seconds=settings.slow_operation_ms / 1000, tracer=tracer)
    database = Database(app=app, system=system, publish=bus.publish, count=instruments.count)
    try:
        for engine in (app, system):
            await check_reachable(engine)
            if settings.is_traced:
                time_statements(engine, tell=count_statement)
        await check_migrated(system)
        await set_defaults(database, settings.quotas.limits)
        await check_kek(database, keyring)
        await bus.start()
        yield Core(
            settings, database, bus, buckets, high_water, instruments, access, keyring, tracer
        )
    finally:
        await bus.stop()
        await buckets.close()
        await high_water.close()
        await database.dispose()
        await asyncio.to_thread(tracer.close)


def build_app(
    core: Core, *, dispatcher: Dispatcher, tails: Tails, readiness: Readiness, health: Health
) -> Starlette:
    """Return the ASGI application of the API."""
    settings = core.settings
    doors = open_doors(settings, database=core.database, buckets=core.buckets)
    backend = Backend(
        database=core.database,
        dispatcher=dispatcher,
        tails=tails,
        timers=settings.timers,
        pepper=settings.secret_key,
        meter=Meter(core.buckets, settings.rates, core.usage),
        log_shares=LogShares(settings.log_limits),
        may_people_found=settings.organizations_by == "people",
        keyring=core.keyring,
        may_reveal=settings.block_reveal,
        url=settings.url,
        mailer=doors.mailer,
        identity_providers=doors.known_providers,
        has_passwords=doors.has_passwords,
    )
    routes = build_routes(
        build_schema(),
        backend=backend,
        authenticate=Remembering(authenticator(core.database, pepper=settings.secret_key)),
        doors=doors,
        health=health,
        options=EndpointOptions(
            allowed_origins=settings.origins,
            timers=SocketTimers(
                init_seconds=settings.timers.connection_init_seconds,
                ping_seconds=settings.timers.ping_seconds,
                pong_seconds=settings.timers.pong_seconds,
            ),
            bus=core.bus,
            reauthenticate=authenticator(core.database, pepper=settings.secret_key, is_use=False),
            cookie_name=cookie_name_at(settings.url),
            closing=readiness.closing,
            access=core.access,
        ),
    )
    guarded = [build_metrics(core)] if settings.metrics_token else []
    return build_site(
        [*routes, *guarded, *frontend_routes()],
        is_secure=settings.url.startswith("https://"),
        has_secure_subdomains=settings.hsts_subdomains,
    )


def build_metrics(core: Core) -> Route:
    """Return the route of this process's figures."""
    return metrics_route(
        core.instruments,
        database=core.database,
        token=core.settings.metrics_token,
        access=core.access,
    )


@asynccontextmanager
async def attended(core: Core) -> AsyncGenerator[tuple[Readiness, Health]]:
    """Keep watch over this process; where a port is set for it, answer for its health there."""
    settings = core.settings
    readiness = Readiness()
    health = health_of(core.database, readiness=readiness, vitals=core.vitals)
    ticking = asyncio.create_task(
        tick_forever(core.vitals, tell_lag=core.instruments.lag.set), name="ticks"
    )
    async with AsyncExitStack() as stack:
        stack.callback(ticking.cancel)
        if settings.health_port:
            host, port = settings.health_host, settings.health_port
            check_bindable(host, port, settings="HEADGATE_HEALTH_PORT")
            routes = [*health_routes(health), build_metrics(core)]
            site = build_site(routes, is_secure=False)
            await stack.enter_async_context(serving(site, host=host, port=port))
        yield readiness, health


async def serve_api(
    core: Core,
    *,
    readiness: Readiness,
    health: Health,
    until: Awaitable[Any],
    on_ready: Callable[[], None],
) -> None:
    """Serve the API until ``until`` is done; ``on_ready`` is called once it accepts connections.

    Then it drains: it is not ready any more, takes back its offers and sends its agents elsewhere,
    and stops when the last stream has left.

    Raises:
        ConfigurationError: the port is in use, or may not be bound.
    """
    settings = core.settings
    dispatcher = Dispatcher(
        database=core.database, bus=core.bus, timers=settings.timers, tracer=core.tracer
    )
    tails = Tails(database=core.database, bus=core.bus, timers=settings.timers)
    check_bindable(settings.host, settings.port)
    app = build_app(core, dispatcher=dispatcher, tails=tails, readiness=readiness, health=health)
    beat = core.vitals.expect(PULSE, within_seconds=settings.timers.silence_seconds)
    async with serving(
        app, host=settings.host, port=settings.port, trusted_proxies=settings.proxies
    ) as server:
        beating = asyncio.create_task(
            beat_forever(core.database, settings.timers, high_water=core.high_water, on_round=beat),
            name="pulse",
        )
        counting = asyncio.create_task(keep_forever(core.usage, core.database), name="usage")
        try:
            settle_heap()
            readiness.has_started = True
            on_ready()
            stopping = asyncio.ensure_future(until)
            await asyncio.wait({stopping, server}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            readiness.is_draining = True
            if not server.done():
                await dispatcher.drain(patience_seconds=settings.timers.drain_seconds)
        finally:
            readiness.closing.set()
            beating.cancel()
            core.vitals.forget(PULSE)
            await dispatcher.stop()
            await _end(counting)
    await tails.stop()


def settle_heap() -> None:
    """Leave what a start has loaded out of every later collection, and look at all else seldom.

    Looking at the long-lived streams of 5,000 agents takes seconds, in which nothing is answered.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


async def serve_scheduler(core: Core, *, until: Awaitable[Any]) -> None:
    """Run the loops until ``until`` is done."""
    timers = core.settings.timers
    context = LoopContext(
        database=core.database,
        bus=core.bus,
        timers=timers,
        instruments=core.instruments,
        tracer=core.tracer,
        notary=notary_of(core.settings),
        vitals=core.vitals,
    )
    supervisor = Supervisor(
        context,
        LOOPS,
        redis_url=core.settings.redis_url,
        prefix=core.settings.redis_prefix,
        on_round=core.vitals.expect(SCHEDULER, within_seconds=timers.silence_seconds),
    )
    running = asyncio.create_task(supervisor.run(), name="supervisor")
    stopping = asyncio.ensure_future(until)
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        stopping.cancel()
        core.vitals.forget(SCHEDULER)
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
