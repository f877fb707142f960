"""What an attempt takes from those before it, where its run was started again and suspended."""

from typing import Any
from uuid import UUID

import pytest

from headgate_server.domain import ids
from headgate_server.domain.ids import Kind
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.pauses import Answer, NewPause, PauseKind
from headgate_server.domain.reruns import WHOLE_RUN, RerunReason, RerunRequest
from headgate_server.domain.states import StateType, propose
from headgate_server.services import pauses, reruns, task_runs
from headgate_server.services.flow_runs import change
from tests.backend.services.test_jobs import claim
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

FORCED = change.Correction(is_forced=True)
ENDS = {
    "Completed": ["COMPLETED", "Completed", 2_000_000, None],
    "Failed": ["FAILED", "Failed", 2_000_000, None],
}


async def report(
    world: World,
    lease: LeaseRef,
    key: str,
    *,
    end: str = "Completed",
    parents: tuple[str, ...] = (),
) -> str:
    """Report a task run that kept its result under a key, and return its id."""
    shown = ids.show(Kind.TASK_RUN, ids.new_id())
    batch: dict[str, Any] = {
        "id": [shown],
        "taskKey": [key],
        "name": [key],
        "mapIndex": [None],
        "tags": [[]],
        "cacheKey": [f"kept:{key}"],
        "attempt": [1],
        "parents": [list(parents)],
        "states": [[ENDS[end]]],
    }
    async with world.work() as work:
        await task_runs.sync_task_runs(work, flow_run_id=lease.run_id, lease=lease, batch=batch)
    return shown


async def begin(world: World) -> tuple[LeaseRef, Any]:
    """Start the run that waits; its lease, and what its job says of earlier attempts."""
    lease, job = await claim(world)
    await world.propose(lease, StateType.RUNNING)
    return lease, job["reuse"]


async def suspend(world: World, lease: LeaseRef, *, key: str = "1") -> None:
    """Have a run leave its process, and somebody resume it."""
    new = NewPause(key, kind=PauseKind.SUSPEND)
    async with world.work() as work:
        await pauses.pause_run(work, lease=lease, new=new)
    async with world.work() as work:
        checked = await pauses.check_answer(work, run_id=lease.run_id, answer=Answer())
        await pauses.resume_run(work, run_id=lease.run_id, checked=checked)


async def retry(world: World, lease: LeaseRef, request: RerunRequest = WHOLE_RUN) -> None:
    await world.propose(lease, StateType.FAILED)
    async with world.work() as work:
        await change.retry_run(work, run_id=lease.run_id, request=request)


async def restarted_in(world: World, run_id: UUID) -> int:
    """Return the number of the latest state in which a run waits after somebody asked for it."""
    return max(number for number, name in await world.history(run_id) if name == "Scheduled")


async def first(world: World) -> tuple[LeaseRef, list[str]]:
    """Run two tasks and a third that depends on the first, after a suspension."""
    await world.create()
    lease, reuse = await begin(world)
    assert reuse is None
    await suspend(world, lease)
    lease, reuse = await begin(world)
    assert reuse == {"kept": True, "since": 0, "again": []}
    one = await report(world, lease, "one")
    other = await report(world, lease, "other")
    below = await report(world, lease, "below", parents=(one,))
    return lease, [one, other, below]


@pytest.mark.parametrize("request_", [WHOLE_RUN, RerunRequest(parameters={"size": 2})])
async def test_run_that_began_anew_comes_back_to_what_it_did_since(
    world: World, request_: RerunRequest
) -> None:
    lease, _ = await first(world)

    await retry(world, lease, request_)
    since = await restarted_in(world, lease.run_id)
    lease, anew = await begin(world)
    await suspend(world, lease, key="2")
    _, back = await begin(world)

    assert anew == {"kept": False, "since": since, "again": []}
    assert back == {"kept": True, "since": since, "again": []}


async def test_chosen_task_that_was_not_done_yet_is_done_after_a_suspension(world: World) -> None:
    lease, (one, _, _) = await first(world)
    chosen = RerunRequest(from_task_run_ids=(ids.parse(one, kind=Kind.TASK_RUN),))

    await retry(world, lease, chosen)
    lease, anew = await begin(world)
    await suspend(world, lease, key="2")
    lease, back = await begin(world)
    await report(world, lease, "one")
    await suspend(world, lease, key="3")
    _, later = await begin(world)

    assert anew == back == {"kept": True, "since": 0, "again": ["kept:below", "kept:one"]}
    assert later == {"kept": True, "since": 0, "again": ["kept:below"]}


async def test_what_failed_is_done_after_a_suspension(world: World) -> None:
    lease, (_, other, _) = await first(world)
    failed = await report(world, lease, "failed", end="Failed", parents=(other,))
    await report(world, lease, "cleans-up", parents=(failed,))

    await retry(world, lease, RerunRequest(is_from_failed=True))
    lease, anew = await begin(world)
    await report(world, lease, "one")
    await suspend(world, lease, key="2")
    _, back = await begin(world)

    assert anew == back == {"kept": True, "since": 0, "again": ["kept:cleans-up", "kept:failed"]}


async def test_what_ran_before_everything_was_done_again_counts_no_more(world: World) -> None:
    lease, _ = await first(world)
    await retry(world, lease)
    since = await restarted_in(world, lease.run_id)
    lease, _ = await begin(world)
    await report(world, lease, "one")

    await retry(world, lease, RerunRequest(is_from_failed=True))
    _, back = await begin(world)

    assert back == {"kept": True, "since": since, "again": []}


async def plan(world: World, lease: LeaseRef) -> list[tuple[str, bool, RerunReason]]:
    request = RerunRequest(is_from_failed=True)
    async with world.work() as work:
        planned = await reruns.plan_run(work, run_id=lease.run_id, request=request)
        rows = await task_runs.get_many_task_runs(work, [one.id for one in planned.tasks])
    assert planned.left_out == 0
    return [(rows[one.id].task_key, one.is_reused, one.reason) for one in planned.tasks]


@pytest.mark.parametrize("is_whole", [True, False])
async def test_plan_is_of_the_last_attempt_that_got_to_a_task(
    world: World, *, is_whole: bool
) -> None:
    lease, (one, _, _) = await first(world)
    await report(world, lease, "failed", end="Failed")
    await retry(world, lease, WHOLE_RUN if is_whole else RerunRequest(is_from_failed=True))
    lease, _ = await begin(world)
    await world.propose(lease, StateType.CRASHED)

    found = await plan(world, lease)
    chosen = RerunRequest(from_task_run_ids=(ids.parse(one, kind=Kind.TASK_RUN),))
    async with world.work() as work:
        again = await change.retry_run(work, run_id=lease.run_id, request=chosen)

    done = (False, RerunReason.RESULT_NOT_KEPT) if is_whole else (True, RerunReason.COMPLETED)
    assert found == [
        ("one", *done),
        ("other", *done),
        ("below", *done),
        ("failed", False, RerunReason.NOT_COMPLETED),
    ]
    assert again.is_accepted


async def test_run_that_is_taken_from_its_process_begins_anew(world: World) -> None:
    lease, _ = await first(world)
    async with world.work() as work:
        await change.set_state(
            work,
            run_id=lease.run_id,
            state=propose(StateType.SCHEDULED),
            lease=None,
            key=None,
            correction=FORCED,
        )
    since = await restarted_in(world, lease.run_id)

    _, anew = await begin(world)

    assert anew["since"] == since
