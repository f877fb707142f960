"""The client for code without an event loop: the same methods, each waits for its answer."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

from headgate.api.transport import SyncTransport, Transport
from headgate.client.clients import Client

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(
    method: Callable[Concatenate[Client, P], Awaitable[T]],
) -> Callable[Concatenate["SyncClient", P], T]:
    def wait(self: "SyncClient", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.wait_for(method, *args, **kwargs)

    wait.__name__, wait.__doc__ = method.__name__, method.__doc__
    return wait


class SyncClient:
    """One workspace of a server, with one key; ``with`` closes its connections."""

    def __init__(self, transport: SyncTransport, *, organization: str, workspace: str) -> None:
        self._transport = transport
        self._client = Client(transport.transport, organization=organization, workspace=workspace)

    def wait_for(
        self,
        method: Callable[Concatenate[Client, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Call a method of the client and wait for its answer."""

        async def call(_: Transport) -> T:
            return await method(self._client, *args, **kwargs)

        return self._transport.call(call)

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self._transport.close()

    @property
    def api_url(self) -> str:
        """The address of the server."""
        return self._client.api_url

    execute = _blocking(Client.execute)
    workspace_id = _blocking(Client.workspace_id)
    hello = _blocking(Client.hello)
    api_version = _blocking(Client.api_version)
    api_healthcheck = _blocking(Client.api_healthcheck)
    read_flow_run = _blocking(Client.read_flow_run)
    read_flow_runs = _blocking(Client.read_flow_runs)
    read_task_run = _blocking(Client.read_task_run)
    read_task_runs = _blocking(Client.read_task_runs)
    read_logs = _blocking(Client.read_logs)
    create_flow_run_from_deployment = _blocking(Client.create_flow_run_from_deployment)
    set_flow_run_state = _blocking(Client.set_flow_run_state)
    read_flow_run_states = _blocking(Client.read_flow_run_states)
    read_task_run_states = _blocking(Client.read_task_run_states)
    resume_flow_run = _blocking(Client.resume_flow_run)
    cancel_flow_run = _blocking(Client.cancel_flow_run)
    retry_flow_run = _blocking(Client.retry_flow_run)
    delete_flow_run = _blocking(Client.delete_flow_run)
    create_flow_from_name = _blocking(Client.create_flow_from_name)
    read_flow = _blocking(Client.read_flow)
    read_flow_by_name = _blocking(Client.read_flow_by_name)
    read_flows = _blocking(Client.read_flows)
    delete_flow = _blocking(Client.delete_flow)
    read_deployment = _blocking(Client.read_deployment)
    read_deployment_by_name = _blocking(Client.read_deployment_by_name)
    read_deployments = _blocking(Client.read_deployments)
    update_deployment = _blocking(Client.update_deployment)
    delete_deployment = _blocking(Client.delete_deployment)
    pause_deployment = _blocking(Client.pause_deployment)
    resume_deployment = _blocking(Client.resume_deployment)
    set_deployment_paused_state = _blocking(Client.set_deployment_paused_state)
    read_deployment_schedules = _blocking(Client.read_deployment_schedules)
    create_deployment_schedules = _blocking(Client.create_deployment_schedules)
    update_deployment_schedule = _blocking(Client.update_deployment_schedule)
    delete_deployment_schedule = _blocking(Client.delete_deployment_schedule)
    read_work_pool = _blocking(Client.read_work_pool)
    read_work_pools = _blocking(Client.read_work_pools)
    create_work_pool = _blocking(Client.create_work_pool)
    update_work_pool = _blocking(Client.update_work_pool)
    delete_work_pool = _blocking(Client.delete_work_pool)
    read_work_queues = _blocking(Client.read_work_queues)
    read_work_queue_by_name = _blocking(Client.read_work_queue_by_name)
    read_workers_for_work_pool = _blocking(Client.read_workers_for_work_pool)
    read_global_concurrency_limits = _blocking(Client.read_global_concurrency_limits)
    read_global_concurrency_limit_by_name = _blocking(Client.read_global_concurrency_limit_by_name)
    create_global_concurrency_limit = _blocking(Client.create_global_concurrency_limit)
    update_global_concurrency_limit = _blocking(Client.update_global_concurrency_limit)
    upsert_global_concurrency_limit_by_name = _blocking(
        Client.upsert_global_concurrency_limit_by_name
    )
    delete_global_concurrency_limit_by_name = _blocking(
        Client.delete_global_concurrency_limit_by_name
    )
    create_concurrency_limit = _blocking(Client.create_concurrency_limit)
    read_concurrency_limits = _blocking(Client.read_concurrency_limits)
    read_concurrency_limit_by_tag = _blocking(Client.read_concurrency_limit_by_tag)
    delete_concurrency_limit_by_tag = _blocking(Client.delete_concurrency_limit_by_tag)
    read_variables = _blocking(Client.read_variables)
    read_variable_by_name = _blocking(Client.read_variable_by_name)
    create_variable = _blocking(Client.create_variable)
    update_variable = _blocking(Client.update_variable)
    delete_variable_by_name = _blocking(Client.delete_variable_by_name)
    read_artifacts = _blocking(Client.read_artifacts)
    read_latest_artifacts = _blocking(Client.read_latest_artifacts)
    delete_artifact = _blocking(Client.delete_artifact)
    read_block_document_by_name = _blocking(Client.read_block_document_by_name)
    read_events = _blocking(Client.read_events)
