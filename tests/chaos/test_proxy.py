"""The proxy itself: each kind of weather, each cut, and traps on real traffic."""

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, closing, suppress
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from headgate_server.database.engine import make_engine
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database
from headgate_server.domain.errors import Unavailable
from headgate_server.services import upkeep
from tests.fixtures.proxy import Link, Moment, Protocol, Proxy, Trap, Way, Weather
from tests.fixtures.proxy_wire import HttpReader
from tests.fixtures.sql import query

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
def proxy() -> Generator[Proxy]:
    with Proxy(seed=1) as proxy:
        yield proxy


@pytest.fixture
async def echo() -> AsyncGenerator[int]:
    """The port of a server that says back what it hears."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError), closing(writer):
            while data := await reader.read(1024):
                writer.write(data)

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@asynccontextmanager
async def connected(link: Link) -> AsyncGenerator[Streams]:
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def exchange(streams: Streams, data: bytes = b"ping") -> bytes:
    reader, writer = streams
    writer.write(data)
    async with asyncio.timeout(5):
        return await reader.readexactly(len(data))


async def test_passes_everything_both_ways(proxy: Proxy, echo: int) -> None:
    async with connected(proxy.link("echo", echo)) as streams:
        assert await exchange(streams, b"x" * 300_000) == b"x" * 300_000


async def test_goes_to_the_target_that_takes_connections(proxy: Proxy, echo: int) -> None:
    async with connected(proxy.link("echo", 1, echo)) as streams:
        assert await exchange(streams) == b"ping"


@pytest.mark.parametrize(
    ("weather", "at_least_seconds"),
    [
        (Weather(delay_seconds=0.1), 0.2),
        (Weather(loss=1), 0.4),
        (Weather(bytes_per_second=40), 0.2),
    ],
)
async def test_bad_weather_takes_time(
    proxy: Proxy, echo: int, weather: Weather, at_least_seconds: float
) -> None:
    link = proxy.link("echo", echo)
    async with connected(link) as streams:
        await exchange(streams)
        link.weather = weather
        began = time.monotonic()

        assert await exchange(streams) == b"ping"

        assert time.monotonic() - began >= at_least_seconds


async def test_black_hole_keeps_bytes_until_it_heals(proxy: Proxy, echo: int) -> None:
    link = proxy.link("echo", echo)
    async with connected(link) as (reader, writer):
        link.weather = Weather(is_black_hole=True)
        writer.write(b"ping")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.readexactly(4)

        link.heal()

        async with asyncio.timeout(5):
            assert await reader.readexactly(4) == b"ping"


async def test_reset_and_refusal_are_seen_as_such(proxy: Proxy, echo: int) -> None:
    link = proxy.link("echo", echo)
    async with connected(link) as streams:
        await exchange(streams)
        link.weather = Weather(is_refusing=True)

        link.reset()

        with pytest.raises(ConnectionResetError):
            await exchange(streams)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            async with connected(link) as refused:
                await exchange(refused)


async def test_a_connection_is_cut_after_its_bytes(proxy: Proxy, echo: int) -> None:
    link = proxy.link("echo", echo)
    link.weather = Weather(reset_after_bytes=10)
    async with connected(link) as streams:
        assert await exchange(streams) == b"ping"
        with pytest.raises(ConnectionResetError):
            await exchange(streams)


async def test_half_close_ends_one_way_only(proxy: Proxy, echo: int) -> None:
    link = proxy.link("echo", echo)
    async with connected(link) as (reader, writer):
        await exchange((reader, writer))

        link.half_close(Way.BACK)

        async with asyncio.timeout(5):
            assert await reader.read() == b""
        assert not writer.is_closing()


def test_operations_are_read_across_chunks() -> None:
    reader = HttpReader()

    assert reader.feed(b'{"query":"","operationNa') == []
    assert reader.feed(b'me":"RunClaim","variables":{}}') == ["RunClaim"]
    assert reader.feed(b'{"operationName":"LogsAppend"}') == ["LogsAppend"]


@pytest.mark.parametrize(
    ("moment", "is_applied"),
    [(Moment.BEFORE, False), (Moment.AFTER, False), (Moment.COMMITTED, True)],
)
async def test_a_trap_decides_whether_a_statement_took_effect(
    proxy: Proxy, urls: DatabaseUrls, *, moment: Moment, is_applied: bool
) -> None:
    await query(urls.owner, "update control_plane set last_served_at = 'epoch'")
    link = proxy.link("postgres", urlsplit(urls.system).port or 0, protocol=Protocol.POSTGRES)
    through = urls.system.replace(f":{urlsplit(urls.system).port}/", f":{link.port}/")
    engine = make_engine(through, application_name="test", pool_size=1)
    database = Database(app=engine, system=engine)
    trap = link.trap(Trap("note_service", moment, lambda _port: True))

    with pytest.raises(Unavailable):
        async with database.system() as work:
            await upkeep.note_service(work, grace=timedelta(seconds=1))

    assert trap.closed.is_set()
    served = "select last_served_at > 'epoch' from control_plane"
    assert await query(urls.owner, served) is is_applied
    await database.dispose()
