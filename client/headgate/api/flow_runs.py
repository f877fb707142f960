"""Flow runs over the API: propose states, renew, create, cancel, retry, read, follow."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

import msgspec

from headgate.api.calls import (
    PAGE_SIZE,
    Answer,
    LeaseInput,
    Page,
    ask,
    ask_workspace,
    change,
    given,
    read_page,
    require,
)
from headgate.api.documents import document
from headgate.api.states import StateAnswer
from headgate.api.transport import Transport
from headgate.errors import RefusedError, refusal
from headgate.ids import make_uuid

NOUN = "flow_runs"


class Named(Answer, frozen=True):
    """A reference to another object."""

    id: str
    name: str


class FlowRun(Answer, frozen=True):
    """A flow run as the API shows it."""

    id: str
    name: str
    state: StateAnswer
    flow: Named
    tags: list[str]
    parameters: dict[str, Any]
    attempt: int = 0
    priority: int = 0
    version: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    expected_start: datetime | None = None
    deployment: Named | None = None


class Proposal(Answer, frozen=True):
    """The server's answer to a proposed state.

    Args:
        state: the state that the run is in now, whether or not the proposal was accepted.
        refusal: why it was not accepted.
    """

    accepted: bool
    state: StateAnswer | None = None
    refusal: RefusedError | None = None


class PauseRequest(Answer, frozen=True):
    """A pause that somebody asked of a run.

    Args:
        suspend: whether the process is to end.
    """

    key: str
    suspend: bool


class LeaseVerdict(Answer, frozen=True):
    """What the server says about a lease: RENEWED, LOST, CANCEL_REQUESTED, FINISHED or UNKNOWN."""

    run_id: str
    epoch: int
    outcome: str
    expires_at: datetime | None = None
    grace_seconds: int | None = None
    pause_request: PauseRequest | None = None


class TaskRunUpdate(Answer, frozen=True):
    """A task run as a flow run's updates show it."""

    id: str
    name: str
    task_key: str
    state: StateAnswer
    map_index: int | None = None


class RunUpdate(Answer, frozen=True):
    """What changed about a run since the cursor before.

    Args:
        gap: changes before these are gone, or the server's database was restored meanwhile.
    """

    cursor: str
    run: FlowRun
    states: list[StateAnswer]
    task_runs: list[TaskRunUpdate]
    caught_up: bool = False
    gap: bool = False


class CreatedRun(Answer, frozen=True):
    """One answer of a batch: the run, or why there is none."""

    flow_run: FlowRun | None = None
    is_duplicate: bool = False
    refusal: RefusedError | None = None


class NewRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run to create, of a deployment or of a flow by its name."""

    deployment_id: str | None = None
    flow_name: str | None = None
    name: str | None = None
    parameters: dict[str, Any] | None = None
    tags: Sequence[str] | None = None
    priority: int | None = None
    work_queue_name: str | None = None
    idempotency_key: str | None = None
    parent_task_run_id: str | None = None
    expected_start: datetime | None = None
    job_variables: dict[str, Any] | None = None

    def as_variables(self, *, workspace_id: str) -> dict[str, Any]:
        """Return it as the API's ``FlowRunCreateInput``; a key is made when none is given."""
        return given(
            workspaceId=workspace_id,
            deploymentId=self.deployment_id,
            flowName=self.flow_name,
            name=self.name,
            parameters=self.parameters,
            tags=list(self.tags) if self.tags is not None else None,
            priority=self.priority,
            workQueueName=self.work_queue_name,
            idempotencyKey=self.idempotency_key or make_uuid(),
            parentTaskRunId=self.parent_task_run_id,
            expectedStart=self.expected_start.isoformat() if self.expected_start else None,
            jobVariables=self.job_variables,
        )


async def set_state(
    transport: Transport,
    *,
    flow_run_id: str,
    state: dict[str, Any],
    lease: LeaseInput | None = None,
    is_forced: bool = False,
    reason: str | None = None,
    idempotency_key: str | None = None,
    deadline_seconds: float | None = None,
) -> Proposal:
    """Propose a state; a refusal is part of the answer, since the run's own state comes with it.

    Args:
        state: the API's ``StateInput``: type, name, message, details, timestamp.
        is_forced: a person's correction, past the rules of ordinary transitions.
        reason: why a person sets it; forced with one, it corrects how a run ended.
    """
    payload = await ask(
        transport,
        NOUN,
        "FlowRunSetState",
        variables={
            "input": given(
                id=flow_run_id,
                state=state,
                lease=lease.as_variables() if lease else None,
                force=is_forced or None,
                reason=reason,
                idempotencyKey=idempotency_key or make_uuid(),
            )
        },
        deadline_seconds=deadline_seconds,
    )
    errors = payload.get("errors")
    return Proposal(
        accepted=payload["accepted"],
        state=msgspec.convert(payload["state"], StateAnswer | None),
        refusal=refusal(errors[0]) if errors else None,
    )


async def renew(
    transport: Transport, *, lease: LeaseInput, deadline_seconds: float | None = None
) -> LeaseVerdict:
    """Say that this process still runs the run, and hear whether it should."""
    payload = await change(
        transport,
        NOUN,
        "RunRenew",
        input={"lease": lease.as_variables()},
        deadline_seconds=deadline_seconds,
    )
    return msgspec.convert(payload["verdict"], LeaseVerdict)


async def create(transport: Transport, *, workspace_id: str, run: NewRun) -> FlowRun:
    """Create one run; the same idempotency key answers with the run created first."""
    payload = await change(
        transport, NOUN, "FlowRunCreate", input=run.as_variables(workspace_id=workspace_id)
    )
    return msgspec.convert(payload["flowRun"], FlowRun)


async def create_batch(
    transport: Transport,
    *,
    workspace_id: str,
    runs: Sequence[NewRun],
    idempotency_key: str | None = None,
) -> list[CreatedRun]:
    """Create many runs in one call; the answers come in the order of ``runs``.

    Args:
        transport: how to reach the server.
        workspace_id: where.
        runs: 1 to 1,000, without idempotency keys.
        idempotency_key: the same within 24 hours makes no second runs, and is answered as before.
    """
    payload = await change(
        transport,
        NOUN,
        "FlowRunCreateBatch",
        input=given(
            workspaceId=workspace_id,
            runs=[run.as_variables(workspace_id=workspace_id) for run in runs],
            idempotencyKey=idempotency_key,
        ),
    )
    return [
        CreatedRun(
            flow_run=msgspec.convert(result["flowRun"], FlowRun | None),
            is_duplicate=bool(result["duplicate"]),
            refusal=refusal(result["errors"][0]) if result["errors"] else None,
        )
        for result in payload["results"]
    ]


async def cancel(
    transport: Transport,
    *,
    flow_run_id: str,
    reason: str | None = None,
    grace_seconds: int = 30,
    is_forced: bool = False,
) -> FlowRun:
    """Ask the run to stop; it is Cancelling until its process has said so."""
    payload = await change(
        transport,
        NOUN,
        "FlowRunCancel",
        input=given(
            id=flow_run_id, reason=reason, graceSeconds=grace_seconds, force=is_forced or None
        ),
    )
    return msgspec.convert(payload["flowRun"], FlowRun)


async def retry(
    transport: Transport,
    *,
    flow_run_id: str,
    from_failed: bool = False,
    from_task_run_ids: Sequence[str] | None = None,
    parameters: dict[str, Any] | None = None,
) -> FlowRun:
    """Start a finished run again.

    Args:
        from_failed: only what did not complete, and what depends on it.
        from_task_run_ids: only these, and what depends on them.
        parameters: laid over those that the run has.
    """
    payload = await change(
        transport,
        NOUN,
        "FlowRunRetry",
        input=given(
            id=flow_run_id,
            fromFailed=from_failed or None,
            fromTaskRunIds=from_task_run_ids,
            parameters=parameters,
        ),
    )
    return msgspec.convert(payload["flowRun"], FlowRun)


async def get(transport: Transport, *, flow_run_id: str) -> FlowRun:
    """Return one run.

    Raises:
        NotFoundError: there is none, or this key may not see it.
    """
    found = await ask(transport, NOUN, "FlowRun", variables={"id": flow_run_id})
    return msgspec.convert(require(found, what=f"flow run {flow_run_id}"), FlowRun)


async def list_flow_runs(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    filter: dict[str, Any] | None = None,
    order_by: dict[str, Any] | None = None,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[FlowRun]:
    """Return runs, latest expected start first unless ``order_by`` says otherwise."""
    place = await ask_workspace(
        transport,
        NOUN,
        "FlowRuns",
        organization=organization,
        workspace=workspace,
        first=first,
        after=after,
        filter=filter,
        orderBy=order_by,
    )
    return read_page(place["flowRuns"], item=FlowRun)


async def updates(
    transport: Transport, *, flow_run_id: str, after: str | None = None
) -> AsyncIterator[RunUpdate]:
    """Follow a run's states and task runs from a cursor on; the caller re-opens a broken stream."""
    async with aclosing(
        transport.subscribe(
            document(NOUN, "FlowRunUpdates"),
            {"flowRunId": flow_run_id, "after": after},
            operation="FlowRunUpdates",
        )
    ) as messages:
        async for message in messages:
            yield msgspec.convert(message["flowRunUpdates"], RunUpdate)
