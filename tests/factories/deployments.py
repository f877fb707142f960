"""Flows, pools and deployments for tests, inserted as rows."""

from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy import insert

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.ids import new_id
from headgate_server.tables.flows import deployments, flows
from headgate_server.tables.work_pools import agent_sessions, agents, work_pools, work_queues


@dataclass(frozen=True, slots=True)
class Deployed:
    flow_id: UUID
    deployment_id: UUID
    work_pool_id: UUID
    work_queue_id: UUID


@dataclass(frozen=True, slots=True)
class Promise:
    on_agent_lost: str = "CRASH"
    abandon_after_ms: int = 600_000
    fence_ms: int = 600_000
    infrastructure_retries: int = 3
    late_threshold_ms: int = 15_000


async def make_deployment(
    work: UnitOfWork,
    *,
    promise: Promise | None = None,
    pool_limit: int | None = None,
    queue_limit: int | None = None,
) -> Deployed:
    made = Deployed(new_id(), new_id(), new_id(), new_id())
    await _make_pool(work, made, pool_limit=pool_limit, queue_limit=queue_limit)
    kept = promise or Promise()
    key = {"workspace_id": work.workspace_id}
    author = {"created_by_kind": "user", "created_by_id": new_id(), "created_by_name": "Olive"}
    await work.execute(
        insert(flows).values(**key, **author, id=made.flow_id, name=f"flow-{made.flow_id}")
    )
    await work.execute(
        insert(deployments).values(
            **key,
            **author,
            **asdict(kept),
            id=made.deployment_id,
            flow_id=made.flow_id,
            name="daily",
            entrypoint="flows.py:main",
            parameters={"size": 3},
            work_pool_id=made.work_pool_id,
            work_queue_id=made.work_queue_id,
        )
    )
    return made


async def _make_pool(
    work: UnitOfWork, made: Deployed, *, pool_limit: int | None, queue_limit: int | None
) -> None:
    key = {"workspace_id": work.workspace_id}
    await work.execute(
        insert(work_pools).values(
            **key,
            id=made.work_pool_id,
            name=f"pool-{made.work_pool_id}",
            type="process",
            concurrency_limit=pool_limit,
        )
    )
    await work.execute(
        insert(work_queues).values(
            **key,
            id=made.work_queue_id,
            work_pool_id=made.work_pool_id,
            name="default",
            priority=10,
            concurrency_limit=queue_limit,
        )
    )


async def make_session(work: UnitOfWork, deployed: Deployed, *, capacity: int = 10) -> UUID:
    agent_id, session_id = new_id(), new_id()
    await work.execute(
        insert(agents).values(
            workspace_id=work.workspace_id,
            id=agent_id,
            work_pool_id=deployed.work_pool_id,
            name=f"agent-{agent_id}",
        )
    )
    await work.execute(
        insert(agent_sessions).values(
            workspace_id=work.workspace_id,
            id=session_id,
            agent_id=agent_id,
            work_pool_id=deployed.work_pool_id,
            instance_id=new_id(),
            capacity=capacity,
            sdk_version="0",
            state="ONLINE",
        )
    )
    return session_id
