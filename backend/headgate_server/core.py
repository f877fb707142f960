"""What every process of an installation opens and closes, and the watch over itself."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from starlette.routing import Route

from headgate_server.bus.buckets import Buckets
from headgate_server.bus.bus import Bus
from headgate_server.bus.high_water import HighWater
from headgate_server.database.engine import check_reachable, make_engine, time_statements
from headgate_server.database.version import check_migrated
from headgate_server.database.work import Database
from headgate_server.dispatch.usage import UsageBook
from headgate_server.http.access import Access
from headgate_server.http.health import Health, Readiness, health_of, health_routes
from headgate_server.http.metrics import metrics_route
from headgate_server.http.server import check_bindable, serving
from headgate_server.http.site import build_site
from headgate_server.installation import check_kek, check_secret, open_keyring, resolve_urls
from headgate_server.services.quotas import set_defaults
from headgate_server.services.workspace_keys import Keyring
from headgate_server.settings import Settings, check_url
from headgate_server.telemetry.instruments import Instruments
from headgate_server.telemetry.traces import NoTracer, Tracer, count_statement, open_tracer
from headgate_server.telemetry.vitals import Vitals, tick_forever

CANCEL_AGAIN_SECONDS = 0.5
INTERRUPTED = 130


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
        if core.keyring is not None:
            renewing = asyncio.create_task(core.keyring.providers.renew_forever(), name="renewals")
            stack.callback(renewing.cancel)
        if settings.health_port:
            host, port = settings.health_host, settings.health_port
            check_bindable(host, port, settings="HEADGATE_HEALTH_PORT")
            routes = [*health_routes(health), build_metrics(core)]
            site = build_site(routes, is_secure=False)
            await stack.enter_async_context(serving(site, host=host, port=port))
        yield readiness, health


async def end_task(task: asyncio.Task[None]) -> None:
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
