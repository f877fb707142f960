"""The figures: what they say of a workspace at work, who may read them, and what they cost."""

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette

from headgate_server.database.engine import make_engine
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain import ids
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.states import StateType
from headgate_server.http.access import Access
from headgate_server.http.metrics import metrics_route
from headgate_server.services import upkeep
from headgate_server.services.leases import hold
from headgate_server.telemetry.instruments import Instruments
from tests.backend.graphql.local_app import NOBODY_LISTENS, doorkeeper, local_app
from tests.fixtures.api import ApiClient, open_socket, serve
from tests.fixtures.deadlines import eventually
from tests.fixtures.sql import query
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

TOKEN = "what the scraper shows"
SILENT_FOR = timedelta(seconds=45)
Labels = frozenset[tuple[str, str]]


def of(**labels: str) -> Labels:
    return frozenset(labels.items())


def scraper(
    database: Database,
    *,
    instruments: Instruments | None = None,
    access: Access | None = None,
    token: str = "",
) -> ApiClient:
    route = metrics_route(
        instruments or Instruments(), database=database, token=token, access=access
    )
    return ApiClient(Starlette(routes=[route]), path="/metrics")


async def scrape(client: ApiClient) -> dict[tuple[str, Labels], float]:
    answer = await client.request("GET")
    assert answer.status == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


def nowhere() -> Database:
    engine = make_engine(NOBODY_LISTENS, application_name="tests", pool_size=2)
    return Database(app=engine, system=engine)


async def test_waiting_and_held_runs_are_told_by_pool_and_phase(world: World) -> None:
    await world.create(3)
    await world.claim((await world.offer())[0])
    world.shift.by = timedelta(minutes=2)
    (_, *_) = await world.create(2)

    figures = await scrape(scraper(world.database))

    pool = of(pool=ids.show(ids.Kind.WORK_POOL, world.deployed.work_pool_id))
    held = sum(figures["headgate_leases", of(phase=phase)] for phase in ("OFFERED", "CLAIMED"))
    assert figures["headgate_leases", of(phase="CLAIMED")] == 1
    assert figures["headgate_queue_size", pool] == 5 - held
    assert figures["headgate_queue_age_seconds", pool] >= 0
    assert figures["headgate_agents", of(state="ONLINE")] == 1
    assert figures["headgate_database_up", of()] == 1
    assert figures["headgate_outbox_size", of()] > 0
    assert figures["headgate_scheduler_silence_seconds", of()] >= 120
    assert figures["headgate_database_connections_limit", of(role="system")] == 5


async def test_the_oldest_due_run_ages_and_is_late(world: World) -> None:
    await world.create()
    world.shift.by = timedelta(minutes=2)

    figures = await scrape(scraper(world.database))

    pool = of(pool=ids.show(ids.Kind.WORK_POOL, world.deployed.work_pool_id))
    assert figures["headgate_queue_age_seconds", pool] == pytest.approx(120, abs=5)
    assert figures["headgate_late_runs", of()] == 1


async def test_a_late_run_stays_late_when_it_is_declined_and_due_again_later(world: World) -> None:
    await world.create(2)
    offered, other = await world.offer()
    world.shift.by = timedelta(seconds=10)
    for one, minutes in ((offered, 5), (other, 0)):
        async with world.work() as work:
            await hold.decline_run(
                work,
                session_id=world.session_id,
                lease=LeaseRef(one.run_id, one.token, one.epoch),
                reason="of a test",
                retry_after=timedelta(minutes=minutes),
            )
    before = await scrape(scraper(world.database))
    world.shift.by = timedelta(seconds=20)
    after = await scrape(scraper(world.database))
    async with world.system() as work:
        await upkeep.mark_late(work, await upkeep.list_late(work, silent_for=SILENT_FOR))
    marked = await scrape(scraper(world.database))

    late = "headgate_late_runs", of()
    assert (before[late], after[late], marked[late]) == (0, 2, 2)


async def test_rows_that_no_vacuum_took_away_are_told(world: World, urls: DatabaseUrls) -> None:
    await world.create(3)
    client = scraper(world.database)
    before = (await scrape(client))["headgate_dead_rows", of(table="work_items")]

    await query(urls.owner, "update work_items set priority = priority + 1")

    async def are_told() -> bool:
        figures = await scrape(client)
        return figures["headgate_dead_rows", of(table="work_items")] == before + 3

    await eventually(are_told, what="The dead rows")


async def test_a_run_is_counted_as_it_is_claimed_started_and_ended(world: World) -> None:
    lease = await world.started()
    await world.propose(lease, StateType.FAILED)

    figures = await scrape(scraper(world.database, instruments=world.instruments))

    assert figures["headgate_claim_seconds_count", of()] == 1
    assert figures["headgate_start_delay_seconds_count", of()] == 1
    assert figures["headgate_runs_ended_total", of(state="FAILED")] == 1


async def test_a_scrape_takes_one_statement(world: World, statements: list[str]) -> None:
    await world.create(3)
    client = scraper(world.database, access=Access())
    await scrape(client)
    statements.clear()

    await scrape(client)

    assert [statement[:10] for statement in statements] == ["-- What wa"]


async def test_figures_without_a_database_say_so_and_no_more() -> None:
    figures = await scrape(scraper(nowhere()))

    assert figures["headgate_database_up", of()] == 0
    assert not any(name.startswith("headgate_queue") for name, _ in figures)


@pytest.mark.parametrize("shown", [None, "another", TOKEN + "x"])
async def test_a_token_guards_the_figures(shown: str | None) -> None:
    client = scraper(nowhere(), token=TOKEN)
    client.token = shown

    answer = await client.request("GET")

    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert b"headgate_" not in answer.body
    client.token = TOKEN
    assert (await scrape(client))["headgate_database_up", of()] == 0


async def test_operations_are_counted_by_root_field_and_never_by_their_names() -> None:
    instruments = Instruments()
    access = Access(instruments)
    api = ApiClient(local_app(doorkeeper(), access=access), token="owner")
    await api.execute("query Mine { one: tree { number } }")
    await api.execute("query Yours { tree { number } }")
    await api.execute("query Wrong { tree { nothing } }")
    await api.execute("{ broken }")
    api.token = "nobody"
    await api.execute("{ tree { number } }")

    figures = await scrape(scraper(nowhere(), instruments=instruments, access=access))

    counted = {
        dict(labels)["operation"]: value
        for (name, labels), value in figures.items()
        if name == "headgate_api_operation_seconds_count"
    }
    assert counted == {"tree": 2, "invalid": 2}
    errors = "headgate_api_errors_total"
    assert figures[errors, of(operation="invalid", code="BAD_REQUEST")] == 2
    assert figures[errors, of(operation="refused", code="UNAUTHENTICATED")] == 1


async def test_open_sockets_and_their_subscriptions_are_counted_while_they_are_open() -> None:
    access = Access()
    client = scraper(nowhere(), access=access)
    async with serve(local_app(doorkeeper(), access=access)) as address:
        async with open_socket(address, token="owner") as socket:
            await socket.subscribe("subscription { silence }")
            await eventually(access.count_streams)
            figures = await scrape(client)
        await eventually(lambda: access.sockets == 0)

    assert figures["headgate_api_sockets", of()] == 1
    assert figures["headgate_api_streams", of(operation="silence")] == 1
    assert access.count_streams() == {}
