"""A database that hangs: refused soon and then at once, until it answers; long statements go on."""

import asyncio
import gc
import time
from collections.abc import Generator
from contextlib import contextmanager

import psutil
import pytest
from sqlalchemy import text

from headgate_server.database.pulse import Pulse, pulse_of
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain.errors import Unavailable
from headgate_server.embedded.services import EmbeddedServices
from headgate_server.http.health import Readiness, health_of
from headgate_server.telemetry.vitals import Vitals
from tests.backend.embedded.holders import postgres_pid
from tests.factories.tenants import Tenant
from tests.fixtures.deadlines import eventually
from tests.fixtures.installations import Installation
from tests.fixtures.sql import query

pytestmark = pytest.mark.anyio

FOUND_OUT_SECONDS = 3.0
"""The two seconds that are promised, and one for a machine that does other things as well."""
AT_ONCE_SECONDS = 0.5
QUESTIONS = 40
READ = "{ viewer { scopes } }"


@contextmanager
def frozen(servers: EmbeddedServices) -> Generator[None]:
    """Stop the whole server in the middle of what it does, for the block."""
    parent = psutil.Process(postgres_pid(servers.data_dir))
    stopped = [parent]
    try:
        parent.suspend()  # before its children: it makes no more of them
        stopped += parent.children()
        for process in stopped[1:]:
            process.suspend()
        yield
    finally:
        for process in reversed(stopped):
            process.resume()


async def refused(database: Database) -> float:
    """Return after how many seconds a unit of work was refused."""
    began = time.monotonic()
    with pytest.raises(Unavailable):
        async with database.system() as work:
            await work.execute(text("select 1"))
    return time.monotonic() - began


async def read(database: Database) -> int:
    async with database.system() as work:
        return (await work.execute(text("select 1"))).scalar_one()


async def answers(database: Database) -> bool:
    try:
        return await read(database) == 1
    except Unavailable:
        return False


@pytest.fixture
async def thawed(database: Database) -> Database:
    """A database that has been used, so that connections wait in its pools."""
    assert await read(database) == 1
    return database


async def test_server_that_hangs_is_refused_soon_then_at_once_and_used_again_at_once(
    thawed: Database, servers: EmbeddedServices
) -> None:
    with frozen(servers):
        assert await refused(thawed) < FOUND_OUT_SECONDS
        for _ in range(3):
            assert await refused(thawed) < AT_ONCE_SECONDS

    began = time.monotonic()
    await eventually(lambda: answers(thawed), what="The database")
    assert time.monotonic() - began < 2.0


async def test_new_connections_to_a_server_that_hangs_are_given_up_too(
    database: Database, servers: EmbeddedServices
) -> None:
    assert await read(database) == 1
    await database._system.dispose()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # empties the pool

    with frozen(servers):
        assert await refused(database) < FOUND_OUT_SECONDS

    await eventually(lambda: answers(database), what="The database")


async def test_units_of_work_that_wait_for_a_connection_are_refused_with_the_others(
    thawed: Database, servers: EmbeddedServices
) -> None:
    with frozen(servers):
        waits = await asyncio.gather(*(refused(thawed) for _ in range(20)))

    assert max(waits) < FOUND_OUT_SECONDS
    await eventually(lambda: answers(thawed), what="The database")


async def test_lock_that_is_waited_for_is_no_hanging_server(thawed: Database) -> None:
    async def lock() -> float:
        began = time.monotonic()
        async with thawed.system() as work:
            await work.execute(text("select pg_advisory_xact_lock(1)"))
        return time.monotonic() - began

    async with thawed.system() as holder:
        await holder.execute(text("select pg_advisory_xact_lock(1)"))
        waiting = asyncio.create_task(lock())
        await holder.execute(text("select pg_sleep(2.5)"))

    assert await waiting > 2


async def test_api_says_within_two_seconds_that_the_database_hangs(
    installation: Installation, tenant: Tenant, servers: EmbeddedServices
) -> None:
    api = await installation.client(tenant)
    health = health_of(
        installation.database, readiness=Readiness(has_started=True), vitals=Vitals()
    )
    before = await api.execute(READ)

    with frozen(servers):
        waits: list[float] = []
        for _ in range(3):
            began = time.monotonic()
            answer = await api.execute(READ)
            waits.append(time.monotonic() - began)
            assert (answer.status, answer.code) == (503, "UNAVAILABLE")
            assert "retry-after" in answer.headers
        assert await health.live() == []
        assert await health.ready() == ["The database cannot be reached."]

    async def is_well() -> bool:
        return (await api.execute(READ)).status == 200

    assert waits[0] < FOUND_OUT_SECONDS
    assert max(waits[1:]) < AT_ONCE_SECONDS
    await eventually(is_well, within_seconds=2, what="The API")
    assert (await api.execute(READ)).data == before.data
    assert await health.ready() == []


async def test_nothing_is_asked_of_a_server_that_nobody_waits_for(thawed: Database) -> None:
    pulse = pulse_of(thawed._system)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # no other way

    assert pulse is not None
    assert (pulse.is_hung, pulse.is_watching) == (False, False)


async def test_question_that_nobody_waits_for_any_more_leaves_nothing_behind(
    thawed: Database,
) -> None:
    pulse = pulse_of(thawed._system)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # no other way
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: complaints.append(context["message"])
    )
    assert pulse is not None

    for number in range(QUESTIONS):
        asking = asyncio.create_task(pulse._answers())  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        # Each is given up a little later than the last: while it connects, or is being let in.
        await asyncio.sleep(number / QUESTIONS / 200)
        asking.cancel()
        await asyncio.wait({asking})
    await thawed.dispose()
    gc.collect()

    assert complaints == []


async def test_connection_that_comes_as_its_caller_is_cancelled_is_closed(
    urls: DatabaseUrls,
) -> None:
    count = "select count(*) from pg_stat_activity where application_name = 'unwanted'"
    before = asyncio.all_tasks()
    named = {"application_name": "unwanted"}
    asked = asyncio.create_task(Pulse().connect(urls.app, server_settings=named))
    await asyncio.sleep(0)
    (connecting,) = asyncio.all_tasks() - before - {asked}
    while not connecting.done():  # noqa: ASYNC110  every turn counts
        await asyncio.sleep(0)
    assert not asked.done()
    asked.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asked

    async def is_closed() -> bool:
        return await query(urls.owner, count) == 0

    await eventually(is_closed, what="The connection's end")
