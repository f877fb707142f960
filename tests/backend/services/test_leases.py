"""A run's way through offer, claim, start and end, and back when its holder is gone."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from headgate_server.domain.errors import IllegalTransition, LeaseLost
from headgate_server.domain.leases import LeaseOutcome, LeaseRef
from headgate_server.domain.states import StateType
from headgate_server.domain.transitions.policy import replay
from headgate_server.services.flow_runs import change, create, read
from headgate_server.services.leases import hold, reap
from headgate_server.tables.work_pools import work_items
from tests.factories.deployments import Promise, make_deployment, make_session
from tests.fixtures.world import LEASE, World

pytestmark = pytest.mark.anyio


async def test_a_run_goes_from_created_to_completed_with_a_gapless_history(world: World) -> None:
    (run,) = await world.create()
    assert (run.state_type, run.state_sequence, run.attempt) == (StateType.SCHEDULED, 1, 0)

    (offered,) = await world.offer()
    lease = await world.claim(offered)
    running = await world.propose(lease, StateType.RUNNING)
    done = await world.propose(lease, StateType.COMPLETED)

    assert running.attempt == 1
    assert done.state_type is StateType.COMPLETED
    assert done.ended_at is not None
    assert await world.history(run.id) == [
        (1, "Scheduled"),
        (2, "Pending"),
        (3, "Running"),
        (4, "Completed"),
    ]
    async with world.system() as work:
        assert (await work.execute(select(work_items))).all() == []
        (attempt,) = (await read.get_many_attempts(work, [run.id]))[run.id]
    assert (attempt.number, attempt.epoch, attempt.outcome) == (1, 1, "Completed")


async def test_the_job_holds_the_deployments_parameters(world: World) -> None:
    await world.create()
    (offered,) = await world.offer()

    async with world.work() as work:
        _, job = await hold.claim_run(
            work,
            session_id=world.session_id,
            lease=LeaseRef(offered.run_id, offered.token, offered.epoch),
            duration=LEASE,
        )

    assert job["parameters"] == {"size": 3}
    assert job["entrypoint"] == "flows.py:main"
    assert job["runName"] == "nightly"
    assert job["attempt"] == 1
    assert job["workspace"].endswith("/main")
    assert job["isRunNamed"] is True


async def test_a_run_is_offered_to_one_session_only(world: World) -> None:
    await world.create(3)

    first = await world.offer()
    second = await world.offer()

    assert (len(first), len(second)) == (3, 0)


async def test_offers_stop_at_the_sessions_capacity(world: World) -> None:
    async with world.work() as work:
        small = await make_session(work, world.deployed, capacity=2)
    await world.create(5)

    assert len(await world.offer([small])) == 2
    assert len(await world.offer([small])) == 0


async def test_offers_stop_at_the_limits_of_pool_and_queue(world: World) -> None:
    async with world.work() as work:
        world.deployed = await make_deployment(work, pool_limit=3, queue_limit=2)
        world.session_id = await make_session(work, world.deployed)
    await world.create(5)

    assert len(await world.offer()) == 2
    assert len(await world.offer()) == 0


async def test_a_claim_repeated_gets_the_same_answer(world: World) -> None:
    await world.create()
    (offered,) = await world.offer()

    await world.claim(offered)
    await world.claim(offered)

    assert len(await world.history(offered.run_id)) == 2


async def test_an_expired_offer_cannot_be_claimed_and_is_offered_again(world: World) -> None:
    await world.create()
    (offered,) = await world.offer()
    world.shift.by = timedelta(seconds=16)

    with pytest.raises(LeaseLost):
        await world.claim(offered)
    async with world.system() as work:
        assert await reap.take_back_offers(work) == (1, [])
    (again,) = await world.offer()

    assert (again.run_id, again.deliveries) == (offered.run_id, 2)
    assert again.epoch > offered.epoch


async def test_user_code_of_an_unclaimed_run_may_not_start(world: World) -> None:
    await world.create()
    (offered,) = await world.offer()
    lease = LeaseRef(offered.run_id, offered.token, offered.epoch)

    with pytest.raises(LeaseLost):
        await world.propose(lease, StateType.RUNNING)

    assert await world.history(offered.run_id) == [(1, "Scheduled")]


async def test_a_claim_that_expires_goes_back_and_the_old_holder_may_not_start(
    world: World,
) -> None:
    await world.create()
    (offered,) = await world.offer()
    lease = await world.claim(offered)
    world.shift.by = timedelta(seconds=91)

    assert await world.reap() == 1
    with pytest.raises(LeaseLost):
        await world.propose(lease, StateType.RUNNING)

    assert [name for _, name in await world.history(offered.run_id)] == [
        "Scheduled",
        "Pending",
        "Scheduled",
    ]
    assert len(await world.offer()) == 1


async def test_a_silent_run_crashes_after_its_patience_and_not_before(world: World) -> None:
    lease = await world.started()
    world.shift.by = timedelta(minutes=9)
    assert await world.reap() == 0

    world.shift.by = timedelta(minutes=11)
    assert await world.reap() == 1

    assert (await world.history(lease.run_id))[-1] == (4, "Crashed")
    with pytest.raises(LeaseLost):
        await world.propose(lease, StateType.COMPLETED)


async def test_a_silent_run_under_retry_starts_again_until_its_budget_is_spent(
    world: World,
) -> None:
    async with world.work() as work:
        world.deployed = await make_deployment(
            work, promise=Promise(on_agent_lost="RETRY", infrastructure_retries=1)
        )
        world.session_id = await make_session(work, world.deployed)
    lease = await world.started()

    world.shift.by = timedelta(minutes=11)
    assert await world.reap() == 1
    world.shift.by = timedelta(minutes=12)
    (offered,) = await world.offer()
    second = await world.claim(offered)
    await world.propose(second, StateType.RUNNING)
    world.shift.by = timedelta(minutes=23)
    assert await world.reap() == 1

    assert offered.epoch > lease.epoch
    assert [name for _, name in await world.history(lease.run_id)] == [
        "Scheduled",
        "Pending",
        "Running",
        "AwaitingRetry",
        "Pending",
        "Running",
        "Crashed",
    ]


async def test_a_renewal_keeps_a_run_alive(world: World) -> None:
    lease = await world.started()
    world.shift.by = timedelta(minutes=9)
    async with world.work() as work:
        (verdict,) = await hold.renew_leases(work, held=[lease], lease=LEASE)
    world.shift.by = timedelta(minutes=15)

    assert verdict.outcome is LeaseOutcome.RENEWED
    assert await world.reap() == 0


async def test_heartbeats_tell_lost_finished_and_unknown_apart(world: World) -> None:
    lease = await world.started()
    stale = LeaseRef(lease.run_id, lease.token, lease.epoch - 1)
    async with world.work() as work:
        (lost,) = await hold.renew_leases(work, held=[stale], lease=LEASE)
    await world.propose(lease, StateType.COMPLETED)
    unknown = LeaseRef(world.session_id, lease.token, 1)
    async with world.work() as work:
        finished, missing = await hold.renew_leases(work, held=[lease, unknown], lease=LEASE)

    assert [lost.outcome, finished.outcome, missing.outcome] == [
        LeaseOutcome.LOST,
        LeaseOutcome.FINISHED,
        LeaseOutcome.UNKNOWN,
    ]


async def test_a_silent_run_is_marked_unresponsive_once_and_comes_back(world: World) -> None:
    lease = await world.started()
    world.shift.by = timedelta(seconds=50)
    silent_for = timedelta(seconds=45)
    async with world.system() as work:
        assert await reap.mark_unresponsive(work, silent_for=silent_for) == 1
        assert await reap.mark_unresponsive(work, silent_for=silent_for) == 0
        marked = (await read.get_many_flow_runs(work, [lease.run_id]))[lease.run_id]
    async with world.work() as work:
        await hold.renew_leases(work, held=[lease], lease=LEASE)
        back = (await read.get_many_flow_runs(work, [lease.run_id]))[lease.run_id]

    assert marked.unresponsive_since is not None
    assert back.unresponsive_since is None


async def test_a_failed_flow_retries_under_its_lease_until_its_budget_is_spent(
    world: World,
) -> None:
    lease = await world.started()
    retry = {"limit": 1, "delaySeconds": 2.5}

    waiting = await world.propose(lease, StateType.FAILED, retry=retry)
    again = await world.propose(lease, StateType.RUNNING)
    failed = await world.propose(lease, StateType.FAILED, retry=retry)

    assert (waiting.state_type, waiting.state_name) == (StateType.SCHEDULED, "AwaitingRetry")
    assert (again.state_name, again.attempt) == ("Retrying", 2)
    assert failed.state_type is StateType.FAILED


async def test_a_proposal_sent_again_changes_nothing(world: World) -> None:
    await world.create()
    (offered,) = await world.offer()
    lease = await world.claim(offered)

    first = await world.propose(lease, StateType.RUNNING, key="start")
    second = await world.propose(lease, StateType.RUNNING, key="start")

    assert first == second
    assert len(await world.history(lease.run_id)) == 3


async def test_a_cancel_before_the_start_ends_the_run_at_once(world: World) -> None:
    (run,) = await world.create()

    async with world.work() as work:
        moved = await change.cancel_run(work, run_id=run.id, request=change.CancelRequest())

    assert moved.run.state_type is StateType.CANCELLED
    assert await world.offer() == []


async def test_a_cancel_of_a_running_run_reaches_its_holder_and_ends_cancelled(
    world: World,
) -> None:
    lease = await world.started()
    async with world.work() as work:
        asked = await change.cancel_run(
            work,
            run_id=lease.run_id,
            request=change.CancelRequest(reason="Wrong day.", grace_seconds=7),
        )
        (verdict,) = await hold.renew_leases(work, held=[lease], lease=LEASE)
    ended = await world.propose(lease, StateType.COMPLETED)

    assert verdict.grace_seconds == 7
    assert asked.run.state_type is StateType.CANCELLING
    assert verdict.outcome is LeaseOutcome.CANCEL_REQUESTED
    assert ended.state_type is StateType.CANCELLED


async def test_a_run_that_ended_is_retried_with_its_history(world: World) -> None:
    lease = await world.started()
    await world.propose(lease, StateType.FAILED)
    async with world.work() as work:
        moved = await change.retry_run(work, run_id=lease.run_id)
    (offered,) = await world.offer()

    assert moved.run.state_type is StateType.SCHEDULED
    assert offered.epoch > lease.epoch
    assert (await world.history(lease.run_id))[-1] == (5, "Scheduled")


async def test_a_live_run_is_not_retried(world: World) -> None:
    (run,) = await world.create()

    async with world.work() as work:
        moved = await change.retry_run(work, run_id=run.id)

    assert isinstance(moved.error, IllegalTransition)
    assert await world.history(run.id) == [(1, "Scheduled")]


async def test_stored_decisions_replay_to_their_verdicts(world: World) -> None:
    lease = await world.started()
    await world.propose(lease, StateType.FAILED, retry={"limit": 1, "delaySeconds": 0})
    await world.propose(lease, StateType.RUNNING)
    await world.propose(lease, StateType.COMPLETED)

    async with world.work() as work:
        states = await read.list_states(work, flow_run_id=lease.run_id, after=1, most=100)

    assert len(states) == 5
    for state in states:
        assert state.decision is not None
        again = replay(state.decision)
        assert again.outcome == state.decision["outcome"]
        assert (again.state.type, again.state.name) == (state.type, state.name)


async def test_a_run_without_a_pool_whose_process_dies_before_it_started_crashes(
    world: World,
) -> None:
    async with world.work() as work:
        request = create.BeginRequest(flow_name="inner")
        begun = await create.begin_run(work, request, lease=LEASE, parent=None)
    world.shift.by += LEASE + timedelta(seconds=1)

    assert await world.reap() == 1

    assert await world.history(begun.run.id) == [(1, "Pending"), (2, "Crashed")]
    async with world.system() as work:
        assert (await work.execute(select(work_items))).all() == []
