"""What nobody takes: sessions that leave offers unclaimed, runs that end whoever takes them."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from headgate_server.domain.agents import AgentSession, AgentState
from headgate_server.domain.errors import LeaseLost
from headgate_server.domain.leases import LeaseRef, Offer
from headgate_server.domain.states import StateType
from headgate_server.loops import lost_runs
from headgate_server.loops.loop import LoopContext
from headgate_server.services import agents, upkeep
from headgate_server.services.agents import SessionReport
from headgate_server.services.leases import hold
from headgate_server.settings import Timers
from headgate_server.tables.events import outbox
from headgate_server.tables.work_pools import work_items
from tests.factories.deployments import Promise, make_deployment, make_session
from tests.fixtures.world import OFFER_TTL, World

pytestmark = pytest.mark.anyio

REASON = "It left 5 offers in a row unclaimed; it resumes when it reports itself online."


async def reap(world: World) -> None:
    async with world.system() as work:
        await upkeep.note_service(work, grace=timedelta(days=1))
    await lost_runs.run_once(LoopContext(world.database, world.bus, Timers(lease_seconds=1e6)))


async def let_expire(world: World) -> None:
    """Offer what waits, and let it lie until the offer has expired and was taken back."""
    assert await world.offer() != []
    world.shift.by += OFFER_TTL + timedelta(seconds=1)
    await reap(world)


async def session_of(world: World) -> AgentSession:
    async with world.system() as work:
        session = await agents.find_session(work, world.session_id)
    assert session is not None
    return session


async def events(world: World, name: str) -> list[dict[str, object]]:
    async with world.system() as work:
        rows = await work.execute(select(outbox.c.payload).where(outbox.c.name == name))
        return list(rows.scalars())


async def deliveries(world: World) -> int:
    async with world.system() as work:
        return (await work.execute(select(work_items.c.deliveries))).scalar_one()


async def report(world: World, state: AgentState | None) -> None:
    async with world.system() as work:
        said = SessionReport(world.tenant.workspace_id, world.session_id, 10, state)
        await agents.report_sessions(work, [said])


async def test_five_offers_in_a_row_that_expire_pause_their_session(world: World) -> None:
    await world.create()

    for _ in range(4):
        await let_expire(world)
    assert (await session_of(world)).state is AgentState.ONLINE
    await let_expire(world)

    session = await session_of(world)
    assert (session.state, session.state_reason) == (AgentState.PAUSED, REASON)
    (event,) = await events(world, "agent.paused")
    assert event["reason"] == REASON
    assert await world.offer() == []


async def test_a_claim_between_starts_the_count_again(world: World) -> None:
    await world.create()
    for _ in range(4):
        await let_expire(world)

    (offered,) = await world.offer()
    lease = await world.claim(offered)
    await world.propose(lease, StateType.RUNNING)
    await world.propose(lease, StateType.COMPLETED)
    await world.create()
    await let_expire(world)

    assert (await session_of(world)).state is AgentState.ONLINE


async def test_a_paused_session_resumes_when_it_says_so_and_not_by_its_heartbeat(
    world: World,
) -> None:
    await world.create()
    for _ in range(5):
        await let_expire(world)

    await report(world, None)
    assert (await session_of(world)).state is AgentState.PAUSED
    await report(world, AgentState.ONLINE)

    session = await session_of(world)
    assert (session.state, session.state_reason) == (AgentState.ONLINE, None)
    assert session.expired_offers == 0
    assert len(await world.offer()) == 1


@pytest.mark.parametrize("on_agent_lost", ["CRASH", "RETRY"])
async def test_the_tenth_delivery_that_nobody_claims_crashes_the_run(
    world: World, on_agent_lost: str
) -> None:
    await deploy(world, on_agent_lost=on_agent_lost)
    (run,) = await world.create()

    for _ in range(9):
        await let_expire(world)
        await report(world, AgentState.ONLINE)
    assert await world.history(run.id) == [(1, "Scheduled")]
    await let_expire(world)

    assert await world.history(run.id) == [(1, "Scheduled"), (2, "Crashed")]
    (event,) = await events(world, "flow_run.crashed")
    assert "offered 10 times" in str(event)


async def test_claims_that_never_start_count_as_deliveries(world: World) -> None:
    (run,) = await world.create()

    for _ in range(10):
        (offered,) = await world.offer()
        await world.claim(offered)
        world.shift.by += timedelta(seconds=91)
        await reap(world)

    assert (await world.history(run.id))[-1][1] == "Crashed"


async def test_a_start_forgets_the_deliveries_before_it(world: World) -> None:
    await world.create()
    await let_expire(world)
    (offered,) = await world.offer()
    assert offered.deliveries == 2

    lease = await world.claim(offered)
    await world.propose(lease, StateType.RUNNING)

    assert await deliveries(world) == 0


async def test_a_declined_run_waits_longer_each_time_and_is_no_poison(world: World) -> None:
    await world.create()
    waits: list[float] = []

    for _ in range(9):
        (offered,) = await world.offer()
        due_at = await decline(world, offered)
        waits.append(due_at)
        world.shift.by += timedelta(seconds=max(due_at, 0))

    assert [round(wait) for wait in waits] == [0, 1, 3, 7, 15, 31, 60, 60, 60]
    assert await deliveries(world) == 0
    said = await events(world, "flow_run.declined")
    assert [event["declines"] for event in said] == list(range(1, 10))
    assert {event["reason"] for event in said} == {"No slot came free."}


async def test_a_decline_waits_at_least_as_long_as_it_asks_for(world: World) -> None:
    await world.create()
    (offered,) = await world.offer()

    assert round(await decline(world, offered, retry_after=timedelta(minutes=5))) == 300


async def test_only_the_session_that_was_offered_a_run_declines_it(world: World) -> None:
    await world.create()
    (offered,) = await world.offer()
    async with world.work() as work:
        world.session_id = await make_session(work, world.deployed)

    with pytest.raises(LeaseLost):
        await decline(world, offered)


async def test_infrastructure_attempts_end_after_three(world: World) -> None:
    await deploy(world, on_agent_lost="RETRY")
    (run,) = await world.create()

    for _ in range(4):
        (offered,) = await world.offer()
        lease = await world.claim(offered)
        await world.propose(lease, StateType.RUNNING)
        world.shift.by += timedelta(minutes=11)
        await reap(world)
        world.shift.by += timedelta(minutes=1)

    names = [name for _, name in await world.history(run.id)]
    assert names.count("AwaitingRetry") == 3
    assert names[-1] == "Crashed"


async def deploy(world: World, *, on_agent_lost: str) -> None:
    async with world.work() as work:
        world.deployed = await make_deployment(work, promise=Promise(on_agent_lost=on_agent_lost))
        world.session_id = await make_session(work, world.deployed)


async def decline(world: World, offered: Offer, *, retry_after: timedelta = timedelta()) -> float:
    """Decline an offer; how many seconds until the run is due again."""
    lease = LeaseRef(offered.run_id, offered.token, offered.epoch)
    async with world.work() as work:
        await hold.decline_run(
            work,
            session_id=world.session_id,
            lease=lease,
            reason="No slot came free.",
            retry_after=retry_after,
        )
        row = await work.execute(
            select(work_items.c.due_at).where(work_items.c.run_id == offered.run_id)
        )
        return max((row.scalar_one() - work.now).total_seconds(), 0)
