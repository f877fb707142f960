"""SLA rules: each kind is broken, told of once by many schedulers at once, and kept again."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from headgate_server.domain.errors import (
    Conflict,
    InvalidInput,
    LimitExceeded,
    NotFound,
    VersionConflict,
)
from headgate_server.domain.ids import new_id
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.sla_rules import MAX_RULES, NewSlaRule, SlaKind, SlaRule, SlaRuleChanges
from headgate_server.domain.states import StateType
from headgate_server.loops import sla_rules as loop
from headgate_server.loops.loop import LoopContext
from headgate_server.services import deployments, sla_rules
from headgate_server.services.flow_runs import change
from headgate_server.settings import Timers
from headgate_server.tables.events import outbox
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.sla_rules import sla_rules as sla_rows
from tests.factories.histories import make_past_runs
from tests.fixtures.plans import forbid_scans, reading
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)


async def promise(
    world: World, kind: SlaKind, *, within: timedelta = MINUTE, name: str = "promise"
) -> SlaRule:
    async with world.work() as work:
        return await sla_rules.create_rule(
            work,
            NewSlaRule(
                name=name, kind=kind, within=within, deployment_id=world.deployed.deployment_id
            ),
        )


async def judge(world: World, *, after: timedelta) -> int:
    """Judge what is due so much later."""
    world.shift.by += after
    return await loop.run_once(LoopContext(world.database, world.bus, Timers()))


async def told(world: World) -> list[tuple[str, list[str]]]:
    """Return the events of SLA rules, each with the kinds of what is related."""
    async with world.system() as work:
        rows = await work.execute(
            select(outbox.c.name, outbox.c.related)
            .where(outbox.c.name.in_(("sla_rule.violated", "sla_rule.recovered")))
            .order_by(outbox.c.id)
        )
    return [(row.name, [one["kind"] for one in row.related]) for row in rows]


async def broken(world: World, *, is_open: bool | None = None) -> list[UUID | None]:
    """Return the runs of the violations, the latest first."""
    async with world.work() as work:
        page = await sla_rules.list_violations(work, page=PageRequest(), is_open=is_open)
        counted = await sla_rules.count_violations(work, is_open=is_open)
    assert counted == len(page.items)
    return [violation.flow_run_id for violation in page.items]


OF_A_RUN = ("sla_rule.violated", ["deployment", "flow_run"])


async def test_run_that_does_not_start_in_time_is_told_of_once_by_many_schedulers(
    world: World,
) -> None:
    await promise(world, SlaKind.LATENESS)
    waiting, _ = await world.create(2)
    (offered, *_) = [one for one in await world.offer() if one.run_id != waiting.id]
    await world.propose(await world.claim(offered), StateType.RUNNING)

    assert await judge(world, after=timedelta(seconds=30)) == 1
    assert await broken(world) == []
    world.shift.by += MINUTE
    context = LoopContext(world.database, world.bus, Timers())
    counts = await asyncio.gather(*(loop.run_once(context) for _ in range(4)))
    await judge(world, after=MINUTE)

    assert sum(counts) == 1
    assert await broken(world) == [waiting.id]
    assert await told(world) == [OF_A_RUN]


async def test_pause_excuses_no_run_that_waits_and_ends_no_promise(world: World) -> None:
    await promise(world, SlaKind.LATENESS)
    await promise(world, SlaKind.FREQUENCY, name="often")
    (waiting,) = await world.create()

    async def set_paused(*, is_paused: bool) -> None:
        async with world.work() as work:
            await deployments.set_paused(
                work, id_=world.deployed.deployment_id, is_paused=is_paused
            )

    await set_paused(is_paused=True)
    await judge(world, after=timedelta(seconds=30))
    early = await broken(world)
    await judge(world, after=MINUTE)
    late = await broken(world)
    await set_paused(is_paused=False)
    (offered,) = await world.offer()
    await world.propose(await world.claim(offered), StateType.RUNNING)
    await judge(world, after=timedelta(seconds=20))

    assert early == []
    assert set(late) == {waiting.id, None}
    assert set(await broken(world)) == {waiting.id, None}


async def test_run_that_takes_too_long_is_found_while_it_runs_and_when_it_has_ended(
    world: World,
) -> None:
    await promise(world, SlaKind.DURATION, within=timedelta(minutes=2))
    slow = await world.started()
    assert await judge(world, after=MINUTE) == 1
    assert await broken(world) == []

    await judge(world, after=MINUTE)
    still_running = await broken(world)
    async with world.system() as work:
        await make_past_runs(work, world.deployed, count=3)
        ended = flow_runs.update().where(flow_runs.c.name == "past")
        await work.execute(
            ended.values(ended_at=work.now, started_at=work.now - timedelta(minutes=3))
        )
    await judge(world, after=MINUTE)

    assert still_running == [slow.run_id]
    assert len(set(await broken(world))) == 4
    assert await told(world) == [OF_A_RUN] * 4


async def test_run_that_is_started_again_took_the_time_since_then(world: World) -> None:
    await promise(world, SlaKind.DURATION)
    lease = await world.started()
    await world.propose(lease, StateType.FAILED)
    async with world.system() as work:
        hour = timedelta(hours=1)
        first = flow_runs.update().values(started_at=work.now - hour)
        await work.execute(first.where(flow_runs.c.id == lease.run_id))
    async with world.work() as work:
        await change.retry_run(work, run_id=lease.run_id)
    (offered,) = await world.offer()
    await world.propose(again := await world.claim(offered), StateType.RUNNING)
    await judge(world, after=timedelta(seconds=50))
    while_it_runs = await broken(world)
    await world.propose(again, StateType.COMPLETED)
    await judge(world, after=timedelta(seconds=50))

    assert (while_it_runs, await broken(world)) == ([], [])


async def test_backlog_hides_no_run_that_took_too_long_and_has_ended(world: World) -> None:
    await promise(world, SlaKind.DURATION)
    lease = await world.started()
    async with world.system() as work:
        own = flow_runs.update().where(flow_runs.c.id == lease.run_id)
        await work.execute(own.values(started_at=work.now - 2 * MINUTE, expected_start=work.now))
    await world.propose(lease, StateType.COMPLETED)
    await make_unstarted(world, state_type="SCHEDULED", ended_at=None)

    await judge(world, after=MINUTE / 4)

    assert await broken(world) == [lease.run_id]


async def make_unstarted(world: World, **values: object) -> None:
    """Make runs that never started and are due after all that are there."""
    async with world.system() as work:
        await make_past_runs(work, world.deployed, count=300)
        values |= {"name": "unstarted", "started_at": None, "expected_start": work.now}
        await work.execute(flow_runs.update().where(flow_runs.c.name == "past").values(**values))


@pytest.mark.parametrize("kind", [SlaKind.FREQUENCY, SlaKind.FRESHNESS])
@pytest.mark.parametrize("is_judged", [True, False])
async def test_runs_that_never_started_hide_none_that_has_come(
    world: World, kind: SlaKind, *, is_judged: bool
) -> None:
    if is_judged:
        await promise(world, kind)
        await judge(world, after=timedelta())
    run = await world.propose(await world.started(), StateType.COMPLETED)
    await make_unstarted(world, state_type="CANCELLED", ended_at=func.now())
    if not is_judged:
        await promise(world, kind)

    await judge(world, after=timedelta(seconds=50))

    async with world.system() as work:
        counted = (await work.execute(select(sla_rows.c.counted_run_id))).scalar_one()
    assert (counted, await broken(world)) == (run.id, [])


@pytest.mark.parametrize("kind", [SlaKind.FREQUENCY, SlaKind.FRESHNESS])
async def test_runs_that_wait_hide_none_that_has_come(world: World, kind: SlaKind) -> None:
    await promise(world, kind)
    run = await world.propose(await world.started(), StateType.COMPLETED)
    async with world.system() as work:
        await make_past_runs(work, world.deployed, count=300)
        waits = {"state_type": "SCHEDULED", "started_at": None, "ended_at": None}
        await work.execute(flow_runs.update().where(flow_runs.c.name == "past").values(**waits))
        await work.execute(
            flow_runs.update()
            .where(flow_runs.c.id == run.id)
            .values(expected_start=work.now - timedelta(days=1))
        )

    await judge(world, after=timedelta(seconds=50))

    async with world.system() as work:
        counted = (await work.execute(select(sla_rows.c.counted_run_id))).scalar_one()
    assert (counted, await broken(world)) == (run.id, [])


@pytest.mark.parametrize("kind", [SlaKind.FREQUENCY, SlaKind.FRESHNESS])
async def test_runs_that_stay_away_are_told_of_until_one_comes(world: World, kind: SlaKind) -> None:
    await promise(world, kind)
    await judge(world, after=timedelta(seconds=30))
    none_yet = await broken(world)
    await judge(world, after=MINUTE)
    await judge(world, after=MINUTE)
    missing = await broken(world, is_open=True)

    lease = await world.started()
    run = await world.propose(lease, StateType.COMPLETED)
    async with world.system() as work:
        # The database's own clock has not moved with the world's.
        await work.execute(
            flow_runs.update()
            .where(flow_runs.c.id == run.id)
            .values(started_at=work.now, ended_at=work.now)
        )
    await judge(world, after=timedelta(seconds=20))
    kept = await broken(world, is_open=True)
    await judge(world, after=MINUTE)

    assert (none_yet, missing, kept) == ([], [None], [])
    assert await broken(world, is_open=True) == [run.id]
    assert [name for name, _ in await told(world)] == [
        "sla_rule.violated", "sla_rule.recovered", "sla_rule.violated",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [SlaKind.FREQUENCY, SlaKind.FRESHNESS])
async def test_violation_ends_when_the_promise_was_kept_and_not_when_it_was_seen(
    world: World, kind: SlaKind
) -> None:
    await promise(world, kind)
    await judge(world, after=MINUTE + MINUTE)
    run = await world.propose(await world.started(), StateType.COMPLETED)
    async with world.system() as work:
        kept_at = work.now
        at = {"started_at": kept_at, "ended_at": kept_at}
        await work.execute(flow_runs.update().where(flow_runs.c.id == run.id).values(**at))

    await judge(world, after=MINUTE + MINUTE)

    async with world.work() as work:
        page = await sla_rules.list_violations(work, page=PageRequest())
    assert [(one.violated_at, one.ended_at) for one in page.items] == [
        (kept_at + MINUTE, None),
        (page.items[1].violated_at, kept_at),
    ]


async def make_runs_that_do_not_count(world: World) -> None:
    async with world.system() as work:
        await make_past_runs(work, world.deployed, count=300)
        past = flow_runs.update().where(flow_runs.c.name == "past")
        await work.execute(past.values(state_type="SCHEDULED", started_at=None, ended_at=None))
        await work.execute(past.values(state_type="CRASHED", ended_at=work.now, name="uncounted"))


@pytest.mark.parametrize("kind", [SlaKind.FREQUENCY, SlaKind.FRESHNESS])
async def test_rule_is_broken_behind_any_number_of_runs_that_do_not_count(
    world: World, kind: SlaKind
) -> None:
    await make_runs_that_do_not_count(world)
    await promise(world, kind)
    await judge(world, after=timedelta(seconds=30))
    too_early = await broken(world)
    await judge(world, after=MINUTE)
    without_any = await broken(world, is_open=True)

    async with world.system() as work:
        await make_past_runs(work, world.deployed, count=1)
        at = {"started_at": work.now, "ended_at": work.now, "state_type": "COMPLETED"}
        past = flow_runs.update().where(flow_runs.c.name == "past")
        (run_id,) = (
            await work.execute(past.values(**at, expected_start=work.now).returning(flow_runs.c.id))
        ).scalars()
    await judge(world, after=timedelta(seconds=20))
    with_one = await broken(world, is_open=True)
    world.shift.by += timedelta(minutes=5)
    await make_runs_that_do_not_count(world)
    await judge(world, after=MINUTE)

    assert (too_early, without_any, with_one) == ([], [None], [])
    assert await broken(world, is_open=True) == [run_id]


async def test_rule_is_changed_switched_off_and_deleted(world: World) -> None:
    rule = await promise(world, SlaKind.LATENESS)
    await world.create()
    async with world.work() as work:
        with pytest.raises(Conflict) as taken:
            await sla_rules.create_rule(
                work,
                NewSlaRule("promise", SlaKind.DURATION, MINUTE, flow_id=world.deployed.flow_id),
            )
        off = SlaRuleChanges(is_enabled=False, within=2 * MINUTE)
        changed = await sla_rules.update_rule(work, id_=rule.id, changes=off)
        with pytest.raises(VersionConflict):
            await sla_rules.delete_rule(work, id_=rule.id, expected_version=1)

    assert taken.value.path == ("name",)
    assert await judge(world, after=10 * MINUTE) == 0
    async with world.work() as work:
        on = SlaRuleChanges(is_enabled=True)
        await sla_rules.update_rule(work, id_=rule.id, changes=on)
        same = await sla_rules.update_rule(work, id_=rule.id, changes=on)
    await judge(world, after=MINUTE)
    async with world.work() as work:
        await sla_rules.delete_rule(work, id_=rule.id)
        with pytest.raises(NotFound):
            await sla_rules.delete_rule(work, id_=rule.id)

    assert (changed.version, changed.within, same.version) == (2, 2 * MINUTE, 3)
    assert await told(world) == []


async def test_rule_is_of_one_owner_that_exists_and_of_a_length_that_can_be_judged(
    world: World,
) -> None:
    flow_id, kind = world.deployed.flow_id, SlaKind.FRESHNESS
    for new, error in (
        (NewSlaRule("a", kind, MINUTE), InvalidInput),
        (NewSlaRule("a", kind, MINUTE, deployment_id=new_id(), flow_id=flow_id), InvalidInput),
        (NewSlaRule("a", kind, timedelta(days=91), flow_id=flow_id), InvalidInput),
        (NewSlaRule("a/b", kind, MINUTE, flow_id=flow_id), InvalidInput),
        (NewSlaRule("a", kind, MINUTE, flow_id=new_id()), NotFound),
        (NewSlaRule("a", kind, MINUTE, deployment_id=new_id()), NotFound),
    ):
        async with world.work() as work:
            with pytest.raises(error):
                await sla_rules.create_rule(work, new)


async def test_workspace_has_a_bounded_number_of_rules(world: World) -> None:
    rule = await promise(world, SlaKind.LATENESS)
    async with world.system() as work:
        columns = [one for one in sla_rows.c if one.name not in {"id", "name"}]
        others = select(
            func.gen_random_uuid(), func.concat("rule ", text("number")), *columns
        ).select_from(sla_rows, text("generate_series(2, :most) as number"))
        into = ["id", "name", *(one.name for one in columns)]
        await work.execute(sla_rows.insert().from_select(into, others), {"most": MAX_RULES})
    with pytest.raises(LimitExceeded, match="delete some") as refused:
        await promise(world, SlaKind.LATENESS, name="one more")
    async with world.work() as work:
        await sla_rules.delete_rule(work, id_=rule.id)
    await promise(world, SlaKind.LATENESS, name="one more")

    assert (refused.value.limit, refused.value.current) == (MAX_RULES, MAX_RULES)


async def test_many_runs_are_judged_by_reading_few_of_them(world: World) -> None:
    async with world.system() as work:
        await make_past_runs(work, world.deployed, count=3_000)
    for kind in SlaKind:
        await promise(world, kind, within=timedelta(hours=100), name=kind.value)
    world.shift.by = MINUTE

    async with world.system() as work:
        before = await forbid_scans(work)
        judged = await sla_rules.judge_rules(work)
        read = await reading(work, before)
        events = await work.execute(text("select count(*) from sla_violations"))

    assert (judged, events.scalar_one()) == (4, 0)
    assert read.scanned == ()
    assert read.rows <= 700
