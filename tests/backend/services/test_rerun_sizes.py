"""Plans of runs with very many task runs: what is left out is said, and nobody else waits."""

from uuid import UUID

import pytest
from sqlalchemy import text

from headgate_server.domain import ids
from headgate_server.domain.ids import Kind
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.reruns import (
    MOST_PARENTS,
    MOST_PLANNED,
    RerunPlan,
    RerunReason,
    RerunRequest,
)
from headgate_server.domain.states import StateType
from headgate_server.services import reruns
from headgate_server.services.flow_runs import change
from tests.backend.services.test_jobs import claim
from tests.backend.services.test_reuse import report
from tests.fixtures.loop_turns import watched_turns
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

MORE = 10
LOOP_SECONDS = 0.1
LAST = UUID(f"ffffffff-ffff-4fff-8fff-{MOST_PLANNED + MORE - 1:012x}")
COPY = text(
    "insert into task_runs (workspace_id, id, flow_run_id, task_key, name, cache_key, attempt, "
    "parents, state_type, state_name, states, state_count, update_sequence, updated_at) "
    "select workspace_id, ('ffffffff-ffff-4fff-8fff-' || lpad(to_hex(n), 12, '0'))::uuid, "
    "flow_run_id, task_key, name, 'kept:' || n, attempt, "
    "array_fill(id, array[cast(:parents as integer)]), state_type, state_name, "
    "states, state_count, update_sequence, updated_at "
    "from task_runs, generate_series(1, :count) n where id = :id"
)


async def large(world: World, *, count: int = MOST_PLANNED + MORE, parents: int = 1) -> LeaseRef:
    """Have a run end that has so many task runs: each waits so many times for the first."""
    await world.create()
    lease, _ = await claim(world)
    await world.propose(lease, StateType.RUNNING)
    first = ids.parse(await report(world, lease, "first"), kind=Kind.TASK_RUN)
    async with world.system() as work:
        await work.execute(COPY, {"count": count - 1, "id": first, "parents": parents})
    await world.propose(lease, StateType.FAILED)
    return lease


async def plan(world: World, lease: LeaseRef, request: RerunRequest) -> RerunPlan:
    async with world.work() as work:
        return await reruns.plan_run(work, run_id=lease.run_id, request=request)


async def test_large_run_is_planned_up_to_a_limit_that_is_said(world: World) -> None:
    lease = await large(world)
    chosen = RerunRequest(from_task_run_ids=(LAST,))

    async with watched_turns() as turns:
        failed = await plan(world, lease, RerunRequest(is_from_failed=True))
    last = await plan(world, lease, chosen)
    async with world.work() as work:
        again = await change.retry_run(work, run_id=lease.run_id, request=chosen)
    _, job = await claim(world)

    assert (len(failed.tasks), failed.left_out) == (MOST_PLANNED, MORE)
    assert all(task.is_reused for task in failed.tasks)
    assert (last.tasks[-1].id, last.tasks[-1].reason) == (LAST, RerunReason.CHOSEN)
    assert [task.is_reused for task in last.tasks].count(False) == 1
    assert again.is_accepted
    assert job["reuse"]["again"] == [f"kept:{MOST_PLANNED + MORE - 1}"]
    assert turns.longest < LOOP_SECONDS


async def test_task_runs_that_wait_for_very_many_are_planned_up_to_a_limit(world: World) -> None:
    parents = 1_000
    planned = MOST_PARENTS // parents + 1
    lease = await large(world, count=planned + MORE, parents=parents)

    waits: list[float] = []
    found: set[tuple[int, int]] = set()
    for _ in range(3):
        async with watched_turns() as turns:
            failed = await plan(world, lease, RerunRequest(is_from_failed=True))
        found.add((len(failed.tasks), failed.left_out))
        waits.append(turns.longest_wait)

    assert found == {(planned, MORE)}
    # By the clock, others on the machine count: hardly in each of three.
    assert min(waits) < LOOP_SECONDS
