"""The timeline of a run: bars where they are few, counts where they are many."""

from datetime import timedelta

import pytest

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.states import StateType
from headgate_server.domain.timelines import SHORTEST, TimelineRequest
from headgate_server.services.timelines import read_timeline
from tests.factories.histories import make_past_tasks
from tests.fixtures.plans import forbid_scans, reading
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

SECOND = timedelta(seconds=1)
TASKS = 2_000


async def test_many_task_runs_are_counted_and_a_part_of_the_time_is_shown_closely(
    world: World, statements: list[str]
) -> None:
    run, other = await world.create(2)
    async with world.system() as work:
        began = work.now
        await make_past_tasks(work, run.id, count=TASKS, keys=60)
        await make_past_tasks(work, other.id, count=TASKS)
    statements.clear()

    async with world.work() as work:
        before = await forbid_scans(work)
        whole = await read_timeline(work, run.id, request=TimelineRequest(slots=100))
        read = await reading(work, before)
        window = TimelineRequest(low=began + 100 * SECOND, high=began + 110 * SECOND)
        close = await read_timeline(work, run.id, request=window)

    assert (whole.extent.total, whole.extent.shown, whole.bars) == (TASKS, TASKS, None)
    assert (whole.low, whole.high) == (began, began + (TASKS + 4) * SECOND + SHORTEST)
    assert whole.counts is not None
    assert sum(count.begun for count in whole.counts) == TASKS
    assert sum(count.ended for count in whole.counts) == TASKS
    failed = [count for count in whole.counts if count.state_type is StateType.FAILED]
    assert sum(count.begun for count in failed) == TASKS // 10
    assert max(count.slot for count in whole.counts) == 99
    keys = {count.task_key for count in whole.counts}
    assert len(keys) == 51
    assert None in keys
    assert close.bars is not None
    assert [bar.name for bar in close.bars] == [f"task-{number}" for number in range(95, 110)]
    assert read.scanned == ()
    assert read.rows <= 2 * TASKS
    assert len([one for one in statements if "task_runs" in one]) == 4


async def test_the_last_moment_of_a_window_lies_in_its_last_slot(world: World) -> None:
    (run,) = await world.create()
    async with world.system() as work:
        began = work.now
        await make_past_tasks(work, run.id, count=2)
    low = began + timedelta(microseconds=1)
    window = TimelineRequest(low=low, high=low + SECOND, most=1, slots=120)

    async with world.work() as work:
        timeline = await read_timeline(work, run.id, request=window)

    assert timeline.counts is not None
    assert {count.slot for count in timeline.counts} == {0, 119}


async def test_what_has_not_begun_is_counted_apart(world: World) -> None:
    (run,) = await world.create()

    async with world.work() as work:
        empty = await read_timeline(work, run.id, request=TimelineRequest())

    assert (empty.extent.total, empty.extent.shown, empty.bars) == (0, 0, [])
    assert empty.low < empty.high


async def test_request_is_bounded(world: World) -> None:
    (run,) = await world.create()
    async with world.work() as work:
        for request in (
            TimelineRequest(most=0),
            TimelineRequest(slots=401),
            TimelineRequest(low=work.now, high=work.now),
        ):
            with pytest.raises(InvalidInput):
                await read_timeline(work, run.id, request=request)
