"""Flows, pools and deployments for tests, inserted as rows."""

from dataclasses import dataclass
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
    kept = promise or Promise()
    made = Deployed(new_id(), new_id(), new_id(), new_id())
    key = {"workspace_id": work.workspace_id}
    author = {"created_by_kind": "user", "created_by_id": new_id(), "created_by_name": "Olive"}
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
    await work.execute(
        insert(flows).values(**key, **author, id=made.flow_id, name=f"flow-{made.flow_id}")
    )
    await work.execute(
        insert(deployments).values(
            **key,
            **author,
            id=made.deployment_id,
            flow_id=made.flow_id,
            name="daily",
            entrypoint="flows.py:main",
            parameters={"size": 3},
            work_pool_id=made.work_pool_id,
            work_queue_id=made.work_queue_id,
            on_agent_lost=kept.on_agent_lost,
            abandon_after_ms=kept.abandon_after_ms,
            fence_ms=kept.fence_ms,
            infrastructure_retries=kept.infrastructure_retries,
            late_threshold_ms=kept.late_threshold_ms,
        )
    )
    return made


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
