"""Asks a Redis once whether it is there: for check-ups; the bus itself needs no answer."""

from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from headgate_server.bus.connections import open_pool
from headgate_server.domain.errors import Unavailable

TIMEOUT_SECONDS = 3.0


async def ask_version(url: str) -> str:
    """Return what answers at an address, such as ``valkey 9.1.2``.

    Raises:
        Unavailable: nothing answers there, or not to us; the message says what came instead.
    """
    pool = open_pool(url, connect_seconds=TIMEOUT_SECONDS, answer_seconds=TIMEOUT_SECONDS)
    client: Any = Redis.from_pool(pool)
    try:
        found = await client.info("server")
    except (RedisError, OSError, TimeoutError) as error:
        raise Unavailable(str(error) or type(error).__name__) from error
    finally:
        await client.aclose()
    name = found.get("server_name", "redis")
    return f"{name} {found.get('valkey_version') or found.get('redis_version')}"
