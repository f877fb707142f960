"""Cancels that are under way: who is below a run, and whose end nobody has confirmed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.states import StateType
from headgate_server.repositories.statements import named, packed
from headgate_server.tables.flow_runs import flow_runs
from headgate_server.tables.run_ends import run_ends
from headgate_server.tables.work_pools import work_items


@dataclass(frozen=True, slots=True)
class Below:
    """A live run below another; in its process, or on an agent of its own."""

    run_id: UUID
    is_in_process: bool


@dataclass(frozen=True, slots=True)
class StuckCancel:
    """A run that was to be cancelled, and whose end nobody confirmed in time."""

    workspace_id: UUID
    run_id: UUID


@dataclass(frozen=True, slots=True)
class RunEnd:
    """What became of a run that has to reach what is below it.

    Args:
        is_cancelled: everything below is cancelled, too.
        process_end: how what ran in the run's process ends, where that is over.
        grace_seconds: how long processes below may take to end.
    """

    run_id: UUID
    is_cancelled: bool
    process_end: StateType | None
    grace_seconds: int


async def hasten_cancels(
    work: UnitOfWork, run_ids: Sequence[UUID], *, grace: timedelta
) -> dict[UUID, UUID | None]:
    """Ask anew, of now, for the ends of those of the runs that would otherwise have longer.

    Returns:
        Of each of them, the session that holds it.
    """
    own = work_items.c
    seconds = func.make_interval(0, 0, 0, 0, 0, 0, func.coalesce(own.cancel_grace_seconds, 0))
    rows = await work.execute(
        update(work_items)
        .where(
            own.workspace_id == work.workspace_id,
            own.run_id.in_(run_ids),
            own.cancel_requested_at + seconds > work.now + grace,
        )
        .values(cancel_requested_at=work.now, cancel_grace_seconds=int(grace.total_seconds()))
        .returning(own.run_id, own.session_id)
    )
    return {row.run_id: row.session_id for row in rows}


@dataclass(frozen=True, slots=True)
class EndUnderWay:
    """One that is being carried out, under its lock.

    Args:
        id: of the note of it.
        end: what became of the run.
        name: of the run.
        root_id: the outermost run of its process.
        is_over: whether the run is over still, or being cancelled; else it has started again.
        asked_at: when it ended.
        after: up to which run it has been carried out; None at the beginning.
        skipped: how many runs somebody else was changing meanwhile.
    """

    id: UUID
    end: RunEnd
    name: str
    root_id: UUID
    is_over: bool
    asked_at: datetime
    after: UUID | None
    skipped: int


@dataclass(frozen=True, slots=True)
class DueEnd:
    """The note of a run's end that has yet to reach what is below it."""

    workspace_id: UUID
    id: UUID


async def note_ends(work: UnitOfWork, ends: Sequence[RunEnd]) -> bool:
    """Note that ends of runs have to reach what is below them; whether anything is."""
    rows = [
        {
            "run_id": end.run_id,
            "is_cancelled": end.is_cancelled,
            "process_end": end.process_end,
            "grace_seconds": end.grace_seconds,
        }
        for end in ends
    ]
    noted = await work.execute(
        named("note_run_ends"),
        {"workspace_id": work.workspace_id, "now": work.now, "ends": packed(rows)},
    )
    return noted.first() is not None


async def list_ends(work: UnitOfWork, *, most: int) -> list[DueEnd]:
    """Return ends of runs of any workspace that are to be carried on, the longest due first."""
    rows = await work.execute(
        select(run_ends.c.workspace_id, run_ends.c.id)
        .where(run_ends.c.due_at <= work.now)
        .order_by(run_ends.c.due_at, run_ends.c.id)
        .limit(most)
    )
    return [DueEnd(row.workspace_id, row.id) for row in rows]


async def lock_end(work: UnitOfWork, end_id: UUID) -> EndUnderWay | None:
    """Lock the note of a run's end; None where it is carried out, or somebody else is at it."""
    run = flow_runs.c
    rows = await work.execute(
        select(run_ends, run.name, run.root_run_id, run.state_type)
        .join(
            flow_runs,
            (run.workspace_id == run_ends.c.workspace_id) & (run.id == run_ends.c.run_id),
        )
        .where(run_ends.c.workspace_id == work.workspace_id, run_ends.c.id == end_id)
        .with_for_update(of=run_ends, skip_locked=True)
    )
    row = rows.one_or_none()
    if row is None:
        return None
    process_end = None if row.process_end is None else StateType(row.process_end)
    type_ = StateType(row.state_type)
    return EndUnderWay(
        id=end_id,
        end=RunEnd(row.run_id, row.is_cancelled, process_end, row.grace_seconds),
        name=row.name,
        root_id=row.root_run_id or row.run_id,
        is_over=type_.is_terminal or type_ is StateType.CANCELLING,
        asked_at=row.asked_at,
        after=row.after_run_id,
        skipped=row.skipped,
    )


async def list_below(work: UnitOfWork, under_way: EndUnderWay, *, most: int) -> list[Below]:
    """Return the next live runs below a run that its end concerns, of any depth, by their ids."""
    end = under_way.end
    rows = await work.execute(
        named("list_below"),
        {
            "workspace_id": work.workspace_id,
            "run_id": end.run_id,
            "root_id": under_way.root_id,
            "is_cancelled": end.is_cancelled,
            "is_process_over": end.process_end is not None,
            "is_over": under_way.is_over,
            "asked_at": under_way.asked_at,
            "ends_at": work.now + timedelta(seconds=end.grace_seconds),
            "after": under_way.after,
            "most": most,
        },
    )
    return [Below(row.id, row.is_in_process) for row in rows]


async def move_on(
    work: UnitOfWork, end_id: UUID, *, after: UUID | None, skipped: int, due_at: datetime
) -> None:
    """Note how far a locked end has been carried out, and when it goes on."""
    await work.execute(
        update(run_ends)
        .where(run_ends.c.workspace_id == work.workspace_id, run_ends.c.id == end_id)
        .values(after_run_id=after, skipped=skipped, due_at=due_at)
    )


async def forget_end(work: UnitOfWork, end_id: UUID) -> None:
    """Forget a locked end that has reached everything."""
    await work.execute(
        delete(run_ends).where(
            run_ends.c.workspace_id == work.workspace_id, run_ends.c.id == end_id
        )
    )


async def list_unfinished_ends(work: UnitOfWork, run_ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the runs whose end has yet to reach what is below them."""
    rows = await work.execute(
        select(run_ends.c.run_id).where(
            run_ends.c.workspace_id == work.workspace_id, run_ends.c.run_id.in_(run_ids)
        )
    )
    return set(rows.scalars())


async def list_stuck(
    work: UnitOfWork, *, confirmed_within: timedelta, most: int
) -> list[StuckCancel]:
    """Return runs of any workspace whose end nobody confirmed in time, the longest first."""
    grace = func.coalesce(work_items.c.cancel_grace_seconds, 0)
    deadline = (
        work_items.c.cancel_requested_at
        + func.make_interval(0, 0, 0, 0, 0, 0, grace)
        + confirmed_within
    )
    rows = await work.execute(
        select(work_items.c.workspace_id, work_items.c.run_id)
        .where(work_items.c.cancel_requested_at.is_not(None), deadline <= work.now)
        .order_by(work_items.c.cancel_requested_at)
        .limit(most)
    )
    return [StuckCancel(row.workspace_id, row.run_id) for row in rows]
