"""The ledger of what schedules did at their instants."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.schedules.schedule import Schedule
from headgate_server.domain.wall_clocks import TZDATA_VERSION
from headgate_server.repositories.statements import named
from headgate_server.tables.flows import schedule_fires, schedules


@dataclass(frozen=True, slots=True)
class Fire:
    """An instant for the ledger: with the run that is made for it, or skipped."""

    workspace_id: UUID
    schedule_id: UUID
    fire_at: datetime
    run_id: UUID | None


async def list_fired(
    work: UnitOfWork, behind: Sequence[Schedule], *, until: datetime
) -> dict[UUID, frozenset[datetime]]:
    """Return which instants from the next one of schedules on are in the ledger already."""
    found: dict[UUID, set[datetime]] = {}
    if not behind:
        return {}
    statement = (
        select(schedule_fires.c.schedule_id, schedule_fires.c.fire_at)
        .join(
            schedules,
            (schedules.c.workspace_id == schedule_fires.c.workspace_id)
            & (schedules.c.id == schedule_fires.c.schedule_id),
        )
        .where(
            schedules.c.workspace_id.in_({one.workspace_id for one in behind}),
            schedules.c.id.in_([one.id for one in behind]),
            schedule_fires.c.fire_at >= schedules.c.next_fire_at,
            schedule_fires.c.fire_at <= until,
        )
    )
    for row in await work.execute(statement):
        found.setdefault(row.schedule_id, set()).add(row.fire_at)
    return {id_: frozenset(instants) for id_, instants in found.items()}


async def list_waiting(
    work: UnitOfWork, schedule_ids: Sequence[UUID], *, after: datetime, limit: int
) -> dict[UUID, list[datetime]]:
    """Return the instants after one whose runs were made and that nobody has taken up, in order.

    Args:
        work: the unit of work.
        schedule_ids: whose; one that has no such run is absent.
        after: the instants lie after this one.
        limit: at most so many of each schedule.
    """
    rows = await work.execute(
        named("list_waiting_fires"),
        {
            "workspace_id": work.workspace_id,
            "schedule_ids": list(schedule_ids),
            "after": after,
            "most": limit,
        },
    )
    found: dict[UUID, list[datetime]] = {}
    for row in rows:
        found.setdefault(row.schedule_id, []).append(row.fire_at)
    return found


async def return_missed_fires(
    work: UnitOfWork, *, since: datetime, until: datetime, most: int
) -> dict[UUID, list[UUID]]:
    """Remove the waiting runs of schedules that came due in a time, and go back to the first.

    Args:
        work: a unit of work of the system, of no workspace.
        since: the time's beginning.
        until: its end.
        most: how many schedules at once.

    Returns:
        The ids of the removed runs by workspace; none when nothing is left to remove.
    """
    rows = await work.execute(
        named("return_missed_fires"), {"since": since, "until": until, "most": most}
    )
    removed: dict[UUID, list[UUID]] = {}
    for row in rows:
        removed.setdefault(row.workspace_id, []).append(row.id)
    return removed


async def insert_fires(work: UnitOfWork, fires: Sequence[Fire]) -> set[UUID]:
    """Enter instants in the ledger and return the runs of those that were not in it."""
    if not fires:
        return set()
    result = await work.execute(
        named("insert_fires"),
        {
            "workspace_ids": [fire.workspace_id for fire in fires],
            "schedule_ids": [fire.schedule_id for fire in fires],
            "fires_at": [fire.fire_at for fire in fires],
            "run_ids": [fire.run_id for fire in fires],
            "now": work.now,
            "tzdata": TZDATA_VERSION,
        },
    )
    return {run_id for run_id in result.scalars() if run_id is not None}


async def skip_fires(work: UnitOfWork, *, run_ids: Sequence[UUID]) -> None:
    """Note that these instants got no run after all."""
    await work.execute(
        update(schedule_fires)
        .where(
            schedule_fires.c.workspace_id == work.workspace_id,
            schedule_fires.c.run_id.in_(run_ids),
        )
        .values(outcome="SKIPPED", run_id=None)
    )
