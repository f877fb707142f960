"""The client itself: what scripts ask of a workspace, each with its type."""

from headgate.client.deployments import DeploymentCalls
from headgate.client.flow_runs import RunCalls
from headgate.client.variables import VariableCalls
from headgate.client.work_pools import WorkPoolCalls


class Client(RunCalls, DeploymentCalls, WorkPoolCalls, VariableCalls):
    """One workspace of a server, with one key; ``async with`` closes its connections.

    Filters are those of ``headgate.client.schemas.filters``. Lists return 200 at most unless
    ``limit`` says otherwise. Every method raises an ``ApiError`` where the server refuses or stays
    away, and a ``NotFoundError`` where something is not there or the key may not see it.
    """
