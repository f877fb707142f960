"""SLA rules and what does not run in one go: runs that start again or wait, rules that are off."""

from collections import Counter
from datetime import timedelta

import pytest

from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.sla_rules import SlaKind, SlaRule, SlaRuleChanges
from headgate_server.domain.states import StateType
from headgate_server.services import sla_rules
from headgate_server.services.flow_runs import change, create
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.sla_rules import sla_rules as sla_rows
from headgate_server.tables.sla_rules import sla_violations
from tests.backend.services.test_reuse import begin, suspend
from tests.backend.services.test_sla_rules import MINUTE, broken, judge, promise, told
from tests.factories.histories import make_past_runs
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)


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
    (run,) = await world.create()
    for _ in range(2):
        await judge(world, after=2 * MINUTE)
        lease, _ = await begin(world)
        await judge(world, after=2 * MINUTE)
        await judge(world, after=2 * MINUTE)
        await run_again(world, lease)

    async with world.work() as work:
        page = await sla_rules.list_violations(work, page=PageRequest())
    assert {violation.flow_run_id for violation in page.items} == {run.id}
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


async def test_rule_that_allows_less_is_broken_by_what_waits_and_not_by_what_has_begun(
    world: World,
) -> None:
    rule = await promise(world, SlaKind.LATENESS, within=timedelta(hours=1))
    waits, begun = await world.create(2)
    await judge(world, after=30 * MINUTE)
    (offered,) = [one for one in await world.offer() if one.run_id == begun.id]
    await world.propose(await world.claim(offered), StateType.RUNNING)
    await judge(world, after=10 * MINUTE)
    for within in (MINUTE, 2 * MINUTE):
        async with world.work() as work:
            await sla_rules.update_rule(work, id_=rule.id, changes=SlaRuleChanges(within=within))
    before = await broken(world)
    await judge(world, after=timedelta())
    found = await broken(world)
    await judge(world, after=MINUTE)

    assert (before, found, await broken(world)) == ([], [waits.id], [waits.id])


async def test_rule_finds_more_that_waits_than_is_told_of_at_once(world: World) -> None:
    rule = await promise(world, SlaKind.LATENESS, within=timedelta(days=90))
    async with world.system() as work:
        await make_past_runs(work, world.deployed, count=1_200)
        waits = {"state_type": "SCHEDULED", "started_at": None, "ended_at": None}
        await work.execute(flow_runs.update().values(**waits))
    async with world.work() as work:
        await sla_rules.update_rule(work, id_=rule.id, changes=SlaRuleChanges(within=MINUTE))
    await judge(world, after=timedelta(seconds=20))
    async with world.work() as work:
        at_once = await sla_rules.count_violations(work, cap=2_000)
    judged = await judge(world, after=timedelta())
    async with world.work() as work:
        together = await sla_rules.count_violations(work, cap=2_000)

    assert (at_once, judged, together) == (1_000, 1, 1_200)


async def test_run_that_is_made_after_its_time_was_over_was_late_as_it_was_made(
    world: World,
) -> None:
    await promise(world, SlaKind.LATENESS, within=10 * MINUTE)
    await judge(world, after=timedelta(hours=2))
    async with world.work() as work:
        at = [work.now - timedelta(hours=1), work.now - 9 * MINUTE]
        past, recent = [
            create.RunRequest(
                deployment_id=world.deployed.deployment_id, name="past", expected_start=one
            )
            for one in at
        ]
        late, in_time = await create.create_runs(work, [past, recent])
    assert isinstance(late, FlowRun)
    assert isinstance(in_time, FlowRun)
    for offered in await world.offer():
        await world.propose(await world.claim(offered), StateType.RUNNING)
    await judge(world, after=timedelta(seconds=20))
    found = await broken(world)
    await judge(world, after=2 * MINUTE)

    assert (found, await broken(world)) == ([late.id], [late.id])


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


async def end_long_runs(world: World, *, count: int, of: int) -> None:
    """Make rules of one deployment, and runs that broke all since they were judged, long ago."""
    for number in range(of):
        await promise(world, SlaKind.DURATION, name=f"{number}")
    async with world.system() as work:
        await work.execute(sla_rows.update().values(judged_at=work.now - 10 * HOUR))
        await make_past_runs(work, world.deployed, count=count)
        ended = flow_runs.c.expected_start
        values = {"started_at": ended - HOUR, "ended_at": ended}
        await work.execute(flow_runs.update().values(values))


async def test_runs_that_ended_while_nobody_judged_are_judged_a_part_after_another(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sla_rules, "ENDED_AT_ONCE", 2)
    await end_long_runs(world, count=5, of=1)

    counts: list[int] = []
    while await judge(world, after=timedelta()):
        counts.append(len(await broken(world)))

    assert counts == [2, 4, 5]


async def test_so_much_is_stored_at_once_of_all_rules_together(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sla_rules, "BREACHES_AT_ONCE", 3)
    await end_long_runs(world, count=4, of=2)

    counts: list[int] = []
    while await judge(world, after=timedelta()):
        async with world.work() as work:
            counts.append(await sla_rules.count_violations(work))

    assert counts == [3, 6, 8]
