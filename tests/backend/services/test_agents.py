"""Agents and their sessions: what they register with, and what that and a stream cost."""

from dataclasses import replace

import pytest

from headgate_server.domain.agents import AgentSession, AgentState
from headgate_server.domain.ids import new_id
from headgate_server.services import agents
from headgate_server.services.agents import Registration
from tests.fixtures.deadlines import eventually
from tests.fixtures.streams import dispatching, streaming
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio


def registration(world: World) -> Registration:
    return Registration(
        pool_name=f"pool-{world.deployed.work_pool_id}",
        name="agent",
        instance_id=new_id(),
        queue_names=("default",),
        capacity=3,
        labels={"zone": "b"},
        sdk_version="1.2.3",
        host="h",
        protocol_versions=(1,),
    )


async def register(world: World, said: Registration) -> AgentSession:
    async with world.work() as work:
        session, _ = await agents.register_agent(work, said, api_key_id=None, granted_pool_id=None)
    return session


async def test_process_that_registers_again_gets_its_session_back_refreshed(world: World) -> None:
    said = registration(world)

    first = await register(world, said)
    async with world.work() as work:
        await agents.leave(work, session_id=first.id)
    again = await register(world, replace(said, capacity=7, queue_names=None))
    other = await register(world, replace(said, instance_id=new_id()))

    assert (first.capacity, first.queue_ids) == (3, (world.deployed.work_queue_id,))
    assert (again.id, again.agent_id) == (first.id, first.agent_id)
    assert (again.capacity, again.queue_ids, again.state) == (7, None, AgentState.ONLINE)
    assert again.ended_at is None
    assert (other.agent_id, other.agent_name) == (first.agent_id, "agent")
    assert other.id != first.id
    async with world.work() as work:
        shown = (await agents.get_many_agents(work, [first.agent_id]))[first.agent_id]
    assert (shown.capacity, shown.labels, shown.host) == (3, {"zone": "b"}, "h")


async def test_process_that_registers_again_before_it_hears_of_a_drain_drains(world: World) -> None:
    said = registration(world)
    first = await register(world, said)
    async with world.work() as work:
        await agents.request_drain(work, agent_id=first.agent_id, deadline=None, reason="replaced")

    again = await register(world, said)
    async with world.work() as work:
        await agents.leave(work, session_id=first.id)
    anew = await register(world, said)

    assert (again.id, again.state) == (first.id, AgentState.DRAINING)
    assert (again.state_reason or "").endswith(": replaced")
    assert (anew.state, anew.state_reason) == (AgentState.ONLINE, None)


async def test_agents_are_read_by_one_statement_however_many(
    world: World, statements: list[str]
) -> None:
    said = registration(world)
    found = [
        (await register(world, replace(said, name=f"agent-{number}"))).agent_id
        for number in range(3)
    ]
    statements.clear()

    async with world.work() as work:
        one = await agents.get_many_agents(work, found[:1])
        all_ = await agents.get_many_agents(work, found)

    of_agents = [text for text in statements if "agent_sessions" in text]
    assert (set(one), set(all_)) == (set(found[:1]), set(found))
    assert len(of_agents) == 2
    assert len(set(of_agents)) == 1


async def test_stream_opens_with_one_write_and_two_reads(
    world: World, statements: list[str]
) -> None:
    async with dispatching(world) as dispatcher:
        statements.clear()
        async with streaming(world, dispatcher):
            await eventually(
                lambda: len([text for text in statements if "join work_items item" in text]) == 2,
                what="The stream's first look",
            )

    assert len([text for text in statements if "update agent_sessions" in text]) == 1
    assert len([text for text in statements if "from agent_sessions session" in text]) == 1
