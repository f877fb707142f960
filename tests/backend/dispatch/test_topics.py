"""Topics: one reader for all followers, bounded rows a follower, no hole wherever one joins."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from headgate_server.bus.bus import Bus
from headgate_server.dispatch.topics import (
    BYTES_A_FOLLOWER,
    ROWS_A_FOLLOWER,
    Chunk,
    Follower,
    Position,
    Row,
    Topics,
    follows,
)
from headgate_server.domain.errors import NotFound, Unavailable
from headgate_server.settings import Timers
from tests.fixtures.deadlines import eventually

CHANNEL = "numbers"


@dataclass
class Numbers:
    """A topic of the numbers from 1 on; counts what is read of it."""

    last: int = 0
    reads: int = 0
    refusals: int = 0
    size: int = 0
    error: Exception | None = None
    topic: str = "numbers"
    channel: str = CHANNEL
    pace_seconds: float = 0.0
    own: list[Position] = field(default_factory=list[Position])

    async def read(self, at: Position, *, most: int) -> Chunk[int, None]:
        if self.error is not None:
            self.refusals += 1
            raise self.error
        self.reads += 1
        return self._chunk(at, most)

    async def read_own(self, at: Position) -> Chunk[int, None]:
        self.own.append(at)
        return self._chunk(at, 1000)

    def wants(self, value: int) -> bool:
        return value > 0

    def _chunk(self, at: Position, most: int) -> Chunk[int, None]:
        end = min(self.last, at[0] + most)
        rows = tuple(Row(number, number, size=self.size) for number in range(at[0] + 1, end + 1))
        return Chunk(at, (end,), rows, None, is_last=end == self.last, is_news=bool(rows))


@dataclass
class Scene:
    bus: Bus
    topics: Topics
    numbers: Numbers

    async def grow(self, count: int) -> None:
        self.numbers.last += count
        await self.bus.publish({CHANNEL})

    @asynccontextmanager
    async def following(self, at: int) -> AsyncGenerator[Follower[int, None]]:
        """Follow from a number on that has been read."""
        async with self.topics.follow(self.numbers) as follower:
            follower.begin()
            assert follower.settle((at,))
            yield follower


@pytest.fixture
async def scene() -> AsyncGenerator[Scene]:
    bus = Bus("redis://127.0.0.1:1")
    topics = Topics(bus=bus, timers=Timers(sweep_without_redis_seconds=30))
    yield Scene(bus, topics, Numbers())
    await topics.stop()


def values(chunk: Chunk[int, None] | None) -> list[int]:
    assert chunk is not None
    return [row.value for row in chunk.rows]


async def test_rows_are_read_once_for_all_followers(scene: Scene) -> None:
    async with scene.following(0) as one, scene.following(0) as other:
        await eventually(lambda: scene.numbers.reads == 1, what="The first look")
        await scene.grow(3)
        seen = [values(await follower.next((0,))) for follower in (one, other)]

    assert seen == [[1, 2, 3]] * 2
    assert scene.numbers.reads == 2


async def test_reader_ends_with_its_last_follower(scene: Scene) -> None:
    async with scene.following(0):
        async with scene.following(0):
            pass
        assert len(scene.topics) == 1

    assert len(scene.topics) == 0
    await scene.topics.stop()
    assert not [task for task in asyncio.all_tasks() if "topic" in repr(task.get_coro())]


async def test_follower_that_falls_behind_holds_nothing_and_reads_for_itself(scene: Scene) -> None:
    async with scene.following(0) as slow, scene.following(0) as quick:
        at = 0
        for _ in range(4):
            await scene.grow(100)
            while at < scene.numbers.last:
                chunk = await quick.next((at,))
                assert chunk is not None
                at = chunk.end[0]
                assert slow.waiting <= ROWS_A_FOLLOWER
        lost = await slow.next((0,))
        slow.begin()
        own = await scene.numbers.read_own((0,))

        assert at == 400
        assert lost is None
        assert slow.waiting == 0
        assert values(own) == list(range(1, 401))
        assert slow.settle(own.end)


async def test_large_rows_wait_for_a_follower_only_up_to_so_many_bytes(scene: Scene) -> None:
    scene.numbers.size = BYTES_A_FOLLOWER // 2
    async with scene.following(0) as slow, scene.following(0) as quick:
        for at in range(3):
            await scene.grow(1)
            assert values(await quick.next((at,))) == [at + 1]
            assert slow.waiting_bytes <= BYTES_A_FOLLOWER

        assert await slow.next((0,)) is None
        assert slow.waiting_bytes == 0


async def test_row_that_alone_is_too_large_is_brought(scene: Scene) -> None:
    scene.numbers.size = 2 * BYTES_A_FOLLOWER
    async with scene.following(0) as follower:
        await scene.grow(1)
        assert values(await follower.next((0,))) == [1]


async def test_follower_that_has_not_come_as_far_as_the_reader_must_read_on(scene: Scene) -> None:
    async with scene.following(0) as first:
        await scene.grow(5)
        await first.next((0,))

        async with scene.topics.follow(scene.numbers) as late:
            late.begin()
            settled = [late.settle((at,)) for at in (4, 5, 6)]

    assert settled == [False, True, True]


async def test_rows_that_came_while_a_follower_read_are_not_brought_twice(scene: Scene) -> None:
    async with scene.following(0) as first, scene.topics.follow(scene.numbers) as second:
        second.begin()
        await scene.grow(5)
        await first.next((0,))
        await scene.grow(2)
        await first.next((5,))

        assert second.settle((3,))
        assert values(await second.next((3,))) == [4, 5]
        assert values(await second.next((5,))) == [6, 7]


async def test_wake_before_anybody_was_ready_is_not_lost(scene: Scene) -> None:
    async with scene.topics.follow(scene.numbers) as follower:
        follower.begin()
        await scene.grow(2)
        await asyncio.sleep(0)
        assert scene.numbers.reads == 0

        assert follower.settle((0,))
        assert values(await follower.next((0,))) == [1, 2]


async def test_outage_of_the_database_is_waited_out(scene: Scene) -> None:
    scene.numbers.error = Unavailable()
    async with scene.following(0) as follower:
        await scene.grow(1)
        scene.numbers.error = None
        await scene.grow(1)

        assert values(await follower.next((0,)))[-1] == 2


async def test_a_read_that_failed_is_made_again_long_before_the_sweep(scene: Scene) -> None:
    scene.numbers.error = Unavailable()
    async with scene.following(0) as follower:
        await eventually(lambda: scene.numbers.refusals == 1, what="A read that fails")
        scene.numbers.last, scene.numbers.error = 1, None

        async with asyncio.timeout(5):
            assert values(await follower.next((0,))) == [1]


async def test_topic_that_is_gone_ends_its_followers(scene: Scene) -> None:
    async with scene.following(0) as follower:
        scene.numbers.error = NotFound()
        await scene.grow(1)

        with pytest.raises(NotFound):
            await follower.next((0,))


async def test_reader_that_breaks_ends_its_followers_and_the_next_has_another(
    scene: Scene,
) -> None:
    async with scene.following(0) as follower:
        scene.numbers.error = RuntimeError("a bug")
        await scene.grow(1)
        with pytest.raises(Unavailable):
            await follower.next((0,))

        scene.numbers.error = None
        async with scene.following(0) as another:
            assert values(await another.next((0,))) == [1]


def test_position_follows_when_every_lane_does() -> None:
    assert follows((1, 5), (1, 5))
    assert follows((1, 4), (2, 5))
    assert not follows((2, 4), (1, 5))
