"""The cells of mutations on the records of cached results."""

from typing import Any
from uuid import uuid4

from headgate_server.domain.ids import Kind
from tests.contracts.tenancy_cells import begun, change
from tests.factories.estates import Estate


def held(estate: Estate, id_: str, **more: Any) -> dict[str, Any]:
    return {"lease": {**estate.own_run["lease"], "runId": id_}, "key": "other", **more}


CACHES = (
    change(
        "cacheRecordClaim",
        "input.lease.runId",
        Kind.FLOW_RUN,
        lambda e, id_: held(e, id_, lockToken=str(uuid4())),
        selection="locked record { key }",
        callers=("run", "bound"),
        own_id=begun,
    ),
    change(
        "cacheRecordWrite",
        "input.lease.runId",
        Kind.FLOW_RUN,
        lambda e, id_: held(e, id_, result={"a": 1}),
        selection="record { key result }",
        callers=("run", "bound"),
        own_id=begun,
    ),
    change(
        "cacheRecordRelease",
        "input.lease.runId",
        Kind.FLOW_RUN,
        lambda e, id_: held(e, id_, lockToken=str(uuid4())),
        selection="key released",
        callers=("run", "bound"),
        own_id=begun,
    ),
    change(
        "cacheRecordDelete",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda _e, id_: {"workspaceId": id_, "key": "cached"},
        selection="key",
    ),
)
