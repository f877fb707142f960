"""Deleted workspaces that have nothing, or no more, of what a sweep destroys first."""

import pytest
from sqlalchemy import func, select

from headgate_server.bus.bus import Bus
from headgate_server.database.work import Database
from headgate_server.loops import deleted_workspaces
from headgate_server.loops.loop import LoopContext
from headgate_server.services import closing, workspaces
from headgate_server.settings import Timers
from headgate_server.tables.workspace_keys import workspace_keys
from tests.factories.tenants import make_tenant

pytestmark = pytest.mark.anyio


async def test_deleted_workspaces_without_keys_are_swept_away(
    database: Database, redis_url: str
) -> None:
    tenants = [await make_tenant(database) for _ in range(2)]
    for tenant in tenants:
        async with database.tenant(tenant.owner, tenant.workspace_id) as work:
            await closing.archive_workspace(work, id_=tenant.workspace_id, is_archived=True)
            await closing.delete_workspace(work, id_=tenant.workspace_id)
    async with database.system() as work:
        keys = await work.execute(select(func.count()).select_from(workspace_keys))
        assert keys.scalar_one() == 0
        assert len(await closing.list_deleted_workspaces(work)) == 2

    await deleted_workspaces.run_once(
        LoopContext(database, Bus(redis_url, prefix="test"), Timers())
    )

    async with database.system() as work:
        assert await closing.list_deleted_workspaces(work) == []
        ids = [tenant.workspace_id for tenant in tenants]
        assert await workspaces.get_many_workspaces(work, ids) == {}
