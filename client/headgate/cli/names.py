"""Finds what a person named: by id, or by name; says what was probably meant when there is none."""

import shlex
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial

from headgate.api import deployments, flow_runs, flows, work_pools
from headgate.api.deployments import DeploymentAnswer
from headgate.api.flow_runs import FlowRun
from headgate.api.flows import FlowAnswer
from headgate.api.work_pools import WorkPoolAnswer, WorkQueueAnswer
from headgate.cli.connection import Server
from headgate.cli.failures import CommandError, ExitCode, near_names
from headgate.errors import InvalidInputError, NotFoundError

KNOWN_NAMES = 300
"""How many names are looked through for one that is close."""
NAMESAKES = 10


def get_deployment(server: Server, *, name: str) -> DeploymentAnswer:
    """Return the deployment with this id, of this ``flow/name``, or of this name alone.

    Raises:
        CommandError: there is none, or several flows have one of this name.
    """
    if name.startswith("dep_"):
        with _listed_by("headgate deployments list"):
            return server.call(deployments.get, deployment_id=name)
    flow_name, _, own_name = name.rpartition("/")
    wanted: dict[str, object] = {"name": {"eq": own_name}}
    if flow_name:
        wanted["flow"] = {"name": {"eq": flow_name}}
    found = server.collect(
        partial(deployments.list_deployments, filter=wanted), limit=NAMESAKES, is_told=False
    )
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(full_name(deployment) for deployment in found)
        message = f"{len(found)} flows have a deployment named {name!r}"
        raise CommandError(message, code=ExitCode.USAGE, hints=[f"Name one of: {names}."])
    known = server.collect(deployments.list_deployments, limit=KNOWN_NAMES, is_told=False)
    raise CommandError(
        f"There is no deployment {name!r} in {server.organization}/{server.workspace}",
        code=ExitCode.NOT_FOUND,
        hints=near_names(name, known=map(full_name, known), listing="headgate deployments list"),
    )


def full_name(deployment: DeploymentAnswer) -> str:
    """Return ``flow/deployment``."""
    return f"{deployment.flow.name}/{deployment.name}"


def get_flow_run(server: Server, *, name: str) -> FlowRun:
    """Return the run with this id or of this name.

    Raises:
        CommandError: there is none, or several runs have this name.
    """
    if name.startswith("run_"):
        with _listed_by("headgate flow-runs list"):
            return server.call(flow_runs.get, flow_run_id=name)
    found = server.collect(
        partial(flow_runs.list_flow_runs, filter={"name": {"eq": name}}),
        limit=NAMESAKES,
        is_told=False,
    )
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(f"{run.id} ({run.state.name})" for run in found)
        message = f"{len(found)} runs are named {name!r}"
        raise CommandError(message, code=ExitCode.USAGE, hints=[f"Give the id of one: {ids}."])
    known = server.collect(flow_runs.list_flow_runs, limit=KNOWN_NAMES, is_told=False)
    raise CommandError(
        f"There is no flow run {name!r} in {server.organization}/{server.workspace}",
        code=ExitCode.NOT_FOUND,
        hints=near_names(
            name, known=(run.name for run in known), listing="headgate flow-runs list"
        ),
    )


def get_flow(server: Server, *, name: str) -> FlowAnswer:
    """Return the flow of this name.

    Raises:
        CommandError: there is none.
    """
    place = {"organization": server.organization, "workspace": server.workspace}
    found = server.call(flows.find, **place, name=name)
    if found is not None:
        return found
    known = server.collect(flows.list_flows, limit=KNOWN_NAMES, is_told=False)
    raise CommandError(
        f"There is no flow {name!r} in {server.organization}/{server.workspace}",
        code=ExitCode.NOT_FOUND,
        hints=near_names(name, known=(flow.name for flow in known), listing="headgate flows list"),
    )


@contextmanager
def _listed_by(command: str) -> Generator[None]:
    """Say where ids are to be seen when one is wrong, or nothing has it."""
    try:
        yield
    except (NotFoundError, InvalidInputError) as error:
        hints = [f"`{command}` shows what there is."]
        raise CommandError(str(error), code=ExitCode.NOT_FOUND, hints=hints) from error


def get_work_pool(server: Server, *, name: str) -> WorkPoolAnswer:
    """Return the pool of this name.

    Raises:
        CommandError: there is none.
    """
    try:
        return server.call(
            work_pools.get,
            organization=server.organization,
            workspace=server.workspace,
            name=name,
        )
    except NotFoundError as error:
        known = server.collect(work_pools.list_work_pools, limit=KNOWN_NAMES, is_told=False)
        hints = near_names(
            name, known=(pool.name for pool in known), listing="headgate work-pools list"
        )
        raise CommandError(
            f"There is no work pool {name!r} in {server.organization}/{server.workspace}",
            code=ExitCode.NOT_FOUND,
            hints=[*hints, f"`headgate work-pools create {shlex.quote(name)}` makes it."],
        ) from error


def list_queues(server: Server, *, pool: WorkPoolAnswer) -> list[WorkQueueAnswer]:
    """Return all queues of a pool, the one served first first."""
    place = {"organization": server.organization, "workspace": server.workspace}
    return server.call(work_pools.list_all_queues, **place, pool=pool)
