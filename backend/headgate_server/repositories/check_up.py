"""What an operator should know of a database beyond its rows."""

from dataclasses import dataclass
from datetime import datetime

from headgate_server.database.work import UnitOfWork
from headgate_server.repositories.statements import named


@dataclass(frozen=True, slots=True)
class CheckUp:
    """The state of a database server and of the tables in it.

    Args:
        open_tables: with rows of workspaces and without row-level security.
        days_ahead: for so many days after today there are partitions; -1 where today has none.
        partition_holders: who reads a default partition, and so keeps others from being made.
        has_strays: rows fell into a default partition, so their day had none.
        bloated_tables: with more dead rows than live ones, the worst first.
        longest_transaction_seconds: of those that our roles may see.
    """

    clock: datetime
    version: str
    connections: int
    connections_limit: int
    open_tables: tuple[str, ...]
    days_ahead: int
    partition_holders: tuple[str, ...]
    has_strays: bool
    bloated_tables: tuple[str, ...]
    longest_transaction_seconds: float


async def check_up(work: UnitOfWork) -> CheckUp:
    """Look at the database in one statement; it changes nothing."""
    row = (await work.execute(named("check_up"))).one()
    return CheckUp(
        clock=row.clock,
        version=row.version,
        connections=row.connections,
        connections_limit=row.connections_limit,
        open_tables=tuple(row.open_tables),
        days_ahead=row.days_ahead,
        partition_holders=tuple(row.partition_holders),
        has_strays=row.has_strays,
        bloated_tables=tuple(row.bloated_tables),
        longest_transaction_seconds=row.longest_transaction_seconds,
    )
