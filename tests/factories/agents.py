"""Agent sessions as rows, for tests of what depends on them."""

from uuid import UUID

from sqlalchemy import insert

from headgate_server.database.work import Database
from headgate_server.domain.ids import new_id
from headgate_server.tables.work_pools import agent_sessions, agents
from tests.factories.tenants import Tenant


async def make_session(
    database: Database,
    tenant: Tenant,
    *,
    work_pool_id: UUID,
    has_ended: bool = False,
    api_key_id: UUID | None = None,
    secret_number: int = 1,
) -> UUID:
    agent_id, session_id = new_id(), new_id()
    async with database.system(workspace_id=tenant.workspace_id) as work:
        await work.execute(
            insert(agents).values(
                workspace_id=tenant.workspace_id,
                id=agent_id,
                work_pool_id=work_pool_id,
                name=f"agent {agent_id}",
            )
        )
        await work.execute(
            insert(agent_sessions).values(
                workspace_id=tenant.workspace_id,
                id=session_id,
                agent_id=agent_id,
                work_pool_id=work_pool_id,
                instance_id=new_id(),
                api_key_id=api_key_id,
                secret_number=secret_number,
                capacity=4,
                sdk_version="1.0",
                state="OFFLINE" if has_ended else "ONLINE",
                ended_at=work.now if has_ended else None,
            )
        )
    return session_id
