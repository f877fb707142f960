"""What the loops do when they run once, and that a supervisor runs them, with Redis and without."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update

from headgate_server.database.urls import DatabaseUrls
from headgate_server.doctor.database import examine
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.leases import Phase
from headgate_server.loops import late_runs, lost_runs, outbox, partitions
from headgate_server.loops.loop import LoopContext
from headgate_server.loops.registry import LOOPS
from headgate_server.loops.supervisor import Supervisor
from headgate_server.repositories.flow_runs.transition import lock_run
from headgate_server.services import closing, upkeep
from headgate_server.services.flow_runs import create, read
from headgate_server.services.flows import upsert_flow
from headgate_server.settings import Timers
from headgate_server.tables.audit_entries import audit_queue, audit_seals
from headgate_server.tables.events import events
from headgate_server.tables.events import outbox as outbox_table
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.work_pools import work_items
from tests.factories.deployments import make_deployment
from tests.factories.tenants import make_tenant
from tests.fixtures.deadlines import eventually
from tests.fixtures.sql import query
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

LOSE_THE_LAST_DAY = """
do $$
declare parent text;
begin
  foreach parent in array array['states', 'logs', 'events'] loop
    execute format('drop table %I', parent || '_' || to_char(current_date + 14, 'YYYYMMDD'));
  end loop;
end $$
"""
LOSE_ALL_DAYS = """
do $$
declare child text;
begin
  for child in select relname from pg_class where relname ~ '^(states|logs|events)_[0-9]{8}$' loop
    execute format('drop table %I', child);
  end loop;
end $$
"""
"""As an installation finds itself that rested for longer than days are made ahead."""


def context(world: World, timers: Timers | None = None) -> LoopContext:
    return LoopContext(database=world.database, bus=world.bus, timers=timers or Timers())


async def late_cause(world: World, run_id: UUID) -> tuple[str, str | None]:
    async with world.work() as work:
        run = await read.get_flow_run(work, run_id)
    return run.state_name, run.late_cause


async def test_a_run_that_waits_beyond_its_threshold_is_late_once(world: World) -> None:
    (run,) = await world.create()
    world.shift.by = timedelta(seconds=14)
    assert await late_runs.run_once(context(world)) == 0

    world.shift.by = timedelta(seconds=16)
    assert await late_runs.run_once(context(world)) == 1
    assert await late_runs.run_once(context(world)) == 0

    assert await late_cause(world, run.id) == ("Late", "CONTROL_PLANE")


@pytest.mark.parametrize("count", [1, 45])
async def test_late_runs_take_the_same_statements_however_many_they_are(
    world: World, statements: list[str], count: int
) -> None:
    runs = await world.create(count)
    world.shift.by = timedelta(minutes=5)
    statements.clear()

    assert await late_runs.run_once(context(world)) == count

    ours = [one for one in statements if "set_config" not in one]
    listed, locked, applied, settled = ours
    assert "row_number() over (partition by workspace_id" in listed
    assert "for update skip locked" in locked
    assert applied.count("update flow_runs") == 1
    assert "late_due_at=" in settled.replace(" ", "")
    assert [await world.history(run.id) for run in (runs[0], runs[-1])] == [
        [(1, "Scheduled"), (2, "Late")]
    ] * 2
    assert await outbox.run_once(context(world)) == 2 * count


async def test_a_late_run_that_somebody_holds_is_marked_in_the_next_round(world: World) -> None:
    held, free = await world.create(2)
    world.shift.by = timedelta(minutes=5)

    async with world.system() as work:
        await lock_run(work, held.id)
        assert await late_runs.run_once(context(world)) == 1
        assert (await late_cause(world, free.id))[0] == "Late"

    assert await late_runs.run_once(context(world)) == 1
    assert await late_runs.run_once(context(world)) == 0


async def make_neighbour_late(world: World) -> UUID:
    """Make a run of another organization that is late after all others."""
    tenant = await make_tenant(world.database)
    async with world.database.tenant(tenant.owner, tenant.workspace_id) as work:
        deployed = await make_deployment(work)
        request = create.RunRequest(deployment_id=deployed.deployment_id, name="nightly")
        (made,) = await create.create_runs(work, [request])
    assert isinstance(made, FlowRun)
    async with world.database.system() as work:
        late = update(work_items).where(work_items.c.run_id == made.id)
        await work.execute(late.values(late_due_at=work.now - timedelta(seconds=1)))
    return made.id


async def test_a_backlog_of_late_runs_rests_and_delays_nobody_elses(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "LATE_BATCH", 5)
    monkeypatch.setattr(late_runs, "BRISK", 0)
    monkeypatch.setattr(late_runs, "RESTS", 1_000_000)
    monkeypatch.setattr(late_runs, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(late_runs, "LONGEST_SECONDS", 0.2)
    await world.create(12)
    world.shift.by = timedelta(minutes=5)
    ours = await make_neighbour_late(world)

    assert await late_runs.run_once(context(world)) == 5 + 1

    async with world.database.system() as work:
        found = await work.execute(select(flow_runs.c.state_name).where(flow_runs.c.id == ours))
        assert found.scalar_one() == "Late"
        left = await upkeep.list_late(work, silent_for=timedelta(seconds=45))
    assert len(left) == 5


async def test_a_late_run_without_an_agent_says_so(world: World) -> None:
    (run,) = await world.create()
    world.shift.by = timedelta(minutes=5)

    await late_runs.run_once(context(world))

    assert await late_cause(world, run.id) == ("Late", "NO_AGENT")


async def test_an_offer_nobody_claims_goes_back_to_its_pool(world: World) -> None:
    await world.create()
    await world.offer()
    world.shift.by = timedelta(seconds=16)

    assert await lost_runs.run_once(context(world)) >= 1

    async with world.system() as work:
        assert (await work.execute(select(work_items.c.phase))).scalars().all() == [Phase.READY]


async def test_published_events_are_numbered_without_a_hole(world: World) -> None:
    await world.create(3)

    published = await outbox.run_once(context(world))

    async with world.system() as work:
        numbers = (await work.execute(select(events.c.sequence).order_by(events.c.sequence))).all()
        waiting = (await work.execute(select(func.count()).select_from(outbox_table))).scalar_one()
    assert published == len(numbers) >= 3
    assert [row.sequence for row in numbers] == list(range(1, published + 1))
    assert waiting == 0


async def test_partitions_are_made_once(world: World, urls: DatabaseUrls) -> None:
    # The databases of tests may have been made before midnight.
    await query(urls.owner, "select make_partitions(14)")
    assert await partitions.run_once(context(world)) == 0

    await query(urls.owner, LOSE_THE_LAST_DAY)
    assert await partitions.run_once(context(world)) == 3
    assert await partitions.run_once(context(world)) == 0


async def test_what_came_before_its_day_had_a_partition_moves_into_it(
    world: World, urls: DatabaseUrls
) -> None:
    await query(urls.owner, LOSE_ALL_DAYS)
    (run,) = await world.create()
    await outbox.run_once(context(world))
    before = await world.history(run.id)

    assert await partitions.run_once(context(world)) == 3 * 16

    assert await world.history(run.id) == before
    assert await query(urls.owner, "select count(*) from states_default") == 0
    assert await query(urls.owner, "select count(*) from events_default") == 0
    assert await query(urls.owner, "select count(*) from events") > 0


READ_DAYS = "lock table only states, only logs, only events in access share mode"
READ_ALL = "lock table states, logs, events in access share mode"
"""As a backup does from its beginning to its end."""


@pytest.mark.parametrize(("reads", "made"), [(READ_DAYS, 3), (READ_ALL, 0)])
async def test_partitions_are_made_beside_a_reader_or_soon_after_it(
    world: World, urls: DatabaseUrls, reads: str, made: int
) -> None:
    await query(urls.owner, "select make_partitions(14)")
    await query(urls.owner, LOSE_THE_LAST_DAY)

    async with asyncio.timeout(2), world.system() as reader:
        await reader.execute(text(reads))
        assert await partitions.run_once(context(world)) == made

    assert await partitions.run_once(context(world)) == 3 - made


async def test_who_reads_one_table_holds_up_no_other_and_the_doctor_names_them(
    world: World, urls: DatabaseUrls
) -> None:
    await query(urls.owner, LOSE_ALL_DAYS)

    async with world.system() as reader:
        await reader.execute(text("lock table logs in access share mode"))
        assert await partitions.run_once(context(world)) == 2 * 16
        found = {one.check: one for one in await examine(world.database, timers=Timers())}

    told = found["partitions"].message
    assert re.fullmatch(
        r".* 0 days ahead only, and the next ones wait for .+ \(process \d+\)\.", told
    )
    assert await partitions.run_once(context(world)) == 16


@asynccontextmanager
async def supervised(world: World, redis_url: str, timers: Timers) -> AsyncGenerator[Supervisor]:
    supervisor = Supervisor(context(world, timers), LOOPS, redis_url=redis_url, prefix="test")
    task = asyncio.create_task(supervisor.run())
    yield supervisor
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def outbox_is_empty(world: World) -> bool:
    async with world.system() as work:
        found = await work.execute(select(func.count()).select_from(outbox_table))
    return found.scalar_one() == 0


async def test_a_supervisor_publishes_events_as_they_are_committed(
    world: World, redis_url: str
) -> None:
    async with supervised(world, redis_url, Timers()):
        await eventually(lambda: outbox_is_empty(world), what="The outbox")
        await world.create()

        await eventually(lambda: outbox_is_empty(world), within_seconds=3, what="The outbox")


async def is_sealed(world: World) -> bool:
    async with world.system() as work:
        found = await work.execute(select(func.count()).select_from(audit_seals))
        waiting = await work.execute(select(func.count()).select_from(audit_queue))
    return found.scalar_one() > 0 and waiting.scalar_one() == 0


async def test_a_supervisor_seals_audit_entries_within_seconds(
    world: World, redis_url: str
) -> None:
    async with supervised(world, redis_url, Timers()):
        async with world.work() as work:
            await upsert_flow(work, name="made just now")

        await eventually(lambda: is_sealed(world), within_seconds=5, what="The seal")


async def test_without_redis_the_loops_run_directly(world: World) -> None:
    timers = Timers(sweep_without_redis_seconds=0.1)
    async with supervised(world, "redis://127.0.0.1:1/0", timers):
        await world.create()

        await eventually(lambda: outbox_is_empty(world), within_seconds=5, what="The outbox")


async def test_a_round_that_does_not_end_here_keeps_the_supervisor_from_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headgate_server.loops.loop.ROUND_SECONDS", 0.2)
    held, rounds = asyncio.Event(), asyncio.Event()

    async def hold(_context: LoopContext) -> int:
        held.set()
        await asyncio.Event().wait()
        return 0

    loops = [replace(one, run_once=hold) if one.name == "audit_entries" else one for one in LOOPS]
    found = context(world, Timers(sweep_without_redis_seconds=0.1))
    supervisor = Supervisor(
        found, loops, redis_url="redis://127.0.0.1:1/0", prefix="test", on_round=rounds.set
    )
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(supervisor.run())
        await asyncio.wait_for(held.wait(), 5)
        rounds.clear()
        await asyncio.wait_for(rounds.wait(), 5)
        running.cancel()

    assert "The audit_entries loop" in found.vitals.failing


async def test_a_late_run_of_an_archived_workspace_says_so(world: World) -> None:
    (run,) = await world.create()
    async with world.work() as work:
        await closing.archive_workspace(work, id_=world.tenant.workspace_id, is_archived=True)
    world.shift.by = timedelta(minutes=1)

    await late_runs.run_once(context(world))

    assert await late_cause(world, run.id) == ("Late", "PAUSED")
