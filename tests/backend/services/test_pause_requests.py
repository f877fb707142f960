"""Pauses that people ask of runs: told to their processes, carried out, taken back, refused."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from headgate_server.domain.errors import Conflict, HeadgateError, IllegalTransition, InvalidInput
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.leases import LeaseRef, PauseKind, PauseRequest
from headgate_server.domain.pauses import Answer, NewPause, PauseStatus, PauseWish
from headgate_server.domain.states import StateType
from headgate_server.services import pause_requests, pauses
from headgate_server.services.flow_runs import change, read
from headgate_server.services.leases import hold, offer, reap
from headgate_server.tables.audit_entries import audit_entries
from tests.backend.services.test_pauses import ask, find, resume
from tests.fixtures.world import LEASE, World

pytestmark = pytest.mark.anyio

PAUSE, SUSPEND = PauseWish(), PauseWish(kind=PauseKind.SUSPEND)


async def hearing(world: World) -> LeaseRef:
    """Return the lease of a run whose process hears of pauses."""
    await world.create()
    (offered,) = await world.offer()
    lease = await world.claim(offered)
    await world.propose(lease, StateType.RUNNING, hears=["PAUSE"])
    return lease


async def request(world: World, run_id: UUID, wish: PauseWish = PAUSE) -> FlowRun:
    async with world.work() as work:
        return await pause_requests.request_pause(work, run_id=run_id, wish=wish)


async def told(world: World, lease: LeaseRef) -> tuple[str | None, PauseKind | None]:
    """Return the pause that the holder of a lease hears of."""
    async with world.work() as work:
        (verdict,) = await hold.renew_leases(work, held=[lease], lease=LEASE)
    return verdict.pause_key, verdict.pause_kind


async def key_of(world: World, lease: LeaseRef) -> str:
    key, _ = await told(world, lease)
    assert key is not None
    return key


@pytest.mark.parametrize("kind", PauseKind)
async def test_process_hears_of_it_carries_it_out_and_goes_on_when_resumed(
    world: World, kind: PauseKind
) -> None:
    lease = await hearing(world)

    asked = await request(world, lease.run_id, PauseWish(kind=kind, reason="disk is full"))
    again = await request(world, lease.run_id, PauseWish(kind=kind))
    key, told_kind = await told(world, lease)
    async with world.work() as work:
        place = (work.workspace_id, world.session_id)
        waiting = await offer.list_for_sessions(work, [place])
    paused = await ask(world, lease, NewPause(key or "", kind=kind))
    resumed = await resume(world, lease.run_id, Answer())

    assert (asked.state_name, again.state_name, told_kind) == ("Running", "Running", kind)
    requests = waiting[world.session_id].requests
    assert requests == [PauseRequest(lease.run_id, world.session_id, lease.epoch, key or "")]
    assert paused.run.state_message == "Asked for by Olive: disk is full"
    states = {PauseKind.PAUSE: ("Paused", "Running"), PauseKind.SUSPEND: ("Suspended", "Resuming")}
    assert (paused.run.state_name, resumed.state_name) == states[kind]
    assert (await find(world, lease.run_id, key or "")).status is PauseStatus.RESUMED
    if kind is PauseKind.PAUSE:
        assert await told(world, lease) == (None, None)
        world.shift.by = timedelta(milliseconds=1)
        await request(world, lease.run_id)
        assert await key_of(world, lease) != key


async def test_what_was_not_carried_out_is_taken_back(world: World) -> None:
    lease = await hearing(world)
    await request(world, lease.run_id)
    key = await key_of(world, lease)

    resumed = await resume(world, lease.run_id, Answer(reason="a mistake"))

    assert resumed.state_name == "Running"
    assert await told(world, lease) == (None, None)
    assert (await find(world, lease.run_id, key)).status is PauseStatus.ENDED
    with pytest.raises(Conflict, match="Nobody asks"):
        await ask(world, lease, NewPause(key))
    async with world.work() as work:
        said = await work.execute(
            select(audit_entries.c.action).order_by(audit_entries.c.id.desc()).limit(2)
        )
    assert list(said.scalars()) == ["flow_run.resumed", "flow_run.pause_requested"]


async def test_what_was_taken_back_is_not_carried_out_for_what_was_asked_next(
    world: World,
) -> None:
    lease = await hearing(world)
    await request(world, lease.run_id)
    stale = await key_of(world, lease)
    await resume(world, lease.run_id, Answer())
    world.shift.by = timedelta(milliseconds=1)
    await request(world, lease.run_id, SUSPEND)
    key = await key_of(world, lease)

    for new in (NewPause(stale), NewPause(key), NewPause("outside:never")):
        with pytest.raises(Conflict, match="Nobody asks"):
            await ask(world, lease, new)
    suspended = await ask(world, lease, NewPause(key, kind=PauseKind.SUSPEND))

    assert suspended.run.state_name == "Suspended"


async def test_run_that_is_leaving_its_flow_is_suspended_before_it_goes_on(world: World) -> None:
    lease = await hearing(world)
    await request(world, lease.run_id, SUSPEND)
    key = await key_of(world, lease)
    await ask(world, lease, NewPause(key, kind=PauseKind.SUSPEND), is_asked=False)

    with pytest.raises(Conflict, match="being suspended right now"):
        await resume(world, lease.run_id, Answer())
    suspended = await ask(world, lease, NewPause(key, kind=PauseKind.SUSPEND))

    assert suspended.run.state_name == "Suspended"
    assert (await resume(world, lease.run_id, Answer())).state_name == "Resuming"


async def test_run_that_ends_instead_leaves_no_wish_behind(world: World) -> None:
    lease = await hearing(world)
    await request(world, lease.run_id)
    key = await key_of(world, lease)

    ended = await world.propose(lease, StateType.COMPLETED)

    assert ended.state_name == "Completed"
    assert (await find(world, lease.run_id, key)).status is PauseStatus.ENDED


async def test_no_code_asked_so_nobody_says_no(world: World) -> None:
    lease = await hearing(world)
    await request(world, lease.run_id)
    rejection = Answer(is_rejected=True)

    with pytest.raises(InvalidInput, match="did not ask for this pause"):
        await resume(world, lease.run_id, rejection)
    await ask(world, lease, NewPause(await key_of(world, lease)))
    with pytest.raises(InvalidInput, match="did not ask for this pause"):
        await resume(world, lease.run_id, rejection)

    assert (await resume(world, lease.run_id, Answer())).state_name == "Running"


async def refused(world: World, run_id: UUID, wish: PauseWish = PAUSE) -> HeadgateError:
    """Return why a wish is refused; nothing has changed."""
    with pytest.raises(HeadgateError) as caught:
        await request(world, run_id, wish)
    async with world.work() as work:
        items = await read.get_many_leases(work, [run_id])
        kept = (await pauses.get_many_of_runs(work, [run_id]))[run_id]
    assert all(item.pause_key is None for item in items.values())
    assert all(pause.status is not PauseStatus.REQUESTED for pause in kept)
    return caught.value


async def test_run_that_has_not_begun_is_not_paused(world: World) -> None:
    (run,) = await world.create()

    error = await refused(world, run.id)

    assert isinstance(error, IllegalTransition)
    assert str(error).startswith("The run is Scheduled, and no code of it runs")


async def test_process_that_does_not_hear_is_not_asked(world: World) -> None:
    lease = await world.started()

    assert "does not hear of pauses" in str(await refused(world, lease.run_id))


async def test_run_that_waits_is_cancelled_or_has_ended_is_not_asked(world: World) -> None:
    lease = await hearing(world)
    await ask(world, lease, NewPause("1"))
    waits = await refused(world, lease.run_id)
    await resume(world, lease.run_id, Answer())
    async with world.work() as work:
        await change.cancel_run(work, run_id=lease.run_id, request=change.CancelRequest())
    cancelling = await refused(world, lease.run_id)
    await world.propose(lease, StateType.CANCELLED)
    ended = await refused(world, lease.run_id)

    assert "Paused already" in str(waits)
    assert "no code of it runs" in str(cancelling)
    assert str(ended) == "The run has ended as Cancelled."


async def test_silent_process_is_not_asked(world: World) -> None:
    lease = await hearing(world)
    world.shift.by = timedelta(minutes=1)
    async with world.system() as work:
        await reap.mark_unresponsive(work, silent_for=timedelta(seconds=45))

    assert "has been silent" in str(await refused(world, lease.run_id))


async def test_other_kind_is_asked_once_the_first_is_taken_back(world: World) -> None:
    lease = await hearing(world)
    await request(world, lease.run_id)

    with pytest.raises(Conflict, match="PAUSE was asked of this run before"):
        await request(world, lease.run_id, SUSPEND)
    await resume(world, lease.run_id, Answer())
    await request(world, lease.run_id, SUSPEND)

    assert (await told(world, lease))[1] is PauseKind.SUSPEND


async def test_over_long_reason_is_refused(world: World) -> None:
    lease = await hearing(world)

    assert isinstance(
        await refused(world, lease.run_id, PauseWish(reason="a" * 4_001)), InvalidInput
    )
