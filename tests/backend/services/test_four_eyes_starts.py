"""Four eyes, and who has a run start sooner that would have started anyway."""

from datetime import timedelta

import pytest

from headgate_server.domain.ids import new_id
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.pauses import NewPause, Pause, PauseStatus
from headgate_server.domain.states import StateType, propose
from headgate_server.domain.tenancy import Principal
from headgate_server.services import pauses
from headgate_server.services.flow_runs import change, create
from tests.backend.services.test_approvals import answers, make_operator
from tests.backend.services.test_four_eyes import FOUR_EYES, pause_next
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio


async def start_now(world: World, lease: LeaseRef, who: Principal) -> None:
    async with world.database.tenant(who, world.tenant.workspace_id) as work:
        done = await change.set_state(
            work, run_id=lease.run_id, state=propose(StateType.SCHEDULED), lease=None, key=None
        )
    assert done.is_accepted


async def ask(world: World, lease: LeaseRef, key: str) -> Pause:
    """Have a run ask once more, and return its pause."""
    async with world.work() as work:
        await pauses.pause_run(work, lease=lease, new=NewPause(key, approvers=FOUR_EYES))
        return await pauses.find_pause(work, flow_run_id=lease.run_id, key=key)


async def test_retry_that_somebody_has_come_sooner_asks_nothing_again(world: World) -> None:
    ann = (await make_operator(world)).principal
    await world.create()
    lease = await pause_next(world)
    assert await answers(world, lease, ann)
    await world.propose(
        lease, StateType.FAILED, retry={"limit": 3, "delaySeconds": 3600, "givesBack": True}
    )

    for _ in range(2):
        await start_now(world, lease, ann)
    (offered,) = await world.offer()
    lease = await world.claim(offered)
    await world.propose(lease, StateType.RUNNING)
    again, another = await ask(world, lease, "1"), await ask(world, lease, "2")

    assert (again.status, another.status) == (PauseStatus.RESUMED, PauseStatus.WAITING)


async def test_whoever_starts_sooner_what_was_to_start_later_does_not_answer(world: World) -> None:
    ann, ben = [(await make_operator(world)).principal for _ in range(2)]
    async with world.work() as work:
        later = work.now + timedelta(hours=1)
        request = create.RunRequest(
            deployment_id=world.deployed.deployment_id, expected_start=later
        )
        made = await create.create_run(work, request)
    await start_now(world, LeaseRef(made.id, new_id(), 0), ann)
    lease = await pause_next(world)

    assert not await answers(world, lease, ann)
    assert await answers(world, lease, ben)
