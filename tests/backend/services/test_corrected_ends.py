"""A person calls a run that has ended another end: all that goes by its state follows, no more."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import select

from headgate_server.bus import channels
from headgate_server.domain.backfills import BackfillStatus
from headgate_server.domain.errors import HeadgateError, LeaseLost
from headgate_server.domain.failure_groups import FailureGroup, GroupFilter
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.ids import Kind, show
from headgate_server.domain.pagination import PageRequest
from headgate_server.domain.run_counts import Buckets
from headgate_server.domain.sla_rules import SlaKind
from headgate_server.domain.states import StateType, propose
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.domain.transitions.facts import Decision, Outcome
from headgate_server.domain.transitions.policy import replay
from headgate_server.services import backfills, failure_groups, quotas
from headgate_server.services.audit_entries import read
from headgate_server.services.flow_runs import change
from headgate_server.services.flow_runs.counts import read_counts
from headgate_server.services.transitions import Transition
from headgate_server.tables.flow_runs import attempts
from headgate_server.tables.sla_rules import sla_rules as sla_rows
from tests.backend.services.test_backfill_outcomes import DAYS, advance, make_backfill, run_all
from tests.backend.services.test_backfill_outcomes import read as read_backfill
from tests.backend.services.test_cancels import states_of
from tests.backend.services.test_collisions import start_all
from tests.backend.services.test_run_counts import settle
from tests.backend.services.test_sla_rules import judge, promise
from tests.factories.events import recorded
from tests.factories.subflows import end_below, subflow
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

ENDS = (StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED)
REASON = "Its rows were loaded by hand."
"""Why somebody corrects an end."""
LATER = timedelta(minutes=20)


async def correct(
    world: World,
    run_id: UUID,
    type_: StateType = StateType.COMPLETED,
    *,
    key: str | None = None,
    is_forced: bool = True,
    reason: str | None = REASON,
) -> Transition:
    correction = change.Correction(is_forced=is_forced, reason=reason)
    async with world.work() as work:
        return await change.set_state(
            work, run_id=run_id, state=propose(type_), lease=None, key=key, correction=correction
        )


async def ended(world: World, type_: StateType = StateType.FAILED) -> FlowRun:
    """Return a run that ended so under its lease; time passes after it."""
    run = await world.propose(await world.started(), type_)
    world.shift.by += LATER
    return run


def counted_ends(world: World, type_: str) -> float | None:
    return world.instruments.registry.get_sample_value(
        "headgate_runs_ended_total", {"state": type_}
    )


def decided(done: Transition) -> Decision:
    return replay(orjson.loads(orjson.dumps(done.decision.to_json())))


@pytest.mark.parametrize("before", ENDS)
async def test_each_end_is_corrected_to_each_other_and_neither_forgotten(
    world: World, before: StateType
) -> None:
    run = await ended(world, before)
    others = [type_ for type_ in ENDS if type_ is not before]

    done = [await correct(world, run.id, type_) for type_ in [*others, before]]

    names = [type_.value.title() for type_ in [before, *others, before]]
    assert [one.error for one in done] == [None] * 4
    assert await world.history(run.id) == [
        (1, "Scheduled"), (2, "Pending"), (3, "Running"), *enumerate(names, start=4),
    ]  # fmt: skip
    assert (done[0].run.state_message, done[0].state and done[0].state.details) == (
        REASON,
        {"reason": REASON},
    )
    assert [decided(one).outcome for one in done] == [Outcome.ACCEPT] * 4


async def test_correction_is_no_second_end(world: World) -> None:
    run = await ended(world)
    of_attempts = select(attempts.c.ended_at, attempts.c.outcome)
    async with world.system() as work:
        attempt = (await work.execute(of_attempts)).one()
        usage = await quotas.get_own_standing(work)

    now = (await correct(world, run.id)).run

    async with world.system() as work:
        assert (await work.execute(of_attempts)).one() == attempt
        assert await quotas.get_own_standing(work) == usage
    assert (now.started_at, now.ended_at, now.duration) == (
        run.started_at,
        run.ended_at,
        run.duration,
    )
    assert (now.expected_start, now.late_cause, now.attempt) == (
        run.expected_start,
        run.late_cause,
        run.attempt,
    )
    assert now.state_timestamp - run.state_timestamp >= LATER
    assert [counted_ends(world, type_) for type_ in ("FAILED", "COMPLETED")] == [1, None]
    assert await world.offer() == []


async def test_correction_is_audited_with_its_reason_and_told_of(world: World) -> None:
    run = await ended(world)

    await correct(world, run.id)

    async with world.work() as work:
        (entry, *_) = (
            await read.list_entries(
                work, organization_id=world.tenant.organization_id, page=PageRequest()
            )
        ).items
    said = {"state": "Completed", "type": "COMPLETED", "forced": True, "reason": REASON}
    assert (entry.action, entry.target.id, entry.diff) == (
        "flow_run.state_set",
        run.id,
        {"before": None, "after": said},
    )
    assert entry.actor == world.tenant.owner.actor
    name, of, payload = (await recorded(world.database, world.tenant))[-1]
    assert (name, of) == ("flow_run.completed", show(Kind.FLOW_RUN, run.id))
    assert payload["previous"] == {"type": "FAILED", "name": "Failed"}


async def test_correction_wakes_who_follows_the_run(world: World) -> None:
    run = await ended(world)

    async with world.bus.listen(channels.run(run.id)) as woken:
        await correct(world, run.id)
        assert await woken.wait(timeout_seconds=10)


@pytest.mark.parametrize(
    ("type_", "said", "told"),
    [
        (StateType.COMPLETED, {"is_forced": False}, "with force and a reason"),
        (StateType.COMPLETED, {"reason": None}, "with force and a reason"),
        (StateType.FAILED, {}, "has ended as Failed already"),
        (StateType.SCHEDULED, {}, "retry it instead"),
        (StateType.RUNNING, {}, "retry it instead"),
    ],
)
async def test_what_is_no_correction_is_refused_and_says_what_would_be(
    world: World, type_: StateType, said: dict[str, Any], told: str
) -> None:
    run = await ended(world)
    before = await world.history(run.id)

    done = await correct(world, run.id, type_, **said)

    assert done.error is not None
    assert (done.error.code, told in str(done.error)) == ("ILLEGAL_TRANSITION", True)
    assert await world.history(run.id) == before


async def test_cancel_by_force_corrects_nothing(world: World) -> None:
    run = await ended(world)

    async with world.work() as work:
        request = change.CancelRequest(reason=REASON, is_forced=True)
        done = await change.cancel_run(work, run_id=run.id, request=request)

    assert done.error is not None
    assert (await world.history(run.id))[-1] == (4, "Failed")


async def test_repeated_correction_is_answered_as_before_and_written_once(world: World) -> None:
    run = await ended(world)
    first = await correct(world, run.id, key="k")

    again = await correct(world, run.id, key="k")

    assert (again.error, again.decision.outcome) == (None, Outcome.REPLAY)
    assert again.run == first.run
    assert (await world.history(run.id))[-1] == (5, "Completed")


async def test_correction_is_a_persons_alone(world: World) -> None:
    lease = await world.started()
    await world.propose(lease, StateType.FAILED)
    itself = replace(world.tenant.owner, actor=Actor(ActorKind.RUN, lease.run_id, "nightly"))
    forced = change.Correction(is_forced=True, reason=REASON)
    errors: list[HeadgateError | None] = []

    for shown in (lease, None):
        async with world.database.tenant(itself, world.tenant.workspace_id) as work:
            done = await change.set_state(
                work,
                run_id=lease.run_id,
                state=propose(StateType.COMPLETED),
                lease=shown,
                key=None,
                correction=forced,
            )
        errors.append(done.error)

    assert isinstance(errors[0], LeaseLost)
    assert errors[1] is not None
    assert (await world.history(lease.run_id))[-1] == (4, "Failed")


@pytest.mark.parametrize("type_", [StateType.CANCELLED, StateType.CRASHED])
async def test_what_is_below_a_run_is_left_as_it_is(world: World, type_: StateType) -> None:
    parent = await world.started()
    child = await subflow(world, parent)
    await world.propose(parent, StateType.COMPLETED)

    await correct(world, parent.run_id, type_)

    assert await end_below(world) == 0
    assert await states_of(world, parent, child) == [type_.value.title(), "Running"]


async def test_counts_of_runs_move_with_the_state(world: World) -> None:
    run = await ended(world)
    assert run.expected_start is not None
    hour = run.expected_start.replace(minute=0, second=0, microsecond=0)
    buckets = Buckets(hour, hour + timedelta(hours=1), timedelta(hours=1))
    await settle(world)

    await correct(world, run.id)
    counted = await settle(world)

    async with world.work() as work:
        found = await read_counts(work, buckets=buckets)
    assert (counted, found) == (1, {(0, StateType.COMPLETED): 1})


async def groups(world: World) -> list[FailureGroup]:
    """Return the groups after all failures were put into theirs, the first first."""
    async with world.database.system() as work:
        await failure_groups.group_failures(work)
    async with world.work() as work:
        page = await failure_groups.list_groups(work, page=PageRequest(), filter=GroupFilter())
    return sorted(page.items, key=lambda group: group.id)


@pytest.mark.parametrize("is_grouped", [True, False])
async def test_corrected_failure_was_one_and_is_not_retried_with_its_group(
    world: World, *, is_grouped: bool
) -> None:
    run, other = await ended(world), await ended(world)
    if is_grouped:
        await groups(world)

    await correct(world, run.id)
    (group,) = await groups(world)
    async with world.work() as work:
        retried = await failure_groups.retry_group(work, id_=group.id)
        listed = (await failure_groups.list_runs(work, group_id=group.id, page=PageRequest())).items

    assert (list(retried.run_ids), retried.remaining, retried.refused) == ([other.id], 0, 0)
    assert (group.failure_count, group.run_count) == (2, 2)
    assert {one.id: one.state_name for one in listed}[run.id] == "Completed"


async def test_run_that_is_called_failed_is_in_the_group_of_what_was_said(world: World) -> None:
    run = await ended(world, StateType.COMPLETED)

    await correct(world, run.id, StateType.FAILED)

    (group,) = await groups(world)
    async with world.work() as work:
        of_runs = await failure_groups.get_many_of_runs(work, [run.id])
    assert (group.message, group.run_count) == (REASON, 1)
    assert of_runs == {run.id: group}


@pytest.mark.parametrize("is_settled", [True, False])
async def test_backfill_ends_as_its_runs_are_called(world: World, *, is_settled: bool) -> None:
    made = await make_backfill(world, parallelism=DAYS)
    await advance(world, made)
    leases = await start_all(world)
    for lease in leases:
        is_first = lease is leases[0]
        await world.propose(lease, StateType.FAILED if is_first else StateType.COMPLETED)
    if is_settled:
        await advance(world, made)
    before, _ = await read_backfill(world, made)

    await correct(world, leases[0].run_id)
    await advance(world, made)
    await advance(world, made)

    now, outcomes = await read_backfill(world, made)
    assert before.status is (BackfillStatus.FAILED if is_settled else BackfillStatus.RUNNING)
    assert (now.status, outcomes) == (BackfillStatus.COMPLETED, [StateType.COMPLETED] * DAYS)
    assert await world.offer() == []


async def test_backfill_with_another_bad_end_is_no_better_for_it(world: World) -> None:
    made = await make_backfill(world, parallelism=DAYS)
    await run_all(world, made, StateType.COMPLETED, StateType.FAILED)
    failed = next(
        run_id for run_id, outcome in await runs_of(world, made.id) if outcome is StateType.FAILED
    )

    await correct(world, failed, StateType.CANCELLED)
    await advance(world, made)
    await advance(world, made)

    now, outcomes = await read_backfill(world, made)
    assert now.status is BackfillStatus.FAILED
    assert sorted(map(str, outcomes)) == ["CANCELLED", *["COMPLETED"] * (DAYS - 1)]


async def runs_of(world: World, id_: UUID) -> list[tuple[UUID, StateType | None]]:
    async with world.work() as work:
        items = (await backfills.list_items(work, id_=id_, page=PageRequest())).items
    return [(item.run_id, item.outcome) for item in items if item.run_id is not None]


async def test_corrected_run_keeps_a_promise_of_completed_runs(world: World) -> None:
    await promise(world, SlaKind.FRESHNESS)
    run = await world.propose(await world.started(), StateType.FAILED)

    await correct(world, run.id)
    await judge(world, after=timedelta(seconds=50))

    async with world.system() as work:
        counted = (await work.execute(select(sla_rows.c.counted_run_id))).scalar_one()
    assert counted == run.id


async def test_corrected_run_is_retried_as_any_that_has_ended(world: World) -> None:
    run = await ended(world)
    await correct(world, run.id)

    async with world.work() as work:
        done = await change.retry_run(work, run_id=run.id)
    (lease,) = await start_all(world)
    now = await world.propose(lease, StateType.COMPLETED)

    assert done.error is None
    assert (now.attempt, now.state_sequence) == (2, 9)
    assert now.ended_at is not None
    assert run.ended_at is not None
    assert now.ended_at > run.ended_at
