"""The same database at another time, for tests of what expires or falls due."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from headgate_server.database.engine import make_engine
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.work import Database, UnitOfWork


class Hands:
    """The hands of a clock that a test may set: ``shift`` is added to the database's time."""

    def __init__(self, shift: timedelta) -> None:
        self.shift = shift
        self.at: datetime | None = None

    def read(self, now: datetime) -> datetime:
        return (self.at or now) + self.shift


@asynccontextmanager
async def shifted(urls: DatabaseUrls, *, by: timedelta) -> AsyncGenerator[Database]:
    hands = Hands(by)
    async with held(urls, hands) as database:
        yield database


@asynccontextmanager
async def held(urls: DatabaseUrls, hands: Hands) -> AsyncGenerator[Database]:
    app = make_engine(urls.app, application_name="test-app", pool_size=5)
    system = make_engine(urls.system, application_name="test-system", pool_size=5)
    database = Database(app=app, system=system, read_now=hands.read)
    try:
        yield database
    finally:
        await database.dispose()


async def somebody_waits(work: UnitOfWork) -> bool:
    """Whether anybody waits for a lock."""
    waiting = await work.connection.exec_driver_sql("select true from pg_locks where not granted")
    return waiting.first() is not None
