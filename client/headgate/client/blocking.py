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

    execute = _blocking(Client.execute)
    workspace_id = _blocking(Client.workspace_id)
    read_flow_run = _blocking(Client.read_flow_run)
    read_flow_runs = _blocking(Client.read_flow_runs)
    read_task_runs = _blocking(Client.read_task_runs)
    read_logs = _blocking(Client.read_logs)
    create_flow_run_from_deployment = _blocking(Client.create_flow_run_from_deployment)
    cancel_flow_run = _blocking(Client.cancel_flow_run)
    retry_flow_run = _blocking(Client.retry_flow_run)
    delete_flow_run = _blocking(Client.delete_flow_run)
    read_flows = _blocking(Client.read_flows)
    read_deployment = _blocking(Client.read_deployment)
    read_deployment_by_name = _blocking(Client.read_deployment_by_name)
    read_deployments = _blocking(Client.read_deployments)
    pause_deployment = _blocking(Client.pause_deployment)
    resume_deployment = _blocking(Client.resume_deployment)
    read_work_pools = _blocking(Client.read_work_pools)
    read_variables = _blocking(Client.read_variables)
