"""SQL of the numbers that a workspace's first page shows."""

from datetime import datetime

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.workspace_counts import LiveCounts, PoolCounts
from headgate_server.repositories.statements import named


async def count_live(work: UnitOfWork, *, since: datetime, cap: int) -> LiveCounts:
    """Return what is there now, each number up to ``cap + 1``, in one statement."""
    row = (
        await work.execute(
            named("count_live"),
            {
                "workspace_id": work.workspace_id,
                "now": work.now,
                "since": since,
                "most": cap + 1,
            },
        )
    ).one()
    return LiveCounts(
        running=row.running,
        pending=row.pending,
        paused=row.paused,
        cancelling=row.cancelling,
        waiting=row.waiting,
        scheduled=row.scheduled,
        late=row.late,
        questions=row.questions,
        failing=row.failing,
    )


async def count_pools(work: UnitOfWork) -> PoolCounts:
    """Return how many pools there are, and what serves them, in one statement."""
    row = (await work.execute(named("count_pools"), {"workspace_id": work.workspace_id})).one()
    return PoolCounts(
        pools=row.pools,
        paused=row.paused,
        unserved=row.unserved,
        agents_online=row.agents_online,
        capacity=row.capacity,
        taken=row.taken,
    )
