"""Work pools: places where runs wait for agents of one kind."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids, job_templates
from headgate_server.domain.changes import changed, check_absent, check_version, given
from headgate_server.domain.documents import check_document, is_storable
from headgate_server.domain.errors import Forbidden, InvalidInput, NotFound, Unavailable
from headgate_server.domain.flows import check_name
from headgate_server.domain.pagination import COUNT_CAP, Page, PageRequest
from headgate_server.domain.permissions import Scope
from headgate_server.domain.quotas import QuotaKind
from headgate_server.domain.work_pools import (
    Backlog,
    PoolStatus,
    WorkPool,
    check_limit,
    check_type,
)
from headgate_server.domain.work_queues import DEFAULT_NAME, DEFAULT_PRIORITY
from headgate_server.repositories import agents, work_pools, work_queues
from headgate_server.services import object_counts
from headgate_server.services.events import record_change


@dataclass(frozen=True, slots=True)
class WorkPoolChanges:
    """What to set of a pool; what is UNSET keeps its value, or its default in a new pool."""

    is_paused: bool | UnsetType = UNSET
    concurrency_limit: int | UnsetType | None = UNSET
    base_job_template: dict[str, Any] | UnsetType = UNSET


async def upsert_work_pool(
    work: UnitOfWork,
    *,
    name: str,
    type_: str,
    changes: WorkPoolChanges | None = None,
    expected_version: int | None = None,
    lacking: Collection[Scope] = (),
) -> tuple[WorkPool, bool]:
    """Create or change the pool of a name, and say whether it was created.

    A new pool comes with the queue ``default``. Another template holds for every run that is
    claimed from now on, also for those that wait.

    Args:
        work: the unit of work.
        name: the pool's name.
        type_: which launcher executes its runs.
        changes: what to set.
        expected_version: refuses the change if the pool has another version; 0 if there is one.
        lacking: the scopes that the caller lacks to say what the jobs of others are made of.

    Raises:
        Forbidden: another template, of a caller who lacks any.
        InvalidInput: a bad name, type, limit or template, or another type than the pool has.
        NotFound: a version is expected of a pool that does not exist.
        Conflict: none was expected, and there is one.
        VersionConflict: the pool is not of the expected version.
    """
    wanted = changes or WorkPoolChanges()
    _check(wanted, name=name, type_=type_)
    current = await work_pools.lock_pool(work, name=name)
    await _check_template(wanted, current, lacking=lacking)
    if current is None:
        if expected_version:
            raise NotFound
        made = await _insert(work, name=name, type_=type_, wanted=wanted)
        if made is not None:
            return made, True
        current = await work_pools.lock_pool(work, name=name)
    if current is None:
        raise Unavailable
    check_absent(ids.show(ids.Kind.WORK_POOL, current.id), expected=expected_version)
    check_version(current.version, expected=expected_version)
    if current.type != type_:
        raise InvalidInput(
            f"The pool {name} is of the type {current.type}, which cannot change; make another.",
            path=["type"],
        )
    return await _apply(work, current, wanted), False


async def find_work_pool(work: UnitOfWork, *, id_: UUID) -> WorkPool | None:
    """Return a pool of the workspace."""
    return (await work_pools.get_many(work, [id_])).get(id_)


async def get_work_pool(work: UnitOfWork, *, id_: UUID) -> WorkPool:
    """Return a pool of the workspace.

    Raises:
        NotFound: it is in another workspace, or does not exist.
    """
    found = await find_work_pool(work, id_=id_)
    if found is None:
        raise NotFound
    return found


async def find_by_name(work: UnitOfWork, *, name: str) -> WorkPool | None:
    """Return the pool of a name."""
    return await work_pools.find_by_name(work, name=name) if is_storable(name) else None


async def get_many_work_pools(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, WorkPool]:
    """Return those of the pools that are in the workspace, by id."""
    return await work_pools.get_many(work, ids_)


async def list_work_pools(work: UnitOfWork, *, page: PageRequest) -> Page[WorkPool]:
    """Return a page of pools: the page key is ``(name, id)``."""
    return await work_pools.list_pools(work, page=page)


async def count_work_pools(work: UnitOfWork, *, cap: int = COUNT_CAP) -> int:
    """Return how many pools there are; ``cap + 1`` stands for more than ``cap``."""
    return await work_pools.count_pools(work, cap=cap)


async def get_many_statuses(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, PoolStatus]:
    """Return whether runs of each pool can start, in one query."""
    return await work_pools.statuses(work, ids_)


async def get_many_backlogs(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, Backlog]:
    """Return what waits and runs in each pool, in one query; an empty pool is absent."""
    return await work_pools.backlogs_by_pool(work, ids_)


def _check(wanted: WorkPoolChanges, *, name: str, type_: str) -> None:
    check_name(name)
    check_type(type_)
    if wanted.concurrency_limit is not UNSET:
        check_limit(wanted.concurrency_limit)
    if wanted.base_job_template is not UNSET:
        check_document(wanted.base_job_template, field=job_templates.FIELD)


async def _check_template(
    wanted: WorkPoolChanges, current: WorkPool | None, *, lacking: Collection[Scope]
) -> None:
    """Go on only if a template is as it was, or one that the caller may set.

    One that was stored in another shape says nothing, and may stay.
    """
    template = wanted.base_job_template
    if template is UNSET or template == (current.base_job_template if current else {}):
        return
    if lacking:
        raise Forbidden(
            "The template of a pool decides what the runs of all its deployments do, so setting it "
            f"takes {', '.join(sorted(lacking))}, too.",
            missing_scopes=sorted(lacking),
        )
    # A large schema takes a while to look through: others go on meanwhile.
    await asyncio.to_thread(job_templates.check_template, template)


async def _insert(
    work: UnitOfWork, *, name: str, type_: str, wanted: WorkPoolChanges
) -> WorkPool | None:
    made = await work_pools.insert_pool(
        work, id_=ids.new_id(), name=name, type_=type_, values=given(wanted)
    )
    if made is not None:
        await object_counts.claim(work, QuotaKind.WORK_POOLS)
        await work_queues.insert_queue(
            work,
            id_=ids.new_id(),
            work_pool_id=made.id,
            name=DEFAULT_NAME,
            values={"priority": DEFAULT_PRIORITY},
        )
        await _record(work, made)
    return made


async def _apply(work: UnitOfWork, current: WorkPool, wanted: WorkPoolChanges) -> WorkPool:
    differences = changed(current, given(wanted))
    if not differences:
        return current
    updated = await work_pools.update_pool(work, id_=current.id, changes=differences)
    await _record(work, updated, differences, before=current)
    sessions = await agents.list_live_sessions(work, updated.id)
    work.wake(channels.pool(updated.id), *(channels.agent(session_id) for session_id in sessions))
    return updated


async def _record(
    work: UnitOfWork,
    pool: WorkPool,
    changes: Collection[str] | None = None,
    *,
    before: WorkPool | None = None,
) -> None:
    await record_change(
        work,
        kind=ids.Kind.WORK_POOL,
        id_=pool.id,
        name=pool.name,
        version=pool.version,
        changed=changes,
        before=before,
        after=pool,
    )
