"""How many runs come before one that waits, across limits, queues and priorities."""

from collections.abc import Awaitable, Callable

import pytest

from headgate_server.domain.ids import Kind, show
from headgate_server.domain.leases import LeaseRef, PauseKind
from headgate_server.domain.pauses import NewPause
from headgate_server.domain.states import StateType, propose
from headgate_server.services import pauses
from headgate_server.services.flow_runs import change
from headgate_server.services.leases import hold
from tests.factories.mutations import mutate
from tests.fixtures.held_up_runs import Place
from tests.fixtures.world import LEASE

pytestmark = pytest.mark.anyio


async def limit_pool(place: Place, most: int) -> None:
    given = {**place.here, "name": "pool", "type": "process"}
    await mutate(place.api, "workPoolUpsert", "workPool { id }", **given, concurrencyLimit=most)


async def make_queue(place: Place, name: str, **given: object) -> None:
    where = {"workPoolId": place.pool_id, "name": name}
    await mutate(place.api, "workQueueUpsert", "workQueue { id }", **where, **given)


async def taken(place: Place) -> None:
    """Make a run, and have an agent take it."""
    await place.make()
    await place.offer()


async def place_and_start(place: Place, run_id: str) -> tuple[int, bool]:
    """Return a run's place in line, and whether carrying out the action starts it."""
    nearest = (await place.why(run_id))[0]
    await place.act(nearest)
    started = [show(Kind.FLOW_RUN, one.run_id) for one in await place.offer()]
    return nearest["queuePosition"], run_id in started


@pytest.mark.parametrize("is_pool", [True, False])
async def test_run_of_a_deployment_whose_limit_has_room(place: Place, *, is_pool: bool) -> None:
    await place.deploy(concurrencyLimit=100)
    await (limit_pool(place, 1) if is_pool else make_queue(place, "default", concurrencyLimit=1))
    await taken(place)
    await place.make()

    assert await place_and_start(place, await place.make()) == (1, True)


async def test_runs_of_a_deployment_that_has_no_room_come_first_no_more_than_it_has(
    place: Place,
) -> None:
    await limit_pool(place, 1)
    await taken(place)
    first = place.deployment_id
    limited = await place.deploy(name="limited", entrypoint="flows.py:etl", concurrencyLimit=1)
    place.deployment_id = limited["id"]
    for _ in range(3):
        await place.make()
    place.deployment_id = first

    assert await place_and_start(place, await place.make()) == (1, True)


async def test_all_of_a_more_urgent_queue_comes_first(place: Place) -> None:
    await make_queue(place, "urgent", priority=1)
    await make_queue(place, "default", priority=2)
    await limit_pool(place, 1)
    await taken(place)
    for priority in (0, 5):
        await place.make(workQueueName="urgent", priority=priority)

    assert await place_and_start(place, await place.make(priority=9)) == (2, True)


async def test_queues_of_one_priority_take_turns(place: Place) -> None:
    await make_queue(place, "other")
    await limit_pool(place, 1)
    await taken(place)
    for _ in range(5):
        await place.make(workQueueName="other")

    number, is_started = await place_and_start(place, await place.make())

    assert is_started
    assert number == 2, "this queue has one in hand, so two of the other come first"


async def test_a_queue_that_is_paused_or_less_urgent_is_not_waited_for(place: Place) -> None:
    await make_queue(place, "paused", priority=1, paused=True)
    await make_queue(place, "later", priority=9)
    await make_queue(place, "default", priority=2)
    await limit_pool(place, 1)
    await taken(place)
    for name in ("paused", "later"):
        await place.make(workQueueName=name)

    assert await place_and_start(place, await place.make()) == (0, True)


async def start_by_all_that_is_offered(place: Place, run_id: str) -> tuple[list[str], bool]:
    """Return what holds a run up, and whether carrying out each action, in turn, starts it."""
    await place.change_session(capacity=100)
    found = await place.why(run_id)
    for blocker in found:
        await place.act(blocker)
    started = [show(Kind.FLOW_RUN, one.run_id) for one in await place.offer()]
    return [one["code"] for one in found], run_id in started


@pytest.mark.parametrize("is_pool", [True, False])
async def test_what_a_full_deployment_holds_back_comes_first_in_the_line_behind_it(
    place: Place, *, is_pool: bool
) -> None:
    await place.deploy(concurrencyLimit=1)
    await (limit_pool(place, 1) if is_pool else make_queue(place, "default", concurrencyLimit=1))
    await taken(place)
    for _ in range(3):
        await place.make()

    codes, is_started = await start_by_all_that_is_offered(place, await place.make())

    assert (codes[0], is_started) == ("DEPLOYMENT_LIMIT", True)
    assert codes[1:] == ["POOL_LIMIT" if is_pool else "QUEUE_LIMIT"]


@pytest.mark.parametrize("limit", [None, 1])
async def test_what_a_paused_deployment_holds_back_comes_first_in_the_line_behind_it(
    place: Place, limit: int | None
) -> None:
    await place.deploy(concurrencyLimit=limit)
    await make_queue(place, "urgent", priority=1)
    await make_queue(place, "default", priority=2, concurrencyLimit=1)
    await limit_pool(place, 1)
    await taken(place)
    for queue in ("urgent", "default", "default"):
        await place.make(workQueueName=queue)
    run_id = await place.make()
    await mutate(place.api, "deploymentPause", "created", id=place.deployment_id, paused=True)

    codes, is_started = await start_by_all_that_is_offered(place, run_id)

    assert (codes[0], is_started) == ("DEPLOYMENT_PAUSED", True)
    assert codes[-2:] == ["QUEUE_LIMIT", "POOL_LIMIT"]


async def suspended(place: Place) -> str:
    """Make a run that has no process and waits to be resumed."""
    run_id = await place.make()
    (offer,) = await place.offer()
    lease = LeaseRef(offer.run_id, offer.token, offer.epoch)
    async with place.installation.database.tenant(
        place.tenant.owner, place.tenant.workspace_id
    ) as work:
        await hold.claim_run(work, session_id=place.session_id, lease=lease, duration=LEASE)
        running = propose(StateType.RUNNING)
        await change.set_state(work, run_id=lease.run_id, state=running, lease=lease, key=None)
        await pauses.pause_run(work, lease=lease, new=NewPause("1", kind=PauseKind.SUSPEND))
    return run_id


async def collided(place: Place) -> str:
    """Make a run that is cancelled at once for one that runs."""
    await place.deploy(concurrencyLimit=1, onCollision="CANCEL_NEW")
    await taken(place)
    return await place.make()


async def waiting(place: Place) -> str:
    """Make a run that waits for an agent."""
    return await place.make()


CHAINS: dict[Callable[[Place], Awaitable[str]], list[str]] = {
    suspended: ["PAUSED", "DEPLOYMENT_PAUSED"],
    collided: ["WORKSPACE_ARCHIVED", "COLLISION", "DEPLOYMENT_PAUSED", "DEPLOYMENT_LIMIT"],
    waiting: ["WORKSPACE_ARCHIVED", "DEPLOYMENT_PAUSED"],
}


@pytest.mark.parametrize("make", CHAINS)
async def test_all_that_comes_behind_the_nearest_cause_is_told_with_it(
    place: Place, make: Callable[[Place], Awaitable[str]]
) -> None:
    run_id = await make(place)
    await mutate(place.api, "deploymentPause", "created", id=place.deployment_id, paused=True)
    if "WORKSPACE_ARCHIVED" in CHAINS[make]:
        given = {"id": place.here["workspaceId"], "archived": True}
        await mutate(place.api, "workspaceArchive", "workspace { id }", **given)

    codes, is_started = await start_by_all_that_is_offered(place, run_id)

    assert (codes, is_started) == (CHAINS[make], True)
