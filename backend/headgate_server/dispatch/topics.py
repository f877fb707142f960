"""Topics: one reader of new rows per topic and replica, shared by all who follow it here.

Rows of a topic are numbered in the order in which they become readable, so whoever has seen a
number has seen everything before it. A follower reads what it missed by itself, with its own
filter, up to where the topic's reader stands; from there on it takes what the reader brings. It
holds a bounded number of rows and bytes: one that falls behind loses them, and reads on from its
position.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar, cast

from headgate_server.bus.bus import Bus, Listener
from headgate_server.domain.errors import HeadgateError, NotFound, Unavailable
from headgate_server.settings import Timers

logger = logging.getLogger(__name__)

ROWS_A_FOLLOWER = 256
"""So many rows wait for a follower at most."""
BYTES_A_FOLLOWER = 1024 * 1024
"""Nor are they larger together, but for one chunk, which may be a single row."""
ROWS_A_READ = 128
BYTES_A_READ = 512 * 1024
"""A read brings no more, but for a single row: what is read and sent at once holds up all else."""

Position = tuple[int, ...]
"""The numbers of the last rows seen, one for each lane of a topic."""

R = TypeVar("R")
S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row(Generic[R]):
    """A row and its place: which lane of the topic, and its number there; ``size`` in bytes."""

    number: int
    value: R
    lane: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Chunk(Generic[R, S]):
    """What a topic has behind one position, up to another.

    Args:
        subject: what the topic is about, as it was read with the rows.
        is_last: nothing was behind ``end`` when it was read.
        is_news: worth bringing to followers, also without rows.
        has_gap: rows behind ``start`` are gone for good.
        again_seconds: look again so soon, whether woken or not.
    """

    start: Position
    end: Position
    rows: tuple[Row[R], ...]
    subject: S
    is_last: bool
    is_news: bool
    has_gap: bool = False
    again_seconds: float | None = None

    @property
    def size(self) -> int:
        """Return how large the rows are together, in bytes."""
        return sum(row.size for row in self.rows)

    def behind(self, position: Position) -> "Chunk[R, S]":
        """Return what of it lies behind a position."""
        rows = tuple(row for row in self.rows if row.number > position[row.lane])
        return replace(self, start=position, end=furthest(self.end, position), rows=rows)


class Source(Protocol[R, S]):
    """Reads a topic for one follower; the topic's reader borrows the first follower's."""

    @property
    def topic(self) -> Hashable:
        """Name the topic, tenant included: followers with the same name share a reader."""
        ...

    @property
    def channel(self) -> str:
        """Name the channel that wakes the reader."""
        ...

    @property
    def pace_seconds(self) -> float:
        """Return how far apart two reads are at least: what comes meanwhile comes together."""
        ...

    async def read(self, at: Position, *, most: int) -> Chunk[R, S]:
        """Return every follower's rows behind a position, no more than ``BYTES_A_READ``."""
        ...

    async def read_own(self, at: Position) -> Chunk[R, S]:
        """Return the rows behind a position that this follower wants, no more than as above."""
        ...

    def wants(self, value: R) -> bool:
        """Whether this follower wants a row."""
        ...


def furthest(one: Position, other: Position) -> Position:
    """Return the position that has seen what either has."""
    return tuple(map(max, one, other))


def follows(start: Position, position: Position) -> bool:
    """Whether rows behind ``start`` follow on a position without a hole."""
    return all(number <= seen for number, seen in zip(start, position, strict=True))


class Follower(Generic[R, S]):
    """One follower of a topic, and the rows that wait for it."""

    def __init__(self, topic: "_Topic[R, S]") -> None:
        self._topic = topic
        self._chunks: deque[Chunk[R, S]] = deque()
        self._has_news = asyncio.Event()
        self._is_behind = False
        self._error: HeadgateError | None = None

    @property
    def waiting(self) -> int:
        """Return how many rows wait."""
        return sum(len(chunk.rows) for chunk in self._chunks)

    @property
    def waiting_bytes(self) -> int:
        """Return how large they are together."""
        return sum(chunk.size for chunk in self._chunks)

    def deliver(self, chunk: Chunk[R, S]) -> None:
        """Let a chunk wait; where there is no room for it, drop all that waits."""
        if self._is_behind:
            return
        if self._chunks and (
            self.waiting + len(chunk.rows) > ROWS_A_FOLLOWER
            or self.waiting_bytes + chunk.size > BYTES_A_FOLLOWER
        ):
            self._chunks.clear()
            self._is_behind = True
        else:
            self._chunks.append(chunk)
        self._has_news.set()

    def fail(self, error: HeadgateError) -> None:
        """End the following with an error."""
        self._error = error
        self._has_news.set()

    def begin(self) -> None:
        """Forget what waits: the follower is about to read by itself."""
        self._chunks.clear()
        self._is_behind = False

    def settle(self, position: Position) -> bool:
        """Whether what the reader brings from now on follows on a position without a hole."""
        if self._is_behind:
            return False
        if self._chunks:
            return follows(self._chunks[0].start, position)
        return self._topic.settle(position)

    async def next(self, position: Position) -> Chunk[R, S] | None:
        """Return what comes next behind a position; None where it must be read instead.

        Raises:
            HeadgateError: the topic is there no more.
        """
        while not self._chunks and not self._is_behind:
            if self._error is not None:
                raise self._error
            self._has_news.clear()
            await self._has_news.wait()
        if self._is_behind or not follows(self._chunks[0].start, position):
            return None
        chunk = self._chunks.popleft().behind(position)
        return replace(chunk, is_last=chunk.is_last and not self._chunks)


class _Topic(Generic[R, S]):
    """The one reader of a topic on this replica."""

    def __init__(
        self,
        source: Source[R, S],
        *,
        bus: Bus,
        sweep_seconds: Callable[[], float],
        again_seconds: float,
    ) -> None:
        self.followers: set[Follower[R, S]] = set()
        self.is_listening = asyncio.Event()
        self._source = source
        self._bus = bus
        self._sweep_seconds = sweep_seconds
        self._again_seconds = again_seconds
        self._listener: Listener = bus.listen(source.channel)
        self._position: Position | None = None
        self.is_over = False

    def settle(self, position: Position) -> bool:
        """Read from the position of the first follower that asks; the others must have come so far.

        Until then wakes go by unheeded, so the reader looks once at what came meanwhile.
        """
        if self._position is None:
            self._position = position
            self._listener.wake()
            return True
        return follows(self._position, position)

    def end(self) -> None:
        """Let the reader end; a transaction under way is not cut off."""
        self.is_over = True
        self._listener.wake()

    async def run(self) -> None:
        """Read what is new whenever woken, and bring it to all followers, until the end."""
        try:
            async with self._listener:
                self.is_listening.set()
                wait_seconds = self._sweep_seconds()
                while not self.is_over:
                    await self._listener.wait(wait_seconds)
                    wait_seconds = await self._read()
        finally:
            self.is_listening.set()
            if not self.is_over:
                self._fail(Unavailable())

    async def _read(self) -> float:
        """Bring everything that is new; return how long to wait for more."""
        is_owing = False
        while self._position is not None and not self.is_over:
            try:
                chunk = await self._source.read(self._position, most=ROWS_A_READ)
            except NotFound as error:
                self._fail(error)
                break
            except HeadgateError as error:
                logger.warning("A topic could not be read, it will be again: %s", error.code)
                return self._again_seconds
            self._position = chunk.end
            # Whoever was told that more follows is told as well when there is no more.
            if chunk.is_news or is_owing:
                for follower in self.followers:
                    follower.deliver(chunk)
            is_owing = not chunk.is_last
            if chunk.is_last:
                await asyncio.sleep(self._source.pace_seconds)
                again = chunk.again_seconds
                return self._sweep_seconds() if again is None else again
        return self._sweep_seconds()

    def _fail(self, error: HeadgateError) -> None:
        self.is_over = True
        for follower in self.followers:
            follower.fail(error)


class Topics:
    """The topics that are followed on this replica."""

    def __init__(self, *, bus: Bus, timers: Timers) -> None:
        self._bus = bus
        self._timers = timers
        self._topics: dict[Hashable, _Topic[Any, Any]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._topics)

    def waiting(self) -> list[tuple[int, int]]:
        """Return how many rows wait for each follower, and how many bytes they are."""
        followers = [one for topic in self._topics.values() for one in topic.followers]
        return [(follower.waiting, follower.waiting_bytes) for follower in followers]

    @asynccontextmanager
    async def follow(self, source: Source[R, S]) -> AsyncGenerator[Follower[R, S]]:
        """Follow a topic for as long as the block runs; the last to leave ends its reader."""
        topic = self._enter(source)
        follower = Follower(topic)
        topic.followers.add(follower)
        try:
            await topic.is_listening.wait()
            yield follower
        finally:
            topic.followers.discard(follower)
            if not topic.followers:
                topic.end()
                if self._topics.get(source.topic) is topic:
                    del self._topics[source.topic]

    async def read(self, reading: Coroutine[Any, Any, T]) -> T:
        """Return what a read finds; one that nobody waits for any more is not cut off.

        A transaction that is cancelled in the middle costs its connection.
        """
        return await asyncio.shield(self._start(reading))

    async def stop(self) -> None:
        """Wait for the reads that are under way."""
        for topic in self._topics.values():
            topic.end()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _enter(self, source: Source[R, S]) -> "_Topic[R, S]":
        topic = cast("_Topic[R, S] | None", self._topics.get(source.topic))
        if topic is None or topic.is_over:
            topic = _Topic(
                source,
                bus=self._bus,
                sweep_seconds=self._sweep_seconds,
                again_seconds=self._timers.again_seconds,
            )
            self._topics[source.topic] = topic
            self._start(topic.run())
        return topic

    def _start(self, running: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(running)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.info("A read that nobody waited for failed: %r", task.exception())

    def _sweep_seconds(self) -> float:
        return self._timers.sweep(is_woken=self._bus.is_connected)
