"""Deploys flows: stores on the server where a flow's code is and how agents are to run it."""

import asyncio
import difflib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from headgate.api import deployments, workspaces
from headgate.api.deployments import DeploymentInput, StoredDeployment
from headgate.api.transport import SyncTransport, Transport
from headgate.deployments.git import read_git
from headgate.deployments.schedules import Schedule, as_input, as_iso
from headgate.engine.named_steps import own_name
from headgate.engine.templates import holds_templates
from headgate.errors import EntrypointError, ParameterError
from headgate.flows import Flow
from headgate.settings import load_settings

SET_WORKING_DIRECTORY = "headgate.deployments.steps.set_working_directory"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentSpec:
    """What an author says about a deployment; None keeps what the server has.

    Args:
        entrypoint: ``path/file.py:flow`` from ``directory``.
        directory: the folder that a run works in; agents need the code there.
        pull_steps: what brings the code to a run instead of ``directory``.
        build_steps, push_steps: what is to be done before it is stored.
        ignored: what its file says of it that is not stored.
        problem: why what names it in its file names nothing here; None where it does.
        blocks: those that its runs may use, as ``type-slug/name`` or ``type-slug/*``.
        starts: the deployments that its runs may start, as ``flow/deployment`` or ``flow/*``.
        concurrency_limit: how many of its runs agents hold at once.
        on_collision: ENQUEUE, CANCEL_NEW, CANCEL_OLD or COALESCE: what follows when one more is
            made.
        collision_parameter: COALESCE: the parameter whose value is a run's key.
        is_schema_enforced: whether runs with other parameters are refused as they are made.
        on_agent_lost: CRASH or RETRY: what becomes of a run whose agent is lost.
        infrastructure_retries: how often a run starts anew whose process or agent was lost.
        abandon_after: how long a silent agent's run is waited for.
        late_threshold: how long after its time a run that waits is Late.
        version: what to call the version that this makes; what git says is told beside it.
    """

    name: str
    entrypoint: str
    directory: Path
    work_pool: str | None = None
    work_queue: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    schedules: Sequence[Schedule] | None = None
    tags: Sequence[str] | None = None
    description: str | None = None
    is_paused: bool | None = None
    job_variables: Mapping[str, Any] | None = None
    pull_steps: Sequence[dict[str, Any]] | None = None
    build_steps: Sequence[dict[str, Any]] | None = None
    push_steps: Sequence[dict[str, Any]] | None = None
    blocks: Sequence[str] | None = None
    starts: Sequence[str] | None = None
    concurrency_limit: int | None = None
    on_collision: str | None = None
    collision_parameter: str | None = None
    is_schema_enforced: bool | None = None
    on_agent_lost: str | None = None
    infrastructure_retries: int | None = None
    abandon_after: timedelta | None = None
    late_threshold: timedelta | None = None
    version: str | None = None
    ignored: Sequence[str] = ()
    problem: str | None = None


def deploy(flow: Flow[..., Any], *, name: str, work_pool: str, **options: Any) -> StoredDeployment:
    """Create a flow's deployment of this name, or change it, on the configured server.

    Args:
        options: the other fields of :class:`DeploymentSpec`; the code is where the flow's file is
            unless ``entrypoint`` and ``directory`` say otherwise.

    Raises:
        SettingsError: no server or no workspace is configured.
        EntrypointError: the flow is not defined in a file, so no agent could import it.
        ParameterError: the flow has no such parameter, or a value does not fit.
        NotFoundError: there is no such pool or queue.
    """
    directory = Path(options.pop("directory", None) or Path.cwd())
    entrypoint = options.pop("entrypoint", None) or entrypoint_of(flow, directory=directory)
    spec = DeploymentSpec(
        name=name, work_pool=work_pool, entrypoint=entrypoint, directory=directory, **options
    )
    return deploy_spec(flow, spec=spec)


def deploy_spec(flow: Flow[..., Any], *, spec: DeploymentSpec) -> StoredDeployment:
    """Store a deployment on the configured server.

    Raises:
        SettingsError: no server or no workspace is configured.
        ParameterError: the flow has no such parameter, or a value does not fit.
        NotFoundError: there is no such pool or queue.
    """
    settings = load_settings()
    organization, workspace = settings.require_workspace()
    transport = SyncTransport(settings.require_api_url(), settings.api_key)
    try:
        workspace_id = transport.call(
            workspaces.get_id, organization=organization, workspace=workspace
        )
        return transport.call(upsert, workspace_id=workspace_id, flow=flow, spec=spec)
    finally:
        transport.close()


async def upsert(
    transport: Transport, *, workspace_id: str, flow: Flow[..., Any], spec: DeploymentSpec
) -> StoredDeployment:
    """Store a deployment over a transport.

    Raises:
        ParameterError: the flow has no such parameter, or a value does not fit.
        NotFoundError: there is no such pool or queue.
    """
    git = await asyncio.to_thread(read_git, spec.directory)
    wanted = input_of(flow, spec=spec, git=git)
    return await deployments.upsert(transport, workspace_id=workspace_id, deployment=wanted)


async def upsert_all(
    transport: Transport,
    *,
    workspace_id: str,
    deployed: Sequence[tuple[DeploymentSpec, Flow[..., Any]]],
) -> list[StoredDeployment]:
    """Store several deployments over a transport: all of them, or none.

    Raises:
        ParameterError: a flow has no such parameter, or a value does not fit.
        RefusedError: the server refused one; ``path`` tells which, and nothing was stored.
    """
    wanted = [
        input_of(flow, spec=spec, git=await asyncio.to_thread(read_git, spec.directory))
        for spec, flow in deployed
    ]
    return await deployments.upsert_all(transport, workspace_id=workspace_id, deployments=wanted)


def input_of(
    flow: Flow[..., Any], *, spec: DeploymentSpec, git: dict[str, Any] | None = None
) -> DeploymentInput:
    """Return what is stored of a deployment.

    Raises:
        ParameterError: the flow has no such parameter, or a value does not fit.
    """
    check_parameters(flow, parameters=spec.parameters)
    directory = str(spec.directory.resolve())
    local = [{SET_WORKING_DIRECTORY: {"directory": directory}}]
    return DeploymentInput(
        flow_name=flow.name,
        name=spec.name,
        entrypoint=spec.entrypoint,
        parameters=dict(spec.parameters),
        parameter_schema=flow.parameter_schema(),
        enforce_parameter_schema=spec.is_schema_enforced,
        work_pool_name=spec.work_pool,
        work_queue_name=spec.work_queue,
        job_variables=dict(spec.job_variables) if spec.job_variables is not None else None,
        schedules=as_input(spec.schedules) if spec.schedules is not None else None,
        description=spec.description or flow.description,
        pull_steps=_own_names(spec.pull_steps) if spec.pull_steps is not None else local,
        blocks=list(spec.blocks) if spec.blocks is not None else None,
        starts=list(spec.starts) if spec.starts is not None else None,
        version_label=spec.version,
        git=git,
        tags=list(spec.tags) if spec.tags is not None else None,
        paused=spec.is_paused,
        concurrency_limit=spec.concurrency_limit,
        on_collision=spec.on_collision,
        collision_parameter=spec.collision_parameter,
        on_agent_lost=spec.on_agent_lost,
        infrastructure_retries=spec.infrastructure_retries,
        abandon_after=as_iso(spec.abandon_after),
        late_threshold=as_iso(spec.late_threshold),
    )


def _own_names(steps: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return steps under the names that they have here."""
    return [{own_name(name): inputs for name, inputs in step.items()} for step in steps]


def entrypoint_of(flow: Flow[..., Any], *, directory: Path) -> str:
    """Return ``path/file.py:flow`` of a flow from a folder; the path is absolute outside of it.

    Raises:
        EntrypointError: the flow is not defined at the top of a file.
    """
    is_function = inspect.isroutine(flow.fn)
    file = inspect.getsourcefile(flow.fn) if is_function else None
    name = flow.fn.__qualname__ if is_function else ""
    if file is None or not Path(file).is_file() or "<locals>" in name:
        message = (
            f"The flow {flow.name!r} is not defined at the top of a file: no agent can import it"
        )
        raise EntrypointError(message)
    path = Path(file).resolve()
    root = directory.resolve()
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    return f"{shown.as_posix()}:{name}"


def check_parameters(flow: Flow[..., Any], *, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that would fail every run; what a run must still give may be missing.

    Raises:
        ParameterError: the flow has no such parameter, or a value does not fit.
    """
    known = flow.spec.signature.parameters
    kinds = {parameter.kind for parameter in known.values()}
    for name in parameters:
        if name not in known and inspect.Parameter.VAR_KEYWORD not in kinds:
            close = difflib.get_close_matches(name, known, n=1)
            meant = f"; did you mean {close[0]!r}?" if close else f"; it has {list(known)}"
            message = f"The flow {flow.name!r} has no parameter {name!r}{meant}"
            raise ParameterError(message)
    required = [
        name
        for name, parameter in known.items()
        if parameter.default is parameter.empty
        and parameter.kind not in {parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL}
    ]
    if all(name in parameters for name in required) and not holds_templates(parameters):
        flow.validate_parameters(parameters)
