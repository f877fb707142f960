"""Work pools over the API: upsert, get, list."""

from datetime import datetime
from typing import Any

import msgspec

from headgate.api.calls import (
    PAGE_SIZE,
    Answer,
    Page,
    ask_workspace,
    change,
    given,
    read_page,
    require,
)
from headgate.api.transport import Transport

NOUN = "work_pools"
MOST_QUEUES = 10_000
_LONGEST_PAGE = 100


class WorkQueueAnswer(Answer, frozen=True):
    """A queue of a pool; a lower priority number goes first."""

    id: str
    name: str
    priority: int
    paused: bool
    concurrency_limit: int | None = None


class WorkPoolAnswer(Answer, frozen=True):
    """A work pool as the API shows it; ``queues`` are the first hundred, ``list_queues`` all."""

    id: str
    name: str
    type: str
    paused: bool
    version: int
    status: str
    base_job_template: dict[str, Any]
    queues: list[WorkQueueAnswer]
    queues_more: int = 0
    concurrency_limit: int | None = None

    @property
    def is_paused(self) -> bool:
        """Whether its runs wait, under Prefect's name."""
        return self.paused


class QueueName(Answer, frozen=True):
    """A queue, named."""

    name: str


class PoolName(Answer, frozen=True):
    """A pool, named."""

    id: str
    name: str


class AgentAnswer(Answer, frozen=True):
    """An agent of a pool; ``state_reason`` says why it is paused or drains."""

    id: str
    name: str
    state: str
    sdk_version: str
    capacity: int
    in_flight: int
    pool: PoolName
    queues: list[QueueName]
    host: str | None = None
    state_reason: str | None = None
    last_heartbeat_at: datetime | None = None
    connected_at: datetime | None = None


class StoredWorkPool(msgspec.Struct, frozen=True, kw_only=True):
    """The pool after an upsert, and whether it is new."""

    work_pool: WorkPoolAnswer
    is_created: bool


async def upsert(
    transport: Transport,
    *,
    workspace_id: str,
    name: str,
    type: str = "process",
    is_paused: bool | None = None,
    concurrency_limit: int | None = None,
    base_job_template: dict[str, Any] | None = None,
    expected_version: int | None = None,
) -> StoredWorkPool:
    """Create the pool of this name, or change it."""
    payload = await change(
        transport,
        NOUN,
        "WorkPoolUpsert",
        input=given(
            workspaceId=workspace_id,
            name=name,
            type=type,
            paused=is_paused,
            concurrencyLimit=concurrency_limit,
            baseJobTemplate=base_job_template,
            expectedVersion=expected_version,
        ),
    )
    return StoredWorkPool(
        work_pool=msgspec.convert(payload["workPool"], WorkPoolAnswer),
        is_created=bool(payload["created"]),
    )


async def get(
    transport: Transport, *, organization: str, workspace: str, name: str
) -> WorkPoolAnswer:
    """Return the pool of this name.

    Raises:
        NotFoundError: there is none, or this key may not see it.
    """
    place = await ask_workspace(
        transport, NOUN, "WorkPool", organization=organization, workspace=workspace, name=name
    )
    return msgspec.convert(require(place["workPool"], what=f"work pool {name!r}"), WorkPoolAnswer)


async def list_work_pools(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[WorkPoolAnswer]:
    """Return pools by name."""
    place = await ask_workspace(
        transport,
        NOUN,
        "WorkPools",
        organization=organization,
        workspace=workspace,
        first=first,
        after=after,
    )
    return read_page(place["workPools"], item=WorkPoolAnswer)


async def list_queues(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    pool: str,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[WorkQueueAnswer]:
    """Return a page of the queues of a pool, the one served first first.

    Raises:
        NotFoundError: there is no such pool, or this key may not see it.
    """
    place = await ask_workspace(
        transport,
        NOUN,
        "PoolQueues",
        organization=organization,
        workspace=workspace,
        pool=pool,
        first=first,
        after=after,
    )
    found = require(place["workPool"], what=f"work pool {pool!r}")
    return read_page(found["allQueues"], item=WorkQueueAnswer)


async def list_all_queues(
    transport: Transport, *, organization: str, workspace: str, pool: WorkPoolAnswer
) -> list[WorkQueueAnswer]:
    """Return the queues of a pool, the one served first first; at most 10,000.

    A pool of a few has them already, also of a server that is older and lists no others.
    """
    if not pool.queues_more:
        return pool.queues
    found: list[WorkQueueAnswer] = []
    after: str | None = None
    while len(found) < MOST_QUEUES:
        page = await list_queues(
            transport,
            organization=organization,
            workspace=workspace,
            pool=pool.name,
            first=_LONGEST_PAGE,
            after=after,
        )
        found += page.items
        after = page.end_cursor
        if not page.has_next_page:
            break
    return found


async def list_agents(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    pool: str,
    is_online: bool | None = None,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[AgentAnswer]:
    """Return a page of the agents of a pool, by name.

    Args:
        is_online: only those that are online, or only the others.

    Raises:
        NotFoundError: there is no such pool, or this key may not see it.
    """
    place = await ask_workspace(
        transport,
        NOUN,
        "PoolAgents",
        organization=organization,
        workspace=workspace,
        pool=pool,
        online=is_online,
        first=first,
        after=after,
    )
    found = require(place["workPool"], what=f"work pool {pool!r}")
    return read_page(found["agents"], item=AgentAnswer)


async def request_drain(
    transport: Transport,
    *,
    agent_id: str,
    deadline: datetime | None = None,
    reason: str | None = None,
) -> AgentAnswer:
    """Ask an agent to take nothing more; its process ends with the last run that it holds.

    Args:
        agent_id: which.
        deadline: until when it is expected to be done: shown, and not enforced; in the future.
        reason: why, for whoever looks at it; at most 1,000 characters.

    Raises:
        ConflictError: none of its processes is there.
        NotFoundError: there is no such agent, or this key may not see it.
    """
    payload = await change(
        transport,
        NOUN,
        "AgentRequestDrain",
        input=given(
            id=agent_id, deadline=deadline.isoformat() if deadline else None, reason=reason
        ),
    )
    return msgspec.convert(payload["agent"], AgentAnswer)
