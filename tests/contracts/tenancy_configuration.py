"""The cells of mutations on identities and configuration."""

from headgate_server.domain.ids import Kind
from tests.contracts.tenancy_cells import change

SPEC = {"interval": {"every": "PT1H"}}

CONFIGURATION = (
    change(
        "workspaceCreate",
        "input.organizationId",
        Kind.ORGANIZATION,
        lambda _e, id_: {"organizationId": id_, "slug": "second", "name": "Second"},
        selection="workspace { slug }",
        callers=("wide",),
    ),
    change(
        "workspaceUpdate",
        "input.id",
        Kind.WORKSPACE,
        lambda _e, id_: {"id": id_, "name": "Renamed"},
        selection="workspace { name }",
    ),
    change(
        "serviceAccountCreate",
        "input.organizationId",
        Kind.ORGANIZATION,
        lambda _e, id_: {"organizationId": id_, "name": "Second"},
        selection="serviceAccount { displayName }",
    ),
    change(
        "apiKeyCreate",
        "input.ownerId",
        Kind.SERVICE_ACCOUNT,
        lambda e, id_: {
            "ownerId": id_,
            "name": "key",
            "scopes": ["RUNS_READ"],
            "workspaceId": e.ids[Kind.WORKSPACE],
        },
        selection="apiKey { name }",
    ),
    change(
        "apiKeyCreate",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda e, id_: {
            "ownerId": e.ids[Kind.USER],
            "name": "key",
            "scopes": ["RUNS_READ"],
            "workspaceId": id_,
        },
        selection="apiKey { name }",
    ),
    change(
        "apiKeyRotate",
        "input.id",
        Kind.API_KEY,
        lambda _e, id_: {"id": id_},
        selection="apiKey { name }",
        input_type="IdInput",
        callers=("wide",),
    ),
    change(
        "apiKeyRevoke",
        "input.id",
        Kind.API_KEY,
        lambda _e, id_: {"id": id_},
        selection="deletedId",
        input_type="IdInput",
        callers=("wide",),
    ),
    change(
        "flowUpsert",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda _e, id_: {"workspaceId": id_, "name": "other"},
        selection="flow { name }",
    ),
    change(
        "deploymentUpsert",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda _e, id_: {"workspaceId": id_, "flowName": "etl", "name": "hourly"},
        selection="deployment { name }",
    ),
    change(
        "deploymentPause",
        "input.id",
        Kind.DEPLOYMENT,
        lambda _e, id_: {"id": id_, "paused": True},
        selection="deployment { name }",
        input_type="PauseInput",
    ),
    change(
        "scheduleUpsert",
        "input.deploymentId",
        Kind.DEPLOYMENT,
        lambda _e, id_: {"deploymentId": id_, "slug": "hourly", "spec": SPEC},
        selection="schedule { slug }",
    ),
    change(
        "scheduleDelete",
        "input.id",
        Kind.SCHEDULE,
        lambda _e, id_: {"id": id_},
        selection="deletedId",
        input_type="DeleteInput",
    ),
    change(
        "workPoolUpsert",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda _e, id_: {"workspaceId": id_, "name": "second", "type": "process"},
        selection="workPool { name }",
    ),
    change(
        "workQueueUpsert",
        "input.workPoolId",
        Kind.WORK_POOL,
        lambda _e, id_: {"workPoolId": id_, "name": "second"},
        selection="workQueue { name }",
    ),
)
