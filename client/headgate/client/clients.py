"""The client itself: what scripts ask of a workspace, each with its type."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any, Self

from headgate.api import (
    deletions,
    deployments,
    flow_runs,
    flows,
    logs,
    task_runs,
    variables,
    work_pools,
    workspaces,
)
from headgate.api.calls import Page
from headgate.api.deployments import DeploymentAnswer
from headgate.api.flow_runs import FlowRun, NewRun
from headgate.api.flows import FlowAnswer
from headgate.api.logs import LogLine
from headgate.api.task_runs import TaskRun
from headgate.api.transport import Transport
from headgate.api.variables import VariableAnswer
from headgate.api.work_pools import WorkPoolAnswer
from headgate.errors import NotFoundError

LONGEST_PAGE = 100
DEFAULT_LIMIT = 200


class Client:
    """One workspace of a server, with one key; ``async with`` closes its connections.

    Filters are those of the API, as ``{"state": {"type": ["FAILED"]}}``. Every method raises an
    ``ApiError`` where the server refuses or stays away, and a ``NotFoundError`` where something is
    not there or the key may not see it.
    """

    def __init__(self, transport: Transport, *, organization: str, workspace: str) -> None:
        self._transport = transport
        self._place = {"organization": organization, "workspace": workspace}
        self._workspace_id: str | None = None

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self._transport.close()

    async def execute(
        self, document: str, variables: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Send a GraphQL document with one operation, and return its data."""
        return await self._transport.execute(document, dict(variables or {}), operation=None)

    async def workspace_id(self) -> str:
        """Return the id of the workspace, which is asked for once."""
        if self._workspace_id is None:
            self._workspace_id = await workspaces.get_id(self._transport, **self._place)
        return self._workspace_id

    async def read_flow_run(self, flow_run_id: str) -> FlowRun:
        """Return a flow run."""
        return await flow_runs.get(self._transport, flow_run_id=flow_run_id)

    async def read_flow_runs(
        self, *, filter: Mapping[str, Any] | None = None, limit: int = DEFAULT_LIMIT
    ) -> list[FlowRun]:
        """Return flow runs, latest expected start first."""
        wanted = None if filter is None else dict(filter)
        return await self._all(partial(flow_runs.list_flow_runs, filter=wanted), limit=limit)

    async def read_task_runs(
        self, flow_run_id: str, *, limit: int = DEFAULT_LIMIT
    ) -> list[TaskRun]:
        """Return the task runs of a flow run, the newest first."""
        wanted = {"flowRunId": {"eq": flow_run_id}}
        return await self._all(partial(task_runs.list_task_runs, filter=wanted), limit=limit)

    async def read_logs(self, flow_run_id: str, *, limit: int = DEFAULT_LIMIT) -> list[LogLine]:
        """Return lines of a run's log, the oldest first."""
        lines: list[LogLine] = []
        after: str | None = None
        while True:
            page = await logs.list_logs(
                self._transport,
                flow_run_id=flow_run_id,
                first=min(LONGEST_PAGE, limit - len(lines)),
                after=after,
            )
            lines += page.items
            after = page.end_cursor
            if not page.has_next_page or len(lines) >= limit:
                return lines

    async def create_flow_run_from_deployment(
        self,
        deployment_id: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        idempotency_key: str | None = None,
        scheduled_time: datetime | None = None,
        job_variables: Mapping[str, Any] | None = None,
    ) -> FlowRun:
        """Create a run of a deployment; the same key within 24 hours finds the run made first."""
        new = NewRun(
            deployment_id=deployment_id,
            parameters=None if parameters is None else dict(parameters),
            name=name,
            tags=tags,
            idempotency_key=idempotency_key,
            expected_start=scheduled_time,
            job_variables=None if job_variables is None else dict(job_variables),
        )
        workspace_id = await self.workspace_id()
        return await deployments.run(self._transport, workspace_id=workspace_id, run=new)

    async def cancel_flow_run(self, flow_run_id: str, *, reason: str | None = None) -> FlowRun:
        """Ask a run to stop; it is Cancelling until its process has said so."""
        return await flow_runs.cancel(self._transport, flow_run_id=flow_run_id, reason=reason)

    async def retry_flow_run(self, flow_run_id: str, *, from_failed: bool = False) -> FlowRun:
        """Start a run again that has ended: all of it, or what did not complete."""
        return await flow_runs.retry(
            self._transport, flow_run_id=flow_run_id, from_failed=from_failed
        )

    async def delete_flow_run(self, flow_run_id: str) -> None:
        """Delete a run that has ended."""
        await deletions.delete(self._transport, kind="FlowRun", id_=flow_run_id)

    async def read_flows(self, *, limit: int = DEFAULT_LIMIT) -> list[FlowAnswer]:
        """Return flows by name."""
        return await self._all(flows.list_flows, limit=limit)

    async def read_deployment(self, deployment_id: str) -> DeploymentAnswer:
        """Return a deployment."""
        return await deployments.get(self._transport, deployment_id=deployment_id)

    async def read_deployment_by_name(self, name: str) -> DeploymentAnswer:
        """Return the deployment ``flow/deployment``."""
        flow_name, _, own_name = name.partition("/")
        found = await deployments.find(
            self._transport, **self._place, flow_name=flow_name, name=own_name
        )
        if found is None:
            message = f"There is no deployment {name!r}, or this key may not see it"
            raise NotFoundError(message)
        return found

    async def read_deployments(
        self, *, filter: Mapping[str, Any] | None = None, limit: int = DEFAULT_LIMIT
    ) -> list[DeploymentAnswer]:
        """Return deployments by name."""
        wanted = None if filter is None else dict(filter)
        return await self._all(partial(deployments.list_deployments, filter=wanted), limit=limit)

    async def pause_deployment(self, deployment_id: str) -> DeploymentAnswer:
        """Stop a deployment's schedules."""
        return await deployments.pause(self._transport, deployment_id=deployment_id)

    async def resume_deployment(self, deployment_id: str) -> DeploymentAnswer:
        """Let a deployment's schedules go on."""
        return await deployments.pause(
            self._transport, deployment_id=deployment_id, is_paused=False
        )

    async def read_work_pools(self, *, limit: int = DEFAULT_LIMIT) -> list[WorkPoolAnswer]:
        """Return work pools by name."""
        return await self._all(work_pools.list_work_pools, limit=limit)

    async def read_variables(self, *, limit: int = DEFAULT_LIMIT) -> list[VariableAnswer]:
        """Return variables by name."""
        return await self._all(variables.list_variables, limit=limit)

    async def _all(self, lister: Any, *, limit: int) -> list[Any]:
        found: list[Any] = []
        after: str | None = None
        while True:
            first = min(LONGEST_PAGE, limit - len(found))
            page: Page[Any] = await lister(self._transport, **self._place, first=first, after=after)
            found += page.items
            after = page.end_cursor
            if not page.has_next_page or len(found) >= limit:
                return found
