"""Shares of a replica: who floods it waits for itself."""

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import pytest

from headgate_server.domain.slices import SLICE, sliced
from headgate_server.graphql.limits.shares import (
    BESIDE_OTHERS,
    USED_LITTLE_SECONDS,
    OperationShares,
)
from tests.fixtures.deadlines import eventually


class Crowd:
    """Operations of one organization, each of which ends when it is told."""

    def __init__(self, shares: OperationShares, tasks: asyncio.TaskGroup) -> None:
        self.organization_id: UUID = uuid4()
        self.running: list[asyncio.Event] = []
        self.begun = 0
        self._shares, self._tasks = shares, tasks

    def ask(self, count: int) -> list[asyncio.Task[None]]:
        return [self._tasks.create_task(self._operation()) for _ in range(count)]

    def end_one(self) -> None:
        self.running.pop(0).set()

    async def ended(self) -> None:
        while self.running:
            self.end_one()
            await settled()

    async def _operation(self) -> None:
        async with self._shares.turn(self.organization_id):
            self.begun += 1
            over = asyncio.Event()
            self.running.append(over)
            await over.wait()


async def settled() -> None:
    """Let everything run that may."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_organization_alone_runs_all_at_once() -> None:
    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(OperationShares(), tasks)
        crowd.ask(50)
        await settled()

        assert len(crowd.running) == 50
        await crowd.ended()


async def test_organization_beside_others_runs_few_and_others_do_not_wait() -> None:
    shares = OperationShares()
    async with asyncio.TaskGroup() as tasks:
        quiet, loud = Crowd(shares, tasks), Crowd(shares, tasks)
        quiet.ask(1)
        await settled()
        quiet.end_one()
        loud.ask(50)
        await settled()
        assert len(loud.running) == BESIDE_OTHERS

        quiet.ask(1)
        await settled()
        assert len(quiet.running) == 1
        loud.end_one()
        await settled()
        assert (len(loud.running), loud.begun) == (BESIDE_OTHERS, BESIDE_OTHERS + 1)

        await quiet.ended()
        await loud.ended()
        assert loud.begun == 50


async def test_who_gives_up_waiting_takes_no_place() -> None:
    shares = OperationShares()
    async with asyncio.TaskGroup() as tasks, AsyncExitStack() as others:
        await others.enter_async_context(shares.turn(uuid4()))
        loud = Crowd(shares, tasks)
        loud.ask(BESIDE_OTHERS)
        waiting = loud.ask(3)
        await settled()
        waiting[0].cancel()
        loud.end_one()
        waiting[1].cancel()
        await eventually(waiting[1].done, what="The end of who gave up")
        await settled()

        assert loud.begun == BESIDE_OTHERS + 1
        await loud.ended()
        loud.ask(1)
        await settled()
        assert len(loud.running) == 1
        await loud.ended()


async def test_once_the_others_are_gone_all_that_wait_run(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = OperationShares()
    async with asyncio.TaskGroup() as tasks:
        quiet, loud = Crowd(shares, tasks), Crowd(shares, tasks)
        quiet.ask(1)
        await settled()
        quiet.end_one()
        loud.ask(20)
        await settled()
        assert len(loud.running) == BESIDE_OTHERS

        monkeypatch.setattr("headgate_server.graphql.limits.shares.OTHERS_SECONDS", -1.0)
        loud.end_one()
        await settled()

        assert len(loud.running) == 19
        await loud.ended()


async def test_who_floods_lets_others_go_first_but_not_for_ever() -> None:
    now = [0.0]
    shares = OperationShares(read_now=lambda: now[0])
    async with asyncio.TaskGroup() as tasks:
        quiet, loud = Crowd(shares, tasks), Crowd(shares, tasks)
        loud.ask(1)
        await settled()
        now[0] += 1
        loud.end_one()
        quiet.ask(1)
        await settled()

        loud.ask(1)
        await settled()
        while_quiet_runs = loud.begun
        quiet.end_one()
        await settled()
        afterwards = loud.begun
        await loud.ended()
        quiet.ask(1)
        await settled()
        loud.ask(1)
        await eventually(lambda: loud.begun == 3, what="The end of its patience")

        assert (while_quiet_runs, afterwards, quiet.begun) == (1, 2, 2)
        await quiet.ended()
        await loud.ended()


async def test_who_has_hardly_used_the_replica_goes_as_it_comes() -> None:
    now = [0.0]
    shares = OperationShares(read_now=lambda: now[0])
    async with asyncio.TaskGroup() as tasks:
        quiet, other = Crowd(shares, tasks), Crowd(shares, tasks)
        other.ask(1)
        await settled()
        now[0] += USED_LITTLE_SECONDS / 2
        other.end_one()
        quiet.ask(1)
        await settled()

        other.ask(1)
        await settled()

        assert other.begun == 2
        await quiet.ended()
        await other.ended()


async def test_long_work_that_has_begun_lets_others_go_first_between_its_slices() -> None:
    now = [0.0]
    shares = OperationShares(read_now=lambda: now[0])
    done: list[int] = []
    organization_id = uuid4()

    async def work_long() -> None:
        async with shares.turn(organization_id):
            async for some in sliced(range(30 * SLICE)):
                done.extend(some)

    async with asyncio.TaskGroup() as tasks:
        quiet = Crowd(shares, tasks)
        async with shares.turn(organization_id):
            now[0] += 1
        long = tasks.create_task(work_long())
        await asyncio.sleep(0)
        quiet.ask(1)
        await settled()
        while_quiet_runs = len(done)
        await quiet.ended()
        await eventually(long.done, what="The end of the long work")

        assert while_quiet_runs <= 2 * SLICE
        assert len(done) == 30 * SLICE


async def test_long_work_does_not_let_others_go_first_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("headgate_server.graphql.limits.shares.GIVE_WAY_WITHIN_SECONDS", 0.02)
    shares = OperationShares()
    loud, other = uuid4(), uuid4()
    monkeypatch.setattr(shares, "_used", {loud: (1e9, asyncio.get_running_loop().time())})
    async with shares.turn(other):
        done: list[int] = []
        async with shares.turn(loud):
            async for some in sliced(range(100 * SLICE)):
                done.extend(some)

        assert len(done) == 100 * SLICE
