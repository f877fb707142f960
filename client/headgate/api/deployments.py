"""Deployments over the API: upsert, pause, run, get, find, list."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from headgate.api import flow_runs
from headgate.api.calls import (
    PAGE_SIZE,
    Answer,
    Page,
    ask,
    ask_workspace,
    change,
    change_or_older,
    given,
    read_page,
    require,
)
from headgate.api.transport import Transport

NOUN = "deployments"


class ScheduleAnswer(Answer, frozen=True):
    """One schedule of a deployment; ``spec`` is as the API tells it."""

    id: str
    slug: str
    active: bool
    timezone: str
    spec: dict[str, Any]
    next_at: datetime | None = None


class DeploymentAnswer(Answer, frozen=True):
    """A deployment as the API shows it."""

    id: str
    name: str
    flow: flow_runs.Named
    version: int
    paused: bool
    tags: list[str]
    schedules: list[ScheduleAnswer]
    parameters: dict[str, Any]
    job_variables: dict[str, Any]
    entrypoint: str | None = None
    parameter_schema: dict[str, Any] | None = None
    description: str | None = None
    pull_steps: list[dict[str, Any]] | None = None
    work_pool: flow_runs.Named | None = None
    work_queue: flow_runs.Named | None = None

    @property
    def flow_id(self) -> str:
        """The id of its flow."""
        return self.flow.id

    @property
    def work_pool_name(self) -> str | None:
        """Whose agents run it; None where nobody's do."""
        return self.work_pool.name if self.work_pool else None

    @property
    def work_queue_name(self) -> str | None:
        """In which queue its runs wait."""
        return self.work_queue.name if self.work_queue else None

    @property
    def parameter_openapi_schema(self) -> dict[str, Any] | None:
        """The JSON Schema of its parameters, under Prefect's name."""
        return self.parameter_schema


class DeploymentInput(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What to store about a deployment; what is None keeps its stored value or the default.

    Args:
        blocks: those that its runs may use, as ``type-slug/name`` or ``type-slug/*``.
        starts: the deployments that its runs may start, as ``flow/deployment`` or ``flow/*``.
        schedules: as the API's ``DeploymentScheduleInput``; None keeps the stored schedules.
    """

    flow_name: str
    name: str
    expected_version: int | None = None
    entrypoint: str | None = None
    parameters: dict[str, Any] | None = None
    parameter_schema: dict[str, Any] | None = None
    enforce_parameter_schema: bool | None = None
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] | None = None
    schedules: Sequence[dict[str, Any]] | None = None
    description: str | None = None
    version_label: str | None = None
    git: dict[str, Any] | None = None
    pull_steps: Sequence[dict[str, Any]] | None = None
    blocks: Sequence[str] | None = None
    starts: Sequence[str] | None = None
    abandon_after: str | None = None
    fence: str | None = None
    infrastructure_retries: int | None = None
    late_threshold: str | None = None
    concurrency_limit: int | None = None
    on_collision: str | None = None
    collision_parameter: str | None = None
    on_agent_lost: str | None = None
    tags: Sequence[str] | None = None
    paused: bool | None = None


class StoredDeployment(msgspec.Struct, frozen=True, kw_only=True):
    """The deployment after an upsert, and whether it is new, or another than it was.

    Args:
        is_changed: None where the server is older, and does not say.
    """

    deployment: DeploymentAnswer
    is_created: bool
    is_changed: bool | None


async def upsert(
    transport: Transport, *, workspace_id: str, deployment: DeploymentInput
) -> StoredDeployment:
    """Create the deployment of this flow and name, or change it."""
    values = msgspec.to_builtins(deployment)
    payload = await _store(
        transport, "DeploymentUpsert", input=given(workspaceId=workspace_id, **values)
    )
    return _stored(payload)


async def upsert_all(
    transport: Transport, *, workspace_id: str, deployments: Sequence[DeploymentInput]
) -> list[StoredDeployment]:
    """Create or change at most 100 deployments in one step: all of them, or none.

    Raises:
        RefusedError: one was refused; ``path`` begins with deployments and its place.
    """
    inputs = [
        given(workspaceId=workspace_id, **msgspec.to_builtins(deployment))
        for deployment in deployments
    ]
    payload = await _store(
        transport,
        "DeploymentUpsertBatch",
        input={"workspaceId": workspace_id, "deployments": inputs},
    )
    return [_stored(result) for result in payload["results"]]


async def _store(transport: Transport, operation: str, *, input: dict[str, Any]) -> dict[str, Any]:
    """Run a mutation that says what it changed, where the server does."""
    return await change_or_older(transport, NOUN, operation, lacks="changed", input=input)


def _stored(result: dict[str, Any]) -> StoredDeployment:
    return StoredDeployment(
        deployment=msgspec.convert(result["deployment"], DeploymentAnswer),
        is_created=bool(result["created"]),
        is_changed=result.get("changed"),
    )


async def pause(
    transport: Transport, *, deployment_id: str, is_paused: bool = True
) -> DeploymentAnswer:
    """Stop the deployment's schedules, or let them go on."""
    payload = await change(
        transport, NOUN, "DeploymentPause", input={"id": deployment_id, "paused": is_paused}
    )
    return msgspec.convert(payload["deployment"], DeploymentAnswer)


async def run(
    transport: Transport, *, workspace_id: str, run: flow_runs.NewRun
) -> flow_runs.FlowRun:
    """Create a run of a deployment; ``run.deployment_id`` names it."""
    return await flow_runs.create(transport, workspace_id=workspace_id, run=run)


async def get(transport: Transport, *, deployment_id: str) -> DeploymentAnswer:
    """Return one deployment.

    Raises:
        NotFoundError: there is none, or this key may not see it.
    """
    found = await ask(transport, NOUN, "DeploymentById", variables={"id": deployment_id})
    return msgspec.convert(
        require(found or None, what=f"deployment {deployment_id}"), DeploymentAnswer
    )


async def find(
    transport: Transport, *, organization: str, workspace: str, flow_name: str, name: str
) -> DeploymentAnswer | None:
    """Return the deployment ``flow_name/name``; None when there is none."""
    page = await list_deployments(
        transport,
        organization=organization,
        workspace=workspace,
        filter={"name": {"eq": name}, "flow": {"name": {"eq": flow_name}}},
        first=1,
    )
    return page.items[0] if page.items else None


async def list_deployments(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    filter: dict[str, Any] | None = None,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[DeploymentAnswer]:
    """Return deployments by name."""
    place = await ask_workspace(
        transport,
        NOUN,
        "Deployments",
        organization=organization,
        workspace=workspace,
        first=first,
        after=after,
        filter=filter,
    )
    return read_page(place["deployments"], item=DeploymentAnswer)
