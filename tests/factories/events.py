"""What a test's transactions wrote to the outbox."""

from typing import Any

from sqlalchemy import select

from headgate_server.database.work import Database
from headgate_server.tables.events import outbox
from tests.factories.tenants import Tenant


async def recorded(database: Database, tenant: Tenant) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the name, resource and payload of the events of a workspace, in order."""
    async with database.system() as work:
        rows = await work.execute(
            select(outbox.c.name, outbox.c.resource_id, outbox.c.payload)
            .where(outbox.c.workspace_id == tenant.workspace_id)
            .order_by(outbox.c.id)
        )
        return [(row.name, row.resource_id, row.payload) for row in rows]
