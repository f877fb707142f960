"""How far the database has come, remembered outside of it, by generation.

A database that was restored knows nothing of the time it lost. Redis was not set back with it, and
remembers for each generation how far it was seen. It is a witness, not a judge: no decision about
a run depends on it, and without Redis nothing is noticed.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from headgate_server.bus.connections import open_pool

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 0.25
SET_BACK = "set-back"

_RAISE = """
for index = 2, #ARGV, 2 do
  local field = ARGV[1] .. ':' .. ARGV[index]
  local known = tonumber(redis.call('HGET', KEYS[1], field) or -1)
  if tonumber(ARGV[index + 1]) > known then
    redis.call('HSET', KEYS[1], field, ARGV[index + 1])
  end
end
"""

Progress = Mapping[str, int]
"""Numbers that a database never takes back, each by its name."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What is remembered of one generation.

    Args:
        progress: the furthest that was seen of each number.
        is_set_back: the database was once seen before that.
    """

    progress: Progress
    is_set_back: bool = False

    def is_beyond(self, progress: Progress) -> bool:
        """Whether a database that has come so far was set back, now or earlier.

        Only a mark that was read before the numbers can tell: the database goes on meanwhile.
        """
        return self.is_set_back or any(
            number < self.progress.get(name, number) for name, number in progress.items()
        )


class HighWater:
    """Reads and raises the marks; quietly does nothing while Redis is away."""

    def __init__(self, url: str, *, prefix: str = "headgate") -> None:
        """Describe the marks; nothing is connected before the first is read.

        Args:
            url: a Redis or Valkey address.
            prefix: keeps installations that share a Redis apart.
        """
        pool = open_pool(
            url,
            connect_seconds=ANSWER_SECONDS,
            answer_seconds=ANSWER_SECONDS,
            decode_responses=True,
        )
        self._redis: Any = Redis.from_pool(pool)
        self._raise = self._redis.register_script(_RAISE)
        self._key = f"{prefix}:high-water"

    async def marks(self) -> Mapping[UUID, Mark]:
        """Return the mark of every generation; empty where Redis does not answer."""
        try:
            fields: dict[str, str] = await self._redis.hgetall(self._key)
        except (RedisError, OSError, TimeoutError) as error:
            logger.debug("The high-water mark cannot be read: %s", error)
            return {}
        found: dict[str, dict[str, int]] = {}
        for field, number in fields.items():
            generation, _, name = field.partition(":")
            found.setdefault(generation, {})[name] = int(number)
        return {
            UUID(generation): Mark(numbers, is_set_back=numbers.pop(SET_BACK, 0) > 0)
            for generation, numbers in found.items()
        }

    async def note(self, generation: UUID, progress: Progress, *, known: Mark | None) -> bool:
        """Raise the mark, or say that the database was set back from it.

        Args:
            generation: of the database when it had come so far.
            progress: what a transaction found that has committed since: nothing of that can be
                lost by a crash, or by a failover that loses nothing.
            known: the mark as it was read before that transaction began.

        Returns:
            Whether it is known from now on, and was not before, that the database was set back.
        """
        try:
            if known is not None and known.is_beyond(progress):
                field = f"{generation}:{SET_BACK}"
                return bool(await self._redis.hsetnx(self._key, field, 1))
            numbers = [part for pair in progress.items() for part in pair]
            await self._raise(keys=[self._key], args=[str(generation), *numbers])
        except (RedisError, OSError, TimeoutError) as error:
            logger.debug("The high-water mark cannot be raised: %s", error)
        return False

    async def close(self) -> None:
        """Close the connection."""
        await self._redis.aclose()
