"""Many who ask for slots at once: they wait for each other, and nobody waits for them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from headgate_server.dispatch import slots
from headgate_server.dispatch.slots import (
    ASK_AGAIN,
    TRIES_IN_A_LINE,
    TRIES_OF_A_WORKSPACE,
    Asked,
    Attempt,
    SlotWaits,
)
from headgate_server.domain.concurrency_limits import Acquisition, SlotRequest, lease_id_of
from headgate_server.domain.errors import Unavailable
from headgate_server.repositories import concurrency_limits as stored
from headgate_server.services import concurrency_limits
from headgate_server.settings import Timers
from tests.backend.services.test_concurrency_limits import put
from tests.fixtures.deadlines import eventually
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

CROWD = 30
"""More than there are connections: the world has five."""
LONG = timedelta(seconds=25)
SOON_SECONDS = 2.0
NONE, DONE = Acquisition(is_acquired=False), Acquisition(is_acquired=True)


class Line:
    """Asks for slots as the API does."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.waits = SlotWaits(database=world.database, bus=world.bus, timers=Timers())

    async def ask(self, name: str, *, key: str, wait: timedelta = LONG) -> Acquisition:
        request = SlotRequest(lease_id=lease_id_of(key, owner=None), names=(name,))

        async def attempt(patience: timedelta | None) -> Acquisition:
            async with self.world.work() as work:
                return await concurrency_limits.acquire_slots(
                    work, request, holder=None, patience=patience
                )

        return await self.try_with(attempt, name, lease_id=request.lease_id, wait=wait)

    async def try_with(
        self,
        attempt: Attempt,
        *names: str,
        lease_id: UUID,
        wait: timedelta = LONG,
        task_tags: tuple[str, ...] = (),
    ) -> Acquisition:
        tenant = self.world.tenant
        asked = Asked(
            organization_id=tenant.organization_id,
            workspace_id=tenant.workspace_id,
            lease_id=lease_id,
            names=frozenset(names or {"any"}),
            task_tags=frozenset(task_tags),
        )
        return await self.waits.acquire(attempt, asked=asked, wait=wait)


class Crowd:
    """Asks for slots of one limit, and holds its tries up until it is over."""

    def __init__(self) -> None:
        self.trying = 0
        self.is_trying, self.is_over = asyncio.Event(), asyncio.Event()
        self.tasks: list[asyncio.Task[Acquisition]] = []

    def gather(self, line: Line, tasks: asyncio.TaskGroup, *names: str) -> None:
        for _ in range(CROWD):
            asking = line.try_with(self.tries, *names, lease_id=uuid4())
            self.tasks.append(tasks.create_task(asking))

    async def tries(self, _: timedelta | None) -> Acquisition:
        self.trying += 1
        self.is_trying.set()
        await self.is_over.wait()
        return DONE


@asynccontextmanager
async def locked(world: World, name: str) -> AsyncGenerator[None]:
    """Hold the lock of a limit, so that whoever tries waits for it."""
    async with world.system() as work:
        assert await stored.lock_limit(work, name=name)
        yield


async def test_a_crowd_before_one_limit_leaves_connections_to_others(world: World) -> None:
    line = Line(world)
    await put(world, "crowded", CROWD)
    await put(world, "free")

    async with (
        asyncio.TaskGroup() as tasks,
        locked(world, "crowded"),
        asyncio.timeout(SOON_SECONDS),
    ):
        crowd = [tasks.create_task(line.ask("crowded", key=f"{number}")) for number in range(CROWD)]
        await eventually(lambda: world.database.pool_use()["app"][0] >= 2)
        async with world.work():
            pass
        alone = await line.ask("free", key="alone", wait=timedelta())

    assert alone.is_acquired
    assert [one.result().is_acquired for one in crowd] == [True] * CROWD


async def test_crowds_before_two_limits_hold_up_nobody_who_asks_for_another(world: World) -> None:
    line = Line(world)
    await put(world, "free")
    crowds = {name: Crowd() for name in ("one", "two")}

    async with asyncio.TaskGroup() as tasks, asyncio.timeout(SOON_SECONDS):
        for name, crowd in crowds.items():
            crowd.gather(line, tasks, name)
            await crowd.is_trying.wait()
        alone = await line.ask("free", key="alone", wait=timedelta())
        trying = sum(crowd.trying for crowd in crowds.values())
        for crowd in crowds.values():
            crowd.is_over.set()

    assert alone.is_acquired
    assert trying == TRIES_OF_A_WORKSPACE


async def test_sets_that_share_a_limit_stand_in_one_line(world: World) -> None:
    line, crowd = Line(world), Crowd()

    async with asyncio.TaskGroup() as tasks, asyncio.timeout(SOON_SECONDS):
        crowd.gather(line, tasks, "one")
        crowd.gather(line, tasks, "one", "two")
        await crowd.is_trying.wait()
        trying = crowd.trying
        crowd.is_over.set()

    assert trying == TRIES_IN_A_LINE
    assert crowd.trying == 2 * CROWD


async def test_who_does_not_wait_and_does_not_come_to_try_is_told_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    line, crowd = Line(world), Crowd()
    monkeypatch.setattr(slots, "TRY_WITHIN", timedelta(milliseconds=50))

    async with asyncio.TaskGroup() as tasks, asyncio.timeout(SOON_SECONDS):
        first = [
            tasks.create_task(line.try_with(crowd.tries, lease_id=uuid4(), wait=timedelta()))
            for _ in range(TRIES_IN_A_LINE)
        ]
        await crowd.is_trying.wait()
        with pytest.raises(Unavailable, match="Too many"):
            await line.try_with(crowd.tries, lease_id=uuid4(), wait=timedelta())
        of_tags = await line.try_with(
            crowd.tries, lease_id=uuid4(), wait=timedelta(), task_tags=("etl",)
        )
        crowd.is_over.set()

    assert [one.result() for one in first] == [DONE] * TRIES_IN_A_LINE
    # A task would go on without slots if nobody answered.
    assert (of_tags.is_acquired, of_tags.retry_after) == (False, ASK_AGAIN)


async def test_whose_turn_it_is_waits_for_no_newcomers(world: World) -> None:
    line, crowd = Line(world), Crowd()

    async with asyncio.TaskGroup() as tasks, asyncio.timeout(SOON_SECONDS):

        async def before_them(_: timedelta | None) -> Acquisition:
            if crowd.tasks:
                return DONE
            crowd.gather(line, tasks)
            await crowd.is_trying.wait()
            return NONE

        found = await line.try_with(before_them, lease_id=uuid4())
        assert crowd.trying == TRIES_IN_A_LINE
        crowd.is_over.set()

    assert found.is_acquired


async def test_who_does_not_come_to_try_in_time_is_told_to_ask_again(world: World) -> None:
    line, crowd = Line(world), Crowd()

    async with asyncio.TaskGroup() as tasks, asyncio.timeout(SOON_SECONDS):
        crowd.gather(line, tasks)
        await crowd.is_trying.wait()
        late = await line.try_with(crowd.tries, lease_id=uuid4(), wait=timedelta(milliseconds=50))
        crowd.is_over.set()

    assert (late.is_acquired, late.retry_after, late.ahead) == (False, ASK_AGAIN, None)
    assert crowd.trying == CROWD
