"""How fast the machine itself is: what every other figure is to be read against."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

import asyncpg

from tests.load.figures import Figure
from tests.load.installation import installed

FIGURES = ("machine_fib33_s", "machine_round_trip_ms", "machine_commit_ms")
REPEATS, STATEMENTS, COMMITS = 5, 2000, 500


def fib(number: int) -> int:
    """Return a Fibonacci number, slowly."""
    return number if number < 2 else fib(number - 1) + fib(number - 2)


async def statements(url: str) -> tuple[list[float], list[float]]:
    """Return the milliseconds of bare round trips, and of rows inserted and committed each."""
    connecting = asyncpg.connect(url)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # it ships no types
    connection = cast("Any", await connecting)
    try:
        nothing = await connection.prepare("select 1")
        await connection.execute("create table machine (number int)")
        round_trips = [await _took_ms(nothing.fetch) for _ in range(STATEMENTS)]
        insert = await connection.prepare("insert into machine values (1)")
        commits = [await _took_ms(insert.fetch) for _ in range(COMMITS)]
        await connection.execute("drop table machine")
    finally:
        await connection.close()
    return round_trips, commits


async def _took_ms(call: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await call()
    return (time.perf_counter() - began) * 1000


def measure() -> list[Figure]:
    computed: list[float] = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        fib(33)
        computed.append(time.perf_counter() - began)
    with installed() as installation:
        round_trips, commits = asyncio.run(statements(installation.database_url))
    return [
        Figure("machine_fib33_s", "s", computed),
        Figure("machine_round_trip_ms", "ms", round_trips),
        Figure("machine_commit_ms", "ms", commits),
    ]
