"""What waits and what is held in the whole installation: for figures and check-ups."""

from dataclasses import dataclass
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.repositories.statements import named

MOST_COUNTED = 100_000


@dataclass(frozen=True, slots=True)
class PoolLoad:
    """Work that is due and that nobody holds, in one pool."""

    work_pool_id: UUID
    waiting: int
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Load:
    """What an installation has to do, as of one instant; counts end at 100,000.

    Args:
        pools: those whose work has waited longest, the oldest first.
        leases: how many there are by phase.
        sessions: how many agents are connected, by state.
        dead_rows: of the tables that change most, what no vacuum could take away yet.
        late_runs: how many wait beyond the threshold of their deployment.
        tick_age_seconds: since a scheduler last came round.
        served_age_seconds: since an API last served.
        schedule_lag_seconds: by how much the next fire of a schedule is overdue.
    """

    pools: tuple[PoolLoad, ...]
    leases: dict[str, int]
    sessions: dict[str, int]
    outbox_size: int
    outbox_age_seconds: float
    dead_rows: dict[str, int]
    late_runs: int
    tick_age_seconds: float
    served_age_seconds: float
    schedule_lag_seconds: float


async def read_load(work: UnitOfWork, *, most_pools: int) -> Load:
    """Return the load in one statement, whatever its size."""
    rows = await work.execute(
        named("read_load"), {"now": work.now, "most": MOST_COUNTED, "pools": most_pools}
    )
    row = rows.one()
    return Load(
        pools=tuple(PoolLoad(UUID(id_), size, age) for id_, size, age in row.pools),
        leases=row.leases,
        sessions=row.sessions,
        outbox_size=row.outbox_size,
        outbox_age_seconds=row.outbox_age_seconds,
        dead_rows=row.dead_rows,
        late_runs=row.late_runs,
        tick_age_seconds=row.tick_age_seconds,
        served_age_seconds=row.served_age_seconds,
        schedule_lag_seconds=row.schedule_lag_seconds,
    )
