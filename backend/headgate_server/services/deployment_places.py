"""Where the runs of a deployment wait: its pool and queue, and what the pool says of their jobs."""

import asyncio
from typing import Any
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import job_templates
from headgate_server.domain.deployments import Deployment
from headgate_server.domain.documents import is_storable
from headgate_server.domain.errors import Conflict, InvalidInput, NotFound
from headgate_server.domain.work_queues import DEFAULT_NAME
from headgate_server.repositories import work_pools, work_queues


async def find_place(
    work: UnitOfWork, current: Deployment | None, wanted: dict[str, Any]
) -> dict[str, UUID | None]:
    """Return the columns that say where, from the names that were asked for.

    Raises:
        InvalidInput: a queue without a pool.
        NotFound: no such pool or queue.
    """
    pool_id = current.work_pool_id if current else None
    if "work_pool_name" in wanted:
        pool_name = wanted["work_pool_name"]
        if pool_name is None:
            return {"work_pool_id": None, "work_queue_id": None}
        pool = None
        if is_storable(pool_name):
            pool = await work_pools.find_by_name(work, name=pool_name)
        if pool is None:
            raise NotFound(f"There is no work pool named {pool_name}.", path=["workPoolName"])
        pool_id = pool.id
    if pool_id is None:
        raise InvalidInput("A queue needs a work pool.", path=["workPoolName"])
    is_same_pool = current is not None and current.work_pool_id == pool_id
    if is_same_pool and "work_queue_name" not in wanted:
        return {}
    chosen: str | None = wanted.get("work_queue_name")
    queue_name = DEFAULT_NAME if chosen is None else chosen
    queues = (await work_queues.get_many_of_pools(work, [pool_id])).get(pool_id, [])
    queue = next((queue for queue in queues if queue.name == queue_name), None)
    if queue is None:
        raise NotFound(f"The pool has no queue named {queue_name!r}.", path=["workQueueName"])
    return {"work_pool_id": pool_id, "work_queue_id": queue.id}


async def check_jobs(work: UnitOfWork, current: Deployment | None, columns: dict[str, Any]) -> None:
    """Go on only if the pool's template takes a deployment's job variables, where either is said.

    Args:
        work: the unit of work.
        current: the deployment as it is; None for a new one.
        columns: what is to be set.

    Raises:
        InvalidInput: the template declares a variable otherwise, or no others; the path names it.
    """
    if columns.keys().isdisjoint({"job_variables", "work_pool_id"}):
        return
    pool_id: UUID | None = columns.get("work_pool_id", current.work_pool_id if current else None)
    variables = columns.get("job_variables", current.job_variables if current else {})
    if pool_id is None or not variables:
        return
    pool = (await work_pools.get_many(work, [pool_id])).get(pool_id)
    if pool is not None and pool.base_job_template:
        template = pool.base_job_template
        await asyncio.to_thread(job_templates.check_given, variables, template=template)


async def check_place(work: UnitOfWork, pool_id: UUID | None, queue_id: UUID | None) -> None:
    """Go on only if a pool still has a queue, or there is no pool.

    Raises:
        Conflict: it is gone.
    """
    if pool_id is None:
        return
    queues = (await work_queues.get_many_of_pools(work, [pool_id])).get(pool_id, [])
    if queue_id not in {queue.id for queue in queues}:
        raise Conflict(
            "The pool or queue in which this version ran is gone; deploy it again, to another.",
            path=["id"],
        )
