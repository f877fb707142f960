"""The high-water mark in a real Valkey: raised, kept, and told once when it was undercut."""

from collections.abc import AsyncGenerator
from uuid import UUID, uuid4

import pytest

from headgate_server.bus.high_water import HighWater, Mark

pytestmark = pytest.mark.anyio


@pytest.fixture
async def high_water(redis_url: str) -> AsyncGenerator[HighWater]:
    found = HighWater(redis_url, prefix=f"tests-{uuid4()}")
    yield found
    await found.close()


@pytest.fixture
def generation() -> UUID:
    return uuid4()


async def note(high_water: HighWater, generation: UUID, *numbers: int) -> bool:
    known = (await high_water.marks()).get(generation)
    return await high_water.note(generation, progress(*numbers), known=known)


def progress(*numbers: int) -> dict[str, int]:
    return dict(zip("ab", numbers, strict=False))


async def test_a_mark_rises_and_never_falls(high_water: HighWater, generation: UUID) -> None:
    for number in (2**52, 2**52 + 1):
        assert not await note(high_water, generation, 5, number)

    assert not await high_water.note(generation, progress(6, 7), known=None)
    assert await high_water.marks() == {generation: Mark(progress(6, 2**52 + 1))}


async def test_a_replica_that_is_late_to_tell_is_no_restore(
    high_water: HighWater, generation: UUID
) -> None:
    await note(high_water, generation, 100)
    read_before = (await high_water.marks())[generation]
    await note(high_water, generation, 200)

    assert not await high_water.note(generation, progress(150), known=read_before)
    assert await high_water.marks() == {generation: Mark(progress(200))}


async def test_a_database_set_back_is_told_once_and_remembered(
    high_water: HighWater, generation: UUID
) -> None:
    await note(high_water, generation, 100, 10)

    told = [await note(high_water, generation, number, 10) for number in (60, 70, 300)]

    assert told == [True, False, False]
    mark = (await high_water.marks())[generation]
    assert mark == Mark(progress(100, 10), is_set_back=True)
    assert mark.is_beyond(progress(300, 30))


async def test_either_number_tells(high_water: HighWater, generation: UUID) -> None:
    await note(high_water, generation, 100, 10)

    assert await note(high_water, generation, 101, 9)


async def test_a_new_generation_begins_without_a_past(
    high_water: HighWater, generation: UUID
) -> None:
    await note(high_water, generation, 100)
    await note(high_water, generation, 60)
    new = uuid4()

    assert not await note(high_water, new, 61)
    assert not (await high_water.marks())[new].is_beyond(progress(61))
    assert (await high_water.marks())[generation].is_beyond(progress(61))


async def test_without_redis_nothing_is_known_and_nothing_fails(generation: UUID) -> None:
    away = HighWater("redis://127.0.0.1:1/0")

    assert await away.marks() == {}
    assert not await away.note(generation, progress(100), known=Mark(progress(200)))
    await away.close()
