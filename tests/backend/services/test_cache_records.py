"""Cached results on a real database: one computes, the others get it; locks end with leases."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from headgate_server.domain.cache_records import CacheClaim
from headgate_server.domain.errors import Conflict, InvalidInput, LeaseLost, NotFound
from headgate_server.domain.leases import LeaseRef
from headgate_server.domain.states import StateType
from headgate_server.repositories.retention import Kept
from headgate_server.services import cache_records, retention
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

KEY = "orders-2026-11-28"
RESULT = {"path": "s3://bucket/result"}
FIVE_MINUTES = timedelta(minutes=5)


async def claim(world: World, lease: LeaseRef, token: UUID, **given: Any) -> CacheClaim:
    fields: dict[str, Any] = {"key": KEY, "lock_for": FIVE_MINUTES, **given}
    async with world.work() as work:
        return await cache_records.claim_record(work, lease=lease, token=token, **fields)


async def write(world: World, lease: LeaseRef, token: UUID | None, **given: Any) -> None:
    fields: dict[str, Any] = {"key": KEY, "result": RESULT, **given}
    async with world.work() as work:
        await cache_records.write_record(work, lease=lease, token=token, **fields)


async def test_one_of_many_computes_and_the_others_get_its_result(world: World) -> None:
    leases = [await world.started() for _ in range(4)]
    tokens = [uuid4() for _ in leases]
    pairs = list(zip(leases, tokens, strict=True))

    claims = await asyncio.gather(*(claim(world, lease, token) for lease, token in pairs))

    (first,) = [place for place, found in enumerate(claims) if found.is_locked]
    assert {found.holder_run_id for found in claims if not found.is_locked} == {
        leases[first].run_id
    }
    await write(world, leases[first], tokens[first])
    for lease, token in pairs:
        found = await claim(world, lease, token)
        assert found.record is not None
        assert (found.record.result, found.record.flow_run_id) == (RESULT, leases[first].run_id)


async def test_a_claim_and_a_write_that_are_sent_again_change_nothing(world: World) -> None:
    lease, token = await world.started(), uuid4()

    assert (await claim(world, lease, token)).is_locked
    assert (await claim(world, lease, token)).is_locked
    await write(world, lease, token)
    await write(world, lease, token)

    assert (await claim(world, lease, token)).record is not None


async def test_a_lock_ends_with_its_time_and_its_late_holder_is_refused(world: World) -> None:
    slow, quick = await world.started(), await world.started()
    old, new = uuid4(), uuid4()
    await claim(world, slow, old, lock_for=timedelta(seconds=10))
    assert not (await claim(world, quick, new)).is_locked

    world.shift.by = timedelta(seconds=11)

    assert (await claim(world, quick, new)).is_locked
    with pytest.raises(Conflict, match="Another run"):
        await write(world, slow, old, result={"late": True})
    await write(world, quick, new)
    with pytest.raises(Conflict, match="another run has written"):
        await write(world, slow, old, result={"late": True})
    async with world.work() as work:
        record = await cache_records.find_record(work, key=KEY)
    assert record is not None
    assert (record.result, record.flow_run_id) == (RESULT, quick.run_id)


async def test_a_lock_whose_time_is_over_is_still_the_holders_while_nobody_else_wants_it(
    world: World,
) -> None:
    lease, token = await world.started(), uuid4()
    await claim(world, lease, token, lock_for=timedelta(seconds=10))
    world.shift.by = timedelta(seconds=11)
    await write(world, lease, token)

    assert (await claim(world, lease, uuid4())).record is not None


async def test_a_result_that_is_forgotten_while_it_is_computed_is_not_stored(
    world: World,
) -> None:
    lease, token = await world.started(), uuid4()
    await claim(world, lease, token)
    async with world.work() as work:
        await cache_records.delete_record(work, key=KEY)
    with pytest.raises(Conflict, match="was forgotten"):
        await write(world, lease, token)

    async with world.work() as work:
        assert await cache_records.find_record(work, key=KEY) is None


async def test_a_write_that_is_sent_again_leaves_the_lock_of_who_computes_anew(
    world: World,
) -> None:
    (first, token), (second, other) = [(await world.started(), uuid4()) for _ in range(2)]
    await claim(world, first, token)
    await write(world, first, token)
    await claim(world, second, other, is_refresh=True)
    await write(world, first, token)

    assert not (await claim(world, first, token, is_refresh=True)).is_locked
    await write(world, second, other, result={"anew": True})


async def test_a_lock_ends_with_the_lease_of_its_run(world: World) -> None:
    ended, other = await world.started(), await world.started()
    await claim(world, ended, uuid4(), lock_for=timedelta(days=7))
    await world.propose(ended, StateType.FAILED)

    found = await claim(world, other, uuid4())

    assert found.is_locked
    with pytest.raises(LeaseLost):
        await write(world, ended, None)


async def test_a_lock_is_released_by_its_holder_only(world: World) -> None:
    lease, token = await world.started(), uuid4()
    await claim(world, lease, token)

    async def release(one: UUID) -> bool:
        async with world.work() as work:
            return await cache_records.release_record(work, key=KEY, lease=lease, token=one)

    assert not await release(uuid4())
    assert not (await claim(world, lease, uuid4())).is_locked
    assert await release(token)
    assert (await claim(world, lease, uuid4())).is_locked


async def test_a_result_counts_until_it_expires_or_is_refreshed_or_forgotten(
    world: World,
) -> None:
    lease, token = await world.started(), uuid4()
    async with world.work() as work:
        expires_at = work.now + timedelta(hours=1)
    await write(world, lease, None, expires_at=expires_at)

    assert (await claim(world, lease, token)).record is not None
    assert (await claim(world, lease, token, is_refresh=True)).is_locked
    await write(world, lease, token, expires_at=expires_at)
    async with world.work() as work:
        await cache_records.delete_record(work, key=KEY)
    assert (await claim(world, lease, token)).is_locked
    await write(world, lease, token, expires_at=expires_at)
    world.shift.by = timedelta(minutes=61)
    assert (await claim(world, lease, token)).is_locked
    with pytest.raises(NotFound):
        async with world.work() as work:
            await cache_records.delete_record(work, key="unknown")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"key": ""}, "1 to 500"),
        ({"key": "x" * 501}, "1 to 500"),
        ({"result": None}, "not null"),
        ({"result": "x" * 64 * 1024}, "64 KiB"),
    ],
)
async def test_what_cannot_be_stored_is_refused(
    world: World, given: dict[str, Any], words: str
) -> None:
    lease = await world.started()

    with pytest.raises(InvalidInput, match=words):
        await write(world, lease, None, **given)


async def test_retention_deletes_what_expired_but_not_what_is_locked(world: World) -> None:
    lease, token = await world.started(), uuid4()
    async with world.work() as work:
        soon = work.now + timedelta(minutes=1)
    await write(world, lease, None, key="expired", expires_at=soon)
    await write(world, lease, None, key="kept")
    await write(world, lease, None, key="locked", expires_at=soon)
    world.shift.by = timedelta(minutes=2)
    await claim(world, lease, token, key="locked")
    days = timedelta(days=30)

    async with world.system() as work:
        kept = Kept(world.tenant.workspace_id, runs=days, logs=days, events=days)
        assert await retention.purge(work, kept) == 1

    async with world.work() as work:
        assert await cache_records.find_record(work, key="expired") is None
        assert await cache_records.find_record(work, key="kept") is not None
        assert await cache_records.find_record(work, key="locked") is not None
