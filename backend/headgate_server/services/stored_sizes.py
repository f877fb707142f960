"""What organizations store beside runs and logs, for the quota of stored bytes."""

from collections.abc import AsyncGenerator

from headgate_server.database.work import Database
from headgate_server.repositories import stored_sizes as stored


async def sample_sizes(database: Database) -> AsyncGenerator[int]:
    """Sample what each organization stores, table by table, each in a transaction of its own.

    The table that was sampled longest ago comes first. Where another scheduler is at it, it ends.

    Yields:
        Of how many organizations.
    """
    async with database.system() as work:
        tables = await stored.list_tables(work)
    for table in tables:
        async with database.system() as work:
            if not await stored.is_sampler(work):
                return
            done = await stored.sample(work, table)
        yield done
