"""Retention takes workspaces in turns, and lets go of agents that came and went."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from headgate_server.bus.bus import Bus
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.loops import retention as loop
from headgate_server.loops import rounds
from headgate_server.loops.loop import LoopContext
from headgate_server.settings import Timers
from headgate_server.tables.events import events
from headgate_server.tables.work_pools import agent_sessions, agents
from tests.backend.services.test_retention import count, keep
from tests.factories.agents import make_session
from tests.factories.runs import make_old_events
from tests.factories.tenants import make_tenant
from tests.fixtures.sql import query
from tests.fixtures.world import World

REFUSE_TO_DELETE = """
do $$
begin
  create function refuse() returns trigger language plpgsql as $refuse$
  begin
    raise exception 'Something is wrong with this workspace';
  end $refuse$;
  create trigger refuse before delete on events for each row
  when (old.workspace_id = '{workspace_id}') execute function refuse();
end $$
"""


@pytest.fixture
def context(database: Database, redis_url: str) -> LoopContext:
    return LoopContext(database, Bus(redis_url, prefix="test"), Timers())


async def test_every_workspace_has_its_turn(
    context: LoopContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = context.database
    tenants = [await make_tenant(database) for _ in range(3)]
    for tenant in tenants:
        await keep(database, tenant, runs=3, logs=3, events=3)
    monkeypatch.setattr(rounds, "LONGEST_SECONDS", 0.0)
    for days_ago in (4, 5, 6):
        for tenant in tenants:
            await make_old_events(database, tenant, days_ago=days_ago, count=1)
        assert await loop.run_once(context) > 0

    assert await count(database, events) == 2 + 1 + 0


async def test_workspace_that_is_held_or_fails_holds_no_other_up(
    urls: DatabaseUrls, context: LoopContext
) -> None:
    database = context.database
    held, fails, free = [await make_tenant(database) for _ in range(3)]
    for tenant in (held, fails, free):
        await keep(database, tenant, runs=3, logs=3, events=3)
        await make_old_events(database, tenant, days_ago=4, count=1)
    await query(urls.owner, REFUSE_TO_DELETE.format(workspace_id=fails.workspace_id))

    async with database.system() as reader:
        share = text("select from workspaces where id = :id for share")
        await reader.execute(share, {"id": held.workspace_id})
        assert await loop.run_once(context) == 1
    assert await loop.run_once(context) == 1

    async with database.system() as work:
        left = (await work.execute(select(events.c.workspace_id))).scalars().all()
    assert left == [fails.workspace_id]


async def test_agents_go_once_their_last_session_is_long_over(world: World) -> None:
    context = LoopContext(world.database, world.bus, Timers())
    pool_id = world.deployed.work_pool_id
    for has_ended in (True, True, False):
        await make_session(world.database, world.tenant, work_pool_id=pool_id, has_ended=has_ended)
    before = await count(world.database, agents), await count(world.database, agent_sessions)
    await loop.run_once(context)
    assert before == (
        await count(world.database, agents),
        await count(world.database, agent_sessions),
    )

    world.shift.by = timedelta(days=400)
    await loop.run_once(context)

    async with world.system() as work:
        left = (await work.execute(select(agent_sessions.c.ended_at))).scalars().all()
    assert (left, before) == ([None] * (before[1] - 2), (len(left) + 2, len(left) + 2))
    assert await count(world.database, agents) == len(left)
