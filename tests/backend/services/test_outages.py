"""An outage of the API is added to every deadline that was alive when it began."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from headgate_server.domain.background_tasks import LeaseVerdict
from headgate_server.domain.leases import LeaseOutcome, LeaseRef, PauseKind
from headgate_server.domain.pauses import NewPause
from headgate_server.domain.states import StateType, propose
from headgate_server.loops import expired_keys, expired_pauses, lost_runs, lost_tasks, stuck_cancels
from headgate_server.loops.loop import LoopContext
from headgate_server.repositories.statements import named
from headgate_server.services import background_tasks, pauses, upkeep
from headgate_server.services.flow_runs import change
from headgate_server.services.leases import hold
from headgate_server.services.transitions import transition
from headgate_server.settings import Timers
from headgate_server.tables.events import outbox
from headgate_server.tables.metadata import metadata
from headgate_server.tables.work_pools import agent_sessions, work_items
from tests.backend.services.test_background_tasks import queue, start, take, worker
from tests.backend.services.test_concurrency_limits import ask, put
from tests.factories.deployments import Promise, make_deployment, make_session
from tests.fixtures.plans import forbid_scans, reading
from tests.fixtures.world import LEASE, World

GRACE = Timers().outage_grace
ABANDON_AFTER = timedelta(minutes=10)


async def note_service(world: World) -> timedelta | None:
    async with world.system() as work:
        return await upkeep.note_service(work, grace=GRACE)


async def fence_from_now(world: World) -> timedelta:
    async with world.system() as work:
        rows = await work.execute(select(work_items.c.fence_until - work.now))
        return rows.scalar_one()


async def reap(world: World) -> int:
    return await lost_runs.run_once(LoopContext(world.database, world.bus, Timers()))


async def test_a_lease_lives_longer_by_our_outage(world: World) -> None:
    await note_service(world)
    await world.started()
    before = await fence_from_now(world)

    world.shift.by = timedelta(hours=1)
    lasted = await note_service(world)

    assert lasted is not None
    assert timedelta(hours=1) <= lasted < timedelta(hours=1, minutes=1)
    assert abs(await fence_from_now(world) - before) < timedelta(seconds=10)
    assert await note_service(world) is None


async def test_an_outage_is_given_back_without_a_look_through_what_is_kept(world: World) -> None:
    await note_service(world)
    await world.started()
    world.shift.by = timedelta(hours=1)

    async with world.system() as work:
        before = await forbid_scans(work)
        lasted = await upkeep.note_service(work, grace=GRACE)
        read = await reading(work, before)

    assert lasted is not None
    assert read.scanned == ()


async def test_before_the_first_api_nothing_was_missed(world: World) -> None:
    await note_service(world)
    async with world.system() as work:
        await work.execute(update(agent_sessions).values(ended_at=work.now))

    world.shift.by = timedelta(hours=1)

    assert await note_service(world) is None
    assert await note_service(world) is None


async def test_nobody_is_judged_while_no_api_serves(world: World) -> None:
    await note_service(world)
    lease = await world.started()
    world.shift.by = ABANDON_AFTER + timedelta(minutes=1)

    assert await reap(world) == 0

    assert (await world.history(lease.run_id))[-1][1] == "Running"


async def test_a_silent_holder_is_judged_while_the_api_serves(world: World) -> None:
    await note_service(world)
    lease = await world.started()
    step = GRACE / 2
    while world.shift.by < ABANDON_AFTER + timedelta(minutes=1):
        world.shift.by += step
        assert await note_service(world) is None

    assert await reap(world) >= 1

    assert (await world.history(lease.run_id))[-1][1] == "Crashed"


RUNS = 5


async def started_under(world: World, on_agent_lost: str) -> list[LeaseRef]:
    """Have runs of a deployment with that promise under way, ten minutes of silence allowed."""
    async with world.work() as work:
        world.deployed = await make_deployment(work, promise=Promise(on_agent_lost=on_agent_lost))
        world.session_id = await make_session(work, world.deployed)
    return [await world.started() for _ in range(RUNS)]


async def outage(world: World, minutes: int) -> None:
    """Let no API serve for so long, with the reaper at work all the while."""
    for _ in range(minutes):
        world.shift.by += timedelta(minutes=1)
        await reap(world)
    assert await note_service(world) is not None
    await reap(world)


async def last_states(world: World, leases: list[LeaseRef]) -> set[str]:
    return {(await world.history(lease.run_id))[-1][1] for lease in leases}


async def outcomes(world: World, leases: list[LeaseRef]) -> set[LeaseOutcome]:
    async with world.work() as work:
        verdicts = await hold.renew_leases(work, held=leases, lease=LEASE)
    return {verdict.outcome for verdict in verdicts}


async def notices(world: World) -> int:
    async with world.system() as work:
        rows = await work.execute(
            select(func.count()).where(outbox.c.name == "flow_run.unresponsive")
        )
        return rows.scalar_one()


@pytest.mark.parametrize("minutes", [8, 12])
@pytest.mark.parametrize("on_agent_lost", ["CRASH", "RETRY"])
async def test_runs_whose_processes_lived_through_our_outage_go_on(
    world: World, on_agent_lost: str, minutes: int
) -> None:
    await note_service(world)
    leases = await started_under(world, on_agent_lost)

    await outage(world, minutes)

    assert await last_states(world, leases) == {"Running"}
    assert await notices(world) == 0
    assert await outcomes(world, leases) == {LeaseOutcome.RENEWED}


async def test_runs_that_their_agents_stopped_in_our_outage_start_again_once(
    world: World,
) -> None:
    await note_service(world)
    leases = await started_under(world, "RETRY")

    await outage(world, 12)
    for lease in leases * 2:
        async with world.work() as work:
            proposal = hold.check_release(lease, propose(StateType.CRASHED, message="!"))
            await transition(work, run_id=lease.run_id, proposal=proposal)
    world.shift.by += timedelta(seconds=10)
    again = await world.offer()

    assert await last_states(world, leases) == {"AwaitingRetry"}
    assert await outcomes(world, leases) == {LeaseOutcome.LOST}
    assert {offer.run_id for offer in again} == {lease.run_id for lease in leases}
    assert [offer.epoch for offer in again] == [leases[0].epoch + 2] * RUNS
    assert await notices(world) == 0


async def test_slots_that_no_run_holds_outlive_our_outage(world: World) -> None:
    await note_service(world)
    await put(world, "database")
    await put(world, "calls", slot_decay_per_second=0.01)
    held = [await ask(world, "database", key="a"), await ask(world, "calls", key="b")]
    await world.started()

    world.shift.by = timedelta(minutes=8)
    await expired_keys.run_once(LoopContext(world.database, world.bus, Timers()))
    await note_service(world)
    other = [await ask(world, name, key="c") for name in ("database", "calls")]
    await serve(world, until=timedelta(minutes=14))
    later = await ask(world, "database", key="d")

    assert [one.is_acquired for one in held] == [True, True]
    assert [one.is_acquired for one in other] == [False, True], "a rate goes on meanwhile"
    assert later.is_acquired


@pytest.mark.parametrize("is_over", [False, True])
async def test_no_pause_ends_in_our_outage_nor_at_once_after_it(
    world: World, *, is_over: bool
) -> None:
    await note_service(world)
    lease = await world.started()
    new = NewPause("go", kind=PauseKind.SUSPEND, timeout=timedelta(minutes=30))
    async with world.work() as work:
        await pauses.pause_run(work, lease=lease, new=new)

    world.shift.by = timedelta(minutes=31)
    if is_over:
        await note_service(world)
    await end_pauses(world)
    kept = await last_states(world, [lease])
    await serve(world, until=timedelta(minutes=62))
    await end_pauses(world)

    assert kept == {"Suspended"}
    assert await last_states(world, [lease]) == {"Failed"}


async def serve(world: World, *, until: timedelta) -> None:
    """Let an API serve all the time, from now on."""
    while world.shift.by < until:
        await note_service(world)
        world.shift.by += GRACE / 2
    await note_service(world)


async def end_pauses(world: World) -> None:
    await expired_pauses.run_once(LoopContext(world.database, world.bus, Timers()))


async def test_a_cancel_that_our_outage_kept_from_its_agent_has_its_time_after_it(
    world: World,
) -> None:
    await note_service(world)
    lease = await world.started()
    async with world.work() as work:
        await change.cancel_run(work, run_id=lease.run_id, request=change.CancelRequest())

    world.shift.by = timedelta(minutes=3)
    await note_service(world)
    at_once = await stuck_cancels.run_once(LoopContext(world.database, world.bus, Timers()))

    assert (at_once, await last_states(world, [lease])) == (0, {"Cancelling"})


async def test_a_call_that_is_to_stop_has_its_time_after_our_outage(world: World) -> None:
    await note_service(world)
    await world.started()
    await queue(world)
    (taken,) = await take(world, worker())
    lease = await start(world, taken)
    async with world.work() as work:
        await background_tasks.cancel_task(work, lease.id)

    world.shift.by = timedelta(minutes=3)
    await note_service(world)
    await lost_tasks.run_once(LoopContext(world.database, world.bus, Timers()))

    async with world.work() as work:
        verdicts = await background_tasks.renew_leases(work, [lease], duration=LEASE)
    assert verdicts == [LeaseVerdict.CANCEL_REQUESTED]


CREDITED = {
    "work_items.fence_until",
    "work_items.cancel_requested_at",
    "background_tasks.leased_until",
    "background_tasks.cancel_requested_at",
    "concurrency_slots.expires_at",
    "concurrency_waiters.expires_at",
    "cache_records.locked_until",
    "pauses.expires_at",
}
"""What somebody has to renew, confirm or answer through an API by then."""
NOT_CREDITED = {
    "api_keys.expires_at": "a date that somebody chose",
    "api_keys.old_secret_until": "a date that somebody chose",
    "cache_records.expires_at": "how old a result may be",
    "cli_logins.expires_at": "a secret that was shown",
    "flow_runs.cancel_requested_at": "when it was, for people; the work item's is judged by",
    "idempotency_keys.expires_at": "kept for a day at least",
    "invitations.expires_at": "a date that was mailed",
    "login_sessions.expires_at": "a secret in a browser",
    "one_time_tokens.expires_at": "a secret that was mailed",
    "support_grants.expires_at": "how long an operator may look",
    "support_grants.requested_at": "when it was",
}


def test_every_deadline_is_credited_or_known_not_to_be() -> None:
    ends = ("_until", "expires_at", "requested_at")
    columns = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if column.name.endswith(ends)
    }
    statement = str(named("note_service"))

    assert columns == CREDITED | NOT_CREDITED.keys()
    for table, column in (one.split(".") for one in CREDITED):
        _, _, after = statement.partition(f"update {table} ")
        assert re.search(rf"\b{column} = ", after.partition("from")[0]), (table, column)
