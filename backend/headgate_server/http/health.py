"""Is this process alive, started, and ready for traffic: for load balancers and orchestrators.

Each answers 200 or 503, with the reasons. Alive does not ask for the database: a restart mends
nothing that is broken there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from headgate_server.database.version import why_unusable
from headgate_server.database.work import Database
from headgate_server.telemetry.vitals import Vitals

ASK_SECONDS = 3.0
"""So long the database may take to answer before there is no traffic to be sent here."""

Reasons = Callable[[], Awaitable[Sequence[str]]]


@dataclass(slots=True)
class Readiness:
    """Where this process stands between its start and its end."""

    has_started: bool = False
    is_draining: bool = False
    closing: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Health:
    """Why a process is not alive, ready or started; no reason means that it is."""

    live: Reasons
    ready: Reasons
    startup: Reasons


def health_of(database: Database, *, readiness: Readiness, vitals: Vitals) -> Health:
    """Return the health of a process that works with a database."""

    async def live() -> Sequence[str]:
        return vitals.reasons()

    async def startup() -> Sequence[str]:
        return [] if readiness.has_started else ["It is still starting."]

    async def ready() -> Sequence[str]:
        if readiness.is_draining:
            return ["It is draining: it will end before long."]
        return await startup() or await _why_without_database(database)

    return Health(live=live, ready=ready, startup=startup)


async def _why_without_database(database: Database) -> Sequence[str]:
    try:
        async with asyncio.timeout(ASK_SECONDS):
            why = await why_unusable(database)
    except TimeoutError:
        why = f"The database has not answered within {ASK_SECONDS:g} s."
    return [] if why is None else [why]


def health_routes(health: Health) -> list[Route]:
    """Return /healthz/live, /healthz/ready and /healthz/startup."""
    return [
        Route("/healthz/live", _endpoint(health.live)),
        Route("/healthz/ready", _endpoint(health.ready)),
        Route("/healthz/startup", _endpoint(health.startup)),
    ]


def _endpoint(read: Reasons) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_request: Request) -> Response:
        reasons = list(await read())
        return JSONResponse(
            {"status": "unavailable" if reasons else "ok", "reasons": reasons},
            status_code=503 if reasons else 200,
            headers={"cache-control": "no-store"},
        )

    return answer
