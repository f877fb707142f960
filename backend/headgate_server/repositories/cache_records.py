"""SQL of the records of cached results."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.cache_records import CacheRecord
from headgate_server.domain.leases import Phase
from headgate_server.tables.cache_records import cache_records
from headgate_server.tables.work_pools import work_items


async def lock_record(work: UnitOfWork, *, key: str) -> CacheRecord:
    """Return the record of a key, made where there was none; nobody changes it until the end."""
    await work.execute(
        insert(cache_records)
        .values(workspace_id=work.workspace_id, key=key, touched_at=work.now)
        .on_conflict_do_nothing()
    )
    statement = (
        select(cache_records)
        .where(cache_records.c.workspace_id == work.workspace_id, cache_records.c.key == key)
        .with_for_update()
    )
    return _record((await work.execute(statement)).one())


async def update_record(work: UnitOfWork, *, key: str, changes: dict[str, Any]) -> CacheRecord:
    """Write some columns of a locked record."""
    statement = (
        update(cache_records)
        .where(cache_records.c.workspace_id == work.workspace_id, cache_records.c.key == key)
        .values(**changes, touched_at=work.now)
        .returning(cache_records)
    )
    return _record((await work.execute(statement)).one())


async def is_held(work: UnitOfWork, *, run_id: UUID, epoch: int) -> bool:
    """Whether a run still has the lease of an epoch."""
    found = await work.execute(
        select(work_items.c.epoch).where(
            work_items.c.workspace_id == work.workspace_id,
            work_items.c.run_id == run_id,
            work_items.c.epoch == epoch,
            work_items.c.phase.in_([Phase.CLAIMED, Phase.RUNNING]),
        )
    )
    return found.one_or_none() is not None


async def find_record(work: UnitOfWork, *, key: str) -> CacheRecord | None:
    """Return the record of a key."""
    statement = select(cache_records).where(
        cache_records.c.workspace_id == work.workspace_id, cache_records.c.key == key
    )
    row = (await work.execute(statement)).one_or_none()
    return _record(row) if row is not None else None


async def delete_record(work: UnitOfWork, *, key: str) -> bool:
    """Delete the record of a key, and say whether there was one."""
    result = await work.execute(
        delete(cache_records).where(
            cache_records.c.workspace_id == work.workspace_id, cache_records.c.key == key
        )
    )
    return result.rowcount > 0


async def delete_old(work: UnitOfWork, *, before: datetime, most: int) -> int:
    """Delete records that have expired, or that nobody asked for since a time; how many."""
    own = cache_records.c
    some = (
        select(own.key)
        .where(
            own.workspace_id == work.workspace_id,
            or_(own.locked_until.is_(None), own.locked_until < work.now),
            or_(own.touched_at < before, own.expires_at < work.now),
        )
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    result = await work.execute(
        delete(cache_records).where(own.workspace_id == work.workspace_id, own.key.in_(some))
    )
    return result.rowcount


def _record(row: Row[Any]) -> CacheRecord:
    return CacheRecord(
        workspace_id=row.workspace_id,
        key=row.key,
        result=row.result,
        flow_run_id=row.flow_run_id,
        task_run_id=row.task_run_id,
        written_at=row.written_at,
        expires_at=row.expires_at,
        lock_token=row.lock_token,
        lock_run_id=row.lock_run_id,
        lock_epoch=row.lock_epoch,
        locked_until=row.locked_until,
    )
