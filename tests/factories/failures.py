"""Runs that failed, and the groups that a loop puts them into, made through the API."""

from headgate_server.database.work import Database
from headgate_server.domain.ids import Kind
from headgate_server.services import failure_groups
from tests.factories.mutations import mutate
from tests.fixtures.api import ApiClient

GROUP_OF = "query ($id: ID!) { flowRun(id: $id) { failureGroup { id } } }"


async def make_failure_group(database: Database, api: ApiClient, found: dict[Kind, str]) -> str:
    """Let a run of the deployment fail, and return the id of its group."""
    run_id = await make_failed_run(api, found)
    async with database.system() as work:
        await failure_groups.group_failures(work)
    answer = await api.execute(GROUP_OF, id=run_id)
    group_id: str = answer.data["flowRun"]["failureGroup"]["id"]
    return group_id


async def make_failed_run(api: ApiClient, found: dict[Kind, str]) -> str:
    made = await mutate(
        api,
        "flowRunCreate",
        "flowRun { id }",
        workspaceId=found[Kind.WORKSPACE],
        deploymentId=found[Kind.DEPLOYMENT],
    )
    run_id: str = made["flowRun"]["id"]
    failed = {"type": "FAILED", "message": "row 7 is bad"}
    await mutate(api, "flowRunSetState", "accepted", id=run_id, state=failed, force=True)
    return run_id
