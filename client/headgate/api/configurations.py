"""A workspace's configuration over the API, whole: what files say of it, null being a value."""

from datetime import timedelta
from typing import Any

from headgate.api.calls import PAGE_SIZE, Answer, Page, ask_workspace, change, read_page
from headgate.api.flow_runs import Named
from headgate.api.transport import Transport

NOUN = "configurations"


class Concurrency(Answer, frozen=True):
    """How many runs of a deployment may be held at once."""

    limit: int
    on_collision: str
    parameter: str | None = None


class CatchUp(Answer, frozen=True):
    """What follows an outage."""

    policy: str
    max: int
    window: timedelta


class WholeSchedule(Answer, frozen=True):
    """A schedule of a deployment; ``spec`` is as the API tells it."""

    slug: str
    active: bool
    timezone: str
    catch_up: CatchUp
    spec: dict[str, Any]
    parameters: dict[str, Any] | None = None


class WholeDeployment(Answer, frozen=True):
    """A deployment with all that can be set."""

    id: str
    version: int
    name: str
    flow: Named
    tags: list[str]
    paused: bool
    parameters: dict[str, Any]
    enforce_parameter_schema: bool
    job_variables: dict[str, Any]
    on_agent_lost: str
    abandon_after: timedelta
    fence: timedelta
    infrastructure_retries: int
    late_threshold: timedelta
    schedules: list[WholeSchedule]
    entrypoint: str | None = None
    description: str | None = None
    parameter_schema: dict[str, Any] | None = None
    pull_steps: list[dict[str, Any]] | None = None
    blocks: list[str] | None = None
    starts: list[str] | None = None
    concurrency: Concurrency | None = None
    work_pool: Named | None = None
    work_queue: Named | None = None


async def list_deployments(
    transport: Transport,
    *,
    organization: str,
    workspace: str,
    first: int = PAGE_SIZE,
    after: str | None = None,
) -> Page[WholeDeployment]:
    """Return a page of deployments by name, each with all that can be set."""
    place = await ask_workspace(
        transport,
        NOUN,
        "WholeDeployments",
        organization=organization,
        workspace=workspace,
        first=first,
        after=after,
    )
    return read_page(place["deployments"], item=WholeDeployment)


async def put_deployments(
    transport: Transport, *, workspace_id: str, deployments: list[dict[str, Any]]
) -> None:
    """Make or change at most 100 deployments in one step: all of them, or none.

    Args:
        deployments: the API's ``DeploymentUpsertInput`` of each.

    Raises:
        RefusedError: one was refused; ``path`` begins with deployments and its place.
    """
    wanted = {"workspaceId": workspace_id, "deployments": deployments}
    await change(transport, NOUN, "PutDeployments", input=wanted)


async def put_work_pool(transport: Transport, *, input: dict[str, Any]) -> str:
    """Make or change a work pool and return its id; ``input`` is a ``WorkPoolUpsertInput``.

    Raises:
        RefusedError: another type than it has, or not of the expected version.
    """
    payload = await change(transport, NOUN, "PutWorkPool", input=input)
    return str(payload["workPool"]["id"])


async def put_work_queue(transport: Transport, *, input: dict[str, Any]) -> None:
    """Make or change a queue; ``input`` is the API's ``WorkQueueUpsertInput``.

    Raises:
        RefusedError: a number out of its range.
    """
    await change(transport, NOUN, "PutWorkQueue", input=input)


async def put_block(transport: Transport, *, input: dict[str, Any]) -> None:
    """Make or change a block; ``input`` is the API's ``BlockDocumentUpsertInput``.

    Raises:
        RefusedError: the data does not fit the type, or it is not of the expected version.
    """
    await change(transport, NOUN, "PutBlock", input=input)
