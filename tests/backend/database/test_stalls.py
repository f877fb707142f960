"""One connection that hangs while others do not is dropped; what only takes long is left alone."""

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager

import psutil
import pytest
from sqlalchemy import text

from headgate_server.database.stalls import PATIENCE_SECONDS
from headgate_server.database.work import Database
from headgate_server.domain.errors import Unavailable

pytestmark = pytest.mark.anyio

FOUND_OUT_SECONDS = PATIENCE_SECONDS + 3
"""And what a machine takes that does other things as well; the driver would wait for 20."""
LONG_SECONDS = PATIENCE_SECONDS + 1.5
"""Longer than a whole server may hang, too."""


@contextmanager
def frozen(pid: int) -> Generator[None]:
    """Stop one backend for the block."""
    process = psutil.Process(pid)
    process.suspend()
    try:
        yield
    finally:
        process.resume()


async def pid_of(database: Database) -> int:
    async with database.system() as work:
        return (await work.execute(text("select pg_backend_pid()"))).scalar_one()


async def refused(database: Database) -> float:
    """Return after how many seconds a unit of work was refused."""
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await pid_of(database)
    return time.monotonic() - began


async def refused_within(database: Database) -> float:
    """Return after how many seconds a statement was refused whose backend stopped before it."""
    began = time.monotonic()

    async def stop_between() -> None:
        async with database.system() as work:
            pid = (await work.execute(text("select pg_backend_pid()"))).scalar_one()
            with frozen(pid):
                await work.execute(text("select 1"))

    with pytest.raises(Unavailable):
        await stop_between()
    return time.monotonic() - began


async def test_backend_that_stands_still_costs_one_statement_two_seconds(
    database: Database,
) -> None:
    pid = await pid_of(database)

    with frozen(pid):
        waits = await asyncio.gather(refused(database), refused_within(database))
        other = await pid_of(database)

    assert min(waits) >= PATIENCE_SECONDS
    assert max(waits) < FOUND_OUT_SECONDS
    assert other != pid


async def test_what_takes_long_and_who_thinks_long_is_left_alone(database: Database) -> None:
    async def work_long() -> int:
        async with database.system() as work:
            sleeping = text("select 1 from pg_sleep(:seconds)")
            return (await work.execute(sleeping, {"seconds": LONG_SECONDS})).scalar_one()

    async def think_long(working: asyncio.Task[int]) -> int:
        async with database.system() as work:
            await work.execute(text("select 1"))
            await working
            return (await work.execute(text("select 2"))).scalar_one()

    working = asyncio.create_task(work_long())

    assert await think_long(working) == 2
    assert await working == 1
