"""What the commands of operators work with: the database, as the system."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

from headgate_server.bus.bus import publish_once
from headgate_server.database.engine import check_reachable, make_engine
from headgate_server.database.version import check_migrated
from headgate_server.database.work import Database
from headgate_server.installation import resolve_urls
from headgate_server.settings import Settings


@asynccontextmanager
async def opened(settings: Settings, *, application_name: str) -> AsyncGenerator[Database]:
    """Open the database for the length of a command.

    What it changes is told to the servers where Redis is set: they look at once at what is open.

    Raises:
        Unavailable: it cannot be reached.
        ConfigurationError: its schema is of another version.
    """
    engine = make_engine(
        resolve_urls(settings).system, application_name=application_name, pool_size=2
    )
    try:
        await check_reachable(engine)
        await check_migrated(engine)
        publish = partial(publish_once, settings.redis_url, prefix=settings.redis_prefix)
        yield Database(app=engine, system=engine, publish=publish if settings.redis_url else None)
    finally:
        await engine.dispose()
