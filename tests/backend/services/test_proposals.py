"""Proposals that come twice, late, with somebody else's key, or where they make no sense."""

from datetime import timedelta
from uuid import UUID

import pytest

from headgate_server.domain import ids
from headgate_server.domain.errors import (
    IdempotencyMismatch,
    IllegalTransition,
    InvalidInput,
    LeaseLost,
    VersionConflict,
)
from headgate_server.domain.ids import new_id
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.states import StateType, propose
from headgate_server.domain.tenancy import RunGrant
from headgate_server.domain.transitions.proposal_keys import REMEMBERED_KEYS, remember
from headgate_server.services import task_runs
from headgate_server.services.flow_runs import change, create, read
from headgate_server.services.leases import hold
from tests.factories.agents import make_session
from tests.factories.deployments import make_session as make_small_session
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

LEASE = timedelta(seconds=90)
BUDGET = {"limit": 3, "delaySeconds": 0}
FORCED = change.Correction(is_forced=True)


async def begun(world: World) -> LeaseRef:
    """Begin a run in its caller's own process, and pass its start gate."""
    request = create.BeginRequest(flow_name="local")
    async with world.work() as work:
        made = await create.begin_run(work, request, lease=LEASE, parent=None)
    await world.propose(made.lease, StateType.RUNNING)
    return made.lease


async def state_of(world: World, lease: LeaseRef) -> str:
    async with world.work() as work:
        return (await read.get_many_flow_runs(work, [lease.run_id]))[lease.run_id].state_name


async def test_key_of_a_holder_does_not_swallow_a_cancel(world: World) -> None:
    lease = await world.started()
    await world.propose(lease, StateType.FAILED, key="cancel", retry=BUDGET)
    await world.propose(lease, StateType.RUNNING, key="again")

    async with world.work() as work:
        asked = await change.cancel_run(work, run_id=lease.run_id, request=change.CancelRequest())

    assert asked.run.state_type is StateType.CANCELLING


async def test_cancel_that_is_asked_for_twice_is_one(world: World) -> None:
    lease = await world.started()
    async with world.work() as work:
        first = await change.cancel_run(work, run_id=lease.run_id, request=change.CancelRequest())
        second = await change.cancel_run(work, run_id=lease.run_id, request=change.CancelRequest())

    assert second.error is None
    assert second.run.state_sequence == first.run.state_sequence


async def test_run_that_was_cancelled_and_retried_is_cancelled_again(world: World) -> None:
    (run,) = await world.create()
    async with world.work() as work:
        await change.cancel_run(work, run_id=run.id, request=change.CancelRequest())
        await change.retry_run(work, run_id=run.id)
        again = await change.cancel_run(work, run_id=run.id, request=change.CancelRequest())

    assert again.run.state_type is StateType.CANCELLED
    assert again.run.state_sequence == 4


async def test_delayed_copy_of_an_older_proposal_starts_nothing(world: World) -> None:
    lease = await world.started()
    await world.propose(lease, StateType.FAILED, key="first-end", retry=BUDGET)
    await world.propose(lease, StateType.RUNNING, key="second-start")
    await world.propose(lease, StateType.FAILED, key="second-end", retry=BUDGET)

    run = await world.propose(lease, StateType.RUNNING, key="second-start")

    assert run.state_name == "AwaitingRetry"
    assert run.attempt == 2


async def test_end_that_is_told_again_is_taken_though_the_lease_is_gone(world: World) -> None:
    lease = await world.started()
    first = await world.propose(lease, StateType.COMPLETED, key="end")

    again = await world.propose(lease, StateType.COMPLETED, key="end")

    assert again.state_sequence == first.state_sequence


async def test_key_of_another_state_is_refused(world: World) -> None:
    lease = await world.started()
    await world.propose(lease, StateType.FAILED, key="one", retry=BUDGET)

    with pytest.raises(IdempotencyMismatch):
        await world.propose(lease, StateType.COMPLETED, key="one")

    assert await state_of(world, lease) == "AwaitingRetry"


@pytest.mark.parametrize("key", ["", "x" * 201, "two\nlines"])
async def test_bad_key_is_refused(world: World, key: str) -> None:
    lease = await world.started()

    with pytest.raises(InvalidInput, match="idempotency key"):
        await world.propose(lease, StateType.COMPLETED, key=key)


async def test_details_that_are_too_large_are_refused(world: World) -> None:
    lease = await world.started()

    with pytest.raises(InvalidInput, match="details"):
        await world.propose(lease, StateType.COMPLETED, data="x" * 300_000)


def test_oldest_keys_are_forgotten() -> None:
    known: str | None = None
    for number in range(REMEMBERED_KEYS + 5):
        known = remember(known, key=f"k{number}", type_=StateType.RUNNING)

    assert known is not None
    assert len(known.splitlines()) == REMEMBERED_KEYS
    assert known.splitlines()[0] == f"RUNNING k{REMEMBERED_KEYS + 4}"


@pytest.mark.parametrize("type_", [StateType.RUNNING, StateType.PAUSED])
async def test_nobody_forces_a_run_without_a_process_to_run_or_to_pause(
    world: World, type_: StateType
) -> None:
    (run,) = await world.create()

    async with world.work() as work:
        moved = await change.set_state(
            work, run_id=run.id, state=propose(type_), lease=None, key=None, correction=FORCED
        )

    assert isinstance(moved.error, IllegalTransition | LeaseLost)
    assert moved.run.state_type is StateType.SCHEDULED
    assert len(await world.offer()) == 1


async def test_run_that_pauses_in_its_process_goes_on_in_the_same_attempt(world: World) -> None:
    lease = await world.started()

    paused = await world.propose(lease, StateType.PAUSED)
    resumed = await world.propose(lease, StateType.RUNNING)
    ended = await world.propose(lease, StateType.COMPLETED)

    assert (paused.attempt, resumed.attempt, ended.attempt) == (1, 1, 1)
    assert ended.state_type is StateType.COMPLETED


async def test_run_in_its_callers_process_is_not_put_where_no_agent_looks(world: World) -> None:
    lease = await begun(world)

    with pytest.raises(IllegalTransition, match="caller's own process"):
        await world.propose(lease, StateType.SCHEDULED)
    async with world.work() as work:
        forced = await change.set_state(
            work,
            run_id=lease.run_id,
            state=propose(StateType.SCHEDULED),
            lease=None,
            key=None,
            correction=FORCED,
        )
    failed = await world.propose(lease, StateType.FAILED, retry=BUDGET)

    assert isinstance(forced.error, IllegalTransition)
    assert failed.state_name == "AwaitingRetry"


@pytest.mark.parametrize(
    "way", [(), (StateType.RUNNING,), (StateType.RUNNING, StateType.PAUSED)], ids=len
)
async def test_run_that_was_taken_up_is_not_made_due_under_its_process(
    world: World, way: tuple[StateType, ...]
) -> None:
    await world.create()
    (offered,) = await world.offer()
    lease = await world.claim(offered)
    for state in way:
        await world.propose(lease, state)

    async with world.work() as work:
        due = await change.set_state(
            work, run_id=lease.run_id, state=propose(StateType.SCHEDULED), lease=None, key=None
        )

    assert (due.is_accepted, isinstance(due.error, IllegalTransition)) == (False, True)
    assert await world.offer() == []


async def test_each_life_of_a_run_has_epochs_of_its_own(world: World) -> None:
    (run,) = await world.create()
    epochs: list[int] = []

    for _ in range(4):
        (offered,) = await world.offer()
        lease = await world.claim(offered)
        epochs.append(lease.epoch)
        await world.propose(lease, StateType.CRASHED)
        async with world.work() as work:
            await change.retry_run(work, run_id=run.id)

    assert epochs == sorted(set(epochs))


async def test_run_that_has_ended_begins_no_runs_below_it(world: World) -> None:
    lease = await begun(world)
    caller = new_id()
    await report(world, lease, caller)
    grant = RunGrant(run_id=lease.run_id, epoch=lease.epoch)
    request = create.BeginRequest(flow_name="inner", parent_task_run_id=caller)
    await world.propose(lease, StateType.COMPLETED)

    async with world.work() as work:
        with pytest.raises(LeaseLost):
            await create.begin_run(work, request, lease=LEASE, parent=grant)


async def report(world: World, lease: LeaseRef, task_run_id: UUID) -> None:
    columns: dict[str, object] = {
        "id": [ids.show(ids.Kind.TASK_RUN, task_run_id)],
        "taskKey": ["call"],
        "name": ["call"],
        "mapIndex": [None],
        "tags": [[]],
        "cacheKey": [None],
        "attempt": [1],
        "parents": [[]],
        "states": [[["RUNNING", "Running", 1_000_000, None]]],
    }
    async with world.work() as work:
        await task_runs.sync_task_runs(work, flow_run_id=lease.run_id, lease=lease, batch=columns)


async def test_offer_is_claimed_by_the_session_it_was_made_to(world: World) -> None:
    await world.create()
    (offered,) = await world.offer()
    lease = LeaseRef(offered.run_id, offered.token, offered.epoch)
    pool_id = world.deployed.work_pool_id
    other = await make_session(world.database, world.tenant, work_pool_id=pool_id)

    async with world.work() as work:
        with pytest.raises(LeaseLost):
            await hold.claim_run(work, session_id=other, lease=lease, duration=LEASE)

    await world.claim(offered)


@pytest.mark.parametrize("name", ["two\nlines", "Completed", ""])
async def test_name_that_is_no_name_of_such_a_state_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        propose(StateType.RUNNING, name=name or " ")


async def test_state_is_set_by_hand_where_the_run_is_as_it_was_seen(world: World) -> None:
    lease = await world.started()
    seen = change.Correction(is_forced=True, expected_sequence=3, reason="stuck since noon")
    cancelled = propose(StateType.CANCELLED)
    async with world.work() as work:
        with pytest.raises(VersionConflict) as refused:
            await change.set_state(
                work,
                run_id=lease.run_id,
                state=cancelled,
                lease=None,
                key="k",
                correction=change.Correction(is_forced=True, expected_sequence=2),
            )

    async with world.work() as work:
        done, again = [
            await change.set_state(
                work,
                run_id=lease.run_id,
                state=cancelled,
                lease=None,
                key="k",
                correction=seen,
            )
            for _ in range(2)
        ]

    assert (refused.value.current_version, refused.value.path) == (3, ("expectedSequence",))
    assert done.state is not None
    assert (done.run.state_message, done.state.details) == (
        "stuck since noon",
        {"reason": "stuck since noon"},
    )
    assert (again.error, again.run.state_sequence) == (None, 4)


GIVES_BACK = {"limit": 2, "delaySeconds": 120, "givesBack": True}


async def test_retry_that_gives_its_process_back_waits_without_one(world: World) -> None:
    async with world.work() as work:
        session_id = await make_small_session(work, world.deployed, capacity=1)
    world.session_id = session_id
    lease = await world.started()

    failed = await world.propose(lease, StateType.FAILED, retry=GIVES_BACK)
    with pytest.raises(LeaseLost):
        await world.propose(lease, StateType.RUNNING)
    await world.create()
    (other,) = await world.offer()
    await world.claim(other)
    world.shift.by = timedelta(seconds=119)
    too_early = await world.offer()
    other_lease = LeaseRef(other.run_id, other.token, other.epoch)
    await world.propose(other_lease, StateType.RUNNING)
    await world.propose(other_lease, StateType.COMPLETED)
    still = await world.offer()
    world.shift.by = timedelta(seconds=121)
    (offered,) = await world.offer()
    again = LeaseRef(offered.run_id, offered.token, offered.epoch)
    async with world.work() as work:
        claimed = await hold.claim_run(work, session_id=session_id, lease=again, duration=LEASE)
    started = await world.propose(again, StateType.RUNNING)

    assert (failed.state_name, failed.retries_used) == ("AwaitingRetry", 1)
    assert other.run_id != lease.run_id == offered.run_id
    assert (too_early, still) == ([], [])
    assert again.epoch > lease.epoch
    job = claimed.job
    assert (job["attempt"], job["retriesUsed"]) == (2, 1)
    assert job["reuse"] == {"kept": True, "since": 0, "again": []}
    assert (started.attempt, started.retries_used, started.infrastructure_attempts) == (2, 1, 0)


async def test_retry_of_what_nobody_could_start_again_keeps_its_process(world: World) -> None:
    lease = await begun(world)

    failed = await world.propose(lease, StateType.FAILED, retry=GIVES_BACK)
    again = await world.propose(lease, StateType.RUNNING)

    assert (failed.state_name, again.state_name) == ("AwaitingRetry", "Retrying")


async def test_retry_that_waits_without_a_process_is_cancelled_at_once(world: World) -> None:
    lease = await world.started()
    await world.propose(lease, StateType.FAILED, retry=GIVES_BACK)

    async with world.work() as work:
        done = await change.cancel_run(work, run_id=lease.run_id, request=change.CancelRequest())

    assert done.run.state_name == "Cancelled"


async def test_last_retry_that_fails_is_the_end(world: World) -> None:
    lease = await world.started()
    for shift in (121, 242):
        await world.propose(lease, StateType.FAILED, retry=GIVES_BACK)
        world.shift.by = timedelta(seconds=shift)
        (offered,) = await world.offer()
        lease = await world.claim(offered)
        await world.propose(lease, StateType.RUNNING)

    ended = await world.propose(lease, StateType.FAILED, retry=GIVES_BACK)

    assert (ended.state_name, ended.retries_used, ended.attempt) == ("Failed", 2, 3)
