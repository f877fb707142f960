"""``headgate … delete``: runs, flows, deployments and pools, for good."""

from typing import Annotated

from cyclopts import Parameter

from headgate.api import deletions
from headgate.api.deletions import Deletable
from headgate.cli import names
from headgate.cli.confirming import YesOption, confirm
from headgate.cli.connection import Server, connect
from headgate.cli.output import say

Name = Annotated[str, Parameter(help="its name, or its id")]


def delete_flow_run(name: Name, /, *, yes: YesOption = False) -> None:
    """Delete a run that has ended, with its history and log."""
    with connect() as server:
        run = names.get_flow_run(server, name=name)
        _delete(server, "FlowRun", run.id, what=f"the run {run.name}", is_sure=yes)


def delete_deployment(name: Name, /, *, yes: YesOption = False) -> None:
    """Delete a deployment with its schedules; runs that have ended stay."""
    with connect() as server:
        deployment = names.get_deployment(server, name=name)
        what = f"the deployment {names.full_name(deployment)} and its schedules"
        _delete(server, "Deployment", deployment.id, what=what, is_sure=yes)


def delete_flow(name: Name, /, *, yes: YesOption = False) -> None:
    """Delete a flow without deployments, with all its runs."""
    with connect() as server:
        id_ = name if name.startswith("flow_") else names.get_flow(server, name=name).id
        _delete(server, "Flow", id_, what=f"the flow {name} and all its runs", is_sure=yes)


def delete_work_pool(name: Name, /, *, yes: YesOption = False) -> None:
    """Delete a pool that nothing needs, with its queues and agents."""
    with connect() as server:
        pool = names.get_work_pool(server, name=name)
        what = f"the work pool {pool.name} and its agents' keys"
        _delete(server, "WorkPool", pool.id, what=what, is_sure=yes)


def _delete(server: Server, kind: Deletable, id_: str, *, what: str, is_sure: bool) -> None:
    confirm(f"Delete {what} for good", is_sure=is_sure)
    server.call(deletions.delete, kind=kind, id_=id_)
    say(f"Deleted {what}.")
