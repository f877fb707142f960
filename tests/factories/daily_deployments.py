"""A deployment with a schedule, deployed through the API: a part of an estate."""

from headgate_server.domain.ids import Kind
from tests.factories.mutations import mutate
from tests.fixtures.api import ApiClient


async def deploy_daily(api: ApiClient, found: dict[Kind, str]) -> None:
    workspace = found[Kind.WORKSPACE]
    spec = {"cron": {"cron": "0 6 * * *"}}
    early = await mutate(
        api,
        "deploymentUpsert",
        "deployment { currentVersion { id } }",
        workspaceId=workspace,
        flowName="etl",
        name="daily",
    )
    found[Kind.DEPLOYMENT_VERSION] = early["deployment"]["currentVersion"]["id"]
    deployed = await mutate(
        api,
        "deploymentUpsert",
        "deployment { id flow { id } schedules { id } }",
        workspaceId=workspace,
        flowName="etl",
        name="daily",
        entrypoint="flows.py:etl",
        workPoolName="pool",
        schedules=[{"slug": "six", "spec": spec}],
    )
    deployment = deployed["deployment"]
    found[Kind.DEPLOYMENT] = deployment["id"]
    found[Kind.FLOW] = deployment["flow"]["id"]
    found[Kind.SCHEDULE] = deployment["schedules"][0]["id"]
