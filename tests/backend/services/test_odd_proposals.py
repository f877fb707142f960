"""What a client says of a state in Headgate's own words moves no run, and stops none."""

from datetime import timedelta
from typing import Any

import pytest

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.states import StateType, propose
from headgate_server.services import blockers
from headgate_server.services.flow_runs import change
from tests.backend.services.test_approvals import answers
from tests.backend.services.test_four_eyes import pause_next
from tests.backend.services.test_jobs import claim
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

FORCED = change.Correction(is_forced=True)
ODD: list[tuple[str | None, dict[str, Any]]] = [
    ("AwaitingRetry", {"givesBack": True, "retryAt": "tomorrow"}),
    ("AwaitingRetry", {"givesBack": True}),
    ("AwaitingRetry", {"givesBack": True, "retryAt": "2999-01-01T00:00:00+00:00"}),
    ("Resuming", {}),
    ("Late", {}),
    (None, {"retryAt": "2999-01-01T00:00:00"}),
    (None, {"scheduledTime": "yesterday"}),
    (None, {"fromFailed": True, "fromTaskRunIds": ["x"]}),
]


@pytest.mark.parametrize(("name", "details"), ODD)
@pytest.mark.parametrize("is_holder", [True, False])
async def test_words_that_headgate_alone_says_are_refused(
    world: World, name: str | None, details: dict[str, Any], *, is_holder: bool
) -> None:
    lease = await world.started()
    before = await world.history(lease.run_id)

    with pytest.raises(InvalidInput, match="Headgate alone says") as refused:
        async with world.work() as work:
            await change.set_state(
                work,
                run_id=lease.run_id,
                state=propose(StateType.SCHEDULED, name=name, details=details),
                lease=lease if is_holder else None,
                key=None,
                correction=FORCED,
            )

    assert refused.value.path[0] == "state"
    assert await world.history(lease.run_id) == before


async def test_details_of_an_end_say_nothing_of_the_next_start(world: World) -> None:
    lease = await world.started()
    await world.propose(
        lease, StateType.FAILED, fromFailed=True, fromTaskRunIds=["x"], givesBack=True
    )
    async with world.work() as work:
        await change.retry_run(work, run_id=lease.run_id)

    again, job = await claim(world)

    assert again.run_id == lease.run_id
    assert job["reuse"] == {"kept": False, "since": 5, "again": []}


async def test_collision_that_a_process_tells_of_is_no_reason(world: World) -> None:
    lease = await world.started()
    await world.propose(lease, StateType.CANCELLED, collision={"limit": "x"})

    async with world.work() as work:
        found = await blockers.list_blockers(
            work, run_id=lease.run_id, silent_for=timedelta(seconds=45)
        )

    assert found == []


async def test_nobody_hides_that_they_started_a_run_again(world: World) -> None:
    await world.create()
    lease: LeaseRef = await pause_next(world)

    for name in ("Late", "AwaitingRetry", "Resuming"):
        with pytest.raises(InvalidInput):
            async with world.work() as work:
                await change.set_state(
                    work,
                    run_id=lease.run_id,
                    state=propose(StateType.SCHEDULED, name=name),
                    lease=None,
                    key=None,
                    correction=FORCED,
                )

    assert not await answers(world, lease, world.tenant.owner)
