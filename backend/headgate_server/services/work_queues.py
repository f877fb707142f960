"""Work queues: the lanes of a pool."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from msgspec import UNSET, UnsetType

from headgate_server.bus import channels
from headgate_server.database.work import UnitOfWork
from headgate_server.domain import ids
from headgate_server.domain.changes import changed, check_absent, check_version, given
from headgate_server.domain.errors import NotFound, Unavailable
from headgate_server.domain.flows import check_name
from headgate_server.domain.pagination import COUNT_CAP, Beginning, Page, PageRequest
from headgate_server.domain.work_pools import Backlog, check_limit
from headgate_server.domain.work_queues import DEFAULT_PRIORITY, WorkQueue, check_priority
from headgate_server.repositories import work_pools, work_queues
from headgate_server.services.events import record_change


@dataclass(frozen=True, slots=True)
class WorkQueueChanges:
    """What to set of a queue; what is UNSET keeps its value, or its default in a new queue."""

    priority: int | UnsetType = UNSET
    is_paused: bool | UnsetType = UNSET
    concurrency_limit: int | UnsetType | None = UNSET


async def upsert_work_queue(
    work: UnitOfWork,
    *,
    work_pool_id: UUID,
    name: str,
    changes: WorkQueueChanges | None = None,
    expected_version: int | None = None,
) -> tuple[WorkQueue, bool]:
    """Create or change the queue of a name, and say whether it was created.

    What waits in the queue follows its priority in the same transaction.

    Raises:
        InvalidInput: a bad name, priority or limit.
        NotFound: no such pool; or a version is expected of a queue that does not exist.
        Conflict: none was expected, and there is one.
        VersionConflict: the queue is not of the expected version.
    """
    check_name(name)
    wanted = changes or WorkQueueChanges()
    if wanted.priority is not UNSET:
        check_priority(wanted.priority)
    if wanted.concurrency_limit is not UNSET:
        check_limit(wanted.concurrency_limit)
    if work_pool_id not in await work_pools.get_many(work, [work_pool_id]):
        raise NotFound("No such work pool, or you may not see it.", path=["workPoolId"])
    current = await work_queues.lock_queue(work, work_pool_id=work_pool_id, name=name)
    if current is None:
        if expected_version:
            raise NotFound
        made = await _insert(work, work_pool_id=work_pool_id, name=name, wanted=wanted)
        if made is not None:
            return made, True
        current = await work_queues.lock_queue(work, work_pool_id=work_pool_id, name=name)
    if current is None:
        raise Unavailable
    check_absent(ids.show(ids.Kind.WORK_QUEUE, current.id), expected=expected_version)
    check_version(current.version, expected=expected_version)
    return await _apply(work, current, wanted), False


async def get_many_work_queues(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, WorkQueue]:
    """Return those of the queues that are in the workspace, by id."""
    return await work_queues.get_many(work, ids_)


async def find_work_queue(work: UnitOfWork, *, id_: UUID) -> WorkQueue | None:
    """Return a queue of the workspace."""
    return (await work_queues.get_many(work, [id_])).get(id_)


async def get_many_of_pools(
    work: UnitOfWork, pool_ids: Sequence[UUID]
) -> dict[UUID, list[WorkQueue]]:
    """Return all queues of each pool by priority and name; a pool without any is absent."""
    return await work_queues.get_many_of_pools(work, pool_ids)


async def get_first_of_pools(
    work: UnitOfWork, pool_ids: Sequence[UUID]
) -> dict[UUID, Beginning[WorkQueue]]:
    """Return the first queues of each pool by priority and name; a pool without any is absent."""
    return await work_queues.get_first_of_pools(work, pool_ids)


async def list_work_queues(
    work: UnitOfWork, *, work_pool_id: UUID, page: PageRequest
) -> Page[WorkQueue]:
    """Return a page of a pool's queues: the page key is ``(priority, name, id)``."""
    return await work_queues.list_queues(work, work_pool_id=work_pool_id, page=page)


async def count_work_queues(work: UnitOfWork, *, work_pool_id: UUID, cap: int = COUNT_CAP) -> int:
    """Return how many queues a pool has; ``cap + 1`` stands for more than ``cap``."""
    return await work_queues.count_queues(work, work_pool_id=work_pool_id, cap=cap)


async def get_many_backlogs(work: UnitOfWork, ids_: Sequence[UUID]) -> dict[UUID, Backlog]:
    """Return what waits and runs in each queue, in one query; an empty queue is absent."""
    return await work_pools.backlogs_by_queue(work, ids_)


async def _insert(
    work: UnitOfWork, *, work_pool_id: UUID, name: str, wanted: WorkQueueChanges
) -> WorkQueue | None:
    values = {"priority": DEFAULT_PRIORITY, **given(wanted)}
    made = await work_queues.insert_queue(
        work, id_=ids.new_id(), work_pool_id=work_pool_id, name=name, values=values
    )
    if made is not None:
        await _record(work, made)
    return made


async def _apply(work: UnitOfWork, current: WorkQueue, wanted: WorkQueueChanges) -> WorkQueue:
    differences = changed(current, given(wanted))
    if not differences:
        return current
    priority = differences.get("priority")
    if priority is not None:
        await work_queues.keep_makers_off(work, id_=current.id, priority=priority)
    updated = await work_queues.update_queue(work, id_=current.id, changes=differences)
    if priority is not None:
        await work_queues.move_items(work, id_=current.id, priority=priority)
    await _record(work, updated, differences, before=current)
    work.wake(channels.pool(updated.work_pool_id))
    return updated


async def _record(
    work: UnitOfWork,
    queue: WorkQueue,
    changes: Collection[str] | None = None,
    *,
    before: WorkQueue | None = None,
) -> None:
    await record_change(
        work,
        kind=ids.Kind.WORK_QUEUE,
        id_=queue.id,
        name=queue.name,
        version=queue.version,
        changed=changes,
        before=before,
        after=queue,
    )
