"""When the API last served, a scheduler came round, and what an outage does to deadlines."""

from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from headgate_server.database.work import UnitOfWork
from headgate_server.repositories.statements import named
from headgate_server.tables.events import control_plane

_HOLD_BRIEFLY = select(func.set_config("idle_in_transaction_session_timeout", "2s", True))


async def note_service(work: UnitOfWork, *, grace: timedelta) -> timedelta | None:
    """Record that the API serves; return how long it had not, where that is beyond the grace.

    None as well where nobody held a lease or a session meanwhile, as before the very first start.
    The other replicas wait until the transaction ends: one that is idle for 2 s is rolled back.
    """
    await work.execute(_HOLD_BRIEFLY)
    rows = await work.execute(named("note_service"), {"now": work.now, "grace": grace})
    return rows.scalar_one_or_none()


async def note_tick(work: UnitOfWork) -> None:
    """Record that a scheduler came round."""
    await work.execute(
        update(control_plane)
        .where(control_plane.c.last_tick_at < work.now)
        .values(last_tick_at=work.now)
    )


async def is_served(work: UnitOfWork, *, grace: timedelta) -> bool:
    """Whether some replica of the API has served within the grace."""
    rows = await work.execute(select(control_plane.c.last_served_at > work.now - grace))
    return rows.scalar_one()


async def find_silence(work: UnitOfWork, *, longer_than: timedelta) -> datetime | None:
    """Return since when no replica of the API has served, where that is longer than a time."""
    served_at = control_plane.c.last_served_at
    rows = await work.execute(select(served_at).where(served_at < work.now - longer_than))
    return rows.scalar_one_or_none()
