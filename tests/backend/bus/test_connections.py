"""Connections to a real Valkey: a task that is cancelled ends, whenever in a command that was."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from headgate_server.bus.connections import open_pool

pytestmark = pytest.mark.anyio

STEPS = 60
"""More turns of the loop than one command takes."""
END_SECONDS = 2.0


async def test_whoever_is_cancelled_in_a_command_ends(redis_url: str) -> None:
    redis: Any = Redis.from_pool(open_pool(redis_url, connect_seconds=5.0, answer_seconds=5.0))

    async def ask_forever() -> None:
        while True:
            await redis.ping()

    await redis.ping()
    asking: list[asyncio.Task[None]] = []
    for steps in range(STEPS):
        asking.append(asyncio.create_task(ask_forever()))
        for _ in range(steps):
            await asyncio.sleep(0)
        asking[-1].cancel()
        await asyncio.wait(asking[-1:], timeout=END_SECONDS)

    assert [steps for steps, task in enumerate(asking) if not task.done()] == []
    assert await redis.ping()
    await redis.aclose()
    assert all(task.cancelled() for task in asking)


async def test_the_options_of_an_address_count(redis_url: str) -> None:
    pool = open_pool(
        f"{redis_url}?max_connections=3",
        connect_seconds=1.0,
        answer_seconds=2.0,
        decode_responses=True,
    )
    redis: Any = Redis.from_pool(pool)

    assert (await redis.echo("a"), pool.max_connections) == ("a", 3)
    await redis.aclose()


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("unix:///run/redis.sock", {"path": "/run/redis.sock"}),
        ("rediss://there:6380/2", {"host": "there", "port": 6380, "db": 2}),
    ],
)
def test_every_kind_of_address_is_taken(url: str, place: dict[str, Any]) -> None:
    pool = open_pool(url, connect_seconds=1.0, answer_seconds=2.0)

    connection = pool.make_connection()

    assert {name: getattr(connection, name) for name in place} == place
    assert (connection.socket_connect_timeout, connection.socket_timeout) == (1.0, 2.0)
