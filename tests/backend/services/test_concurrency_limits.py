"""Slots of concurrency limits on a real database: never too many, all or none, gone with a run."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from headgate_server.domain.background_tasks import TaskLease
from headgate_server.domain.concurrency_limits import (
    Acquisition,
    ConcurrencyLimit,
    SlotRequest,
    Use,
    lease_id_of,
)
from headgate_server.domain.errors import (
    Conflict,
    IdempotencyMismatch,
    InvalidInput,
    LeaseLost,
    LimitExceeded,
    NotFound,
    VersionConflict,
)
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.states import StateType
from headgate_server.domain.tenancy import RunGrant
from headgate_server.services import concurrency_limits
from headgate_server.services.concurrency_limits import LimitChanges
from headgate_server.tables.audit_entries import audit_entries
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

WAITING = timedelta(seconds=15)


async def put(world: World, name: str, limit: int = 1, **more: Any) -> ConcurrencyLimit:
    async with world.work() as work:
        row, _ = await concurrency_limits.upsert_limit(
            work, name=name, changes=LimitChanges(limit=limit, **more)
        )
    return row


async def ask(
    world: World,
    *names: str,
    key: str,
    holder: LeaseRef | None = None,
    task: TaskLease | None = None,
    patience: timedelta | None = None,
    **more: Any,
) -> Acquisition:
    request = SlotRequest(lease_id=lease_id_of(key, owner=None), names=names, **more)
    grant = RunGrant(holder.run_id, holder.epoch) if holder else None
    async with world.work() as work:
        return await concurrency_limits.acquire_slots(
            work, request, holder=grant, task=task, patience=patience
        )


async def give_back(world: World, key: str, **more: Any) -> None:
    async with world.work() as work:
        lease_id = lease_id_of(key, owner=None)
        await concurrency_limits.release_slots(work, lease_id=lease_id, **more)


async def use_of(world: World, *limits: ConcurrencyLimit) -> list[Use]:
    async with world.work() as work:
        found = await concurrency_limits.get_many_uses(work, [limit.id for limit in limits])
    return [found[limit.id] for limit in limits]


async def turns(world: World, *keys: str) -> set[UUID]:
    async with world.system() as work:
        found = await concurrency_limits.list_turns(
            work,
            workspace_id=world.tenant.workspace_id,
            lease_ids=[lease_id_of(key, owner=None) for key in keys],
        )
    return set(found.lease_ids)


async def test_slots_are_taken_up_to_the_limit_and_repeating_takes_no_more(world: World) -> None:
    limit = await put(world, "database", 3)

    first = await ask(world, "database", key="a", slots=2)
    again = await ask(world, "database", key="a", slots=2)
    refused = await ask(world, "database", key="b", slots=2)
    fits = await ask(world, "database", key="c")

    assert [one.is_acquired for one in (first, again, refused, fits)] == [True, True, False, True]
    assert (first.lease_id, first.expires_at) == (again.lease_id, again.expires_at)
    assert refused.lease_id is None
    assert await use_of(world, limit) == [Use(active=3, waiting=0)]

    await give_back(world, "a")
    with pytest.raises(NotFound):
        await give_back(world, "a")

    assert await use_of(world, limit) == [Use(active=1, waiting=0)]


async def test_several_names_are_taken_together_or_not_at_all(world: World) -> None:
    one, other = await put(world, "one"), await put(world, "other")
    await ask(world, "other", key="holder")

    refused = await ask(world, "one", "other", key="both", patience=WAITING)

    assert not refused.is_acquired
    assert await use_of(world, one, other) == [Use(0, 1), Use(1, 1)]

    await give_back(world, "holder")
    assert (await ask(world, "one", "other", key="both", patience=WAITING)).is_acquired
    assert await use_of(world, one, other) == [Use(1, 0), Use(1, 0)]


async def test_same_key_never_stands_for_other_slots(world: World) -> None:
    one, other = await put(world, "one", 5), await put(world, "other", 5)
    await ask(world, "one", key="a")

    with pytest.raises(IdempotencyMismatch):
        await ask(world, "one", key="a", slots=3)
    with pytest.raises(IdempotencyMismatch):
        await ask(world, "other", key="a", patience=WAITING)

    assert await use_of(world, one) == [Use(1, 0)]
    assert (await ask(world, "other", key="b", slots=5)).is_acquired
    assert await use_of(world, other) == [Use(5, 0)]


async def test_key_that_is_used_again_after_its_time_counts_for_what_it_takes_now(
    world: World,
) -> None:
    limit = await put(world, "database", 5)
    await ask(world, "database", key="a", ttl=timedelta(seconds=1))
    world.shift.by = timedelta(seconds=2)

    again = await ask(world, "database", key="a", slots=5)
    beside = await ask(world, "database", key="b")

    assert (again.is_acquired, beside.is_acquired) == (True, False)
    assert await use_of(world, limit) == [Use(5, 0)]


async def test_who_waits_for_a_full_limit_shuts_a_free_one_for_a_third_of_the_time(
    world: World,
) -> None:
    await put(world, "gpu")
    await put(world, "database")
    await ask(world, "gpu", key="holder", ttl=timedelta(hours=1))
    await ask(world, "gpu", "database", key="both", patience=timedelta(hours=1))

    at_first = await ask(world, "database", key="newcomer")
    await give_back(world, "newcomer")
    world.shift.by = timedelta(seconds=70)
    in_its_time = await ask(world, "database", key="newcomer")
    world.shift.by = timedelta(seconds=95)
    afterwards = await ask(world, "database", key="newcomer")
    await give_back(world, "newcomer")
    world.shift.by = timedelta(seconds=240)
    for_longer = await ask(world, "database", key="newcomer")

    asked = (at_first, in_its_time, afterwards, for_longer)
    assert [one.is_acquired for one in asked] == [True, False, True, False]


async def test_place_of_a_run_that_is_over_holds_up_nobody(world: World) -> None:
    await put(world, "database")
    await ask(world, "database", key="holder")
    lease = await world.started()
    await ask(world, "database", key="run", holder=lease, patience=WAITING)
    await ask(world, "database", key="next", patience=WAITING)

    await world.propose(lease, StateType.CRASHED)
    await give_back(world, "holder")

    assert await turns(world, "run", "next") == {lease_id_of("next", owner=None)}
    assert (await ask(world, "database", key="next")).is_acquired


async def test_rate_that_is_raised_gives_more_at_once(world: World) -> None:
    async with world.work() as work:
        world.shift.at = work.now  # A tenth of a second gives a slot back: none passes.
    limit = await put(world, "calls", slot_decay_per_second=0.001)
    await ask(world, "calls", key="a")
    assert not (await ask(world, "calls", key="b")).is_acquired

    await put(world, "calls", 10, slot_decay_per_second=10.0)
    assert await use_of(world, limit) == [Use(1, 0)]
    assert (await ask(world, "calls", key="b", slots=9)).is_acquired
    assert not (await ask(world, "calls", key="c", slots=9)).is_acquired


@pytest.mark.parametrize(("before", "after"), [(0.0, 1.0), (0.001, 0.0)])
async def test_slots_do_not_carry_over_to_another_kind_of_limit(
    world: World, before: float, after: float
) -> None:
    await put(world, "calls", slot_decay_per_second=before)
    await ask(world, "calls", key="a", ttl=timedelta(hours=1))
    assert not (await ask(world, "calls", key="b")).is_acquired

    await put(world, "calls", slot_decay_per_second=after)

    assert (await ask(world, "calls", key="b")).is_acquired


async def test_what_waits_longest_goes_first_and_what_is_urgent_before_it(world: World) -> None:
    await put(world, "database")
    await ask(world, "database", key="holder")
    for key, priority in [("early", 0), ("late", 0), ("urgent", 5)]:
        await ask(world, "database", key=key, patience=WAITING, priority=priority)
    await give_back(world, "holder")

    assert await turns(world, "early", "late", "urgent") == {lease_id_of("urgent", owner=None)}
    jumped = await ask(world, "database", key="newcomer")
    served = await ask(world, "database", key="urgent", patience=WAITING, priority=5)
    await give_back(world, "urgent")
    behind = await ask(world, "database", key="late", patience=WAITING)

    assert (jumped.is_acquired, jumped.ahead) == (False, 3)
    assert (served.is_acquired, behind.is_acquired, behind.ahead) == (True, False, 1)
    assert (await ask(world, "database", key="early", patience=WAITING)).is_acquired


async def test_who_wants_many_is_not_starved_by_who_wants_few(world: World) -> None:
    await put(world, "database", 2)
    await ask(world, "database", key="small")
    await ask(world, "database", key="large", slots=2, patience=WAITING)

    behind = await ask(world, "database", key="other", patience=WAITING)
    await give_back(world, "small")

    assert not behind.is_acquired
    assert await turns(world, "large", "other") == {lease_id_of("large", owner=None)}


async def test_who_waits_for_a_shut_limit_holds_up_nobody_elsewhere(world: World) -> None:
    await put(world, "shut", 0)
    await put(world, "open")

    stuck = await ask(world, "shut", "open", key="stuck", patience=WAITING)
    free = await ask(world, "open", key="free", patience=WAITING)

    assert (stuck.is_acquired, free.is_acquired) == (False, True)


async def test_a_run_s_slots_go_as_it_ends_in_the_same_transaction(world: World) -> None:
    limit = await put(world, "database")
    lease = await world.started()
    held = await ask(world, "database", key="a", holder=lease)
    world.shift.by = timedelta(minutes=9)

    assert (held.is_acquired, held.expires_at) == (True, None)
    assert await use_of(world, limit) == [Use(1, 0)]
    await world.propose(lease, StateType.COMPLETED)
    assert await use_of(world, limit) == [Use(0, 0)]
    with pytest.raises(LeaseLost):
        await ask(world, "database", key="b", holder=lease)


async def test_a_lost_run_s_slots_go_as_it_is_declared_lost(world: World) -> None:
    limit = await put(world, "database")
    lease = await world.started()
    await ask(world, "database", key="a", holder=lease)

    world.shift.by = timedelta(minutes=11)
    assert await use_of(world, limit) == [Use(1, 0)]
    await world.reap()

    assert await use_of(world, limit) == [Use(0, 0)]


async def test_a_claim_that_lapses_frees_its_slots_and_fences_the_old_epoch(world: World) -> None:
    limit = await put(world, "database")
    await world.create()
    (offered,) = await world.offer()
    lease = await world.claim(offered)
    await ask(world, "database", key="a", holder=lease)

    world.shift.by = timedelta(minutes=2)
    await world.reap()

    assert await use_of(world, limit) == [Use(0, 0)]
    (again,) = await world.offer()
    await world.claim(again)
    with pytest.raises(LeaseLost):
        await ask(world, "database", key="b", holder=lease)


async def test_slots_without_a_run_live_as_long_as_they_are_renewed(world: World) -> None:
    limit = await put(world, "database")
    lease_id = lease_id_of("a", owner=None)
    await ask(world, "database", key="a", ttl=timedelta(seconds=30))

    world.shift.by = timedelta(seconds=20)
    (stranger,) = await world.create()
    async with world.work() as work:
        with pytest.raises(LeaseLost):
            await concurrency_limits.renew_slots(
                work, lease_id=lease_id, ttl=timedelta(days=1), run_id=stranger.id
            )
    async with world.work() as work:
        until = await concurrency_limits.renew_slots(
            work, lease_id=lease_id, ttl=timedelta(seconds=30)
        )
        now = work.now
    world.shift.by = timedelta(seconds=40)
    kept = await use_of(world, limit)
    world.shift.by = timedelta(seconds=60)

    assert until - now == timedelta(seconds=30)
    assert (kept, await use_of(world, limit)) == ([Use(1, 0)], [Use(0, 0)])
    async with world.work() as work:
        with pytest.raises(LeaseLost):
            await concurrency_limits.renew_slots(work, lease_id=lease_id, ttl=WAITING)
    assert (await ask(world, "database", key="b")).is_acquired


async def test_a_rate_gives_its_slots_back_by_itself_and_at_its_pace(world: World) -> None:
    limit = await put(world, "calls", 2, slot_decay_per_second=0.5)
    first = await ask(world, "calls", key="a", is_rate=True)
    second = await ask(world, "calls", key="b", is_rate=True)
    third = await ask(world, "calls", key="c", is_rate=True)
    await give_back(world, "a")
    kept = await use_of(world, limit)
    world.shift.by = timedelta(seconds=2.5)
    fourth = await ask(world, "calls", key="d", is_rate=True)
    fifth = await ask(world, "calls", key="e", is_rate=True)

    assert [one.is_acquired for one in (first, second, third)] == [True, True, False]
    assert timedelta(seconds=1.5) < third.retry_after <= timedelta(seconds=2)
    assert kept == [Use(2, 0)]
    assert (fourth.is_acquired, fifth.is_acquired) == (True, False)


async def test_what_can_never_be_had_is_refused_with_its_type(world: World) -> None:
    await put(world, "database", 2)

    with pytest.raises(LimitExceeded, match="which has 2") as refused:
        await ask(world, "database", key="a", slots=3)
    assert (refused.value.limit, refused.value.current) == (2, 3)
    with pytest.raises(InvalidInput, match="no rate limit"):
        await ask(world, "database", key="a", is_rate=True)
    with pytest.raises(NotFound, match="named elsewhere"):
        await ask(world, "database", "elsewhere", key="a", is_strict=True)
    loose = await ask(world, "elsewhere", key="a")
    assert (loose.is_acquired, loose.lease_id, loose.missing) == (True, None, ("elsewhere",))


async def test_limits_change_keep_their_holders_and_collide_on_tags(world: World) -> None:
    limit = await put(world, "database", 2, task_tag="db")
    await ask(world, key="a", task_tags=("db", "unlimited"), slots=2)

    lowered = await put(world, "database", 1)
    same = await put(world, "database", 1)

    assert (lowered.version, same.version, lowered.task_tag) == (2, 2, "db")
    assert await use_of(world, limit) == [Use(2, 0)]
    with pytest.raises(Conflict, match="on the tag 'db'"):
        await put(world, "second", 1, task_tag="db")
    async with world.work() as work:
        with pytest.raises(VersionConflict):
            await concurrency_limits.delete_limit(work, id_=limit.id, expected_version=1)
        await concurrency_limits.delete_limit(work, id_=limit.id)
    asked = await ask(world, key="b", task_tags=("db",))
    assert (asked.is_acquired, asked.lease_id, asked.limited_tags) == (True, None, ())


async def test_who_takes_slots_from_a_run_is_in_the_audit_log(world: World) -> None:
    limit = await put(world, "database", 3)
    lease = await world.started()
    for key in ("taken", "own"):
        await ask(world, "database", key=key, holder=lease)
    await ask(world, "database", key="of no run")

    await give_back(world, "own", run_id=lease.run_id)
    await give_back(world, "of no run")
    await give_back(world, "taken")

    async with world.work() as work:
        said = select(audit_entries.c.action).where(audit_entries.c.target_id == limit.id)
        actions = [*(await work.execute(said)).scalars()]
    assert [one for one in actions if "released" in one] == ["concurrency_limit.slots_released"]


async def test_lapsed_slots_and_places_are_forgotten(world: World) -> None:
    await put(world, "database")
    await ask(world, "database", key="a", ttl=timedelta(seconds=30))
    await ask(world, "database", key="b", patience=WAITING)

    world.shift.by = timedelta(seconds=31)
    async with world.system() as work:
        first = await concurrency_limits.delete_lapsed(work)
        second = await concurrency_limits.delete_lapsed(work)

    assert (first, second) == (1, 0)
