"""Published events for tests of streams."""

from headgate_server.database.work import Database
from headgate_server.domain.events import NewEvent
from headgate_server.services import events, upkeep
from tests.factories.tenants import Tenant


async def write_events(
    database: Database, tenant: Tenant, *names: str, kind: str = "flow", size: int = 0
) -> None:
    """Commit events that are not published yet; each happens to a resource of its own."""
    new = [
        NewEvent(
            name=name,
            resource_id=f"{kind}_{number}",
            resource={"id": f"{kind}_{number}", "kind": kind},
            payload={"text": "x" * size},
        )
        for number, name in enumerate(names)
    ]
    async with database.tenant(tenant.owner, tenant.workspace_id) as work:
        await events.record_events(work, new)


async def publish_all(database: Database) -> int:
    """Publish what is committed, and return how many events that was."""
    total = 0
    while True:
        async with database.system() as work:
            moved = await upkeep.publish_events(work)
        if not moved:
            return total
        total += moved


async def publish(
    database: Database, tenant: Tenant, *names: str, kind: str = "flow", size: int = 0
) -> None:
    """Commit events and publish them."""
    await write_events(database, tenant, *names, kind=kind, size=size)
    await publish_all(database)
