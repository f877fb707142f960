"""An outage of the API is added to every deadline that was alive when it began."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from headgate_server.domain.leases import LeaseOutcome, LeaseRef
from headgate_server.domain.states import StateType, propose
from headgate_server.loops import lost_runs
from headgate_server.loops.loop import LoopContext
from headgate_server.services import upkeep
from headgate_server.services.leases import hold
from headgate_server.services.transitions import transition
from headgate_server.settings import Timers
from headgate_server.tables.events import outbox
from headgate_server.tables.work_pools import agent_sessions, work_items
from tests.factories.deployments import Promise, make_deployment, make_session
from tests.fixtures.world import LEASE, World

GRACE = Timers().outage_grace
ABANDON_AFTER = timedelta(minutes=10)


async def note_service(world: World) -> timedelta | None:
    async with world.system() as work:
        return await upkeep.note_service(work, grace=GRACE)


async def fence_from_now(world: World) -> timedelta:
    async with world.system() as work:
        rows = await work.execute(select(work_items.c.fence_until - work.now))
        return rows.scalar_one()


async def reap(world: World) -> int:
    return await lost_runs.run_once(LoopContext(world.database, world.bus, Timers()))


async def test_a_lease_lives_longer_by_our_outage(world: World) -> None:
    await note_service(world)
    await world.started()
    before = await fence_from_now(world)

    world.shift.by = timedelta(hours=1)
    lasted = await note_service(world)

    assert lasted is not None
    assert timedelta(hours=1) <= lasted < timedelta(hours=1, minutes=1)
    assert abs(await fence_from_now(world) - before) < timedelta(seconds=10)
    assert await note_service(world) is None


async def test_before_the_first_api_nothing_was_missed(world: World) -> None:
    await note_service(world)
    async with world.system() as work:
        await work.execute(update(agent_sessions).values(ended_at=work.now))

    world.shift.by = timedelta(hours=1)

    assert await note_service(world) is None
    assert await note_service(world) is None


async def test_nobody_is_judged_while_no_api_serves(world: World) -> None:
    await note_service(world)
    lease = await world.started()
    world.shift.by = ABANDON_AFTER + timedelta(minutes=1)

    assert await reap(world) == 0

    assert (await world.history(lease.run_id))[-1][1] == "Running"


async def test_a_silent_holder_is_judged_while_the_api_serves(world: World) -> None:
    await note_service(world)
    lease = await world.started()
    step = GRACE / 2
    while world.shift.by < ABANDON_AFTER + timedelta(minutes=1):
        world.shift.by += step
        assert await note_service(world) is None

    assert await reap(world) >= 1

    assert (await world.history(lease.run_id))[-1][1] == "Crashed"


RUNS = 5


async def started_under(world: World, on_agent_lost: str) -> list[LeaseRef]:
    """Have runs of a deployment with that promise under way, ten minutes of silence allowed."""
    async with world.work() as work:
        world.deployed = await make_deployment(work, promise=Promise(on_agent_lost=on_agent_lost))
        world.session_id = await make_session(work, world.deployed)
    return [await world.started() for _ in range(RUNS)]


async def outage(world: World, minutes: int) -> None:
    """Let no API serve for so long, with the reaper at work all the while."""
    for _ in range(minutes):
        world.shift.by += timedelta(minutes=1)
        await reap(world)
    assert await note_service(world) is not None
    await reap(world)


async def last_states(world: World, leases: list[LeaseRef]) -> set[str]:
    return {(await world.history(lease.run_id))[-1][1] for lease in leases}


async def outcomes(world: World, leases: list[LeaseRef]) -> set[LeaseOutcome]:
    async with world.work() as work:
        verdicts = await hold.renew_leases(work, held=leases, lease=LEASE)
    return {verdict.outcome for verdict in verdicts}


async def notices(world: World) -> int:
    async with world.system() as work:
        rows = await work.execute(
            select(func.count()).where(outbox.c.name == "flow_run.unresponsive")
        )
        return rows.scalar_one()


@pytest.mark.parametrize("minutes", [8, 12])
@pytest.mark.parametrize("on_agent_lost", ["CRASH", "RETRY"])
async def test_runs_whose_processes_lived_through_our_outage_go_on(
    world: World, on_agent_lost: str, minutes: int
) -> None:
    await note_service(world)
    leases = await started_under(world, on_agent_lost)

    await outage(world, minutes)

    assert await last_states(world, leases) == {"Running"}
    assert await notices(world) == 0
    assert await outcomes(world, leases) == {LeaseOutcome.RENEWED}


async def test_runs_that_their_agents_stopped_in_our_outage_start_again_once(
    world: World,
) -> None:
    await note_service(world)
    leases = await started_under(world, "RETRY")

    await outage(world, 12)
    for lease in leases * 2:
        async with world.work() as work:
            proposal = hold.check_release(lease, propose(StateType.CRASHED, message="!"))
            await transition(work, run_id=lease.run_id, proposal=proposal)
    world.shift.by += timedelta(seconds=10)
    again = await world.offer()

    assert await last_states(world, leases) == {"AwaitingRetry"}
    assert await outcomes(world, leases) == {LeaseOutcome.LOST}
    assert {offer.run_id for offer in again} == {lease.run_id for lease in leases}
    assert [offer.epoch for offer in again] == [leases[0].epoch + 2] * RUNS
    assert await notices(world) == 0
