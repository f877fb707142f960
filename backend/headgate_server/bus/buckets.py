"""Token buckets that all replicas share through Redis, and each fills by itself without it.

A replica takes points from Redis by the slice, a tenth of a second's worth, and spends them without
asking again: what all replicas grant together exceeds a bucket by at most a slice each.
"""

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from redis.asyncio import Redis
from redis.exceptions import RedisError

from headgate_server.bus.connections import open_pool

logger = logging.getLogger(__name__)

SLICE_SECONDS = 0.1
KEPT_SECONDS = 1.0
"""How long points of a slice can be spent; what is left of them then is lost."""
ANSWER_SECONDS = 0.25
AWAY_SECONDS = 1.0
"""So often Redis is asked, once it has failed to answer, by nobody who waits for it."""
MOST_KEYS = 20_000

_TAKE = """
local at = redis.call('TIME')
local now = at[1] + at[2] / 1000000
local capacity, rate = tonumber(ARGV[1]), tonumber(ARGV[2])
local cost, slice, debt = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local known = redis.call('HMGET', KEYS[1], 'points', 'at')
local points = tonumber(known[1]) or capacity
points = math.min(capacity, points + math.max(0, now - (tonumber(known[2]) or now)) * rate)
local granted = 0
if points + debt >= cost then granted = math.min(points + debt, slice) end
points = points - granted
redis.call('HSET', KEYS[1], 'points', tostring(points), 'at', tostring(now))
redis.call('PEXPIRE', KEYS[1], math.ceil((capacity - points) / rate * 1000) + 1000)
return {tostring(granted), tostring(points)}
"""

_GIVE = """
local points = tonumber(redis.call('HGET', KEYS[1], 'points'))
if points then
  redis.call('HSET', KEYS[1], 'points', tostring(math.min(tonumber(ARGV[1]), points + ARGV[2])))
end
"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How large a bucket is, and how fast it fills, in points.

    ``debt`` is how far below nothing its taker may go: who has one is never refused for what those
    took who have none.
    """

    capacity: int
    per_second: float
    debt: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a request for points.

    Args:
        remaining: what is left in the bucket, as this replica knows it; negative in debt.
        wait_seconds: when enough will be there; 0 where the points were granted.
    """

    is_granted: bool
    remaining: float
    wait_seconds: float


@dataclass(slots=True)
class _Local:
    """What this replica holds of a bucket, and what was left of it at the last answer."""

    points: float
    shared: float
    at: float


class Buckets:
    """Takes points for a cost; shared where Redis answers, else of this replica alone."""

    def __init__(self, url: str = "", *, prefix: str = "headgate") -> None:
        """Describe the buckets; nothing is connected before the first is used.

        Args:
            url: a Redis or Valkey address; empty keeps the buckets of this process.
            prefix: keeps installations that share a Redis apart.
        """
        self._redis: Any = None
        if url:
            pool = open_pool(url, connect_seconds=ANSWER_SECONDS, answer_seconds=ANSWER_SECONDS)
            self._redis = Redis.from_pool(pool)
            self._script = self._redis.register_script(_TAKE)
            self._giving = self._redis.register_script(_GIVE)
        self._prefix = f"{prefix}:bucket:"
        self._slices: dict[tuple[str, int], _Local] = {}
        self._own: dict[str, _Local] = {}
        self._asking: WeakValueDictionary[tuple[str, int], asyncio.Lock] = WeakValueDictionary()
        self._looking: asyncio.Task[None] | None = None

    async def take(self, key: str, *, cost: int, allowance: Allowance) -> Taken:
        """Take ``cost`` points from a bucket, or none.

        A cost above the capacity needs a full bucket and empties it.
        """
        cost = min(cost, allowance.capacity)
        taken = self._take_held(key, cost=cost, allowance=allowance)
        if taken is None and self._redis is not None and self._looking is None:
            taken = await self._ask(key, cost=cost, allowance=allowance)
        return taken or self._take_own(key, cost=cost, allowance=allowance)

    async def _ask(self, key: str, *, cost: int, allowance: Allowance) -> Taken | None:
        """Take from Redis, one call of a bucket after the other; None where Redis is away.

        Side by side each would take a slice, and the bucket be empty for points that nobody spent.
        """
        asking = self._asking.setdefault((key, allowance.debt), asyncio.Lock())
        async with asking:
            taken = self._take_held(key, cost=cost, allowance=allowance)
            if taken is not None or self._looking is not None:
                return taken
            try:
                return await self._take_shared(key, cost=cost, allowance=allowance)
            except (RedisError, OSError, TimeoutError) as error:
                self._leave(error)
                return None

    def _leave(self, error: Exception) -> None:
        """Count here alone until Redis answers somebody again who has the time."""
        if self._looking is None:
            logger.warning("Rate limits count in this process alone meanwhile: %s", error)
            self._looking = asyncio.create_task(self._look(), name="buckets")

    async def _look(self) -> None:
        while self._looking is not None:
            await asyncio.sleep(AWAY_SECONDS)
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                await self._redis.ping()
                self._looking = None

    async def give(self, key: str, *, cost: int, allowance: Allowance) -> None:
        """Give points back that were taken and not needed; a bucket never overflows."""
        held = self._own.get(key)
        if held is not None:
            held.points = min(float(allowance.capacity), held.points + cost)
        if self._redis is None or self._looking is not None:
            return
        try:
            await self._giving(keys=[self._prefix + key], args=[allowance.capacity, cost])
        except (RedisError, OSError, TimeoutError) as error:
            self._leave(error)

    async def close(self) -> None:
        """Close the connection."""
        if self._looking is not None:
            self._looking.cancel()
        if self._redis is not None:
            await self._redis.aclose()

    def _take_held(self, key: str, *, cost: int, allowance: Allowance) -> Taken | None:
        held = self._find_slice(key, allowance)
        if held is None or held.points < cost:
            return None
        held.points -= cost
        return Taken(is_granted=True, remaining=held.shared + held.points, wait_seconds=0.0)

    def _find_slice(self, key: str, allowance: Allowance) -> _Local | None:
        held = self._slices.get((key, allowance.debt))
        return held if held is not None and time.monotonic() - held.at < KEPT_SECONDS else None

    async def _take_shared(self, key: str, *, cost: int, allowance: Allowance) -> Taken:
        held = self._find_slice(key, allowance)
        kept = held.points if held is not None else 0.0
        lacking = cost - kept
        wanted = max(lacking, allowance.per_second * SLICE_SECONDS)
        answer = await self._script(
            keys=[self._prefix + key],
            args=[allowance.capacity, allowance.per_second, lacking, wanted, allowance.debt],
        )
        granted, shared = (float(part) for part in answer)
        if granted < lacking:
            wait = (lacking - allowance.debt - shared) / allowance.per_second
            return Taken(is_granted=False, remaining=shared + kept, wait_seconds=wait)
        _forget_some(self._slices)
        left = granted - lacking
        self._slices[key, allowance.debt] = _Local(points=left, shared=shared, at=time.monotonic())
        return Taken(is_granted=True, remaining=shared + left, wait_seconds=0.0)

    def _take_own(self, key: str, *, cost: int, allowance: Allowance) -> Taken:
        now = time.monotonic()
        _forget_some(self._own)
        held = self._own.setdefault(key, _Local(float(allowance.capacity), 0.0, now))
        gained = (now - held.at) * allowance.per_second
        held.points, held.at = min(float(allowance.capacity), held.points + gained), now
        if held.points + allowance.debt < cost:
            wait = (cost - allowance.debt - held.points) / allowance.per_second
            return Taken(is_granted=False, remaining=held.points, wait_seconds=wait)
        held.points -= cost
        return Taken(is_granted=True, remaining=held.points, wait_seconds=0.0)


def _forget_some(known: dict[Any, _Local]) -> None:
    """Keep a dictionary bounded: the keys that came first go first."""
    while len(known) >= MOST_KEYS:
        del known[next(iter(known))]
