"""The process of the API: builds all of it, and is the only place that knows all its names."""

import asyncio
import gc
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette

from headgate_server.core import Core, build_metrics, end_task
from headgate_server.database.work import Database
from headgate_server.dispatch.dispatcher import Dispatcher
from headgate_server.dispatch.log_shares import LogShares
from headgate_server.dispatch.pulse import Service, beat_forever
from headgate_server.dispatch.tails import Tails
from headgate_server.dispatch.usage import keep_forever
from headgate_server.graphql.backend import Backend
from headgate_server.graphql.limits.rates import Meter
from headgate_server.graphql.schema import build_schema
from headgate_server.http.auth import Remembering, authenticator
from headgate_server.http.cookies import cookie_name_at
from headgate_server.http.doors import open_doors
from headgate_server.http.frontend import frontend_routes
from headgate_server.http.graphql import EndpointOptions
from headgate_server.http.health import Health, Readiness
from headgate_server.http.routes import build_routes
from headgate_server.http.server import check_bindable, serving
from headgate_server.http.site import build_site
from headgate_server.http.websocket import SocketTimers

logger = logging.getLogger("headgate")

MINIMUM_SECRET_LENGTH = 16
PULSE = "pulse"
CANCEL_AGAIN_SECONDS = 0.5
INTERRUPTED = 130
COLLECT_AFTER = (20_000, 10, 100)
"""So many objects more than before are young; so many collections of a generation make the next."""


def build_app(
    core: Core,
    *,
    database: Database,
    dispatcher: Dispatcher,
    tails: Tails,
    readiness: Readiness,
    health: Health,
) -> Starlette:
    """Return the ASGI application of the API, whose requests work with that database."""
    settings = core.settings
    doors = open_doors(settings, database=core.database, buckets=core.buckets)
    backend = Backend(
        database=database,
        dispatcher=dispatcher,
        tails=tails,
        timers=settings.timers,
        pepper=settings.pepper,
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
        authenticate=Remembering(authenticator(database, pepper=settings.pepper)),
        doors=doors,
        health=health,
        options=_endpoint_options(core, database, closing=readiness.closing),
    )
    guarded = [build_metrics(core)] if settings.metrics_token else []
    return build_site(
        [*routes, *guarded, *frontend_routes()],
        is_secure=settings.url.startswith("https://"),
        has_secure_subdomains=settings.hsts_subdomains,
    )


def _endpoint_options(core: Core, database: Database, *, closing: asyncio.Event) -> EndpointOptions:
    settings = core.settings
    return EndpointOptions(
        allowed_origins=settings.origins,
        timers=SocketTimers(
            init_seconds=settings.timers.connection_init_seconds,
            ping_seconds=settings.timers.ping_seconds,
            pong_seconds=settings.timers.pong_seconds,
        ),
        bus=core.bus,
        reauthenticate=authenticator(database, pepper=settings.pepper, is_use=False),
        cookie_name=cookie_name_at(settings.url),
        closing=closing,
        access=core.access,
    )


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
    bus, timers = core.bus, settings.timers
    service = Service(core.database, timers)
    database = core.database.behind(service.wait_noted)
    dispatcher = Dispatcher(database=database, bus=bus, timers=timers, tracer=core.tracer)
    tails = Tails(database=database, bus=bus, timers=timers)
    check_bindable(settings.host, settings.port)
    app = build_app(
        core,
        database=database,
        dispatcher=dispatcher,
        tails=tails,
        readiness=readiness,
        health=health,
    )
    host, port, proxies = settings.host, settings.port, settings.proxies
    async with (
        _noted(core, service),
        serving(app, host=host, port=port, trusted_proxies=proxies) as server,
    ):
        counting = asyncio.create_task(keep_forever(core.usage, core.database), name="usage")
        try:
            settle_heap()
            readiness.has_started = True
            on_ready()
            await _first_of(until, server)
            readiness.is_draining = True
            if not server.done():
                await dispatcher.drain(patience_seconds=timers.drain_seconds)
        finally:
            readiness.closing.set()
            await dispatcher.stop()
            await end_task(counting)
    await tails.stop()


async def _first_of(until: Awaitable[Any], server: asyncio.Task[None]) -> None:
    stopping = asyncio.ensure_future(until)
    await asyncio.wait({stopping, server}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()


@asynccontextmanager
async def _noted(core: Core, service: Service) -> AsyncGenerator[None]:
    """Note time and again that this process serves, from before its first request to its last."""
    beat = core.vitals.expect(PULSE, within_seconds=core.settings.timers.silence_seconds)
    beating = asyncio.create_task(
        beat_forever(service, high_water=core.high_water, on_round=beat), name="pulse"
    )
    try:
        yield
    finally:
        await end_task(beating)
        core.vitals.forget(PULSE)


def settle_heap() -> None:
    """Leave what a start has loaded out of every later collection, and look at all else seldom.

    Looking at the long-lived streams of 5,000 agents takes seconds, in which nothing is answered.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
