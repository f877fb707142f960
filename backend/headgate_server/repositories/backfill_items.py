"""Items of backfills: taken up by the loop, counted, read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, func, select, update

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.backfills import BackfillItem, BackfillItemStatus
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.states import StateType
from headgate_server.repositories import pages
from headgate_server.tables.backfills import backfill_items as items


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item that was taken up: a run, or why there is none."""

    position: int
    run_id: UUID | None
    error: str | None


async def list_waiting(work: UnitOfWork, *, id_: UUID, most: int) -> list[BackfillItem]:
    """Return the next items of a locked backfill that have no run, in its order."""
    statement = (
        _items(work, id_)
        .where(items.c.status == BackfillItemStatus.WAITING.value)
        .order_by(items.c.position)
        .limit(most)
    )
    return [_item(row) for row in await work.execute(statement)]


async def store_outcomes(work: UnitOfWork, *, id_: UUID, outcomes: Sequence[Outcome]) -> None:
    """Store the runs of items that were taken up, or why they have none."""
    if not outcomes:
        return
    await work.execute(
        update(items)
        .where(
            items.c.workspace_id == work.workspace_id,
            items.c.backfill_id == id_,
            items.c.position == bindparam("at_position"),
        )
        .values(
            status=bindparam("new_status"),
            run_id=bindparam("new_run"),
            error=bindparam("new_error"),
        ),
        [
            {
                "at_position": one.position,
                "new_run": one.run_id,
                "new_error": one.error,
                "new_status": (
                    BackfillItemStatus.REFUSED if one.run_id is None else BackfillItemStatus.STARTED
                ).value,
            }
            for one in outcomes
        ],
    )


async def get_many_counts(
    work: UnitOfWork, ids: Sequence[UUID]
) -> dict[UUID, Mapping[BackfillItemStatus, int]]:
    """Return how many items of each backfill are in each status; no zeros."""
    statement = (
        select(items.c.backfill_id, items.c.status, func.count().label("size"))
        .where(items.c.workspace_id == work.workspace_id, items.c.backfill_id.in_(ids))
        .group_by(items.c.backfill_id, items.c.status)
    )
    found: dict[UUID, Mapping[BackfillItemStatus, int]] = {}
    for row in await work.execute(statement):
        counted = {BackfillItemStatus(row.status): row.size}
        found[row.backfill_id] = {**found.get(row.backfill_id, {}), **counted}
    return found


async def get_many_outcomes(
    work: UnitOfWork, ids: Sequence[UUID]
) -> dict[UUID, Mapping[StateType, int]]:
    """Return how many runs of each backfill's items ended in each state; no zeros."""
    statement = (
        select(items.c.backfill_id, items.c.outcome, func.count().label("size"))
        .where(
            items.c.workspace_id == work.workspace_id,
            items.c.backfill_id.in_(ids),
            items.c.outcome.is_not(None),
        )
        .group_by(items.c.backfill_id, items.c.outcome)
    )
    found: dict[UUID, Mapping[StateType, int]] = {}
    for row in await work.execute(statement):
        counted = {StateType(row.outcome): row.size}
        found[row.backfill_id] = {**found.get(row.backfill_id, {}), **counted}
    return found


async def get_many_refusals(
    work: UnitOfWork, ids: Sequence[UUID], *, most: int
) -> dict[UUID, Mapping[str, int]]:
    """Return why items of each backfill were refused and how many, the most frequent first."""
    size = func.count().label("size")
    counted = (
        select(
            items.c.backfill_id,
            items.c.error,
            size,
            func.row_number()
            .over(partition_by=items.c.backfill_id, order_by=(size.desc(), items.c.error))
            .label("nth"),
        )
        .where(
            items.c.workspace_id == work.workspace_id,
            items.c.backfill_id.in_(ids),
            items.c.status == BackfillItemStatus.REFUSED.value,
        )
        .group_by(items.c.backfill_id, items.c.error)
        .subquery()
    )
    statement = select(counted).where(counted.c.nth <= most).order_by(counted.c.nth)
    found: dict[UUID, dict[str, int]] = {}
    for row in await work.execute(statement):
        found.setdefault(row.backfill_id, {})[row.error] = row.size
    return dict(found)


async def list_items(work: UnitOfWork, *, id_: UUID, page: PageRequest) -> Page[BackfillItem]:
    """Return a page of a backfill's items, in its order."""
    sort = pages.by(items.c.position)
    return await pages.read(work, _items(work, id_), sort=sort, page=page, make=_item)


async def count_items(work: UnitOfWork, *, id_: UUID, cap: int) -> int:
    """Return how many items a backfill has, up to ``cap + 1``."""
    return await pages.count(work, _items(work, id_), cap=cap)


def _items(work: UnitOfWork, id_: UUID) -> Select[Any]:
    return select(items).where(
        items.c.workspace_id == work.workspace_id, items.c.backfill_id == id_
    )


def _item(row: Row[Any]) -> BackfillItem:
    return BackfillItem(
        workspace_id=row.workspace_id,
        backfill_id=row.backfill_id,
        position=row.position,
        instant=row.instant,
        parameters=row.parameters,
        status=BackfillItemStatus(row.status),
        run_id=row.run_id,
        error=row.error,
        outcome=StateType(row.outcome) if row.outcome else None,
    )
