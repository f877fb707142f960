"""Background tasks, as parts of an estate."""

from datetime import timedelta
from uuid import uuid4

from headgate_server.domain import ids
from headgate_server.domain.background_tasks import Worker
from headgate_server.domain.ids import Kind
from headgate_server.services import background_tasks
from tests.factories.mutations import Json, mutate
from tests.factories.tenants import Tenant
from tests.fixtures.api import ApiClient
from tests.fixtures.installations import Installation, shown


async def make_held_task(
    installation: Installation, tenant: Tenant, api: ApiClient, found: dict[Kind, str]
) -> Json:
    """Queue a call, have a worker take it, and return its lease as the API takes it."""
    found[Kind.BACKGROUND_TASK] = await _queue(api, found)
    worker = Worker(id=uuid4(), task_keys=("double",), limit=1)
    async with installation.database.tenant(tenant.owner, tenant.workspace_id) as work:
        (taken,), _ = await background_tasks.take_tasks(work, worker, duration=timedelta(minutes=5))
    return {
        "id": found[Kind.BACKGROUND_TASK],
        "leaseToken": str(taken.token),
        "epoch": taken.epoch,
    }


async def make_ended_task(api: ApiClient, found: dict[Kind, str]) -> str:
    """Queue a call and cancel it, and return its id."""
    task_id = await _queue(api, found)
    place = {"workspaceId": found[Kind.WORKSPACE]}
    await mutate(api, "backgroundTaskCancel", "task { id }", **place, id=task_id)
    return task_id


async def _queue(api: ApiClient, found: dict[Kind, str]) -> str:
    task_id = shown(Kind.BACKGROUND_TASK, ids.new_id())
    await mutate(
        api,
        "backgroundTaskCreate",
        "task { id }",
        workspaceId=found[Kind.WORKSPACE],
        id=task_id,
        taskKey="double",
        name="double-1",
        parameters={"value": {"x": 1}},
    )
    return task_id
