"""Is this process alive, started, and ready for traffic: for load balancers and orchestrators."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Check = Callable[[], Awaitable[bool]]


def health_routes(*, is_ready: Check, has_started: Check) -> list[Route]:
    """Return /healthz/live, /healthz/ready and /healthz/startup.

    Args:
        is_ready: whether to send traffic here: false while draining or without a database.
        has_started: whether start-up is complete.
    """

    async def live(_request: Request) -> Response:
        return _answer(is_well=True)

    async def ready(_request: Request) -> Response:
        return _answer(is_well=await is_ready())

    async def startup(_request: Request) -> Response:
        return _answer(is_well=await has_started())

    return [
        Route("/healthz/live", live),
        Route("/healthz/ready", ready),
        Route("/healthz/startup", startup),
    ]


def _answer(*, is_well: bool) -> Response:
    body = {"status": "ok" if is_well else "unavailable"}
    return JSONResponse(
        body, status_code=200 if is_well else 503, headers={"cache-control": "no-store"}
    )
