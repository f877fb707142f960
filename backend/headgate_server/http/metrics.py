"""The figures of this process and of the installation, in Prometheus' text format.

Two statements a scrape: the time, and the load. What the database knows of the whole installation
every replica tells; take the maximum over replicas, not the sum.
"""

import hmac
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from typing_extensions import override

from headgate_server.database.work import Database
from headgate_server.domain import ids
from headgate_server.domain.errors import HeadgateError, Unauthenticated
from headgate_server.http.access import Access
from headgate_server.http.bearer import bearer_token
from headgate_server.services.load import Load, read_load
from headgate_server.telemetry.instruments import Instruments

MOST_POOLS = 20
PHASES = ("OFFERED", "CLAIMED", "RUNNING")
SESSION_STATES = ("ONLINE", "PAUSED", "DRAINING")


def metrics_route(
    instruments: Instruments,
    *,
    database: Database,
    token: str,
    access: Access | None = None,
) -> Route:
    """Return /metrics.

    Args:
        instruments: what this process counted itself.
        database: knows what waits and what is held.
        token: what a scraper shows as its Bearer token; empty where the port is the guard.
        access: knows the sockets and subscriptions that are open here.
    """

    async def metrics(request: Request) -> Response:
        if token and not _shows(request, token):
            return PlainTextResponse(
                "Send the value of HEADGATE_METRICS_TOKEN as the Bearer token.\n",
                status_code=401,
                headers={"www-authenticate": "Bearer"},
            )
        registry = CollectorRegistry()
        registry.register(Now(_process(database, access)))
        registry.register(Now(await _installation(database)))
        body = generate_latest(instruments.registry) + generate_latest(registry)
        return Response(body, headers={"content-type": CONTENT_TYPE_LATEST})

    return Route("/metrics", metrics)


class Now(Collector):
    """Figures as they were read for one scrape."""

    def __init__(self, figures: Iterable[Metric]) -> None:
        self.figures = tuple(figures)

    @override
    def collect(self) -> Iterable[Metric]:
        return self.figures


def _shows(request: Request, token: str) -> bool:
    try:
        shown = bearer_token(request.headers.get("authorization"))
    except Unauthenticated:
        return False
    return hmac.compare_digest(shown.encode(), token.encode())


def _process(database: Database, access: Access | None) -> Iterator[Metric]:
    pools = database.pool_use()
    yield _by(
        "headgate_database_connections",
        "Connections of this process in use, by role.",
        label="role",
        values={role: used for role, (used, _) in pools.items()},
    )
    yield _by(
        "headgate_database_connections_limit",
        "Connections that this process may use, by role.",
        label="role",
        values={role: size for role, (_, size) in pools.items()},
    )
    if access is None:
        return
    yield _one("headgate_api_sockets", "WebSockets that are authenticated.", access.sockets)
    yield _by(
        "headgate_api_streams",
        "Subscriptions that are open, by root field; agentWork is the work streams of agents.",
        label="operation",
        values=access.count_streams(),
    )


async def _installation(database: Database) -> list[Metric]:
    """Return what the database knows; only that it cannot be reached where it cannot."""
    try:
        async with database.glance() as work:
            load = await read_load(work, most_pools=MOST_POOLS)
    except HeadgateError:
        return [_one("headgate_database_up", "Whether the database answered.", 0)]
    return [_one("headgate_database_up", "Whether the database answered.", 1), *_load(load)]


def _load(load: Load) -> Iterator[Metric]:
    by_pool = {ids.show(ids.Kind.WORK_POOL, pool.work_pool_id): pool for pool in load.pools}
    yield _by(
        "headgate_queue_age_seconds",
        f"How long the oldest due run waits, for the {MOST_POOLS} pools where that is longest.",
        label="pool",
        values={shown: pool.age_seconds for shown, pool in by_pool.items()},
    )
    yield _by(
        "headgate_queue_size",
        "Due runs that nobody holds, in the same pools.",
        label="pool",
        values={shown: pool.waiting for shown, pool in by_pool.items()},
    )
    yield _by(
        "headgate_leases",
        "Runs that are held, by phase.",
        label="phase",
        values={phase: load.leases.get(phase, 0) for phase in PHASES},
    )
    yield _by(
        "headgate_agents",
        "Agents that are connected, by state.",
        label="state",
        values={state: load.sessions.get(state, 0) for state in SESSION_STATES},
    )
    yield _one("headgate_late_runs", "Runs that wait beyond their threshold.", load.late_runs)
    yield _one("headgate_outbox_size", "Events to be published.", load.outbox_size)
    yield _one(
        "headgate_outbox_age_seconds",
        "How long the oldest of them waits.",
        load.outbox_age_seconds,
    )
    yield _by(
        "headgate_dead_rows",
        "Rows that no vacuum could take away yet, of the tables that change most.",
        label="table",
        values=load.dead_rows,
    )
    yield _one(
        "headgate_scheduler_silence_seconds",
        "Since a scheduler last came round.",
        load.tick_age_seconds,
    )
    yield _one(
        "headgate_scheduler_lag_seconds",
        "By how much the next fire of a schedule is overdue.",
        load.schedule_lag_seconds,
    )


def _one(name: str, help_: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_, value)


def _by(name: str, help_: str, *, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, help_, labels=[label])
    for shown, value in values.items():
        family.add_metric([shown], value)
    return family
