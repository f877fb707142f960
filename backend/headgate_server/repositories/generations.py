"""The generation of the database, and the start of a new one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from headgate_server.database.work import UnitOfWork
from headgate_server.repositories.statements import named
from headgate_server.tables.events import control_plane


@dataclass(frozen=True, slots=True)
class Started:
    """A new generation, and how many sessions and leases of the last one it ended."""

    generation: UUID
    sessions: int
    leases: int


@dataclass(frozen=True, slots=True)
class Stand:
    """How far the database has come in its generation: numbers that it never takes back."""

    generation: UUID
    progress: Mapping[str, int]


async def find_stand(work: UnitOfWork) -> Stand | None:
    """Return how far the database has come; None on a standby, which follows behind."""
    row = (await work.execute(named("progress"))).one_or_none()
    if row is None:
        return None
    return Stand(row.generation, {"served-us": row.served_us, "log-bytes": row.log_bytes})


async def get_generation(work: UnitOfWork) -> UUID:
    """Return the current generation."""
    return (await work.execute(select(control_plane.c.generation))).scalar_one()


async def start_generation(work: UnitOfWork, *, lease: timedelta) -> Started:
    """End every session, make every lease worthless, and leave live runs to the reaper.

    Nothing that was issued before this commits is good afterwards. Every run keeps its place; the
    epochs of live ones go beyond any that the lost time may have reached.

    Args:
        work: a unit of work of the system.
        lease: how long a worker may still be at the background task that it held.
    """
    row = (await work.execute(named("start_generation"), {"now": work.now, "lease": lease})).one()
    return Started(row.generation, sessions=row.sessions, leases=row.leases)
