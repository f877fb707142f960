"""Backfills: stored, locked by the loop, settled, read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, insert, select, update

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.backfills import (
    Backfill,
    BackfillItemStatus,
    BackfillRequest,
    BackfillStatus,
    PlannedItem,
)
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.states import StateType
from headgate_server.domain.tenancy import Actor
from headgate_server.repositories import pages
from headgate_server.repositories.flow_runs.rows import actor_of
from headgate_server.repositories.statements import named
from headgate_server.tables.backfills import backfill_items as items
from headgate_server.tables.backfills import backfills
from headgate_server.tables.flow_runs import flow_runs


@dataclass(frozen=True, slots=True)
class Left:
    """How many items of a backfill wait, are with runs that go on, and have no completed run.

    The runs of ``ended`` have ended since the look before; ``newest`` is the run that was made last
    of those that went on then.
    """

    waiting: int
    started: int
    failed: int
    ended: int
    newest: UUID | None


async def insert_backfill(
    work: UnitOfWork,
    request: BackfillRequest,
    *,
    id_: UUID,
    name: str,
    planned: Sequence[PlannedItem],
) -> Backfill:
    """Store a backfill that is due now, with all its items."""
    statement = (
        insert(backfills)
        .values(
            workspace_id=work.workspace_id,
            id=id_,
            deployment_id=request.deployment_id,
            name=name,
            status=BackfillStatus.RUNNING.value,
            parallelism=request.parallelism,
            priority=request.priority,
            is_descending=request.is_descending,
            item_count=len(planned),
            due_at=work.now,
            created_by_kind=work.actor.kind.value,
            created_by_id=work.actor.id,
            created_by_name=work.actor.display_name,
            created_at=work.now,
            updated_at=work.now,
        )
        .returning(backfills)
    )
    made = _backfill((await work.execute(statement)).one())
    await work.execute(
        insert(items),
        [
            {
                "workspace_id": work.workspace_id,
                "backfill_id": id_,
                "position": item.position,
                "instant": item.instant,
                "parameters": item.parameters,
                "status": BackfillItemStatus.WAITING.value,
            }
            for item in planned
        ],
    )
    return made


async def lock_backfill(work: UnitOfWork, *, id_: UUID, is_waiting: bool = True) -> Backfill | None:
    """Return a backfill and keep others from changing it until the transaction ends.

    Args:
        work: the unit of work.
        id_: which.
        is_waiting: wait for whoever holds it; else None is returned.
    """
    statement = _own(work).where(backfills.c.id == id_)
    row = (await work.execute(statement.with_for_update(skip_locked=not is_waiting))).one_or_none()
    return _backfill(row) if row is not None else None


async def set_status(work: UnitOfWork, *, id_: UUID, status: BackfillStatus) -> Backfill:
    """Change the status of a locked backfill and raise its version.

    It is due now, unless all is done for: of one that was stopped, runs may still go on.
    """
    is_done = status in {BackfillStatus.COMPLETED, BackfillStatus.FAILED}
    values: dict[str, Any] = {
        "status": status.value,
        "version": backfills.c.version + 1,
        "due_at": None if is_done else work.now,
        "ended_at": work.now if status.is_final else None,
        "updated_at": work.now,
    }
    statement = (
        update(backfills)
        .where(backfills.c.workspace_id == work.workspace_id, backfills.c.id == id_)
        .values(**values)
        .returning(backfills)
    )
    return _backfill((await work.execute(statement)).one())


async def set_due(work: UnitOfWork, *, id_: UUID, at: datetime | None) -> None:
    """Say when a backfill is looked at next; None where it needs none, which a running one does."""
    await _write(work, id_, {"due_at": at})


async def set_cancelling(work: UnitOfWork, *, id_: UUID, by: Actor | None) -> None:
    """Note who has the runs of a locked backfill cancelled; None once each was asked to end."""
    values = {
        "runs_cancelled_by_kind": by and by.kind.value,
        "runs_cancelled_by_id": by and by.id,
        "runs_cancelled_by_name": by and by.display_name,
    }
    await _write(work, id_, values)


async def _write(work: UnitOfWork, id_: UUID, values: dict[str, Any]) -> None:
    await work.execute(
        update(backfills)
        .where(backfills.c.workspace_id == work.workspace_id, backfills.c.id == id_)
        .values(**values)
    )


async def list_due(work: UnitOfWork, *, most: int) -> list[tuple[UUID, UUID]]:
    """Return the workspace and id of backfills that are due, the longest first, of all tenants.

    One of each workspace comes before the next of any.
    """
    row = backfills.c
    turn = func.row_number().over(partition_by=row.workspace_id, order_by=(row.due_at, row.id))
    due = select(row.workspace_id, row.id, row.due_at, turn.label("turn"))
    due = due.where(row.due_at <= work.now).subquery()
    statement = select(due).order_by(due.c.turn, due.c.due_at).limit(most)
    return [(row.workspace_id, row.id) for row in await work.execute(statement)]


async def hasten(work: UnitOfWork, *, run_ids: Sequence[UUID]) -> bool:
    """Have the backfills looked at now that have the runs for items; whether there were any.

    One that somebody holds, or that is due already, is left to its next look: nobody waits for it.
    """
    row = backfills.c
    of_runs = select(items.c.backfill_id).where(
        items.c.workspace_id == work.workspace_id, items.c.run_id.in_(run_ids)
    )
    free = (
        select(row.id)
        .where(row.workspace_id == work.workspace_id, row.id.in_(of_runs), row.due_at > work.now)
        .with_for_update(skip_locked=True)
        .cte("free")
    )
    hastened = update(backfills).where(row.workspace_id == work.workspace_id, row.id == free.c.id)
    return (await work.execute(hastened.values(due_at=work.now))).rowcount > 0


async def count_live(work: UnitOfWork, *, most: int) -> int:
    """Return how many backfills of the workspace have not ended, up to ``most``."""
    live = select(backfills.c.id).where(
        backfills.c.workspace_id == work.workspace_id, backfills.c.ended_at.is_(None)
    )
    counted = select(func.count()).select_from(live.limit(most).subquery())
    return (await work.execute(counted)).scalar_one()


async def settle(work: UnitOfWork, *, id_: UUID) -> Left:
    """Mark the items of a locked backfill whose runs have ended, and count what is left."""
    row = (
        await work.execute(
            named("settle_backfill"), {"workspace_id": work.workspace_id, "backfill_id": id_}
        )
    ).one()
    return Left(row.waiting, row.started, row.failed, row.ended, row.newest)


async def reopen_failed(work: UnitOfWork, *, id_: UUID) -> int:
    """Let items of a locked backfill that have no completed run wait again; how many.

    Those whose runs are just being started again are left to them.
    """
    done = await work.execute(
        named("reopen_backfill_items"), {"workspace_id": work.workspace_id, "backfill_id": id_}
    )
    return done.rowcount


async def list_backfills_of(work: UnitOfWork, run_ids: Sequence[UUID]) -> list[UUID]:
    """Return the backfills that have one of the runs for an item, each once, by their ids."""
    rows = await work.execute(
        select(items.c.backfill_id)
        .where(items.c.workspace_id == work.workspace_id, items.c.run_id.in_(run_ids))
        .distinct()
        .order_by(items.c.backfill_id)
    )
    return list(rows.scalars())


async def follow_runs(work: UnitOfWork, *, id_: UUID, run_ids: Sequence[UUID]) -> bool:
    """Have the items of a locked backfill go on with their runs; False where none had ended."""
    done = await work.execute(
        update(items)
        .where(
            items.c.workspace_id == work.workspace_id,
            items.c.backfill_id == id_,
            items.c.run_id.in_(run_ids),
            items.c.status == BackfillItemStatus.ENDED.value,
        )
        .values(status=BackfillItemStatus.STARTED.value, outcome=None)
    )
    return done.rowcount > 0


async def list_live_runs(work: UnitOfWork, *, id_: UUID, most: int) -> list[UUID]:
    """Return runs of items that have not ended and that nobody has cancelled, by their ids."""
    statement = (
        select(items.c.run_id)
        .join(
            flow_runs,
            (flow_runs.c.workspace_id == items.c.workspace_id) & (flow_runs.c.id == items.c.run_id),
        )
        .where(
            items.c.workspace_id == work.workspace_id,
            items.c.backfill_id == id_,
            items.c.status == BackfillItemStatus.STARTED.value,
            flow_runs.c.ended_at.is_(None),
            flow_runs.c.state_type != StateType.CANCELLING.value,
        )
        .order_by(items.c.run_id)
        .limit(most)
    )
    return list((await work.execute(statement)).scalars())


async def get_many(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Backfill]:
    """Return those of the backfills that exist, by id."""
    rows = await work.execute(_own(work).where(backfills.c.id.in_(ids)))
    return {row.id: _backfill(row) for row in rows}


async def list_backfills(
    work: UnitOfWork, *, page: PageRequest, deployment_id: UUID | None
) -> Page[Backfill]:
    """Return a page of backfills, of one deployment if it is given, the newest first."""
    sort = pages.Sort(columns=(backfills.c.id,), is_descending=True)
    return await pages.read(
        work, _matching(work, deployment_id), sort=sort, page=page, make=_backfill
    )


async def count_backfills(work: UnitOfWork, *, deployment_id: UUID | None, cap: int) -> int:
    """Return how many backfills there are, up to ``cap + 1``."""
    return await pages.count(work, _matching(work, deployment_id), cap=cap)


def _own(work: UnitOfWork) -> Select[Any]:
    return select(backfills).where(backfills.c.workspace_id == work.workspace_id)


def _matching(work: UnitOfWork, deployment_id: UUID | None) -> Select[Any]:
    statement = _own(work)
    if deployment_id is not None:
        statement = statement.where(backfills.c.deployment_id == deployment_id)
    return statement


def _backfill(row: Row[Any]) -> Backfill:
    return Backfill(
        workspace_id=row.workspace_id,
        id=row.id,
        deployment_id=row.deployment_id,
        name=row.name,
        status=BackfillStatus(row.status),
        parallelism=row.parallelism,
        priority=row.priority,
        is_descending=row.is_descending,
        item_count=row.item_count,
        version=row.version,
        created_by=actor_of(row, "created_by"),
        created_at=row.created_at,
        updated_at=row.updated_at,
        ended_at=row.ended_at,
        runs_cancelled_by=(
            actor_of(row, "runs_cancelled_by") if row.runs_cancelled_by_kind is not None else None
        ),
    )
