"""Runs that start runs of deployments, with their own token: what they may, and what became of it.

A run may start what its deployment names or, in its caller's own process, what its caller may start
now. It follows those that it started, and sees no others.
"""

from dataclasses import dataclass, replace
from uuid import UUID

from headgate_server.database.work import UnitOfWork
from headgate_server.domain import deployments as rules
from headgate_server.domain import templates
from headgate_server.domain.collisions import coalesced_into
from headgate_server.domain.deployments import Deployment
from headgate_server.domain.documents import is_storable
from headgate_server.domain.errors import Forbidden, InvalidInput, NotFound
from headgate_server.domain.flow_runs import FlowRun
from headgate_server.domain.permissions import Scope, gather
from headgate_server.domain.states import StateType
from headgate_server.domain.tenancy import ActorKind, RunGrant
from headgate_server.repositories import deployments, flows, workspaces
from headgate_server.repositories.blocks import access as origins
from headgate_server.repositories.blocks.access import RunOrigin
from headgate_server.repositories.flow_runs.plan import find_root_of_task
from headgate_server.repositories.flow_runs.read import get_many_flow_runs, get_many_states
from headgate_server.repositories.leases.guard import guard_grant
from headgate_server.services.flow_runs.create import RunRequest, create_run

MAX_NAMESAKES = 20
"""How many deployments of one name, of different flows, are looked at."""


@dataclass(frozen=True, slots=True)
class Target:
    """The deployment to run: by its id, or as ``flow/deployment``."""

    id: UUID | None = None
    name: str | None = None


async def start_run(
    work: UnitOfWork, target: Target, request: RunRequest, *, grant: RunGrant
) -> FlowRun:
    """Create a run of a deployment in the name of the run whose token is shown.

    Args:
        work: the unit of work.
        target: which deployment.
        request: what to run; its deployment is the target's.
        grant: the run that starts it, under its live lease.

    Raises:
        Forbidden: the workspace is closed, or the token starts nothing.
        InvalidInput: blocks among the parameters, or what ``create_run`` refuses.
        LeaseLost: the run has ended, or was given to another.
        NotFound: no such deployment, or the run may not start it: it is not told which; or the
            parent task run is none of its own.
        QuotaExceeded: the organization may make no more runs for now.
    """
    if not grant.may_start:
        raise Forbidden("Who began this run may not start others, so it may not either.")
    if templates.names_blocks(request.parameters):
        raise InvalidInput(
            "A run passes no blocks on; name them in the deployment's own parameters, or load "
            "them in its flow.",
            path=["parameters"],
        )
    await guard_grant(work, run_id=grant.run_id, epoch=grant.epoch)
    if not await workspaces.is_kept_open(work):
        raise Forbidden("Nothing starts in this workspace: it is archived or suspended.")
    await _check_parent(work, request.parent_task_run_id, run_id=grant.run_id)
    deployment = await _find(work, target, run_id=grant.run_id)
    return await create_run(work, replace(request, deployment_id=deployment.id))


async def check_starts_all(work: UnitOfWork, grant: RunGrant) -> None:
    """Go on only if a run may start whatever there is in its workspace, while its lease is live.

    Raises:
        Forbidden: the workspace is closed, or the run may start nothing, or only what it names.
        LeaseLost: the run has ended, or was given to another.
    """
    if not grant.may_start:
        raise Forbidden("Who began this run may not start others, so it may not either.")
    await guard_grant(work, run_id=grant.run_id, epoch=grant.epoch)
    if not await workspaces.is_kept_open(work):
        raise Forbidden("Nothing starts in this workspace: it is archived or suspended.")
    origin = await origins.find_origin(work, run_id=grant.run_id)
    if origin is None or not await _starts_all(work, origin):
        raise Forbidden(
            "This run starts only what its deployment names under starts; let it name nothing "
            "there, and it may start all."
        )


async def _starts_all(work: UnitOfWork, origin: RunOrigin) -> bool:
    if origin.is_deployed:
        return origin.starts is None
    if origin.created_by.id is None:
        return False
    grants = await origins.list_grants(work, holder_id=origin.created_by.id)
    return Scope.RUNS_WRITE in gather(grants, is_member=False).within(work.workspace_id)


async def find_started(
    work: UnitOfWork, id_: UUID, *, by: UUID
) -> tuple[FlowRun, FlowRun | None] | None:
    """Return a run that a run has started, and the one that it was coalesced into, if it was.

    None where another has started it.
    """
    run = (await get_many_flow_runs(work, [id_])).get(id_)
    if run is None or run.root_run_id is not None:
        return None
    if (run.created_by.kind, run.created_by.id) != (ActorKind.RUN, by):
        return None
    if run.state_type is not StateType.CANCELLED:
        return run, None
    key = (run.id, run.state_sequence)
    state = (await get_many_states(work, [key])).get(key)
    other_id = coalesced_into(state.details) if state is not None else None
    if other_id is None:
        return run, None
    return run, (await get_many_flow_runs(work, [other_id])).get(other_id)


async def _find(work: UnitOfWork, target: Target, *, run_id: UUID) -> Deployment:
    """Return the deployment that is meant, among those that the run may start."""
    if target.name is not None:
        path = "deploymentName"
        named = await _list_named(work, target.name)
    else:
        path = "deploymentId"
        named = list((await deployments.get_many(work, [target.id] if target.id else [])).values())
    found = [one for one in named if await _may_start(work, one, run_id=run_id)]
    if not found:
        raise NotFound(
            "No such deployment, or this run may not start it. A deployment names what its runs "
            "may start, under starts.",
            path=[path],
        )
    if len(found) > 1:
        raise InvalidInput(
            f"Several flows have a deployment named {target.name}; write flow/{target.name}.",
            path=[path],
        )
    return found[0]


async def _list_named(work: UnitOfWork, name: str) -> list[Deployment]:
    if not is_storable(name):
        return []
    flow_name, _, own_name = name.rpartition("/")
    return await deployments.list_by_name(
        work, name=own_name, flow_name=flow_name or None, most=MAX_NAMESAKES
    )


async def _check_parent(work: UnitOfWork, task_run_id: UUID | None, *, run_id: UUID) -> None:
    if task_run_id is None:
        return
    found = await find_root_of_task(work, task_run_id)
    if found is None or run_id not in found:
        raise NotFound("No such task run to be the parent.", path=["parentTaskRunId"])


async def _may_start(work: UnitOfWork, deployment: Deployment, *, run_id: UUID) -> bool:
    origin = await origins.find_origin(work, run_id=run_id)
    if origin is None:
        return False
    if origin.is_deployed:
        flow = (await flows.get_many(work, [deployment.flow_id]))[deployment.flow_id]
        return rules.may_start(origin.starts, flow_name=flow.name, name=deployment.name)
    if origin.created_by.id is None:
        return False
    grants = await origins.list_grants(work, holder_id=origin.created_by.id)
    held = gather(grants, is_member=False).within(work.workspace_id, on=deployment.id)
    return Scope.RUNS_WRITE in held
