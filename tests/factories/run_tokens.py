"""Tokens of sessions and runs, and runs that somebody began in a process of their own, as rows."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import update

from headgate_server.database.work import Database
from headgate_server.domain import api_keys as keys
from headgate_server.domain.leases import Phase
from headgate_server.domain.tenancy import Principal
from headgate_server.services import generations
from headgate_server.tables.flow_runs import flow_runs
from tests.factories.people import PEPPER
from tests.factories.tenants import Tenant
from tests.factories.work_items import make_work_item


async def make_run_token(
    database: Database,
    tenant: Tenant,
    run_id: UUID,
    *,
    epoch: int = 1,
    api_key_id: UUID | None = None,
    secret_number: int | None = None,
) -> str:
    async with database.system() as work:
        return keys.run_token(
            run_id,
            organization_id=tenant.organization_id,
            workspace_id=tenant.workspace_id,
            generation=await generations.get_generation(work),
            epoch=epoch,
            pepper=PEPPER,
            api_key_id=api_key_id,
            secret_number=secret_number,
        )


async def make_session_token(database: Database, tenant: Tenant, session_id: UUID) -> str:
    async with database.system() as work:
        return keys.session_token(
            session_id,
            organization_id=tenant.organization_id,
            workspace_id=tenant.workspace_id,
            generation=await generations.get_generation(work),
            expires_at=work.now + timedelta(minutes=30),
            pepper=PEPPER,
        )


async def begin_local(database: Database, tenant: Tenant, beginner: Principal) -> UUID:
    """Have somebody begin a run in a process of their own."""
    run_id = await make_work_item(database, tenant, phase=Phase.RUNNING)
    async with database.system() as work:
        await work.execute(
            update(flow_runs)
            .where(flow_runs.c.id == run_id)
            .values(
                created_by_kind="user",
                created_by_id=beginner.actor.id,
                created_by_name=beginner.actor.display_name,
            )
        )
    return run_id
