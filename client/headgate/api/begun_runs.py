"""Runs that start in this process, over the API: begun with their lease, in one step."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from headgate.api.calls import Answer, LeaseInput, change_or_older, given
from headgate.api.transport import Transport
from headgate.errors import BadRequestError
from headgate.ids import make_uuid
from headgate.states import timestamp_now

NOUN = "flow_runs"


class BegunRun(Answer, frozen=True):
    """A run that starts in this process, and the right to write about it."""

    id: str
    name: str
    lease: LeaseInput
    run_token: str
    lease_expires_at: datetime | None = None
    flow_id: str | None = None


@dataclass(frozen=True, slots=True)
class MadeHere:
    """What the caller makes itself of a run that it begins, so that it can be told of later."""

    run_id: str
    lease_token: str


def is_too_new(error: BadRequestError) -> bool:
    """Whether a server could not read what callers make, since it is older than this client."""
    return "FlowRunBeginInput" in str(error)


async def begin(
    transport: Transport,
    *,
    workspace_id: str,
    flow_name: str,
    client_id: str,
    name: str | None = None,
    parameters: dict[str, Any] | None = None,
    tags: Sequence[str] = (),
    parent_task_run_id: str | None = None,
    idempotency_key: str | None = None,
    made: MadeHere | None = None,
    deadline_seconds: float | None = None,
) -> BegunRun:
    """Create a run that starts in this process and take its lease, in one step.

    Args:
        made: its id and the token of its lease; the server makes them where none are given.
    """
    payload = await change_or_older(
        transport,
        NOUN,
        "FlowRunBegin",
        lacks="flowId",
        input=given(
            workspaceId=workspace_id,
            flowName=flow_name,
            name=name,
            parameters=parameters,
            tags=list(tags),
            parentTaskRunId=parent_task_run_id,
            clientId=client_id,
            idempotencyKey=idempotency_key or make_uuid(),
            id=made.run_id if made else None,
            leaseToken=made.lease_token if made else None,
            sentAt=timestamp_now() if made else None,
        ),
        deadline_seconds=deadline_seconds,
    )
    run = payload["flowRun"]
    return BegunRun(
        id=run["id"],
        name=run["name"],
        lease=LeaseInput(run["id"], payload["leaseToken"], payload["lease"]["epoch"]),
        run_token=payload["runToken"],
        flow_id=payload.get("flowId") or run["flow"]["id"],
        lease_expires_at=msgspec.convert(payload["leaseExpiresAt"], datetime | None),
    )
