"""The generation of the database, and the start of a new one."""

from dataclasses import dataclass
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


async def get_generation(work: UnitOfWork) -> UUID:
    """Return the current generation."""
    return (await work.execute(select(control_plane.c.generation))).scalar_one()


async def start_generation(work: UnitOfWork) -> Started:
    """End every session, make every lease worthless, and leave live runs to the reaper.

    Nothing that was issued before this commits is good afterwards. Every run keeps its place; the
    epochs of live ones go beyond any that the lost time may have reached.
    """
    row = (await work.execute(named("start_generation"), {"now": work.now})).one()
    return Started(row.generation, sessions=row.sessions, leases=row.leases)
