"""What retention looks at each round: few rows by an index, however much there is that stays."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from headgate_server.database.urls import DatabaseUrls
from headgate_server.repositories import background_task_logs
from headgate_server.services import retention
from tests.factories.histories import make_past_runs
from tests.fixtures.plans import Reading, count, forbid_scans, reading
from tests.fixtures.sql import query
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

KEPT = "update workspaces set runs_kept_days = 300, logs_kept_days = 10"
CALLS = """
insert into background_tasks (
  workspace_id, id, task_key, name, parameters, priority, due_at, turn_at, state_type, state_name,
  created_by_kind, created_by_name, created_at, ended_at
)
select :workspace_id, uuid_floor(made.at), 'double', 'double', '{}', 0, made.at, made.at,
  'COMPLETED', 'Completed', 'SYSTEM', '', made.at, made.at + interval '1 minute'
from (
  select now() - interval '100 days' + n * interval '1 second' as at
  from generate_series(1, 2000) n
) as made
"""
LINES = """
insert into background_task_logs (
  workspace_id, task_id, epoch, sequence, "timestamp", level, logger, message
)
select workspace_id, id, 1, 0, created_at, 20, 'double', 'Doubled'
from background_tasks where {}
"""
LATEST = "id = (select id from background_tasks order by id desc limit 1)"
ENDED_NOW = (
    "update background_tasks set ended_at = now() "
    "where id = (select id from background_tasks order by id desc limit 1)"
)
FUTURE = (
    "update background_tasks set id = uuid_floor(now() + interval '100 days') "
    "where id = (select id from background_tasks order by id desc limit 1)"
)


@pytest.fixture(autouse=True)
async def analyzed_runs(world: World, urls: DatabaseUrls) -> None:
    """Have 3,000 runs of the last days, and let the planner know."""
    async with world.system() as work:
        await make_past_runs(work, world.deployed, count=3_000)
    await query(urls.owner, "analyze flow_runs")


async def fill(world: World, *statements: str) -> None:
    async with world.system() as work:
        for statement in (KEPT, *statements):
            given: dict[str, Any] = {"workspace_id": world.tenant.workspace_id}
            bound = given if ":workspace_id" in statement else None
            await work.execute(text(statement), bound)


async def look(world: World) -> tuple[int, Reading]:
    """Return for how many workspaces something is to go, and what was read to see that."""
    async with world.system() as work:
        before = await count(work)
        found = await retention.list_expired(work)
        return len(found), await reading(work, before)


async def test_calls_that_have_no_lines_left_are_not_looked_through(world: World) -> None:
    await fill(world, CALLS)

    found, read = await look(world)

    assert (found, read.scanned) == (0, ())
    assert read.rows <= 10


async def test_one_line_of_a_call_that_ended_long_ago_is_found_among_many(world: World) -> None:
    await fill(world, CALLS, LINES.format(LATEST))

    found, read = await look(world)

    assert (found, read.scanned) == (1, ())
    assert read.rows <= 10


async def test_lines_of_an_old_call_that_has_just_ended_stay(world: World) -> None:
    await fill(world, CALLS, LINES.format(LATEST), ENDED_NOW)

    assert (await look(world))[0] == 0


async def test_old_lines_go_without_a_look_at_calls_that_have_none(world: World) -> None:
    await fill(world, CALLS, LINES.format(LATEST))

    async with world.system() as work:
        before = await forbid_scans(work)
        until = work.now - timedelta(days=10)
        deleted = [
            await background_task_logs.delete_old_lines(work, before=until, most=1_000)
            for _ in range(2)
        ]
        read = await reading(work, before)

    assert (deleted, read.scanned) == ([1, 0], ())
    assert read.rows <= 10


async def test_an_id_from_the_future_keeps_its_lines_no_longer_than_the_call(
    world: World,
) -> None:
    await fill(world, CALLS, FUTURE, LINES.format("true"))

    async with world.system() as work:
        until, most = work.now - timedelta(days=10), 10_000
        some = await background_task_logs.delete_old_lines(work, before=until, most=most)
        rest = await background_task_logs.delete_lines_of_old(work, before=until, most=most)

    assert (some, rest) == (1_999, 1)
