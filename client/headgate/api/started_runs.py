"""Runs that runs start, over the API: start one as a run, and see how it goes."""

from datetime import datetime

import msgspec

from headgate.api.calls import Answer, ask, change, given, require
from headgate.api.flow_runs import NewRun
from headgate.api.states import StateAnswer
from headgate.api.transport import Transport

NOUN = "flow_runs"


class StartedRun(Answer, frozen=True):
    """A run that another has started, as far as the other sees it."""

    id: str
    name: str
    state: StateAnswer
    deployment_id: str | None = None
    expected_start: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    coalesced_into: "StartedRun | None" = None


async def start(
    transport: Transport, *, run: NewRun, deployment_name: str | None = None
) -> StartedRun:
    """Start a run of a deployment as a run, with its own token.

    Args:
        deployment_name: ``flow/deployment``, where the run names no deployment's id.
    """
    wanted = run.as_variables(workspace_id="")
    del wanted["workspaceId"]
    payload = await change(
        transport, NOUN, "FlowRunStart", input=wanted | given(deploymentName=deployment_name)
    )
    return msgspec.convert(payload["run"], StartedRun)


async def get_started(transport: Transport, *, flow_run_id: str) -> StartedRun:
    """Return a run that the run whose token speaks has started.

    Raises:
        NotFoundError: there is none, or another has started it.
    """
    found = await ask(transport, NOUN, "FlowRunStarted", variables={"id": flow_run_id})
    return msgspec.convert(require(found, what=f"flow run {flow_run_id}"), StartedRun)
