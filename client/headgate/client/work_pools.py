"""The client's calls about pools, their queues and agents, and concurrency limits."""

import hashlib
import re
from typing import Any

from headgate.api import concurrency_limits, deletions, work_pools
from headgate.api.concurrency_limits import LimitAnswer
from headgate.api.work_pools import AgentAnswer, WorkPoolAnswer, WorkQueueAnswer
from headgate.client.calls import ClientCalls
from headgate.client.schemas.actions import (
    GlobalConcurrencyLimitCreate,
    GlobalConcurrencyLimitUpdate,
    WorkPoolCreate,
    WorkPoolUpdate,
)
from headgate.errors import ConflictError, NotFoundError

_NOT_IN_NAME = re.compile(r"[^a-z0-9._-]+")
_LONGEST_SLUG = 80


class WorkPoolCalls(ClientCalls):
    """What a client does about pools and limits."""

    async def read_work_pool(self, work_pool_name: str) -> WorkPoolAnswer:
        """Return the pool of a name."""
        return await work_pools.get(self._transport, **self._place, name=work_pool_name)

    async def read_work_pools(
        self, *, limit: int | None = None, offset: int = 0
    ) -> list[WorkPoolAnswer]:
        """Return work pools by name."""
        return await self._all(work_pools.list_work_pools, limit=limit, offset=offset)

    async def create_work_pool(
        self, work_pool: WorkPoolCreate, *, overwrite: bool = False
    ) -> WorkPoolAnswer:
        """Make a pool.

        Raises:
            ConflictError: there is one of this name, and it is not to be overwritten.
        """
        if not overwrite and await self._has_pool(work_pool.name):
            message = f"There is a work pool {work_pool.name!r} already; say overwrite=True"
            raise ConflictError(message)
        stored = await work_pools.upsert(
            self._transport,
            workspace_id=await self.workspace_id(),
            name=work_pool.name,
            type=work_pool.type,
            is_paused=work_pool.is_paused,
            concurrency_limit=work_pool.concurrency_limit,
            base_job_template=work_pool.base_job_template,
        )
        return stored.work_pool

    async def update_work_pool(
        self, work_pool_name: str, work_pool: WorkPoolUpdate
    ) -> WorkPoolAnswer:
        """Change some of a pool, if nobody has changed it meanwhile."""
        found = await self.read_work_pool(work_pool_name)
        stored = await work_pools.upsert(
            self._transport,
            workspace_id=await self.workspace_id(),
            name=found.name,
            type=found.type,
            is_paused=work_pool.is_paused,
            concurrency_limit=work_pool.concurrency_limit,
            base_job_template=work_pool.base_job_template,
            expected_version=found.version,
        )
        return stored.work_pool

    async def delete_work_pool(self, work_pool_name: str) -> None:
        """Delete a pool that nothing needs."""
        found = await self.read_work_pool(work_pool_name)
        await deletions.delete(self._transport, kind="WorkPool", id_=found.id)

    async def read_work_queues(self, work_pool_name: str) -> list[WorkQueueAnswer]:
        """Return the queues of a pool."""
        pool = await self.read_work_pool(work_pool_name)
        return await work_pools.list_all_queues(self._transport, **self._place, pool=pool)

    async def read_work_queue_by_name(
        self, name: str, work_pool_name: str = "default"
    ) -> WorkQueueAnswer:
        """Return a queue of a pool."""
        for queue in await self.read_work_queues(work_pool_name):
            if queue.name == name:
                return queue
        message = f"There is no work queue {name!r} in {work_pool_name!r}"
        raise NotFoundError(message)

    async def read_workers_for_work_pool(
        self, work_pool_name: str, *, limit: int | None = None, offset: int = 0
    ) -> list[AgentAnswer]:
        """Return the agents of a pool, by name."""
        place = {**self._place, "pool": work_pool_name}
        return await self._all(work_pools.list_agents, limit=limit, offset=offset, place=place)

    async def read_global_concurrency_limits(
        self, *, limit: int | None = None, offset: int = 0
    ) -> list[LimitAnswer]:
        """Return concurrency limits by name."""
        return await self._all(concurrency_limits.list_limits, limit=limit, offset=offset)

    async def read_global_concurrency_limit_by_name(self, name: str) -> LimitAnswer:
        """Return the concurrency limit of a name, with who holds its slots."""
        found = await concurrency_limits.find(self._transport, **self._place, name=name)
        if found is None:
            message = f"There is no concurrency limit {name!r}, or this key may not see it"
            raise NotFoundError(message)
        return found

    async def create_global_concurrency_limit(
        self, concurrency_limit: GlobalConcurrencyLimitCreate
    ) -> str:
        """Make a concurrency limit, or change the one of this name, and return its id."""
        return await self._set_limit(
            concurrency_limit.name,
            concurrency_limit.limit,
            slotDecayPerSecond=concurrency_limit.slot_decay_per_second,
        )

    async def update_global_concurrency_limit(
        self, name: str, concurrency_limit: GlobalConcurrencyLimitUpdate
    ) -> None:
        """Change some of a concurrency limit, if nobody has changed it meanwhile."""
        found = await self.read_global_concurrency_limit_by_name(name)
        size, decay = concurrency_limit.limit, concurrency_limit.slot_decay_per_second
        await self._set_limit(
            name,
            found.limit if size is None else size,
            slotDecayPerSecond=found.slot_decay_per_second if decay is None else decay,
            expectedVersion=found.version,
        )

    async def upsert_global_concurrency_limit_by_name(self, name: str, limit: int) -> None:
        """Make a concurrency limit of this name, or let it have so many slots."""
        await self._set_limit(name, limit)

    async def delete_global_concurrency_limit_by_name(self, name: str) -> None:
        """Delete a concurrency limit; who waits for it waits no longer."""
        found = await self.read_global_concurrency_limit_by_name(name)
        await concurrency_limits.delete(self._transport, limit_id=found.id)

    async def create_concurrency_limit(self, tag: str, concurrency_limit: int) -> str:
        """Limit how many tasks of a tag run at once, and return the limit's id."""
        return await self._set_limit(_limit_name(tag), concurrency_limit, taskTag=tag)

    async def read_concurrency_limits(self) -> list[LimitAnswer]:
        """Return the limits of tasks of a tag, by name."""
        return [one for one in await self.read_global_concurrency_limits() if one.task_tag]

    async def read_concurrency_limit_by_tag(self, tag: str) -> LimitAnswer:
        """Return the limit of tasks of a tag, with who holds its slots."""
        return await self.read_global_concurrency_limit_by_name(await self._limit_of(tag))

    async def delete_concurrency_limit_by_tag(self, tag: str) -> None:
        """Delete the limit of tasks of a tag."""
        await self.delete_global_concurrency_limit_by_name(await self._limit_of(tag))

    async def _limit_of(self, tag: str) -> str:
        for one in await self.read_concurrency_limits():
            if one.task_tag == tag:
                return one.name
        message = f"There is no concurrency limit of tasks tagged {tag!r}"
        raise NotFoundError(message)

    async def _set_limit(self, name: str, limit: int, **more: Any) -> str:
        workspace_id = await self.workspace_id()
        stored = await concurrency_limits.upsert(
            self._transport, workspace_id=workspace_id, name=name, limit=limit, **more
        )
        return stored.limit.id

    async def _has_pool(self, name: str) -> bool:
        try:
            await self.read_work_pool(name)
        except NotFoundError:
            return False
        return True


def _limit_name(tag: str) -> str:
    """Return the name of the limit on a tag, which may hold what names do not."""
    slug = _NOT_IN_NAME.sub("-", tag.lower()).strip("-._")[:_LONGEST_SLUG]
    if slug == tag:
        return f"tag-{tag}"
    return f"tag-{slug}-{hashlib.sha256(tag.encode()).hexdigest()[:8]}"
