"""Who may write how much of a log when: by run and by workspace, and nobody waits for another."""

import asyncio
from uuid import UUID

import pytest

from headgate_server.dispatch.log_shares import BURST_SECONDS, MOST_WAIT_SECONDS, LogShares
from headgate_server.domain.ids import new_id
from headgate_server.settings import LogLimits

pytestmark = pytest.mark.anyio

WORKSPACE, OTHER = new_id(), new_id()
RUN = new_id()
A_SECOND = 100


def shares(*, run: int = A_SECOND, workspace: int = 0) -> LogShares:
    return LogShares(
        LogLimits(run_lines_per_second=run, workspace_lines_per_second=workspace),
    )


def reserve(found: LogShares, run: UUID = RUN, workspace: UUID = WORKSPACE) -> tuple[bool, float]:
    return found.reserve(workspace_id=workspace, flow_run_id=run, lines=A_SECOND)


async def test_a_run_writes_a_burst_then_is_held_back_then_refused() -> None:
    found = shares()

    answers = [reserve(found) for _ in range(6)]

    assert [may for may, _ in answers] == [True, True, True, True, False, False]
    waits = [round(seconds, 1) for _, seconds in answers]
    assert waits == [0.0, 0.0, 0.0, 1.0, 2.0, 2.0]
    assert waits[3] <= MOST_WAIT_SECONDS < waits[4]
    assert BURST_SECONDS == 2.0


async def test_what_one_run_wrote_holds_no_other_run_back() -> None:
    found = shares()
    for _ in range(5):
        reserve(found)

    assert reserve(found, new_id()) == (True, 0.0)


async def test_the_runs_of_a_workspace_share_its_pace_and_no_other_s() -> None:
    found = shares(run=0, workspace=A_SECOND)
    for _ in range(5):
        reserve(found, new_id())

    assert reserve(found, new_id())[0] is False
    assert reserve(found, new_id(), OTHER) == (True, 0.0)


async def test_who_knows_a_run_s_id_cannot_hold_it_back_from_another_workspace() -> None:
    found = shares()
    for _ in range(5):
        reserve(found, RUN, OTHER)

    assert reserve(found, RUN, WORKSPACE) == (True, 0.0)


async def test_zero_does_not_limit() -> None:
    found = shares(run=0)

    assert [reserve(found) for _ in range(100)] == [(True, 0.0)] * 100


async def test_a_run_writes_one_batch_at_a_time_and_others_go_on_beside_it() -> None:
    found = shares()
    order: list[str] = []
    written, leave = asyncio.Event(), asyncio.Event()

    async def write(name: str, run: UUID) -> None:
        async with found.turn(workspace_id=WORKSPACE, flow_run_id=run, wait_seconds=0):
            order.append(name)
            written.set()
            if name == "first":
                await leave.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(write("first", RUN))
        await written.wait()
        written.clear()
        tasks.create_task(write("second", RUN))
        tasks.create_task(write("other", new_id()))
        await written.wait()
        beside = list(order)
        leave.set()

    assert beside == ["first", "other"]
    assert order == ["first", "other", "second"]


async def test_a_turn_that_was_waited_for_in_vain_leaves_nothing_behind() -> None:
    found = shares()
    async with found.turn(workspace_id=WORKSPACE, flow_run_id=RUN, wait_seconds=0):
        with pytest.raises(TimeoutError):
            async with (
                asyncio.timeout(0.01),
                found.turn(workspace_id=WORKSPACE, flow_run_id=RUN, wait_seconds=0),
            ):
                pytest.fail("two batches of a run were written at once")

    async with (
        asyncio.timeout(1),
        found.turn(workspace_id=WORKSPACE, flow_run_id=RUN, wait_seconds=0),
    ):
        pass
