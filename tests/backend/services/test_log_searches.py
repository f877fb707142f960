"""Searches in logs: over a workspace and over a run, in pages, with an index that leads there."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from headgate_server.domain.ids import new_id
from headgate_server.domain.log_searches import LogSearch
from headgate_server.domain.logs import LogBatch, LogStream
from headgate_server.domain.pagination import PageRequest
from headgate_server.loops import log_chunks as loop
from headgate_server.loops.loop import LoopContext
from headgate_server.services import logs
from headgate_server.services.log_searches import count_lines, place_of, search_lines
from headgate_server.settings import Timers
from headgate_server.tables.flow_runs import flow_run_cursors, log_chunks
from tests.factories.tenants import make_tenant
from tests.fixtures.plans import forbid_scans, reading
from tests.fixtures.world import World

pytestmark = pytest.mark.anyio

MINUTE_US = 60_000_000
LINES = 4_000


async def write(world: World, run_id: UUID, *messages: str, at_us: int, level: int = 20) -> None:
    """Append lines, a second apart from a time on."""
    batch = LogBatch(
        timestamp=[at_us + number * 1_000_000 for number in range(len(messages))],
        level=[level] * len(messages),
        logger=["etl"] * len(messages),
        message=list(messages),
        task_run_id=[None] * len(messages),
    )
    async with world.system() as work:
        stream = LogStream(run_id, new_id())
        await logs.append_lines(work, stream=stream, offset=0, batch=batch, grant=None)


async def chunk(world: World) -> int:
    """Note the words of every line, also of those that have not waited for long."""
    world.shift.by += timedelta(minutes=1)
    return await loop.run_once(LoopContext(world.database, world.bus, Timers()))


async def found(world: World, search: LogSearch, *, size: int = 100) -> list[str]:
    """Return the messages of all pages of a search."""
    messages: list[str] = []
    key = None
    while True:
        async with world.work() as work:
            page = await search_lines(work, search, page=PageRequest(size=size, key=key))
        messages += [line.message for line in page.items]
        if not page.has_next:
            return messages
        key = place_of(page.items[-1])


async def test_lines_are_found_before_and_after_their_words_are_noted(world: World) -> None:
    first, second = await world.create(2)
    await write(world, first.id, "Connection REFUSED by db-1", "retry in 5 s", at_us=MINUTE_US)
    await write(world, second.id, "Disk full: /var/lib", at_us=2 * MINUTE_US, level=40)

    async def answers() -> list[list[str]]:
        return [
            await found(world, LogSearch(text="refused by DB")),
            await found(world, LogSearch(text="used")),
            await found(world, LogSearch(text="/var/l")),
            await found(world, LogSearch(min_level=30)),
            await found(world, LogSearch(flow_run_id=first.id)),
            await found(world, LogSearch(flow_id=world.deployed.flow_id), size=1),
            await found(world, LogSearch(flow_id=new_id())),
            await found(world, LogSearch(text="100%")),
        ]

    before = await answers()
    noted = await chunk(world)
    after = await answers()

    assert before == after == [
        ["Connection REFUSED by db-1"],
        [],
        ["Disk full: /var/lib"],
        ["Disk full: /var/lib"],
        ["retry in 5 s", "Connection REFUSED by db-1"],
        ["Disk full: /var/lib", "retry in 5 s", "Connection REFUSED by db-1"],
        [],
        [],
    ]  # fmt: skip
    assert noted == 3
    assert await chunk(world) == 0


async def test_pages_of_runs_that_logged_at_once_are_in_order_and_without_a_hole(
    world: World,
) -> None:
    runs = await world.create(3)
    for place, run in enumerate(runs):
        for part in range(4):
            messages = [f"line {part * 30 + number} of {place}" for number in range(30)]
            await write(world, run.id, *messages, at_us=MINUTE_US + part * 30_000_000 + place)
            if part % 2:
                await chunk(world)

    whole = await found(world, LogSearch(text="line"), size=1000)
    paged = await found(world, LogSearch(text="line"), size=7)
    async with world.work() as work:
        counted = await count_lines(work, LogSearch(text="line"), cap=10_000)

    expected = [f"line {number} of {place}" for number in range(119, -1, -1) for place in (2, 1, 0)]
    assert whole == expected
    assert paged == expected
    assert counted == 360


async def test_time_bounds_a_search(world: World) -> None:
    (run,) = await world.create()
    await write(world, run.id, "a", "b", "c", at_us=MINUTE_US)
    await chunk(world)
    async with world.work() as work:
        lines = (await search_lines(work, LogSearch(), page=PageRequest())).items
    times = [line.timestamp for line in lines]

    assert await found(world, LogSearch(since=times[1])) == ["c", "b"]
    assert await found(world, LogSearch(until=times[1])) == ["a"]


async def test_word_is_found_among_many_lines_by_reading_few(world: World) -> None:
    runs = await world.create(4)
    for place, run in enumerate(runs):
        for part in range(LINES // 4_000):
            numbers = range(part * 1000, part * 1000 + 1000)
            messages = [f"order {place * 1000 + number} shipped" for number in numbers]
            await write(world, run.id, *messages, at_us=MINUTE_US)
    await chunk(world)
    async with world.system() as work:
        await work.execute(text("analyze log_chunks"))
        chunks = (await work.execute(select(func.count()).select_from(log_chunks))).scalar_one()

    async with world.work() as work:
        before = await forbid_scans(work)
        page = await search_lines(work, LogSearch(text="order 1234"), page=PageRequest())
        read = await reading(work, before)

    assert [line.message for line in page.items] == ["order 1234 shipped"]
    assert chunks == 8 + 4
    assert read.scanned == ()
    assert read.rows <= 1_200


async def test_search_stays_in_its_workspace(world: World) -> None:
    (run,) = await world.create()
    await write(world, run.id, "secret plans", at_us=MINUTE_US)
    await chunk(world)
    other = await make_tenant(world.database)

    async with world.database.tenant(other.owner, other.workspace_id) as work:
        page = await search_lines(work, LogSearch(text="secret"), page=PageRequest())
    async with world.database.tenant(other.owner, None) as work:
        chunks = await work.execute(
            text(
                "select * from find_log_chunks('secret', null, null, null, null, null, null, "
                "null, null, 10)"
            )
        )

    assert (list(page.items), chunks.all()) == ([], [])


async def test_chunk_with_more_words_than_a_vector_holds_is_still_searched(world: World) -> None:
    (run,) = await world.create()
    crowded = [" ".join(f"{line:03}x{word:04}" * 6 for word in range(700)) for line in range(20)]
    await write(world, run.id, *crowded, "the needle", at_us=MINUTE_US)

    await chunk(world)

    assert await found(world, LogSearch(text="needle")) == ["the needle"]
    assert await found(world, LogSearch(text="eedle")) == []
    async with world.system() as work:
        due = await work.execute(select(flow_run_cursors.c.chunk_due_at))
    assert due.scalars().all() == [None]
