"""Concurrency limits: their rows, and what is taken of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, case, delete, func, not_, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.concurrency_limits import (
    Acquisition,
    ConcurrencyLimit,
    SlotRequest,
    Use,
)
from headgate_server.domain.errors import IdempotencyMismatch
from headgate_server.domain.pagination import Page, PageRequest
from headgate_server.domain.tenancy import RunGrant
from headgate_server.repositories import pages
from headgate_server.repositories.statements import named
from headgate_server.tables.concurrency_limits import (
    concurrency_limits,
    concurrency_slots,
    concurrency_waiters,
)

SOONEST, RETRY_AFTER = timedelta(milliseconds=10), timedelta(seconds=5)
"""When whoever got no slots asks again: as some come back, and no later than that."""
_LIMIT, _SLOT, _WAITER = concurrency_limits.c, concurrency_slots.c, concurrency_waiters.c
_COLUMNS = {"limit": "slot_limit"}


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is among those who wait, and when to look again."""

    lease_ids: frozenset[UUID]
    next_at: datetime | None


async def insert_limit(
    work: UnitOfWork, *, id_: UUID, name: str, values: dict[str, Any]
) -> ConcurrencyLimit | None:
    """Store a limit; None when the workspace has one of this name, or on this tag."""
    statement = (
        insert(concurrency_limits)
        .values(
            workspace_id=work.workspace_id,
            id=id_,
            name=name,
            created_at=work.now,
            updated_at=work.now,
            **_columns(values),
        )
        .on_conflict_do_nothing()
        .returning(concurrency_limits)
    )
    row = (await work.execute(statement)).one_or_none()
    return _limit(row) if row is not None else None


async def lock_limit(
    work: UnitOfWork, *, name: str | None = None, id_: UUID | None = None
) -> ConcurrencyLimit | None:
    """Return a limit, by its name or its id, that nobody changes or takes slots of meanwhile."""
    condition = _LIMIT.name == name if id_ is None else _LIMIT.id == id_
    row = (await work.execute(_own(work).where(condition).with_for_update())).one_or_none()
    return _limit(row) if row is not None else None


async def lock_limits(
    work: UnitOfWork, *, names: Collection[str], task_tags: Collection[str]
) -> list[ConcurrencyLimit]:
    """Return the limits of names and of tags, each once, locked in the order of their ids."""
    statement = _own(work).where(or_(_LIMIT.name.in_(names), _LIMIT.task_tag.in_(task_tags)))
    rows = await work.execute(statement.order_by(_LIMIT.id).with_for_update(key_share=True))
    return [_limit(row) for row in rows]


async def update_limit(work: UnitOfWork, *, id_: UUID, changes: dict[str, Any]) -> ConcurrencyLimit:
    """Write changed fields of a locked limit and raise its version."""
    statement = (
        update(concurrency_limits)
        .where(_LIMIT.workspace_id == work.workspace_id, _LIMIT.id == id_)
        .values(**_columns(changes), version=_LIMIT.version + 1, updated_at=work.now)
        .returning(concurrency_limits)
    )
    return _limit((await work.execute(statement)).one())


async def change_pace(
    work: UnitOfWork, *, before: ConcurrencyLimit, after: ConcurrencyLimit
) -> None:
    """Let what is taken of a locked limit go by its new pace.

    What a rate has given comes back as much sooner as it is faster; between a rate and slots that
    are held nothing carries over.
    """
    old, new = before.slot_decay_per_second, after.slot_decay_per_second
    if old > 0 and new > 0:
        of = {"workspace_id": work.workspace_id, "limit_id": after.id, "now": work.now}
        await work.execute(named("change_pace"), {**of, "factor": old / new})
    elif old != new:
        await work.execute(
            delete(concurrency_slots).where(
                _SLOT.workspace_id == work.workspace_id, _SLOT.limit_id == after.id
            )
        )


async def delete_limit(work: UnitOfWork, *, id_: UUID) -> None:
    """Delete a locked limit with what is taken of it; who waits for it is told."""
    await work.execute(
        delete(concurrency_limits).where(_LIMIT.workspace_id == work.workspace_id, _LIMIT.id == id_)
    )


async def find_by_name(work: UnitOfWork, *, name: str) -> ConcurrencyLimit | None:
    """Return the limit of a name."""
    row = (await work.execute(_own(work).where(_LIMIT.name == name))).one_or_none()
    return _limit(row) if row is not None else None


async def find_by_tag(work: UnitOfWork, *, task_tag: str) -> ConcurrencyLimit | None:
    """Return the limit on a tag."""
    row = (await work.execute(_own(work).where(_LIMIT.task_tag == task_tag))).one_or_none()
    return _limit(row) if row is not None else None


async def list_limited_tags(work: UnitOfWork, *, most: int) -> list[str]:
    """Return the tags that limits are on, sorted."""
    statement = select(_LIMIT.task_tag).where(
        _LIMIT.workspace_id == work.workspace_id, _LIMIT.task_tag.is_not(None)
    )
    rows = await work.execute(statement.order_by(_LIMIT.task_tag).limit(most))
    return [row.task_tag for row in rows]


async def get_many(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, ConcurrencyLimit]:
    """Return those of the limits that exist, by id."""
    rows = await work.execute(_own(work).where(_LIMIT.id.in_(ids)))
    return {row.id: _limit(row) for row in rows}


async def list_limits(work: UnitOfWork, *, page: PageRequest) -> Page[ConcurrencyLimit]:
    """Return a page of limits by name and id."""
    sort = pages.by(_LIMIT.name, _LIMIT.id)
    return await pages.read(work, _own(work), sort=sort, page=page, make=_limit)


async def count_limits(work: UnitOfWork, *, cap: int) -> int:
    """Return how many limits there are, up to ``cap + 1``."""
    return await pages.count(work, _own(work), cap=cap)


async def get_many_uses(work: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, Use]:
    """Return how much of each limit is taken and waited for; one of which nothing is is absent."""
    rows = await work.execute(
        named("read_slot_use"),
        {"workspace_id": work.workspace_id, "now": work.now, "limit_ids": list(ids)},
    )
    return {row.id: Use(row.active, row.waiting) for row in rows}


async def acquire_slots(
    work: UnitOfWork,
    request: SlotRequest,
    *,
    limit_ids: Sequence[UUID],
    holder: RunGrant | None,
    task_id: UUID | None,
    patience: timedelta | None,
) -> Acquisition:
    """Take slots of locked limits, all or none; see the statement.

    Args:
        work: the unit of work.
        request: what for.
        limit_ids: of the limits, which are locked.
        holder: the run that holds them as long as its lease lives.
        task_id: the background task that holds them as long as its worker has it.
        patience: how long the caller's place in the line is kept; None for who does not wait.

    Raises:
        IdempotencyMismatch: the lease holds other slots than are asked for.
    """
    row = (
        await work.execute(
            named("acquire_slots"),
            {
                "workspace_id": work.workspace_id,
                "now": work.now,
                "limit_ids": list(limit_ids),
                "lease_id": request.lease_id,
                "slots": request.slots,
                "priority": request.priority,
                "run_id": holder.run_id if holder else None,
                "epoch": holder.epoch if holder else None,
                "task_id": task_id,
                "ttl": request.ttl,
                "patience": patience,
            },
        )
    ).one()
    if row.is_other:
        raise IdempotencyMismatch
    return Acquisition(
        is_acquired=row.is_acquired,
        lease_id=request.lease_id if row.is_acquired else None,
        expires_at=row.expires_at,
        retry_after=_until(row.free_at, now=work.now),
        ahead=row.ahead,
        limit_ids=tuple(limit_ids),
    )


async def renew_slots(
    work: UnitOfWork, *, lease_id: UUID, ttl: timedelta, run_id: UUID | None
) -> datetime | None:
    """Keep the slots of a lease longer and return until when; None where it holds none any more.

    Those that a run holds live as long as its lease, and rates run off: both stay as they are.

    Args:
        work: the unit of work.
        lease_id: which.
        ttl: how much longer.
        run_id: only what this run holds; None for a caller who may renew any.
    """
    own = [_SLOT.run_id == run_id] if run_id is not None else []
    rows = (
        await work.execute(
            update(concurrency_slots)
            .where(
                _SLOT.workspace_id == work.workspace_id,
                _SLOT.lease_id == lease_id,
                or_(_SLOT.expires_at.is_(None), _SLOT.expires_at > work.now),
                _LIMIT.workspace_id == _SLOT.workspace_id,
                _LIMIT.id == _SLOT.limit_id,
                _LIMIT.slot_decay_per_second == 0,
                *own,
            )
            .values(expires_at=case((_SLOT.run_id.is_(None), work.now + ttl), else_=None))
            .returning(func.coalesce(_SLOT.expires_at, work.now + ttl).label("until"))
        )
    ).all()
    return min(row.until for row in rows) if rows else None


async def release_slots(
    work: UnitOfWork, *, lease_id: UUID, run_id: UUID | None
) -> dict[UUID, UUID | None] | None:
    """Give the slots of a lease back, and its place in the line; the limits that have more now.

    What was taken of a rate stays taken until it runs off.

    Args:
        work: the unit of work.
        lease_id: which.
        run_id: only what this run holds; None for a caller who may release any.

    Returns:
        The limits, each with the run that held or waited, if one did; None where the lease holds
        nothing and waits for nothing.
    """
    own = [_SLOT.workspace_id == work.workspace_id, _SLOT.lease_id == lease_id]
    waiting = [_WAITER.workspace_id == work.workspace_id, _WAITER.lease_id == lease_id]
    rates = select(_LIMIT.id).where(
        _LIMIT.workspace_id == work.workspace_id, _LIMIT.slot_decay_per_second > 0
    )
    is_rate = _SLOT.limit_id.in_(rates)
    if run_id is not None:
        own.append(or_(_SLOT.run_id == run_id, is_rate))
        waiting.append(_WAITER.run_id == run_id)
    held = (await work.execute(select(_SLOT.limit_id).where(*own))).scalars().all()
    gone = await work.execute(
        delete(concurrency_slots).where(*own, not_(is_rate)).returning(_SLOT.limit_id, _SLOT.run_id)
    )
    left = await work.execute(
        delete(concurrency_waiters).where(*waiting).returning(_WAITER.limit_id, _WAITER.run_id)
    )
    freed = {row.limit_id: row.run_id for row in (*gone, *left)}
    return freed if freed or held else None


async def list_turns(work: UnitOfWork, *, workspace_id: UUID, lease_ids: Collection[UUID]) -> Turn:
    """Tell which of those who wait can be served now, and when to look again."""
    rows = (
        await work.execute(
            named("list_next_waiters"),
            {"workspace_id": workspace_id, "now": work.now, "lease_ids": list(lease_ids)},
        )
    ).all()
    times = [row.at for row in rows if row.at is not None]
    return Turn(
        frozenset(row.lease_id for row in rows if row.lease_id is not None),
        min(times) if times else None,
    )


async def keep_waiting(
    work: UnitOfWork, *, workspace_id: UUID, lease_ids: Collection[UUID], patience: timedelta
) -> None:
    """Keep the places of those who still wait."""
    await work.execute(
        update(concurrency_waiters)
        .where(_WAITER.workspace_id == workspace_id, _WAITER.lease_id.in_(lease_ids))
        .values(expires_at=work.now + patience)
    )


async def delete_lapsed(work: UnitOfWork, *, most: int) -> set[UUID]:
    """Forget slots and places past their time; the workspaces where there were any."""
    found: set[UUID] = set()
    for table in (concurrency_slots, concurrency_waiters):
        lapsed = (
            select(table.c.workspace_id, table.c.limit_id, table.c.lease_id)
            .where(table.c.expires_at <= work.now)
            .limit(most)
            .with_for_update(skip_locked=True)
            .cte("lapsed")
        )
        rows = await work.execute(
            delete(table)
            .where(
                table.c.workspace_id == lapsed.c.workspace_id,
                table.c.limit_id == lapsed.c.limit_id,
                table.c.lease_id == lapsed.c.lease_id,
            )
            .returning(table.c.workspace_id)
        )
        found.update(rows.scalars())
    return found


def _until(at: datetime | None, *, now: datetime) -> timedelta:
    if at is None:
        return RETRY_AFTER
    return min(max(at - now, SOONEST), RETRY_AFTER)


def _own(work: UnitOfWork) -> Select[Any]:
    return select(concurrency_limits).where(_LIMIT.workspace_id == work.workspace_id)


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    return {_COLUMNS.get(name, name): value for name, value in values.items()}


def _limit(row: Row[Any]) -> ConcurrencyLimit:
    return ConcurrencyLimit(
        workspace_id=row.workspace_id,
        id=row.id,
        name=row.name,
        task_tag=row.task_tag,
        limit=row.slot_limit,
        slot_decay_per_second=row.slot_decay_per_second,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
