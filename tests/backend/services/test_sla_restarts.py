"""SLA rules and what does not run in one go: runs that start again or wait, rules that are off."""

from collections import Counter
from datetime import timedelta

import pytest

from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.sla_rules import SlaKind, SlaRule, SlaRuleChanges
from headgate_server.domain.states import StateType
from headgate_server.services import sla_rules
from headgate_server.services.flow_runs import change
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.sla_rules import sla_violations
from tests.backend.services.test_reuse import begin, suspend
from tests.backend.services.test_sla_rules import MINUTE, broken, judge, promise, told
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio


async def switch(world: World, rule: SlaRule, *, is_enabled: bool) -> None:
    changes = SlaRuleChanges(is_enabled=is_enabled)
    async with world.work() as work:
        await sla_rules.update_rule(work, id_=rule.id, changes=changes)


async def test_run_that_was_suspended_took_the_time_since_it_started(world: World) -> None:
    await promise(world, SlaKind.DURATION)
    lease = await world.started()
    world.shift.by += timedelta(seconds=50)
    await suspend(world, lease)
    lease, _ = await begin(world)
    await judge(world, after=timedelta(seconds=50))

    assert await broken(world) == [lease.run_id]


async def test_run_that_is_started_again_after_retries_took_the_time_since_then(
    world: World,
) -> None:
    await promise(world, SlaKind.DURATION)
    lease = await world.started()
    await world.propose(lease, StateType.FAILED, retry={"limit": 1, "delaySeconds": 0})
    await world.propose(lease, StateType.RUNNING)
    await world.propose(lease, StateType.FAILED)
    world.shift.by += timedelta(hours=1)
    async with world.work() as work:
        await change.retry_run(work, run_id=lease.run_id)
    lease, _ = await begin(world)
    world.shift.by += timedelta(seconds=50)
    await suspend(world, lease)
    lease, _ = await begin(world)
    too_early = await judge(world, after=timedelta(seconds=5))
    in_time = await broken(world)
    await judge(world, after=timedelta(seconds=20))

    assert (too_early, in_time, await broken(world)) == (1, [], [lease.run_id])


async def test_run_that_is_started_again_and_does_not_start_is_late(world: World) -> None:
    await promise(world, SlaKind.LATENESS)
    in_time = await world.started()
    await world.propose(in_time, StateType.FAILED)
    late = await world.started()
    await world.propose(late, StateType.FAILED)
    world.shift.by += timedelta(minutes=10)
    await judge(world, after=timedelta())
    for lease in (in_time, late):
        async with world.work() as work:
            await change.retry_run(work, run_id=lease.run_id)
    (offered,) = [one for one in await world.offer() if one.run_id == in_time.run_id]
    await world.propose(await world.claim(offered), StateType.RUNNING)
    await judge(world, after=2 * MINUTE)

    assert await broken(world) == [late.run_id]


async def test_run_that_somebody_started_sooner_than_it_was_due_is_not_late(world: World) -> None:
    await promise(world, SlaKind.LATENESS)
    (run,) = await world.create()
    async with world.system() as work:
        due = flow_runs.update().values(expected_start=work.now + MINUTE)
        await work.execute(due.where(flow_runs.c.id == run.id))
    lease, _ = await begin(world)
    await judge(world, after=2 * MINUTE)
    await judge(world, after=MINUTE)

    assert (lease.run_id, await broken(world)) == (run.id, [])


async def run_again(world: World, lease: LeaseRef) -> None:
    """Have a run fail, and somebody start it again an hour later."""
    await world.propose(lease, StateType.FAILED)
    world.shift.by += timedelta(hours=1)
    async with world.work() as work:
        await change.retry_run(work, run_id=lease.run_id)


async def test_rules_that_a_run_breaks_again_after_somebody_started_it_again_are_told_again(
    world: World,
) -> None:
    for kind in (SlaKind.LATENESS, SlaKind.DURATION):
        await promise(world, kind, name=kind.value)
        await promise(world, kind, within=MINUTE / 2, name=f"{kind.value}, stricter")
    await world.create()
    for _ in range(2):
        await judge(world, after=2 * MINUTE)
        lease, _ = await begin(world)
        await judge(world, after=2 * MINUTE)
        await judge(world, after=2 * MINUTE)
        await run_again(world, lease)

    async with world.work() as work:
        page = await sla_rules.list_violations(work, page=PageRequest())
    assert {violation.flow_run_id for violation in page.items} == {lease.run_id}
    assert sorted(Counter(violation.rule_id for violation in page.items).values()) == [2] * 4
    assert len(await told(world)) == 8


async def test_violation_that_names_its_run_alone_is_not_told_again(world: World) -> None:
    """As an earlier release stored it."""
    for kind in (SlaKind.LATENESS, SlaKind.DURATION):
        await promise(world, kind, name=kind.value)
    await world.create()
    await judge(world, after=2 * MINUTE)
    lease, _ = await begin(world)
    await judge(world, after=2 * MINUTE)
    async with world.system() as work:
        named = sla_violations.update().values(key=str(lease.run_id))
        changed = await work.execute(named)
    world.shift.by += timedelta(seconds=20)
    await judge(world, after=timedelta())

    assert (changed.rowcount, await broken(world)) == (2, [lease.run_id] * 2)


PACES = [SlaKind.FREQUENCY, SlaKind.FRESHNESS]


@pytest.mark.parametrize("kind", PACES)
async def test_rule_that_is_switched_on_again_begins_anew(world: World, kind: SlaKind) -> None:
    rule = await promise(world, kind)
    await world.propose(await world.started(), StateType.COMPLETED)
    await judge(world, after=timedelta(seconds=20))
    await switch(world, rule, is_enabled=False)
    world.shift.by += timedelta(days=1)
    await switch(world, rule, is_enabled=True)
    await judge(world, after=timedelta(seconds=50))
    in_time = await broken(world)
    await judge(world, after=timedelta(seconds=20))

    assert (in_time, await broken(world)) == ([], [None])


@pytest.mark.parametrize("kind", PACES)
async def test_rule_that_is_switched_off_is_broken_no_more(world: World, kind: SlaKind) -> None:
    rule = await promise(world, kind)
    await judge(world, after=2 * MINUTE)
    before = await broken(world, is_open=True)
    await switch(world, rule, is_enabled=False)
    off = await broken(world, is_open=True)
    world.shift.by += timedelta(days=1)
    await switch(world, rule, is_enabled=True)
    async with world.work() as work:
        begun_at = work.now
    await judge(world, after=2 * MINUTE)

    async with world.work() as work:
        page = await sla_rules.list_violations(work, page=PageRequest(), is_open=True)
    (violation,) = page.items
    assert (before, off) == ([None], [])
    assert begun_at - MINUTE < violation.since <= begun_at
    assert [name for name, _ in await told(world)] == [
        "sla_rule.violated", "sla_rule.recovered", "sla_rule.violated",
    ]  # fmt: skip
