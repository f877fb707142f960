"""The cells of mutations on variables, concurrency limits and blocks."""

from headgate_server.domain.ids import Kind
from tests.contracts.tenancy_cells import begun, change
from tests.factories.estate_blocks import LOGIN

BLOCK = "blockDocument { name data }"


def of_login(id_: str) -> dict[str, object]:
    return {"workspaceId": id_, "typeSlug": "login", "name": "second", "data": {"host": "h"}}


def of_slots(**given: object) -> dict[str, object]:
    return {"names": ["database"], "ttl": "PT1M", "idempotencyKey": "second", **given}


BLOCKS = (
    change(
        "variableSet",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda _e, id_: {"workspaceId": id_, "name": "second", "value": {"a": [1]}},
        selection="variable { name value }",
    ),
    change(
        "variableDelete",
        "input.id",
        Kind.VARIABLE,
        lambda _e, id_: {"id": id_},
        selection="deletedId",
        input_type="DeleteInput",
        own_id=lambda e: e.unused[Kind.VARIABLE],
    ),
    change(
        "concurrencyLimitUpsert",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda _e, id_: {"workspaceId": id_, "name": "second", "limit": 1},
        selection="concurrencyLimit { name limit }",
    ),
    change(
        "concurrencyLimitDelete",
        "input.id",
        Kind.CONCURRENCY_LIMIT,
        lambda _e, id_: {"id": id_},
        selection="deletedId",
        input_type="DeleteInput",
    ),
    change(
        "concurrencyAcquire",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda _e, id_: of_slots(workspaceId=id_),
        selection="leaseId",
    ),
    change(
        "concurrencyAcquire",
        "input.holderRunId",
        Kind.FLOW_RUN,
        lambda e, id_: of_slots(workspaceId=e.ids[Kind.WORKSPACE], holderRunId=id_),
        selection="leaseId",
    ),
    change(
        "concurrencyAcquire",
        "input.holderTask.id",
        Kind.BACKGROUND_TASK,
        lambda e, id_: of_slots(
            workspaceId=e.ids[Kind.WORKSPACE], holderTask={**e.held_task, "id": id_}
        ),
        selection="leaseId",
    ),
    change(
        "concurrencyAcquire",
        "input.leaseId",
        Kind.CONCURRENCY_LEASE,
        lambda e, id_: of_slots(workspaceId=e.ids[Kind.WORKSPACE], leaseId=id_),
        selection="expiresAt",
    ),
    change(
        "concurrencyRelease",
        "input.leaseId",
        Kind.CONCURRENCY_LEASE,
        lambda e, id_: {"workspaceId": e.ids[Kind.WORKSPACE], "leaseId": id_},
        selection="deletedId",
    ),
    change(
        "concurrencyRelease",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda e, id_: {"workspaceId": id_, "leaseId": e.ids[Kind.CONCURRENCY_LEASE]},
        selection="deletedId",
    ),
    change(
        "blockTypeUpsert",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda _e, id_: {"workspaceId": id_, "slug": "second"},
        selection="blockType { slug }",
    ),
    change(
        "blockSchemaRegister",
        "input.blockTypeId",
        Kind.BLOCK_TYPE,
        lambda _e, id_: {"blockTypeId": id_, "fields": {**LOGIN, "title": "Login"}},
        selection="blockSchema { number }",
    ),
    change(
        "blockDocumentUpsert",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda _e, id_: of_login(id_),
        selection=BLOCK,
    ),
    change(
        "blockDocumentDelete",
        "input.id",
        Kind.BLOCK_DOCUMENT,
        lambda _e, id_: {"id": id_},
        selection="deletedId",
        input_type="DeleteInput",
        own_id=lambda e: e.unused[Kind.BLOCK_DOCUMENT],
    ),
    change(
        "blockResolve",
        "input.lease.runId",
        Kind.FLOW_RUN,
        lambda e, id_: {
            "lease": {**e.own_run["lease"], "runId": id_},
            "references": ["login/main"],
        },
        selection="blocks",
        callers=("run",),
        own_id=begun,
    ),
    change(
        "blockDocumentReveal",
        "input.id",
        Kind.BLOCK_DOCUMENT,
        lambda _e, id_: {"id": id_},
        selection="data",
        input_type="IdInput",
        callers=("revealer",),
    ),
)
