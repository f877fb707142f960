"""Health: what a process says of itself while its database is away, and while it drains."""

from starlette.applications import Starlette

from headgate_server.database.engine import make_engine
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.version import newest
from headgate_server.database.work import Database
from headgate_server.http.health import Readiness, health_of, health_routes
from headgate_server.telemetry.vitals import Vitals
from tests.backend.graphql.local_app import NOBODY_LISTENS
from tests.fixtures.api import Answer, ApiClient
from tests.fixtures.sql import query

OK: dict[str, object] = {"status": "ok", "reasons": []}


def api(
    database: Database, *, readiness: Readiness | None = None, vitals: Vitals | None = None
) -> ApiClient:
    health = health_of(
        database,
        readiness=readiness or Readiness(has_started=True),
        vitals=vitals or Vitals(),
    )
    return ApiClient(Starlette(routes=health_routes(health)))


async def ask(client: ApiClient, name: str) -> Answer:
    client.path = f"/healthz/{name}"
    return await client.request("GET")


def unavailable(reason: str) -> dict[str, object]:
    return {"status": "unavailable", "reasons": [reason]}


async def test_a_process_that_works_is_live_started_and_ready(database: Database) -> None:
    client = api(database)

    answers = [await ask(client, name) for name in ("live", "startup", "ready")]

    assert [(answer.status, answer.json) for answer in answers] == [(200, OK)] * 3
    assert answers[0].headers["cache-control"] == "no-store"


async def test_a_process_without_its_database_is_alive_and_not_ready() -> None:
    engine = make_engine(NOBODY_LISTENS, application_name="tests", pool_size=1)
    client = api(Database(app=engine, system=engine))

    ready, live = await ask(client, "ready"), await ask(client, "live")

    assert (ready.status, ready.json) == (503, unavailable("The database cannot be reached."))
    assert (live.status, live.json) == (200, OK)


async def test_a_database_that_is_not_migrated_far_enough_is_no_reason_to_send_traffic(
    database: Database, urls: DatabaseUrls
) -> None:
    await query(urls.owner, "update alembic_version set version_num = '0001'")

    ready = await ask(api(database), "ready")

    reason = f"The database is at migration 0001, not at {newest()}."
    assert (ready.status, ready.json) == (503, unavailable(reason))


async def test_a_process_that_starts_or_drains_is_not_ready(database: Database) -> None:
    starting = await ask(api(database, readiness=Readiness()), "ready")
    draining = await ask(
        api(database, readiness=Readiness(has_started=True, is_draining=True)), "ready"
    )

    assert (starting.status, starting.json) == (503, unavailable("It is still starting."))
    assert draining.json == unavailable("It is draining: it will end before long.")


async def test_a_stuck_part_makes_the_process_not_live(database: Database) -> None:
    now = [0.0]
    vitals = Vitals(read_seconds=lambda: now[0])
    vitals.expect("scheduler", within_seconds=120)
    client = api(database, vitals=vitals)
    assert (await ask(client, "live")).status == 200

    now[0] = 121
    live = await ask(client, "live")

    reason = "scheduler has not come round for 121 s; it should within 120 s."
    assert (live.status, live.json) == (503, unavailable(reason))
