"""What organizations store beside runs and logs, for the quota of stored bytes."""

from headgate_server.database.work import Database
from headgate_server.repositories import stored_sizes as stored


async def sample_sizes(database: Database) -> int:
    """Sample what each organization stores, table by table, each in a transaction of its own.

    Returns:
        Of how many organizations and tables; none where another scheduler is sampling.
    """
    done = 0
    for table in stored.SAMPLED:
        async with database.system() as work:
            if not await stored.is_sampler(work):
                return done
            done += await stored.sample(work, table)
    return done
