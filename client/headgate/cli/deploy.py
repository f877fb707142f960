"""``headgate deploy``: a flow from the command line, or the deployments of headgate.yaml."""

import os
import shlex
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from headgate.api.deployments import DeploymentAnswer, StoredDeployment, find
from headgate.cli.connection import Server, connect
from headgate.cli.deployment_plans import show_plans
from headgate.cli.deployments import show_deployment
from headgate.cli.entrypoints import import_flow
from headgate.cli.failures import (
    CommandError,
    ExitCode,
    exit_code_of,
    hints_of,
    near_names,
    words_of,
)
from headgate.cli.names import full_name, get_work_pool
from headgate.cli.output import Columns, Format, OutputOption, say, show_list
from headgate.cli.parameters import ParameterOption, ParametersOption, read_parameters
from headgate.deployments.building import build_and_push
from headgate.deployments.plans import Plan, plan_of
from headgate.deployments.project_file import find_project_file, read_project
from headgate.deployments.schedules import Cron, Interval, Schedule, read_length
from headgate.deployments.storing import (
    DeploymentSpec,
    check_parameters,
    entrypoint_of,
    input_of,
    upsert_all,
)
from headgate.deployments.variables import with_variables
from headgate.errors import NotFoundError, RefusedError, SettingsError
from headgate.flows import Flow

ProjectFile = Annotated[
    Path | None,
    Parameter(name=("--file", "--prefect-file"), help="headgate.yaml, or else prefect.yaml"),
]
Pause = Annotated[bool | None, Parameter(negative="--no-paused", help="let no schedule fire")]


def deploy(
    entrypoint: Annotated[
        str | None, Parameter(help="path/file.py:flow; without it, headgate.yaml is read")
    ] = None,
    /,
    *,
    name: Annotated[
        list[str] | None, Parameter(name=("--name", "-n"), help="the deployment's name")
    ] = None,
    pool: Annotated[str | None, Parameter(name=("--pool",), help="whose agents run it")] = None,
    queue: Annotated[str | None, Parameter(help="the queue of the pool")] = None,
    cron: Annotated[str | None, Parameter(help="fire by this cron expression")] = None,
    interval: Annotated[str | None, Parameter(help="fire every 30s, 5m, 1h30m, …")] = None,
    timezone: Annotated[str | None, Parameter(help="the clock that cron reads; UTC")] = None,
    param: ParameterOption = None,
    params: ParametersOption = None,
    tag: Annotated[list[str] | None, Parameter(help="a tag, as often as needed")] = None,
    description: Annotated[str | None, Parameter(help="what it does")] = None,
    version: Annotated[str | None, Parameter(help="what to call this version")] = None,
    paused: Pause = None,
    all_: Annotated[bool, Parameter(name="--all", help="everything in headgate.yaml")] = False,
    file: ProjectFile = None,
    plan: Annotated[bool, Parameter(help="show what would change, and change nothing")] = False,
    output: OutputOption = "table",
) -> None:
    """Create a flow's deployment, or change it: what is not said keeps its value.

    Agents import the flow from the folder where this command runs, or where headgate.yaml is.
    Nothing is stored unless all can be: each flow imported, each step done, each taken.
    """
    names = name or []
    if entrypoint is None:
        file = file or find_project_file(Path())
        specs = _chosen(read_project(file), names=names, is_all=all_, file=file)
    else:
        one = DeploymentSpec(
            name=_only(names),
            entrypoint=entrypoint,
            directory=Path.cwd(),
            work_pool=pool,
            work_queue=queue,
            parameters=read_parameters(param, document=params),
            schedules=read_schedules(cron=cron, interval=interval, timezone=timezone),
            tags=tag,
            description=description,
            is_paused=paused,
            version=version,
        )
        specs = [one]
    _carry_out(specs, is_plan=plan, output=output)


def _carry_out(specs: Sequence[DeploymentSpec], *, is_plan: bool, output: Format) -> None:
    """Show what would change, or build, push and store."""
    for spec in specs:
        for key in spec.ignored:
            say(f"{spec.name}: {key} is not stored with a deployment: it is left out")
    flows = [_import(spec) for spec in specs]
    for spec, flow in flows:
        for name, cause in flow.unreadable_parameters().items():
            say(f"{spec.name}: {name} takes anything: its annotation cannot be read: {cause}")
    if is_plan:
        with connect() as server:
            named = [(with_variables(spec), flow) for spec, flow in flows]
            show_plans([_plan(server, spec, flow) for spec, flow in named], output=output)
        return
    built = build_and_push([spec for spec, _ in flows], say=say)
    with connect() as server:
        stored = _store(
            server, [(spec, flow) for spec, (_, flow) in zip(built, flows, strict=True)]
        )
    _show(stored, output=output)


def read_schedules(
    *, cron: str | None, interval: str | None, timezone: str | None
) -> list[Schedule] | None:
    """Return the schedule that the options say, None if none.

    Raises:
        CommandError: the options do not go together.
    """
    if cron and interval:
        message = "--cron and --interval do not go together"
        hint = "Several schedules for one deployment are written in headgate.yaml."
        raise CommandError(message, code=ExitCode.USAGE, hints=[hint])
    if timezone and not cron:
        message = "--timezone is the clock that --cron reads, and there is no --cron"
        raise CommandError(message, code=ExitCode.USAGE)
    if cron:
        return [Cron(cron=cron, timezone=timezone or "UTC")]
    return [Interval(every=read_length(interval))] if interval else None


def _import(spec: DeploymentSpec) -> tuple[DeploymentSpec, Flow[..., Any]]:
    """Return a deployment with its flow, after everything about it that can be checked here."""
    if spec.work_pool is None:
        raise CommandError(
            f"The deployment {spec.name!r} names no work pool",
            code=ExitCode.USAGE,
            hints=["Say --pool NAME; `headgate work-pools list` shows what there is."],
        )
    with chdir(spec.directory):
        flow = import_flow(spec.entrypoint)
        directory = Path(os.curdir).resolve()
    is_file = spec.entrypoint.partition(":")[0].endswith(".py")
    entrypoint = entrypoint_of(flow, directory=directory) if is_file else spec.entrypoint
    found = replace(spec, entrypoint=entrypoint)
    check_parameters(flow, parameters=found.parameters)
    return found, flow


def _plan(server: Server, spec: DeploymentSpec, flow: Flow[..., Any]) -> Plan:
    stored = server.call(
        find,
        organization=server.organization,
        workspace=server.workspace,
        flow_name=flow.name,
        name=spec.name,
    )
    return plan_of(input_of(flow, spec=spec), stored=stored)


def _store(
    server: Server, deployed: list[tuple[DeploymentSpec, Flow[..., Any]]]
) -> list[StoredDeployment]:
    """Store all of them, or none.

    Raises:
        CommandError: the server refused one.
    """
    try:
        return server.call(upsert_all, workspace_id=server.workspace_id, deployed=deployed)
    except RefusedError as error:
        place = error.path[1] if error.path[:1] == ("deployments",) else "0"
        spec = deployed[int(place)][0]
        if isinstance(error, NotFoundError):
            get_work_pool(server, name=spec.work_pool or "")
        if len(deployed) == 1:
            raise
        message = f"{spec.name} was refused, and nothing was stored: {words_of(error)}"
        raise CommandError(message, code=exit_code_of(error), hints=hints_of(error)) from error


def _only(names: Sequence[str]) -> str:
    if len(names) != 1:
        raise CommandError(
            "A deployment needs one name",
            code=ExitCode.USAGE,
            hints=["For example: headgate deploy flows.py:daily --name production --pool default"],
        )
    return names[0]


def _chosen(
    specs: list[DeploymentSpec], *, names: Sequence[str], is_all: bool, file: Path
) -> list[DeploymentSpec]:
    """Return the deployments that are meant, in the order of the file.

    Raises:
        CommandError: there is none of a name, or nothing says which.
        SettingsError: one that is meant has no name here.
    """
    found = _meant(specs, names=names, is_all=is_all, file=file)
    for spec in found:
        if spec.problem is not None:
            raise SettingsError(spec.problem)
    return found


def _meant(
    specs: list[DeploymentSpec], *, names: Sequence[str], is_all: bool, file: Path
) -> list[DeploymentSpec]:
    known = [spec.name for spec in specs]
    chosen: list[DeploymentSpec] = []
    for name in names:
        found = [spec for spec in specs if _is_named(spec, name)]
        chosen += [spec for spec in found if spec not in chosen]
        if not found:
            hints = near_names(name, known=known, listing=f"cat {file}")
            message = f"{file} has no deployment {name!r}"
            raise CommandError(message, code=ExitCode.NOT_FOUND, hints=hints)
    if names:
        return [spec for spec in specs if spec in chosen]
    if is_all or len(specs) == 1:
        return specs
    hints = [f"Say --all, or --name and one of: {', '.join(known)}."] if known else []
    message = f"{file} has {len(specs)} deployments"
    raise CommandError(message, code=ExitCode.USAGE, hints=hints)


def _is_named(spec: DeploymentSpec, pattern: str) -> bool:
    """Whether a deployment is meant by ``name`` or ``flow/name``, with ``*`` for anything."""
    flow_pattern, separator, name_pattern = pattern.rpartition("/")
    if not fnmatchcase(spec.name, name_pattern):
        return False
    if not separator or (spec.problem is not None and "{{" in spec.entrypoint):
        # Whose flow is not known may be meant: it is told that it is not.
        return True
    with chdir(spec.directory):
        return fnmatchcase(import_flow(spec.entrypoint).name, flow_pattern)


def _show(stored: list[StoredDeployment], *, output: Format) -> None:
    for one in stored:
        name = full_name(one.deployment)
        if one.is_created or one.is_changed is not False:
            verb = "Created" if one.is_created else "Changed" if one.is_changed else "Stored"
            say(f"{verb} {name}; `headgate deployments run {shlex.quote(name)}` runs it.")
    same = sum(not one.is_created and one.is_changed is False for one in stored)
    if same:
        say(f"{same} of {len(stored)} deployments {'is' if same == 1 else 'are'} as before.")
    if len(stored) == 1:
        show_deployment(stored[0].deployment, output=output)
        return
    columns: Columns[DeploymentAnswer] = {
        "name": full_name,
        "id": lambda deployment: deployment.id,
        "entrypoint": lambda deployment: deployment.entrypoint,
    }
    show_list([one.deployment for one in stored], columns=columns, output=output)
